//! The plan: the file in spans, the unit of work.
//!
//! A [`Span`] is a stretch of the file between two places where a record starts. Every record of a section lies in exactly one span, so
//! nothing is decoded twice, and spans of equal compressed size are equal work: a deep gene does not stall a core.

use crate::coords::Target;
use crate::error::Result;
use crate::source::alignments::{Alignments, Place, Stretch};

/// Below so many compressed bytes a span is not worth the search for a boundary.
const LEAST: u64 = 512;

/// What the records of a span are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The target of this number: its records are sorted, and none behind it matters.
    Target(usize),
    /// The whole file, whatever it holds in whatever order.
    File,
}

/// A stretch of the file: the records that start at `start` or later and before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What its records are read for.
    pub section: Section,
    /// Where its first record starts.
    pub start: Place,
    /// Where its last record ends.
    pub end: Place,
    /// How it is known that a record starts at `start`.
    pub origin: Origin,
}

/// How the start of a span is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It begins a stretch of the index, or the file.
    Stretch,
    /// It lies inside a stretch and comes from the index: the span before must end here.
    Index,
    /// It lies inside a stretch and looks like the start of a record: the span before tells whether it is one.
    Guess,
}

/// All spans of a pass, in the order of the sections and the file.
#[derive(Debug)]
pub struct Plan {
    /// The work.
    pub spans: Vec<Span>,
}

impl Plan {
    /// The spans of every target, of about `span_bytes` compressed bytes. `reach` is how far in front of a target records matter that do
    /// not reach it themselves.
    ///
    /// # Errors
    ///
    /// What reading the file gives, where it is searched for a boundary.
    pub fn of_targets(alignments: &Alignments, targets: &[Target], reach: i64, span_bytes: u64) -> Result<Self> {
        let mut plan = Self { spans: Vec::new() };
        // Those of a whole contig: they are listed once for all targets on it, and not where every stretch is too short to be cut.
        let (mut starts_on, mut starts) = (None, Vec::new());
        for (id, target) in targets.iter().enumerate() {
            for stretch in alignments.stretches(target.contig, target.interval.reaching_back(reach)) {
                let mut cuts = Vec::new();
                if stretch.start.bytes_to(stretch.end) >= span_bytes + span_bytes / 2 {
                    if starts_on != Some(target.contig) {
                        (starts_on, starts) = (Some(target.contig), alignments.record_starts(target.contig));
                    }
                    cuts = cut_at(&starts, stretch, span_bytes);
                }
                let contig = Some(target.contig);
                plan.push(alignments, Section::Target(id), contig, stretch, &cuts, span_bytes)?;
            }
        }
        Ok(plan)
    }

    /// The spans of the whole file, from its first record to its last, without an index.
    ///
    /// # Errors
    ///
    /// What reading the file gives.
    pub fn of_file(alignments: &Alignments, span_bytes: u64) -> Result<Self> {
        let mut plan = Self { spans: Vec::new() };
        let file = Stretch { start: alignments.first_record(), end: Place::END };
        plan.push(alignments, Section::File, None, file, &[], span_bytes)?;
        Ok(plan)
    }

    /// Adds the spans of a stretch, which begin at its start, at `cuts`, and inside those that are too long for a span.
    fn push(
        &mut self,
        alignments: &Alignments,
        section: Section,
        contig: Option<usize>,
        stretch: Stretch,
        cuts: &[Place],
        span_bytes: u64,
    ) -> Result<()> {
        let first = self.spans.len();
        let known = [(stretch.start, Origin::Stretch)].into_iter().chain(cuts.iter().map(|&cut| (cut, Origin::Index)));
        let ends = cuts.iter().copied().chain([stretch.end]);
        for ((start, origin), end) in known.zip(ends) {
            self.spans.push(Span { section, start, end, origin });
            let bytes = start.file_offset()..end.file_offset().min(alignments.len());
            let len = bytes.end.saturating_sub(bytes.start);
            for i in 1..len / span_bytes.max(LEAST) {
                let from = bytes.start + len / (len / span_bytes.max(LEAST)) * i;
                let last = self.spans[self.spans.len() - 1].start;
                if let Some(start) = alignments.guess_start(from, end, contig)?.filter(|&start| start > last) {
                    self.spans.push(Span { section, start, end, origin: Origin::Guess });
                }
            }
        }
        // Each span ends where the next one starts.
        for i in first + 1..self.spans.len() {
            self.spans[i - 1].end = self.spans[i].start;
        }
        Ok(())
    }

    /// Compressed bytes of all spans together.
    pub fn bytes(&self) -> u64 {
        self.spans.iter().map(|span| span.start.bytes_to(span.end)).sum()
    }
}

/// The places among `starts`, which come sorted, that cut a stretch into spans of `span_bytes` or more.
fn cut_at(starts: &[Place], stretch: Stretch, span_bytes: u64) -> Vec<Place> {
    let inside = starts.partition_point(|&p| p <= stretch.start)..starts.partition_point(|&p| p < stretch.end);
    let (mut cuts, mut last) = (Vec::new(), stretch.start);
    for &place in starts.get(inside).unwrap_or_default() {
        let far_enough = place.file_offset() >= last.file_offset() + span_bytes;
        if far_enough && place.file_offset() + span_bytes / 2 <= stretch.end.file_offset() {
            cuts.push(place);
            last = place;
        }
    }
    cuts
}
