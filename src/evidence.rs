//! Counts over all records of a file: what `samtools flagstat` and `samtools stats` report.
//!
//! Each type here is a fold. `add` takes one record, `merge` adds the counts of another fold, `rows` gives the table. No filter runs
//! before a fold: it sees unmapped, unplaced, secondary and QC-failed records and decides itself which of them count. All counts are
//! sums, so the tables do not depend on how the records are cut into parts or on the order in which the parts are merged.
//!
//! The rules are those of samtools 1.24, in `docs/semantics.md` under "Flags, insert sizes, read lengths, qualities".

mod bins;
pub mod flags;
pub mod inserts;
pub mod lengths;
pub mod mapq;
#[cfg(test)]
mod tests;

pub use flags::FlagSummary;
pub use inserts::InsertSizes;
pub use lengths::ReadLengths;
pub use mapq::MappingQualities;

use crate::source::record::{SECONDARY, SUPPLEMENTARY};

/// `0x200`: the read failed the quality checks of the platform or vendor.
const QC_FAILED: u16 = 0x200;
/// `0x400`: a PCR or optical duplicate.
const DUPLICATE: u16 = 0x400;

/// Whether the record is the primary one of its read. A read may have further, secondary and supplementary records.
const fn is_primary(flags: u16) -> bool {
    flags & (SECONDARY | SUPPLEMENTARY) == 0
}
