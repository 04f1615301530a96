//! Runs of equal depth.

use super::Codes;
use crate::coords::Target;
use crate::summary::runs::Run;

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
        }
    }
}
