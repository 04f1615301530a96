//! Runs of equal depth.

use super::Codes;
use crate::error::Result;
use crate::pass::{Control, Poll};
use crate::plan::Target;
use crate::request::{Outcome, Request};
use crate::summary::runs::{Run, RunsOf};

/// The longest runs of equal depth inside each target, zeros included, in the order of the targets.
#[derive(Debug)]
pub struct Runs {
    /// Index of the contig in the header.
    pub chrom: Codes,
    /// First position, 0-based.
    pub start: Vec<i64>,
    /// One past the last position, 0-based.
    pub end: Vec<i64>,
    /// Depth.
    pub depth: Vec<i32>,
    /// What else there is to say.
    pub outcome: Outcome,
}

/// Counts the targets and builds their runs. Depth is never held for every position: memory follows the number of runs.
///
/// # Errors
///
/// What counting gives; [`crate::error::Kind::ResourceLimit`] before the table's memory is asked for.
pub fn runs(request: &Request, targets: &[Target], control: &Control, poll: Poll<'_>) -> Result<Runs> {
    let contigs = request.bam.header.contigs.len();
    let (runs, outcome) = request.summarize(targets, &RunsOf::new(Some), control, poll)?;
    request.check_memory(runs.len() as u64 * (8 + 8 + 4 + Codes::width(contigs)))?;
    Ok(Runs { outcome, ..Runs::of(&runs, targets, contigs) })
}

impl Runs {
    /// The columns of `runs`, whose numbers of targets are those of `targets`; `contigs` is the number of contigs.
    pub fn of(runs: &[Run], targets: &[Target], contigs: usize) -> Self {
        let chrom: Vec<_> = runs.chunk_by(|a, b| a.target == b.target).map(|same| (targets[same[0].target].contig, same.len())).collect();
        Self {
            chrom: Codes::repeated(contigs, &chrom),
            start: runs.iter().map(|r| r.positions.start).collect(),
            end: runs.iter().map(|r| r.positions.end).collect(),
            depth: runs.iter().map(|r| r.class).collect(),
            outcome: Outcome::default(),
        }
    }
}
