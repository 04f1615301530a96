//! Insert sizes and orientations of pairs: the `IS` lines of `samtools stats -m 1.0`.

use super::bins::Bins;
use super::is_primary;
use crate::source::record::{MATE_REVERSE, MATE_UNMAPPED, PAIRED, REVERSE, Record, UNMAPPED};

/// samtools' default of `-i`: larger insert sizes count as this one.
pub const MAX_INSERT: u32 = 8000;

/// How the two reads of a pair lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Orientation {
    /// They face each other: the left read is forward, the right one reverse. Also mates on opposite strands that begin together.
    Inward = 0,
    /// They face away from each other.
    Outward = 1,
    /// Both lie on one strand.
    Other = 2,
}

/// A line of the table: pairs of one insert size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsertRow {
    /// |TLEN|, at most the limit.
    pub insert_size: u64,
    /// Pairs of any orientation.
    pub pairs: u64,
    /// The reads face each other.
    pub inward: u64,
    /// The reads face away from each other.
    pub outward: u64,
    /// The reads lie on one strand.
    pub other: u64,
}

/// Pairs by insert size and orientation, as `samtools stats` counts them.
#[derive(Clone, Debug)]
pub struct InsertSizes {
    /// 0: no limit.
    max_insert: u32,
    /// Reads, not pairs, by [`Orientation`].
    reads: Bins<[u64; 3]>,
}

impl Default for InsertSizes {
    fn default() -> Self {
        Self::new(MAX_INSERT)
    }
}

impl InsertSizes {
    /// Insert sizes above `max_insert` count as `max_insert`; 0 sets no limit, like `samtools stats -i 0`.
    pub fn new(max_insert: u32) -> Self {
        Self { max_insert, reads: Bins::default() }
    }

    /// Counts a record.
    #[inline]
    pub fn add(&mut self, record: Record<'_>) {
        let flags = record.flags();
        if is_primary(flags) && record.seq_len() > 0 {
            self.count(flags, record);
        }
    }

    /// Counts a primary record with SEQ.
    #[inline]
    pub(super) fn count(&mut self, flags: u16, record: Record<'_>) {
        if flags & (PAIRED | UNMAPPED | MATE_UNMAPPED) != PAIRED {
            return;
        }
        // -2^31 stays negative, in samtools too.
        let size = record.template_len().wrapping_abs();
        if size <= 0 && record.contig_id() != record.mate_contig_id() {
            return;
        }
        let size = size.unsigned_abs();
        let size = if self.max_insert > 0 { size.min(self.max_insert) } else { size };
        self.reads.at(u64::from(size))[orientation(flags, record) as usize] += 1;
    }

    /// Takes out the counts so far; the limit stays.
    #[must_use]
    pub fn split_off(&mut self) -> Self {
        Self { max_insert: self.max_insert, reads: std::mem::take(&mut self.reads) }
    }

    /// Adds the counts of another part of the file, taken with the same limit.
    pub fn merge(&mut self, other: &Self) {
        for (size, more) in other.reads.iter() {
            if more != [0; 3] {
                let reads = self.reads.at(size);
                *reads = [reads[0] + more[0], reads[1] + more[1], reads[2] + more[2]];
            }
        }
    }

    /// Insert sizes that have pairs, from the smallest.
    pub fn rows(&self) -> Vec<InsertRow> {
        let rows = self.reads.iter().map(|(insert_size, reads)| {
            // Two reads make a pair. samtools rounds each orientation down, so a read without its mate is no pair.
            let [inward, outward, other] = reads.map(|reads| reads / 2);
            InsertRow { insert_size, pairs: inward + outward + other, inward, outward, other }
        });
        rows.filter(|row| row.pairs > 0).collect()
    }
}

/// samtools also looks at READ1, but both of its comparisons change sign with it.
fn orientation(flags: u16, record: Record<'_>) -> Orientation {
    let (reverse, mate_reverse) = (flags & REVERSE != 0, flags & MATE_REVERSE != 0);
    let (pos, mate_pos) = (record.pos(), record.mate_pos());
    if reverse == mate_reverse {
        Orientation::Other
    } else if pos == mate_pos || reverse == (pos > mate_pos) {
        Orientation::Inward
    } else {
        Orientation::Outward
    }
}
