//! Read lengths: the `RL` lines of `samtools stats`.

use super::bins::Bins;
use super::is_primary;
use crate::source::record::{OpKind, Record};

/// A line of the table: reads of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthRow {
    /// Bases of SEQ and hard-clipped ones.
    pub read_length: u64,
    /// Reads of this length.
    pub reads: u64,
}

/// Reads by length, as `samtools stats` counts them.
#[derive(Clone, Debug, Default)]
pub struct ReadLengths {
    reads: Bins<u64>,
}

impl ReadLengths {
    /// Counts a record.
    #[inline]
    pub fn add(&mut self, record: Record<'_>) {
        if is_primary(record.flags()) && record.seq_len() > 0 {
            self.count(record);
        }
    }

    /// Counts a primary record with SEQ.
    #[inline]
    pub(super) fn count(&mut self, record: Record<'_>) {
        *self.reads.at(record.seq_len() as u64 + hard_clipped(record)) += 1;
    }

    /// Adds the counts of another part of the file.
    pub fn merge(&mut self, other: &Self) {
        for (length, more) in other.reads.iter() {
            if more > 0 {
                *self.reads.at(length) += more;
            }
        }
    }

    /// Lengths that have reads, from the shortest.
    pub fn rows(&self) -> Vec<LengthRow> {
        let rows = self.reads.iter().map(|(read_length, reads)| LengthRow { read_length, reads });
        rows.filter(|row| row.reads > 0).collect()
    }
}

/// Bases that the aligner cut off and left out of SEQ.
fn hard_clipped(record: Record<'_>) -> u64 {
    let clips = as_read_by_htslib(record).cigar().iter().filter(|op| op.kind == OpKind::HardClip);
    clips.map(|op| u64::from(op.len)).sum()
}

/// htslib takes a long CIGAR out of the tag CG only where the record has a place. Elsewhere the tags are left out of the view.
fn as_read_by_htslib(record: Record<'_>) -> Record<'_> {
    if record.contig_id() >= 0 && record.pos() >= 0 {
        return record;
    }
    Record::trusted(&record.bytes()[..record.qual_range().end])
}
