//! From the records of a part to its depth: filters, BAQ, mates, positions.
//!
//! A [`Counter`] is one worker's: it owns every buffer it needs and allocates nothing per record. It knows neither threads nor tables.

pub mod baq;
pub mod bases;
pub mod cap;
mod counter;
pub mod edit;
mod group;
mod masks;
pub mod mates;
pub mod pair;
mod realign;
pub mod slab;
pub mod walk;

pub mod merge;

pub use counter::Counter;

use crate::coords::Interval;
use crate::depth::merge::Correction;
use crate::plan::Target;
use crate::rules::Rules;
use crate::source::bam::Bam;
use crate::source::bgzf::VirtualOffset;
use crate::source::fasta::Reference;
use cap::Drops;
use mates::{Carry, Seam};
use slab::Slab;
use walk::Walked;

/// What all workers of a call count by.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The alignments.
    pub bam: &'a Bam,
    /// The reference, where BAQ needs it.
    pub baq_reference: Option<&'a Reference>,
    /// What counts.
    pub rules: Rules,
    /// Only records of these read groups, which come sorted.
    pub read_groups: Option<&'a [Vec<u8>]>,
    /// The positions asked for.
    pub targets: &'a [Target],
    /// Inflated bytes a part may have.
    pub part_bytes: usize,
    /// Count what there is of a file that is cut short.
    pub allow_truncated: bool,
    /// Depth every position of a target has from records that are not read with it.
    pub initial: &'a [i64],
    /// Whom the depth cap drops, where a survey has found that out.
    pub drops: Option<&'a Drops>,
    /// Changes to positions that an earlier pass had written already when it met them; empty in a first pass.
    pub patches: &'a [Correction],
    /// Only list the survivors, for finding out whom the cap drops.
    pub survey: bool,
    /// Compressed bytes the merge may count again by itself, one part at a time, because the cap drops records in them. Beyond, a survey and
    /// another pass by all workers are faster.
    pub recount_bytes: u64,
    /// Says whether the call is to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Job<'_> {
    /// Whether the depth cap may drop somebody of whom nothing is known yet.
    pub fn has_open_cap(&self) -> bool {
        self.rules.max_depth > 0 && self.drops.is_none()
    }
}

/// The depth of one part of a span, and all the merge needs to fit it to the others.
#[derive(Debug)]
pub struct Part<const L: usize = 1> {
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
    /// Counts, up to the start of the last survivor dense, behind it as events.
    pub slab: Slab<L>,
    /// Sums of the dense differences.
    pub slab_sums: [i64; L],
    /// Names at its edges.
    pub seam: Seam,
    /// Records per window, when there is a cap.
    pub crowd: Vec<(i64, i32)>,
    /// Extents of the survivors, when there is a cap.
    pub extents: Vec<Interval>,
    /// Whether this is the last part of its span.
    pub last: bool,
    /// Whether the span's last record ended exactly where the plan said.
    pub ended_on_boundary: bool,
    /// File offset that was read up to.
    pub read_to: u64,
}

/// The names that come over the seam in front of a part, and the start of the last survivor before it.
#[derive(Debug, Default)]
pub struct CarryIn {
    /// Names that can still meet something.
    pub names: Carry,
    /// Start of the last survivor, if there was one.
    pub last_start: Option<i64>,
}
