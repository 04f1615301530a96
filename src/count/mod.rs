//! From the records of a part to its depth: filters, BAQ, mates, positions.
//!
//! A [`Counter`] is one worker's: it owns every buffer it needs and allocates nothing per record. It knows neither threads nor tables.

pub mod baq;
pub mod bases;
pub mod cap;
pub mod edit;
pub mod mates;
pub mod slab;
pub mod walk;

use crate::coords::Interval;
use crate::error::Result;
use crate::plan::{Origin, Span, Target};
use crate::rules::{Once, Rules};
use crate::source::bam::Bam;
use crate::source::bgzf::VirtualOffset;
use crate::source::fasta::Reference;
use crate::source::record::Record;
use crate::source::records::RecordReader;
use baq::{Baq, Window};
use bases::Counting;
use cap::{Crowd, Drops};
use mates::{Arrival, Carried, Held, Outcome, Seam, Table};
use slab::Slab;
use walk::{Survivor, Tally, Walked, Walker, starts_of};

/// A slab reaches so far beyond the last start even when records are few.
const SLAB_MARGIN: i64 = 1 << 18;
/// Positions a slab may take per record; sparser parts are booked as events.
const SLAB_SPARSENESS: i64 = 64;
/// Reference letters fetched at once for BAQ.
const BAQ_STRETCH: i64 = 1 << 22;

/// What all workers of a call count by.
pub struct Job<'a> {
    /// The alignments.
    pub bam: &'a Bam,
    /// The reference, where BAQ needs it.
    pub baq_reference: Option<&'a Reference>,
    /// What counts.
    pub rules: Rules,
    /// The positions asked for.
    pub targets: &'a [Target],
    /// Inflated bytes a part may have.
    pub part_bytes: usize,
    /// Count what there is of a file that is cut short.
    pub allow_truncated: bool,
    /// Depth every position of a target has from records that are not read with it.
    pub initial: &'a [i64],
    /// Whom the depth cap drops, once that is known to matter.
    pub drops: Option<&'a Drops>,
    /// Only list the survivors, for finding out whom the cap drops.
    pub survey: bool,
    /// Says whether the call is to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// The depth of one part of a span, and all the merge needs to fit it to the others.
#[derive(Debug)]
pub struct Part {
    /// Where its first record starts.
    pub from: VirtualOffset,
    /// Where its last record ends.
    pub to: VirtualOffset,
    /// Number of its first survivor in the span.
    pub first_survivor: u32,
    /// What the walk found.
    pub walked: Walked,
    /// Starts of its first and last survivor.
    pub starts: Option<Interval>,
    /// Depth, up to the start of the last survivor dense, behind it as events.
    pub slab: Slab,
    /// Sum of the dense differences.
    pub slab_sum: i64,
    /// Names at its edges.
    pub seam: Seam,
    /// Records per window, when there is a cap.
    pub crowd: Vec<(i64, i32)>,
    /// Extents of the survivors, in a survey.
    pub extents: Vec<Interval>,
    /// Whether this is the last part of its span.
    pub last: bool,
    /// Whether the span's last record ended exactly where the plan said.
    pub landed: bool,
    /// File offset that was read up to.
    pub read_to: u64,
}

/// The names that come over the seam in front of a part, and the start of the last survivor before it.
#[derive(Debug, Default)]
pub struct CarryIn {
    /// Names that can still meet something.
    pub names: Vec<Carried>,
    /// Start of the last survivor, if there was one.
    pub last_start: Option<i64>,
}

/// One worker's tools.
pub struct Counter<'a> {
    job: &'a Job<'a>,
    once: Once,
    counting: Counting,
    reader: RecordReader<'a>,
    baq: Baq,
    letters: Vec<u8>,
    survivors: Vec<Survivor>,
    ranges: Vec<std::ops::Range<usize>>,
    table: Table,
    crowd: Crowd,
    edits: (Vec<u8>, Vec<u8>),
    span: Span,
    span_id: usize,
    counted: u32,
    first: bool,
}

impl<'a> Counter<'a> {
    /// A worker's tools for `job`.
    pub fn new(job: &'a Job<'a>) -> Self {
        Self {
            job,
            once: job.rules.once(),
            counting: Counting::new(&job.rules),
            reader: RecordReader::new(job.bam, job.allow_truncated),
            baq: Baq::default(),
            letters: Vec::new(),
            survivors: Vec::new(),
            ranges: Vec::new(),
            table: Table::default(),
            crowd: Crowd::default(),
            edits: Default::default(),
            span: Span { target: 0, start: VirtualOffset(0), end: VirtualOffset(0), origin: Origin::Guess },
            span_id: 0,
            counted: 0,
            first: true,
        }
    }

    /// Goes to span number `id`, or to a piece of it; `counted` survivors of it lie before its start (not 0 only where a part is counted again).
    ///
    /// # Errors
    ///
    /// What reading its first frame gives.
    pub fn seek(&mut self, id: usize, span: Span, counted: u32) -> Result<()> {
        (self.span_id, self.span, self.counted, self.first) = (id, span, counted, true);
        self.reader.seek(span.start, span.end)
    }

    /// Counts the next part of the span. `slab` is one to reuse. Without `carry` the part is counted as if no name came over the seam in
    /// front of it.
    ///
    /// # Errors
    ///
    /// What reading and checking the records gives; [`crate::error::Kind::Cancelled`].
    pub fn next_part(&mut self, mut slab: Slab, carry: Option<CarryIn>) -> Result<Part> {
        let target = self.job.targets[self.span.target];
        let from = self.reader.next_position();
        let walker = Walker::new(self.job.bam, self.job.rules, target);
        let first_of_chunk = self.first && self.span.origin == Origin::Chunk;
        self.first = false;
        let mut walked = walker.walk(&mut self.reader, self.job.part_bytes, first_of_chunk, &mut self.survivors)?;
        let starts = starts_of(&self.survivors);
        let mut part_extents = Vec::new();
        let mut seam = Seam::default();
        let mut crowd = Vec::new();
        if self.job.survey {
            part_extents = self.survivors.iter().map(|s| Interval::new(s.start, s.end)).collect();
        } else {
            self.realign(target)?;
            slab.reset(self.cover(starts), target.interval);
            seam = self.count(&mut slab, starts, carry, &mut walked.tally);
            crowd = self.crowd(starts);
        }
        if let Some(starts) = starts {
            slab.cut(starts.end);
        }
        let first_survivor = self.counted;
        self.counted += self.survivors.len() as u32;
        // Asking for one more record tells whether the span is at its end; it stays in the buffer for the next part.
        let last = walked.past_target || self.reader.is_done();
        Ok(Part {
            from,
            to: self.reader.next_position(),
            first_survivor,
            walked,
            starts,
            slab_sum: slab.sum(),
            slab,
            seam,
            crowd,
            extents: part_extents,
            last,
            landed: walked.past_target || self.reader.landed(),
            read_to: self.reader.read_to(),
        })
    }

    /// What the slab should cover densely.
    fn cover(&self, starts: Option<Interval>) -> Interval {
        let Some(starts) = starts else { return Interval::default() };
        let dense = starts.len() <= SLAB_SPARSENESS * self.survivors.len() as i64 + SLAB_MARGIN;
        if !dense {
            return Interval::new(starts.start, starts.start);
        }
        let reach = self.survivors.iter().map(|s| s.end).max().unwrap_or(starts.end);
        Interval::new(starts.start, reach.min(starts.end + 4096.max(SLAB_MARGIN - starts.len())) + 1)
    }

    /// Replaces base qualities by BAQ, in the buffer.
    fn realign(&mut self, target: Target) -> Result<()> {
        let Some(reference) = self.job.baq_reference else { return Ok(()) };
        let contig = &self.job.bam.header.contigs[target.contig];
        let mut next = 0;
        while next < self.survivors.len() {
            self.ranges.clear();
            let mut stretch: Option<Interval> = None;
            while let Some(s) = self.survivors.get(next) {
                let window = Baq::window(s.record(self.reader.buffer()), contig.len);
                if let Some(window) = window {
                    let both = stretch.map_or(window, |w| Interval::new(w.start.min(window.start), w.end.max(window.end)));
                    if stretch.is_some() && both.len() > BAQ_STRETCH {
                        break;
                    }
                    stretch = Some(both);
                }
                // A record without a window may still carry a tag that says what its qualities are.
                self.ranges.push(s.at as usize..(s.at + s.len) as usize);
                next += 1;
            }
            let stretch = stretch.unwrap_or_default();
            self.letters.clear();
            if !stretch.is_empty() {
                reference.fetch(&contig.name, stretch, &mut self.letters)?;
            }
            let window = Window { start: stretch.start, bases: &self.letters, contig_len: contig.len };
            if !self.baq.adjust(self.reader.buffer_mut(), &self.ranges, &window, self.job.cancelled) {
                return Err(crate::error::Error::cancelled());
            }
        }
        Ok(())
    }

    /// Books every survivor, mates put together.
    fn count(&mut self, slab: &mut Slab, starts: Option<Interval>, carry: Option<CarryIn>, tally: &mut Tally) -> Seam {
        let exact = carry.is_some();
        let CarryIn { names: mut carried, last_start } = carry.unwrap_or_default();
        let Some(starts) = starts else { return Seam { open: carried, ..Seam::default() } };
        let copies = self.table.begin(&mut carried);
        let drops = self.drops();
        // The engine starts at column 0 of the first contig, and before column 0 of any other.
        let first_column = if self.job.targets[self.span.target].contig == 0 { 0 } else { -1 };
        let mut pair = Pair { once: self.once, counting: self.counting, edits: &mut self.edits };
        let buffer = self.reader.buffer();
        let text = |held| match held {
            Held::Here(i) => self.survivors[i as usize].record(buffer).name(),
            Held::Carried(i) => &*carried[i as usize].name,
        };
        let mut needs_carry = false;
        // Start of the survivor before; unknown at the head of a part that is counted on its own.
        let mut before = last_start;
        for (i, s) in self.survivors.iter().enumerate() {
            let i = i as u32;
            let record = s.record(buffer);
            let whole = Interval::new(s.start, s.end);
            let clock = before.map_or(i64::MIN, |b| b - 1);
            let takes_part = Arrival::of(self.once, record, s.end, clock);
            if drops.binary_search(&(self.counted + i)).is_ok() {
                tally.capped += 1;
                tally.used -= 1;
                if takes_part.is_some() && self.once == Once::Edit {
                    let id = self.table.find(record.name(), i, text);
                    self.table.forget(id);
                }
                continue;
            }
            // A record that covers nothing enters the pileup buffer only when it is the first at its start.
            let column = before.unwrap_or(first_column);
            let enters = s.end > s.start || self.once != Once::Edit || column < s.start;
            needs_carry |= s.end == s.start && before.is_none() && !exact && takes_part.is_some();
            before = Some(s.start);
            let outcome = match takes_part {
                Some(arrival) if enters => {
                    let id = self.table.find(record.name(), i, text);
                    self.table.arrive(id, self.once, arrival, i)
                }
                _ => Outcome::Alone,
            };
            let empty = self.counting.empty_blocks(record);
            if empty > 0 {
                slab.add(0, i64::MAX, empty);
            }
            match outcome {
                Outcome::Alone => self.counting.count(record, record.qual(), whole, 1, slab),
                Outcome::CountsFrom(from) => {
                    self.counting.count(record, record.qual(), Interval::new(from.max(s.start), s.end.max(from)), 1, slab);
                }
                Outcome::Meets(earlier) => {
                    let earlier = match earlier {
                        Held::Here(j) => self.survivors[j as usize].record(buffer),
                        Held::Carried(j) => Record::trusted(&copies[j as usize]),
                    };
                    pair.meet(earlier, record, clock, false, slab);
                }
            }
        }
        if self.once == Once::Never {
            return Seam::default();
        }
        let record = |i: u32| self.survivors[i as usize].record(buffer);
        let mate_is_before = |i: u32| i64::from(record(i).mate_pos()) <= starts.start;
        let mut seam = self.table.finish(self.once, starts.end, mate_is_before, record, &carried, &copies);
        seam.needs_carry = needs_carry;
        seam
    }

    fn drops(&self) -> &'a [u32] {
        self.job.drops.and_then(|d| d.get(self.span_id)).map_or(&[], Vec::as_slice)
    }

    fn crowd(&mut self, starts: Option<Interval>) -> Vec<(i64, i32)> {
        let Some(starts) = starts.filter(|_| self.job.rules.max_depth > 0 && self.job.drops.is_none()) else { return Vec::new() };
        self.crowd.reset(starts);
        for s in &self.survivors {
            self.crowd.add(s.start, s.end);
        }
        self.crowd.changes()
    }
}

/// Books two mates that met.
pub struct Pair<'a> {
    /// How the tool counts mates once.
    pub once: Once,
    /// What counts at a position.
    pub counting: Counting,
    /// Scratch for the edited qualities of both.
    pub edits: &'a mut (Vec<u8>, Vec<u8>),
}

impl Pair<'_> {
    /// `a` was booked by itself when it came, `b` too when `b_is_booked`; afterwards the two are booked as the tool counts them.
    pub fn meet(&mut self, a: Record<'_>, b: Record<'_>, clock: i64, b_is_booked: bool, slab: &mut Slab) {
        let extent = |r: Record<'_>| Interval::new(i64::from(r.pos()), i64::from(r.pos()) + r.cigar().reference_len());
        if self.once == Once::Edit {
            return self.meet_edited(a, extent(a), b, extent(b), clock, b_is_booked, slab);
        }
        if !b_is_booked {
            self.counting.count(b, b.qual(), extent(b), 1, slab);
        }
        if self.once == Once::Mosdepth && a.cigar().len() == 1 && b.cigar().len() == 1 {
            // mosdepth takes away everything from the later start to the earlier record's end, also what the later record, if it lies
            // inside the earlier one, does not cover.
            return slab.add(extent(b).start, extent(a).end.max(extent(a).start + 1), -1);
        }
        self.counting.subtract_common(a, b, slab);
    }

    /// Where the engine had not yet passed, behind `clock`, `a` is booked anew with the edited qualities; columns before were printed
    /// with the old ones.
    #[expect(clippy::too_many_arguments, reason = "two records, where they lie, and where the engine stands")]
    fn meet_edited(
        &mut self,
        a: Record<'_>,
        extent_a: Interval,
        b: Record<'_>,
        extent_b: Interval,
        clock: i64,
        b_is_booked: bool,
        slab: &mut Slab,
    ) {
        let (qual_a, qual_b) = &mut *self.edits;
        qual_a.clear();
        qual_a.extend_from_slice(a.qual());
        qual_b.clear();
        qual_b.extend_from_slice(b.qual());
        edit::edit_pair(a, qual_a, b, qual_b);
        let not_passed = Interval::new(clock.saturating_add(1), i64::MAX).intersect(extent_a);
        self.counting.count(a, a.qual(), not_passed, -1, slab);
        self.counting.count(a, qual_a, not_passed, 1, slab);
        if b_is_booked {
            self.counting.count(b, b.qual(), extent_b, -1, slab);
        }
        self.counting.count(b, qual_b, extent_b, 1, slab);
    }
}
