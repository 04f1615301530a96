//! From a span's records to the survivors of a rule's filters: `docs/semantics.md`, section 3.

use super::mates::expected_fragment;
use crate::coords::{Interval, Target};
use crate::error::{Error, Kind, Result};
use crate::rules::{CountUnit, MateOverlap, Rules};
use crate::source::header::Header;
use crate::source::record::{PAIRED, PROPER_PAIR, Record, Shape, Tag, TagValue, UNMAPPED};
use crate::source::records::{Batch, Found, unsorted};

/// A record that passed the filters.
#[derive(Clone, Copy, Debug)]
pub struct KeptRecord {
    /// Where its bytes begin in the reader's buffer.
    pub at: u32,
    /// How many there are.
    pub len: u32,
    /// Its first position.
    pub start: i64,
    /// One past its last position by its CIGAR; equal to `start` when it covers nothing.
    pub end: i64,
    /// Its CIGAR is one M, = or X: it covers every position from `start` to `end`.
    pub single: bool,
}

impl KeptRecord {
    /// Its record in `buffer`.
    #[inline]
    pub fn record(self, buffer: &[u8]) -> Record<'_> {
        Record::trusted(&buffer[self.at as usize..(self.at + self.len) as usize])
    }
}

/// Records by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records of the targets that were looked at.
    pub seen: u64,
    /// Records that passed every filter.
    pub used: u64,
    /// Dropped because of an excluded flag.
    pub excluded_flags: u64,
    /// Dropped because a required flag is missing.
    pub missing_flags: u64,
    /// Dropped because of their mapping quality.
    pub low_mapq: u64,
    /// Dropped as orphans: paired, not proper.
    pub orphans: u64,
    /// Dropped because of their read group.
    pub other_read_groups: u64,
    /// Dropped because of their strand.
    pub other_strand: u64,
    /// Dropped because of the number of their bases.
    pub read_length: u64,
    /// Dropped because of the length of their template.
    pub fragment_length: u64,
    /// Dropped by the depth cap.
    pub capped: u64,
    /// Records on the contig that have no position.
    pub skipped: u64,
    /// Used records that reach past the end of their contig; they are cut there.
    pub past_end: u64,
}

impl Tally {
    /// A record that was used is dropped by the depth cap.
    pub fn drop_capped(&mut self) {
        self.capped += 1;
        self.used -= 1;
    }

    /// So many more records that were used are of a fragment that is too short or too long.
    pub fn leave_out(&mut self, records: i64) {
        self.fragment_length = self.fragment_length.wrapping_add_signed(records);
        self.used = self.used.wrapping_add_signed(-records);
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.used += other.used;
        self.excluded_flags += other.excluded_flags;
        self.missing_flags += other.missing_flags;
        self.low_mapq += other.low_mapq;
        self.orphans += other.orphans;
        self.other_read_groups += other.other_read_groups;
        self.other_strand += other.other_strand;
        self.read_length += other.read_length;
        self.fragment_length += other.fragment_length;
        self.capped += other.capped;
        self.skipped += other.skipped;
        self.past_end += other.past_end;
    }
}

/// What the walk over one part gives besides the survivors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walked {
    /// Records read, those outside the target included.
    pub records: u64,
    /// Start of the first and the last record on the contig; the order of the file is checked with them.
    pub starts: Option<(i64, i64)>,
    /// A record behind the target was met: nothing more is to come in this span or a later one of the target.
    pub past_target: bool,
    /// The filters' count.
    pub tally: Tally,
    /// Used records whose fragment turned out to be too short or too long, less those of other parts that turned out not to be.
    pub left_out: i64,
}

/// Filters the records of a target.
pub struct Walker<'a> {
    header: &'a Header,
    rules: Rules,
    target: Target,
    contig_len: i64,
    n_contigs: i32,
    keeps_before: bool,
    /// Where the first pair can start whose fragment counts in the target.
    first_fragment: i64,
    /// The read groups that count, sorted.
    read_groups: Option<&'a [Vec<u8>]>,
    /// There is more to look at than the tool's filters: other filters, or the CIGARs of unmapped records that count.
    selects: bool,
    /// The index says that a record of this contig comes first.
    begins_chunk: bool,
}

/// Where a record lies beside the target.
enum Location {
    /// It overlaps the target.
    Inside,
    /// It ends before it.
    Before,
    /// It is of a fragment that is too long if it reaches the target.
    TooFarBefore,
    /// On the contig, at no position.
    Unplaced,
    /// It starts behind it.
    Behind,
}

impl<'a> Walker<'a> {
    /// A walker over one part of a target; `begins_chunk` when the index says that a record of its contig comes first.
    pub fn new(header: &'a Header, rules: Rules, read_groups: Option<&'a [Vec<u8>]>, target: Target, begins_chunk: bool) -> Self {
        let keeps_before = matches!(rules.once(), MateOverlap::Mosdepth | MateOverlap::Megadepth | MateOverlap::Fragment);
        let contigs = &header.contigs;
        let selects = read_groups.is_some() || !rules.select.is_everything() || rules.excluded() & UNMAPPED == 0;
        let (contig_len, n_contigs) = (contigs[target.contig].len, contigs.len() as i32);
        let first_fragment = target.interval.start.saturating_sub(rules.select.reach());
        Self { header, rules, target, contig_len, n_contigs, keeps_before, first_fragment, read_groups, selects, begins_chunk }
    }

    /// Adds the records of a batch that count to `kept`. False when a record behind the target is met: no further one matters.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] for records that are not sorted or lie outside their contig.
    pub fn walk(&self, batch: &Batch<'_>, walked: &mut Walked, kept: &mut Vec<KeptRecord>) -> Result<bool> {
        for (i, &found) in batch.records.iter().enumerate() {
            let record = Record::trusted(&batch.bytes[found.range()]);
            if !self.walk_record(record, found, walked, kept).map_err(|e| batch.at_record(e, i))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    #[inline]
    fn walk_record(&self, record: Record<'_>, found: Found, walked: &mut Walked, kept: &mut Vec<KeptRecord>) -> Result<bool> {
        let (range, shape) = (found.range(), found.shape());
        walked.records += 1;
        let first_of_chunk = self.begins_chunk && walked.records == 1;
        let (start, end, location) = self.locate(record, shape, walked.starts, first_of_chunk)?;
        let mut candidate = KeptRecord { at: range.start as u32, len: range.len() as u32, start, end, single: shape.single };
        match location {
            Location::Behind => {
                walked.past_target = true;
                return Ok(false);
            }
            // A tool that reads whole contigs puts mates together in front of a region, too.
            Location::Before if self.keeps_before => {
                let tally = &mut Tally::default();
                if self.passes(record, tally) && self.is_selected(record, &mut candidate, tally)? {
                    kept.push(candidate);
                }
            }
            Location::Before | Location::TooFarBefore => {}
            Location::Unplaced => walked.tally.skipped += 1,
            Location::Inside => {
                walked.tally.seen += 1;
                let tally = &mut walked.tally;
                if self.passes(record, tally) && self.is_selected(record, &mut candidate, tally)? {
                    walked.tally.used += 1;
                    walked.tally.past_end += u64::from(end > self.contig_len);
                    kept.push(candidate);
                }
            }
        }
        if start >= 0 {
            walked.starts = Some((walked.starts.map_or(start, |s| s.0), start));
        }
        Ok(true)
    }

    /// Start, end and location of a record, its position checked.
    #[inline]
    fn locate(&self, record: Record<'_>, shape: Shape, starts: Option<(i64, i64)>, first_of_chunk: bool) -> Result<(i64, i64, Location)> {
        let contig = record.contig_id();
        let start = i64::from(record.pos());
        if contig != self.target.contig as i32 {
            return self.elsewhere(record, first_of_chunk).map(|location| (-1, -1, location));
        }
        let mate = record.mate_contig_id();
        let fits = start >= -1 && start < self.contig_len && mate >= -1 && mate < self.n_contigs;
        if !fits {
            self.header.check_place(record)?;
        }
        if start < 0 {
            return Ok((start, start, Location::Unplaced));
        }
        if starts.is_some_and(|(_, last)| start < last) {
            return Err(unsorted());
        }
        if start >= self.target.interval.end {
            return Ok((start, start, Location::Behind));
        }
        let end = start + shape.reference_len;
        let fragment = self.fragment(record, Interval::new(start, end));
        if fragment.is_some() && start < self.first_fragment {
            // Whether it is read at all depends on where the index leads.
            return Ok((start, end, Location::TooFarBefore));
        }
        let inside = fragment.map_or(end, |fragment| fragment.end).max(start + 1) > self.target.interval.start;
        Ok((start, end, if inside { Location::Inside } else { Location::Before }))
    }

    /// The fragment that a record of a pair leads to expect, when fragments are counted.
    #[inline]
    fn fragment(&self, record: Record<'_>, extent: Interval) -> Option<Interval> {
        if self.rules.select.what == CountUnit::Fragment { expected_fragment(record, extent) } else { None }
    }

    /// Whether a record that passed the tool's filters passes the others, too; what of it counts is told by `survivor`.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] for tags that do not fit the record, if read groups are filtered.
    #[inline]
    pub fn is_selected(&self, record: Record<'_>, survivor: &mut KeptRecord, tally: &mut Tally) -> Result<bool> {
        if self.selects { self.select(record, survivor, tally) } else { Ok(true) }
    }

    #[inline(never)]
    fn select(&self, record: Record<'_>, survivor: &mut KeptRecord, tally: &mut Tally) -> Result<bool> {
        let select = &self.rules.select;
        if record.flags() & UNMAPPED != 0 {
            record.check_counted()?;
        }
        // How long the fragment of a pair is shows when its second record is read.
        let in_pair = self.fragment(record, Interval::new(survivor.start, survivor.end)).is_some();
        if let Some(groups) = self.read_groups
            && !matches!(record.tag(Tag::READ_GROUP)?, Some(TagValue::Text(group)) if groups.binary_search_by(|g| g.as_slice().cmp(group)).is_ok())
        {
            tally.other_read_groups += 1;
        } else if !select.on_strand(record, in_pair) {
            tally.other_strand += 1;
        } else if !select.has_length(record) {
            tally.read_length += 1;
        } else if !in_pair && !select.has_fragment(i64::from(record.template_len()).abs()) {
            tally.fragment_length += 1;
        } else {
            // One position of a record is not all of it.
            survivor.single &= !matches!(select.what, CountUnit::FivePrime | CountUnit::ThreePrime);
            return Ok(true);
        }
        Ok(false)
    }

    /// A record of another contig: the end of this one's records, or a fault.
    fn elsewhere(&self, record: Record<'_>, first_of_chunk: bool) -> Result<Location> {
        self.header.check_place(record)?;
        if first_of_chunk {
            return Err(Error::new(Kind::IndexMismatch, "the index points at a record of another contig")
                .contig(&self.header.contigs[self.target.contig].name)
                .hint("the index is of another file or older: run 'samtools index'"));
        }
        let contig = record.contig_id();
        if contig == -1 || contig > self.target.contig as i32 { Ok(Location::Behind) } else { Err(unsorted()) }
    }

    /// The filters, in the order of the tools. The first filter that rejects the record is tallied.
    #[inline]
    pub fn passes(&self, record: Record<'_>, tally: &mut Tally) -> bool {
        let flags = record.flags();
        let rules = &self.rules;
        if flags & rules.excluded() != 0 {
            tally.excluded_flags += 1;
        } else if flags & rules.require_flags != rules.require_flags {
            tally.missing_flags += 1;
        } else if record.mapq() < rules.min_mapq {
            tally.low_mapq += 1;
        } else if !rules.orphans && flags & PAIRED != 0 && flags & PROPER_PAIR == 0 {
            tally.orphans += 1;
        } else {
            return true;
        }
        false
    }
}

/// The smallest interval over the starts of `survivors`, which come sorted; `None` when there are none.
pub fn starts_of(survivors: &[KeptRecord]) -> Option<Interval> {
    Some(Interval::new(survivors.first()?.start, survivors.last()?.start))
}
