//! Counts over all records of a file: what `samtools flagstat` and `samtools stats` report.
//!
//! Each type here is a fold. `add` takes one record, `merge` adds the counts of another fold, `rows` gives the table. No filter runs
//! before a fold: it sees unmapped, unplaced, secondary and QC-failed records and decides itself which of them count. All counts are
//! sums, so the tables do not depend on how the records are cut into parts or on the order in which the parts are merged.
//!
//! The rules are those of samtools 1.24, in `docs/semantics.md` under "Flags, insert sizes, read lengths, qualities".

mod area;
pub mod base_quality;
mod bins;
pub mod clusters;
mod consumer;
pub mod events;
pub mod flags;
pub mod inserts;
pub mod lengths;
pub mod mapq;
#[cfg(test)]
mod naive;
pub mod pairs;
#[cfg(test)]
mod tests;

pub use area::Area;
pub use base_quality::BaseQualities;
pub use consumer::{Fold, Folding};
pub use flags::FlagSummary;
pub use inserts::InsertSizes;
pub use lengths::ReadLengths;
pub use mapq::MappingQualities;

use crate::error::Result;
use crate::source::record::{Record, SECONDARY, SUPPLEMENTARY, Tag, TagValue};

/// `0x200`: the read failed the quality checks of the platform or vendor.
const QC_FAILED: u16 = 0x200;
/// `0x400`: a PCR or optical duplicate.
const DUPLICATE: u16 = 0x400;

/// Whether the record is the primary one of its read. A read may have further, secondary and supplementary records.
const fn is_primary(flags: u16) -> bool {
    flags & (SECONDARY | SUPPLEMENTARY) == 0
}

/// The read group a record names.
///
/// # Errors
///
/// [`crate::error::Kind::CorruptFile`] for tags that do not fit the record.
fn read_group(record: Record<'_>) -> Result<Option<&[u8]>> {
    Ok(match record.tag(Tag::from(*b"RG"))? {
        Some(TagValue::Text(group)) => Some(group),
        _ => None,
    })
}

/// Whether a read group is among `groups`, which are sorted.
fn is_one_of(group: Option<&[u8]>, groups: &[Vec<u8>]) -> bool {
    group.is_some_and(|group| groups.binary_search_by(|g| g.as_slice().cmp(group)).is_ok())
}

/// All five tables of one pass.
#[derive(Clone, Debug, Default)]
pub struct RecordStats {
    /// What flagstat counts.
    pub flags: FlagSummary,
    /// Pairs by insert size.
    pub inserts: InsertSizes,
    /// Reads by length.
    pub lengths: ReadLengths,
    /// Reads by mapping quality.
    pub mapq: MappingQualities,
    /// Bases by quality.
    pub base_quality: BaseQualities,
}

impl RecordStats {
    /// Counts nothing yet; for the limit see [`InsertSizes::new`].
    pub fn new(max_insert: u32) -> Self {
        Self { inserts: InsertSizes::new(max_insert), ..Self::default() }
    }

    /// Counts a record in all tables. Each of its fields is read once.
    #[inline]
    pub fn add(&mut self, record: Record<'_>) {
        let (flags, mapq) = (record.flags(), record.mapq());
        self.flags.count(flags, mapq, record.contig_id() == record.mate_contig_id());
        // samtools stats leaves out secondary records and those without SEQ, and counts supplementary ones in no table used here.
        if !is_primary(flags) || record.seq_len() == 0 {
            return;
        }
        self.inserts.count(flags, record);
        self.lengths.count(record);
        self.mapq.count(flags, mapq);
        self.base_quality.count(flags, record.qual());
    }

    /// Takes out the counts so far, and keeps the buffers.
    #[must_use]
    pub fn split_off(&mut self) -> Self {
        Self {
            flags: self.flags.split_off(),
            inserts: self.inserts.split_off(),
            lengths: std::mem::take(&mut self.lengths),
            mapq: std::mem::take(&mut self.mapq),
            base_quality: self.base_quality.split_off(),
        }
    }

    /// Adds the counts of another part of the file, taken with the same limit of insert sizes.
    pub fn merge(&mut self, other: &Self) {
        self.flags.merge(&other.flags);
        self.inserts.merge(&other.inserts);
        self.lengths.merge(&other.lengths);
        self.mapq.merge(&other.mapq);
        self.base_quality.merge(&other.base_quality);
    }
}
