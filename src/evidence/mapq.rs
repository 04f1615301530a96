//! Mapping qualities: the `MAPQ` lines of `samtools stats`.

use super::{DUPLICATE, QC_FAILED};
use crate::source::record::{Record, SECONDARY, SUPPLEMENTARY, UNMAPPED};

/// Records with any of these flags do not count.
const EXCLUDED: u16 = UNMAPPED | SECONDARY | SUPPLEMENTARY | QC_FAILED | DUPLICATE;

/// A line of the table: reads of one MAPQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapqRow {
    /// Mapping quality; 255 = unavailable.
    pub mapq: u8,
    /// Reads of this mapping quality.
    pub reads: u64,
}

/// Mapped reads by MAPQ, as `samtools stats` counts them.
#[derive(Clone, Debug)]
pub struct MappingQualities {
    reads: [u64; 256],
}

impl Default for MappingQualities {
    fn default() -> Self {
        Self { reads: [0; 256] }
    }
}

impl MappingQualities {
    /// Counts a record.
    #[inline]
    pub fn add(&mut self, record: Record<'_>) {
        if record.seq_len() > 0 {
            self.count(record.flags(), record.mapq());
        }
    }

    /// Counts a record with SEQ.
    #[inline]
    pub(super) fn count(&mut self, flags: u16, mapq: u8) {
        self.reads[usize::from(mapq)] += u64::from(flags & EXCLUDED == 0);
    }

    /// Adds the counts of another part of the file.
    pub fn merge(&mut self, other: &Self) {
        for (reads, more) in self.reads.iter_mut().zip(other.reads) {
            *reads += more;
        }
    }

    /// Mapping qualities that have reads, from the lowest.
    pub fn rows(&self) -> Vec<MapqRow> {
        (0..=u8::MAX).zip(self.reads).map(|(mapq, reads)| MapqRow { mapq, reads }).filter(|row| row.reads > 0).collect()
    }
}
