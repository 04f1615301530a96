//! One row per position.

use super::Codes;

/// The place of each row: one row per position of every target, in the order of the targets.
#[derive(Debug)]
pub struct Axis {
    /// 1-based positions.
    pub pos: Vec<i64>,
    /// Index of the contig in the header.
    pub chrom: Codes,
    /// Index of the reference letter in [`super::BASES`]; N without a reference.
    pub base: Option<Vec<i8>>,
}

/// Depth, row by row.
#[derive(Debug)]
pub struct Dense {
    /// Where.
    pub axis: Axis,
    /// Depth.
    pub depth: Vec<i32>,
}

/// Letters, insertions, deletions and skips, row by row.
#[derive(Debug)]
pub struct BaseCounts {
    /// Where.
    pub axis: Axis,
    /// Columns by name: of each count both strands together, forward, reverse.
    pub counts: Vec<(&'static str, Vec<i32>)>,
}

/// Depth, row by row, of several files.
#[derive(Debug)]
pub struct Matrix {
    /// Where.
    pub axis: Axis,
    /// Names of the files' columns.
    pub names: Vec<String>,
    /// Their depths.
    pub depths: Vec<Vec<i32>>,
}
