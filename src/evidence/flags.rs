//! What `samtools flagstat` counts.

use super::{DUPLICATE, QC_FAILED, is_primary};
use crate::source::record::{FIRST, LAST, MATE_UNMAPPED, PAIRED, PROPER_PAIR, Record, SECONDARY, SUPPLEMENTARY, UNMAPPED};

/// The twelve flags that the SAM specification defines; no category depends on the other four bits.
const DEFINED: usize = 0xfff;

/// A mate counts as mapped with confidence from this MAPQ of the record on.
const CONFIDENT_MAPQ: u8 = 5;

/// A category that depends on the flags alone: its name and whether a record of these flags belongs to it.
type Category = (&'static str, fn(u16) -> bool);

/// The categories in flagstat's order; the two about mates on another contig follow them.
const BY_FLAGS: [Category; 14] = [
    ("in total", |_| true),
    ("primary", is_primary),
    // A record with both flags is secondary.
    ("secondary", |flags| flags & SECONDARY != 0),
    ("supplementary", |flags| flags & (SECONDARY | SUPPLEMENTARY) == SUPPLEMENTARY),
    ("duplicates", is_duplicate),
    ("primary duplicates", |flags| is_primary(flags) && is_duplicate(flags)),
    ("mapped", is_mapped),
    ("primary mapped", |flags| is_primary(flags) && is_mapped(flags)),
    ("paired in sequencing", is_paired),
    // A read with both flags counts as both.
    ("read1", |flags| is_paired(flags) && flags & FIRST != 0),
    ("read2", |flags| is_paired(flags) && flags & LAST != 0),
    ("properly paired", |flags| is_paired(flags) && is_mapped(flags) && flags & PROPER_PAIR != 0),
    ("with itself and mate mapped", both_mapped),
    ("singletons", |flags| is_paired(flags) && is_mapped(flags) && flags & MATE_UNMAPPED != 0),
];

/// Mates on another contig: any, and with the record's MAPQ at least 5.
const MATE_ELSEWHERE: [&str; 2] = ["with mate mapped to a different chr", "with mate mapped to a different chr (mapQ>=5)"];

const fn is_duplicate(flags: u16) -> bool {
    flags & DUPLICATE != 0
}

const fn is_mapped(flags: u16) -> bool {
    flags & UNMAPPED == 0
}

/// The flags that describe a pair mean nothing without [`PAIRED`].
const fn is_paired(flags: u16) -> bool {
    is_primary(flags) && flags & PAIRED != 0
}

const fn both_mapped(flags: u16) -> bool {
    is_paired(flags) && flags & (UNMAPPED | MATE_UNMAPPED) == 0
}

/// A line of flagstat: the records of one category that passed the quality checks of the platform or vendor, and those that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagRow {
    /// The category in flagstat's words.
    pub category: &'static str,
    /// Records without the flag 0x200.
    pub passed: u64,
    /// Records with it.
    pub failed: u64,
}

/// Records by category, as `samtools flagstat` counts them.
#[derive(Clone, Debug)]
pub struct FlagSummary {
    /// Records by their flags: one addition a record, and the categories follow from the sums.
    by_flags: Vec<u64>,
    /// The two categories of [`MATE_ELSEWHERE`]; passed and failed.
    mate_elsewhere: [[u64; 2]; 2],
}

impl Default for FlagSummary {
    fn default() -> Self {
        Self { by_flags: vec![0; DEFINED + 1], mate_elsewhere: [[0; 2]; 2] }
    }
}

impl FlagSummary {
    /// Counts a record.
    #[inline]
    pub fn add(&mut self, record: Record<'_>) {
        self.count(record.flags(), record.mapq(), record.contig_id() == record.mate_contig_id());
    }

    #[inline]
    pub(super) fn count(&mut self, flags: u16, mapq: u8, same_contig: bool) {
        self.by_flags[usize::from(flags) & DEFINED] += 1;
        if !same_contig && both_mapped(flags) {
            let failed = usize::from(flags & QC_FAILED != 0);
            self.mate_elsewhere[0][failed] += 1;
            self.mate_elsewhere[1][failed] += u64::from(mapq >= CONFIDENT_MAPQ);
        }
    }

    /// Takes out the counts so far.
    #[must_use]
    pub fn split_off(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Adds the counts of another part of the file.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.by_flags.iter_mut().zip(&other.by_flags) {
            *count += more;
        }
        for (count, more) in self.mate_elsewhere.as_flattened_mut().iter_mut().zip(other.mate_elsewhere.as_flattened()) {
            *count += more;
        }
    }

    /// The sixteen categories in flagstat's order.
    pub fn rows(&self) -> Vec<FlagRow> {
        let by_flags = BY_FLAGS.iter().map(|&(category, belongs)| {
            let mut counts = [0; 2];
            for (flags, &records) in (0..).zip(&self.by_flags).filter(|&(flags, _)| belongs(flags)) {
                counts[usize::from(flags & QC_FAILED != 0)] += records;
            }
            (category, counts)
        });
        let mate_elsewhere = MATE_ELSEWHERE.into_iter().zip(self.mate_elsewhere);
        by_flags.chain(mate_elsewhere).map(|(category, [passed, failed])| FlagRow { category, passed, failed }).collect()
    }
}
