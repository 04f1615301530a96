//! Depth: which positions each record counts at, by a rule, and the counts of every position.
//!
//! [`Depth`] is a consumer of records. A worker filters the records of a part, adjusts their qualities (BAQ), matches mates, and books each
//! record in a [`slab`]; parts are [`joined`] in the order of the file, and what is final goes to a [`Sink`]. It knows neither files nor
//! threads nor tables.

pub mod baq;
pub mod bases;
pub mod cap;
mod empty_blocks;
pub mod joined;
mod masks;
pub mod mates;
mod realign;
mod sink;
pub mod slab;
pub mod walk;
mod worker;

pub use empty_blocks::empty_blocks_before;
pub use joined::{Correction, Joined, Lanes, Piece, Totals};
pub use sink::{Folded, Sink, Written};
pub use worker::{Part, Worker};

use std::marker::PhantomData;

use crate::coords::Target;
use crate::error::Result;
use crate::pass::{Consumer, Flow, PartStart, Reads};
use crate::rules::{MateOverlap, Rules};
use crate::source::fasta::Reference;
use crate::source::header::Header;
use crate::source::records::Batch;
use mates::Carry;

/// What is counted.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The header of the alignments.
    pub header: &'a Header,
    /// The reference, where BAQ needs it.
    pub baq_reference: Option<&'a Reference>,
    /// What counts.
    pub rules: Rules,
    /// Only records of these read groups, which come sorted.
    pub read_groups: Option<&'a [Vec<u8>]>,
    /// The positions wanted. A pass over the whole file has one target for every contig that has a position.
    pub targets: &'a [Target],
    /// Depth every position of a target has from records that are not read with it.
    pub initial: &'a [i64],
    /// Changes to positions that an earlier pass had written when it met them; empty in a first pass.
    pub corrections: &'a [Correction],
    /// Says whether the call is to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Counts `L` values at every position of the targets: 1 for depth, more for letters (`docs/design/003-base-counts.md`).
pub struct Depth<'a, 'o, S, const L: usize = 1> {
    query: &'a Query<'a>,
    sink: S,
    /// Columns the counts may be written to.
    out: PhantomData<fn(Lanes<'o, L>)>,
    /// For each contig its target, in a pass over the whole file.
    target_of: Vec<Option<usize>>,
}

/// What a part has to know when it is counted again.
#[derive(Debug, Default)]
pub struct Again {
    /// Records that the depth cap drops, by their number among those kept of the part; sorted.
    drops: Vec<u32>,
    /// The names that come over the seam in front of the part; without them it is counted as if there were none.
    carry: Option<CarryIn>,
}

/// The names that come over the seam in front of a part, and the start of the last record kept before it.
#[derive(Debug, Default)]
struct CarryIn {
    /// Names that can still meet something.
    names: Carry,
    /// Start of the last record kept, if there was one.
    last_start: Option<i64>,
}

impl<'a, S, const L: usize> Depth<'a, '_, S, L> {
    /// Counts `query`; what is final goes to `sink`.
    pub fn new(query: &'a Query<'a>, sink: S) -> Self {
        let mut target_of = vec![None; query.header.contigs.len()];
        for (i, target) in query.targets.iter().enumerate() {
            target_of[target.contig] = Some(i);
        }
        Self { query, sink, out: PhantomData, target_of }
    }

    /// What is counted.
    pub fn query(&self) -> &'a Query<'a> {
        self.query
    }

    /// Where counts went.
    pub fn into_sink(self) -> S {
        self.sink
    }
}

impl<'a, 'o, S: Sink<'o, L>, const L: usize> Consumer for Depth<'a, 'o, S, L> {
    type Worker<'w>
        = Worker<'a, L>
    where
        Self: 'w;
    type Part = Part<L>;
    type Joined = Joined<'a, 'o, L>;
    type Ready = Piece<'o, L>;
    type Again = Again;

    fn reads(&self) -> Reads {
        let rules = &self.query.rules;
        let baq = self.query.baq_reference.is_some();
        // Mates, the depth cap and BAQ need records of the part after their batch.
        let whole_parts = rules.once() != MateOverlap::Never || rules.max_depth > 0 || baq;
        Reads { whole_parts, one_contig: true, edits: baq }
    }

    fn worker(&self) -> Worker<'a, L> {
        Worker::new(self.query)
    }

    fn begin(&self, worker: &mut Worker<'a, L>, part: PartStart, again: Option<Again>) {
        worker.begin(part, again);
    }

    fn take(&self, worker: &mut Worker<'a, L>, batch: &mut Batch<'_>) -> Result<Flow> {
        worker.take(batch, &self.target_of)
    }

    fn finish(&self, worker: &mut Worker<'a, L>, batch: &mut Batch<'_>) -> Result<Part<L>> {
        worker.finish(batch.bytes)
    }

    fn screen(&self, joined: &mut Self::Joined, part: &Part<L>) -> Result<Option<Again>> {
        joined.screen(part)
    }

    fn join(&self, joined: &mut Self::Joined, part: &mut Part<L>, ready: &mut Vec<Self::Ready>) -> Result<Option<Again>> {
        joined.join(part, ready)
    }

    fn end(&self, joined: &mut Self::Joined, ready: &mut Vec<Self::Ready>) -> Result<()> {
        joined.end(ready);
        Ok(())
    }

    fn settle(&self, worker: &mut Worker<'a, L>, piece: Self::Ready) -> Result<()> {
        let slab = self.sink.take(piece)?;
        worker.reuse(slab);
        Ok(())
    }
}
