//! BAQ for the survivors of a part: which reads get it, and how exact it has to be.
//!
//! Where only "at least 13 or not" is asked, most reads are settled by a certificate and keep their old qualities (see
//! `docs/design/002-baq-certificate.md`), wholly or but for one end. Their qualities are then not samtools', only on the same side of the
//! threshold. Mates of which one has a deletion or a skip need the numbers themselves and ask for them: it borrows the quality of one base,
//! and which mate is the better one there decides. A copy that is carried over a seam notes whether it is settled.

use std::ops::Range;

use super::Query;
use super::baq::{Baq, Exactness, SETTLED_QUALITY, Standings, Window};
use super::walk::KeptRecord;
use crate::coords::Interval;
use crate::error::{Error, Result};
use crate::rules::MateOverlap;
use crate::source::fasta::Reference;
use crate::source::record::{OpKind, Record, Tag};

/// Reference letters fetched at once.
const STRETCH: i64 = 1 << 22;
/// How far the window of a read without gaps and clips reaches beyond it, at most.
const MARGIN: i64 = 8;

/// One worker's tools for BAQ.
pub struct Realigner<'a> {
    query: &'a Query<'a>,
    exactness: Exactness,
    /// Made for the first record that needs it.
    baq: Option<Baq>,
    letters: Vec<u8>,
    ranges: Vec<Range<usize>>,
    /// What the qualities of each survivor of the part are.
    standings: Standings,
    scratch: Standings,
}

impl<'a> Realigner<'a> {
    /// Tools for `job`; without a reference for BAQ they do nothing. `letters`: whether it matters which of two mates counts.
    pub fn new(query: &'a Query<'a>, letters: bool) -> Self {
        // Of two different letters the better one counts with four fifths of its quality: 17 is the least that leaves 13.
        let counts = (0.8 * f64::from(SETTLED_QUALITY)) as u8 >= query.rules.min_baseq;
        // Of two different letters that of the better quality counts.
        let enough = counts && !(letters && query.rules.once() == MateOverlap::Edit);
        Self {
            query,
            exactness: if enough { Exactness::AtLeast17 } else { Exactness::Every },
            baq: None,
            letters: Vec::new(),
            ranges: Vec::new(),
            standings: Standings::default(),
            scratch: Standings::default(),
        }
    }

    /// Begins a part.
    pub fn begin(&mut self) {
        self.standings.clear();
    }

    /// Replaces the base qualities of the records kept of a part by BAQ, in the buffer, or settles them.
    ///
    /// # Errors
    ///
    /// What reading the reference gives; [`crate::error::Kind::Cancelled`].
    pub fn realign(&mut self, buffer: &mut [u8], kept: &[KeptRecord], contig: usize) -> Result<()> {
        let Some(reference) = self.query.baq_reference else { return Ok(()) };
        let len = self.query.header.contigs[contig].len;
        let mut standings = std::mem::take(&mut self.standings);
        let mut result = Ok(());
        let mut next = 0;
        while next < kept.len() && result.is_ok() {
            let mut ranges = std::mem::take(&mut self.ranges);
            ranges.clear();
            let mut stretch: Option<Interval> = None;
            while let Some(s) = kept.get(next) {
                if let Some(window) = window_of(s, buffer, len) {
                    let both = stretch.map_or(window, |w| Interval::new(w.start.min(window.start), w.end.max(window.end)));
                    if stretch.is_some() && both.len() > STRETCH {
                        break;
                    }
                    stretch = Some(both);
                }
                // A record without a window may still carry a tag that says what its qualities are.
                ranges.push(s.at as usize..(s.at + s.len) as usize);
                next += 1;
            }
            let stretch = Stretch { reference, contig, interval: stretch.unwrap_or_default() };
            result = self.adjust(stretch, buffer, &ranges, self.exactness, &mut standings);
            self.ranges = ranges;
        }
        self.standings = standings;
        result
    }

    fn adjust(
        &mut self,
        stretch: Stretch<'_>,
        buffer: &mut [u8],
        records: &[Range<usize>],
        exactness: Exactness,
        standings: &mut Standings,
    ) -> Result<()> {
        let Stretch { reference, contig, interval } = stretch;
        let contig = &self.query.header.contigs[contig];
        self.letters.clear();
        if !interval.is_empty() {
            reference.fetch(&contig.name, interval, &mut self.letters)?;
        }
        let window = Window { start: interval.start, bases: &self.letters, contig_len: contig.len };
        let baq = self.baq.get_or_insert_default();
        if baq.adjust(buffer, records, &window, exactness, standings, self.query.cancelled) { Ok(()) } else { Err(Error::cancelled()) }
    }

    /// Appends a copy of survivor `index`, with no tag but `tag`, to `out`; where its qualities are settled, the copy says so.
    ///
    /// # Errors
    ///
    /// As for [`Realigner::exact`].
    pub fn copy(&mut self, record: Record<'_>, index: u32, bases: bool, tag: Option<Tag>, out: &mut Vec<u8>) -> Result<()> {
        let at = out.len();
        let kept = self.standings.is_kept(index as usize);
        // What some of its own qualities were is known here only.
        let exact = if kept { None } else { self.exact(record, Some(index))? };
        exact.as_deref().map_or(record, Record::trusted).copy(bases, tag, out);
        Record::set_settled(&mut out[at..], kept);
        Ok(())
    }

    /// A copy of a record with exact qualities; `None` where its own are exact. `index` is its number among the survivors of the part, none
    /// for a copy.
    ///
    /// # Errors
    ///
    /// What reading the reference gives; [`crate::error::Kind::Cancelled`].
    pub fn exact(&mut self, record: Record<'_>, index: Option<u32>) -> Result<Option<Box<[u8]>>> {
        let Some(reference) = self.query.baq_reference else { return Ok(None) };
        let index = index.map(|i| i as usize);
        let original = index.and_then(|i| self.standings.original(i, record.seq_len()));
        if original.is_none() && !index.map_or_else(|| record.is_settled(), |i| self.standings.is_kept(i)) {
            return Ok(None);
        }
        let mut copy: Box<[u8]> = record.bytes().into();
        if let Some(original) = original {
            copy[record.qual_range()].copy_from_slice(original);
        }
        let contig = record.contig_id() as usize;
        let interval = Baq::window(record, self.query.header.contigs[contig].len).unwrap_or_default();
        let whole = 0..copy.len();
        let mut standings = std::mem::take(&mut self.scratch);
        standings.clear();
        let stretch = Stretch { reference, contig, interval };
        let result = self.adjust(stretch, &mut copy, std::slice::from_ref(&whole), Exactness::Every, &mut standings);
        self.scratch = standings;
        result.map(|()| Some(copy))
    }

    /// The qualities of two mates as their edit needs them: exact where one of the two has a deletion or a skip. Each comes with its
    /// number among the survivors of the part, none for a copy; `None` where its own qualities will do.
    ///
    /// # Errors
    ///
    /// As for [`Realigner::exact`].
    pub fn for_edit(&mut self, a: (Record<'_>, Option<u32>), b: (Record<'_>, Option<u32>)) -> Result<[Option<Box<[u8]>>; 2]> {
        if self.query.baq_reference.is_none() || !(has_gap(a.0) || has_gap(b.0)) {
            return Ok([None, None]);
        }
        Ok([self.exact(a.0, a.1)?, self.exact(b.0, b.1)?])
    }
}

/// Letters of a contig.
#[derive(Clone, Copy)]
struct Stretch<'a> {
    reference: &'a Reference,
    contig: usize,
    interval: Interval,
}

/// The positions BAQ looks at for a survivor, or some more.
fn window_of(survivor: &KeptRecord, buffer: &[u8], contig_len: i64) -> Option<Interval> {
    if survivor.single {
        // Spares a look at its tags, which is most of what the exact answer costs.
        let window = Interval::new(survivor.start - MARGIN, survivor.end + MARGIN);
        return Some(window.intersect(Interval::new(0, contig_len)));
    }
    Baq::window(survivor.record(buffer), contig_len)
}

/// Whether a record has positions that borrow the quality of another base.
fn has_gap(record: Record<'_>) -> bool {
    record.cigar().iter().any(|op| matches!(op.kind, OpKind::Deletion | OpKind::Skip))
}
