//! The plan: which stretches of the file hold the records of which target.
//!
//! The unit of work is a [`Span`] of the file between two virtual offsets where a record starts. In a coordinate-sorted file every
//! record lies in exactly one span, so nothing is decoded twice, and spans of equal compressed size are equal work: a deep gene does
//! not stall a core.

use crate::coords::Interval;
use crate::error::Result;
use crate::source::bam::Bam;
use crate::source::bgzf::VirtualOffset;
use crate::source::index::Index;

mod guess;

/// Positions on one contig that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Index of the contig in the header.
    pub contig: usize,
    /// The positions.
    pub interval: Interval,
}

/// A stretch of the file: the records that start at `start` or later and before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of the target in [`Plan::targets`].
    pub target: usize,
    /// Where its first record starts.
    pub start: VirtualOffset,
    /// Where its last record ends.
    pub end: VirtualOffset,
    /// Who says that a record starts at `start`.
    pub origin: Origin,
}

/// How a span's start is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The first span of a chunk of the index.
    Chunk,
    /// Inside a chunk, from the index: the span before must end here.
    Index,
    /// Inside a chunk, found by looking for something like a record: the span before decides whether it is one.
    Guess,
}

/// All spans of a call, in the order of targets and file.
#[derive(Debug)]
pub struct Plan {
    /// What was asked for.
    pub targets: Vec<Target>,
    /// The work.
    pub spans: Vec<Span>,
}

impl Plan {
    /// Cuts the chunks of every target into spans of about `span_bytes` compressed bytes. `reach` is how far in front of a target records
    /// matter that do not reach it themselves.
    ///
    /// # Errors
    ///
    /// What reading the file gives, where a boundary has to be looked for.
    pub fn new(bam: &Bam, index: &Index, targets: Vec<Target>, reach: i64, span_bytes: u64) -> Result<Self> {
        let mut spans = Vec::new();
        // Those of a whole contig: they are listed once for all targets on it, and not where every chunk is too short to be cut.
        let (mut starts_on, mut starts) = (None, Vec::new());
        for (id, target) in targets.iter().enumerate() {
            for chunk in index.chunks(target.contig, target.interval.reaching_back(reach)) {
                let (start, end) = (VirtualOffset(chunk.start), VirtualOffset(chunk.end));
                let first = spans.len();
                spans.push(Span { target: id, start, end, origin: Origin::Chunk });
                if end.frame() < start.frame() + span_bytes + span_bytes / 2 {
                    continue;
                }
                if starts_on != Some(target.contig) {
                    (starts_on, starts) = (Some(target.contig), index.record_starts(target.contig));
                }
                let inside = starts.partition_point(|&v| v <= chunk.start)..starts.partition_point(|&v| v < chunk.end);
                let mut last = start;
                for &v in starts.get(inside).unwrap_or_default() {
                    let v = VirtualOffset(v);
                    if v.frame() >= last.frame() + span_bytes && v.frame() + span_bytes / 2 <= end.frame() {
                        spans.push(Span { target: id, start: v, end, origin: Origin::Index });
                        last = v;
                    }
                }
                join(&mut spans[first..]);
            }
        }
        let plan = Self { targets, spans };
        guess::split_long_spans(bam, plan, span_bytes)
    }

    /// Compressed bytes of all spans together, for progress.
    pub fn bytes(&self) -> u64 {
        self.spans.iter().map(Span::bytes).sum()
    }
}

impl Span {
    /// Compressed bytes, as far as whole frames tell.
    pub fn bytes(&self) -> u64 {
        self.end.frame().saturating_sub(self.start.frame())
    }
}

/// Makes each span end where the next one starts.
fn join(spans: &mut [Span]) {
    for i in 1..spans.len() {
        spans[i - 1].end = spans[i].start;
    }
}
