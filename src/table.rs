//! Tables: depth as columns, and columns as Arrow record batches.

mod batch;
mod batches;
mod computed;
mod dense;
mod letters;
mod matrix;
mod pages;
mod runs;
mod stats;

pub use batch::names;
pub use batches::{Batch, Batches, batch_schema, batches};
pub use computed::{Computed, Statistic};
pub use dense::{Axis, Dense, Letters, dense};
pub use letters::{BaseCounts, base_counts};
pub use matrix::{Matrix, matrix};
pub use runs::{Runs, runs};
pub use stats::{RowSpec, RowStats, Stats, stats};

/// The categories of the column `base`, in the order of their codes: the IUPAC letters and gaps, both cases, always the same.
pub const BASES: &[u8] = b"ACGTNURYSWKMBDHVacgtnuryswkmbdhv.-*Xx";

/// A column of small codes, in the smallest integer that holds them.
#[derive(Debug)]
pub enum Codes {
    /// Up to 127.
    I8(Vec<i8>),
    /// Up to 32,767.
    I16(Vec<i16>),
    /// More.
    I32(Vec<i32>),
}

impl Codes {
    /// Bytes per code when there are `n` categories.
    pub const fn width(n: usize) -> u64 {
        match n {
            // pandas turns codes of 127 and 32,767 categories into the next larger type, with a copy.
            0..=0x7e => 1,
            0x7f..=0x7ffe => 2,
            _ => 4,
        }
    }

    /// Each code as often as it says, one after the other; `n` is the number of categories.
    fn repeated(n: usize, codes: &[(usize, usize)]) -> Self {
        match Self::width(n) {
            1 => Self::I8(repeat(codes, |c| c as i8)),
            2 => Self::I16(repeat(codes, |c| c as i16)),
            _ => Self::I32(repeat(codes, |c| c as i32)),
        }
    }
}

fn repeat<T: Clone>(codes: &[(usize, usize)], narrow: impl Fn(usize) -> T) -> Vec<T> {
    let mut out = Vec::with_capacity(codes.iter().map(|c| c.1).sum());
    for &(code, rows) in codes {
        out.resize(out.len() + rows, narrow(code));
    }
    out
}
