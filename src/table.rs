//! Tables: columns, and columns as Arrow record batches. Nothing here reads or counts.

mod batch;
mod columns;
mod computed;
mod dense;
mod runs;
mod stats;

pub use batch::{counts, dictionary, names, record_batch};
pub use columns::{Columns, categories};
pub use computed::{Computed, Statistic};
pub use dense::{Axis, BaseCounts, Dense, Matrix};
pub use runs::Runs;
pub use stats::RowStats;

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

    /// One code after the other; `n` is the number of categories.
    pub fn of(n: usize, codes: impl Iterator<Item = usize>) -> Self {
        match Self::width(n) {
            1 => Self::I8(codes.map(|c| c as i8).collect()),
            2 => Self::I16(codes.map(|c| c as i16).collect()),
            _ => Self::I32(codes.map(|c| c as i32).collect()),
        }
    }

    /// Each code as often as it says, one after the other; `n` is the number of categories.
    pub fn repeated(n: usize, codes: &[(usize, usize)]) -> Self {
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
