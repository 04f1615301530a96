//! Base qualities: the `FFQ` and `LFQ` lines of `samtools stats`, summed over cycles.

use super::is_primary;
use crate::source::record::{FIRST, LAST, PAIRED, Record};

/// Qualities below this are counted in pairs.
const PAIRED_QUALITIES: usize = 1 << 7;
/// Counters of a table of pairs.
const PAIRS: usize = PAIRED_QUALITIES * PAIRED_QUALITIES;
/// A table for each pair of a word of eight bases. Neighbours often have equal qualities, and an addition to the counter of the one before
/// would wait until that one is stored.
const TABLES: usize = 4;
/// Words after which the tables are summed up. A word adds at most 1 to a counter, and a record has less than 2^29 words.
const FULL: u32 = 1 << 31;

/// A line of the table: bases of one quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityRow {
    /// Base quality; 255 for bases of reads without qualities.
    pub quality: u8,
    /// Bases of this quality.
    pub bases: u64,
}

/// Bases by quality, as `samtools stats` counts them.
///
/// Bases are counted two at a time, by the pair of their qualities: 0.10 to 0.32 ns a base on seven real files. Eight tables of single
/// qualities take 0.28 to 0.41 ns, one table 0.3 to 1.5 ns on simulated reads: the more equal neighbours are, the longer it waits.
#[derive(Clone, Debug)]
pub struct BaseQualities {
    bases: [u64; 256],
    /// [`TABLES`] tables of pairs that are not yet in `bases`; empty until a read comes.
    pairs: Vec<u32>,
    /// Words counted in `pairs`.
    words: u32,
}

impl Default for BaseQualities {
    fn default() -> Self {
        Self { bases: [0; 256], pairs: Vec::new(), words: 0 }
    }
}

impl BaseQualities {
    /// Counts the bases of a record.
    #[inline]
    pub fn add(&mut self, record: Record<'_>) {
        if is_primary(record.flags()) {
            self.count(record.flags(), record.qual());
        }
    }

    /// Counts the bases of a primary record.
    #[inline]
    pub(super) fn count(&mut self, flags: u16, qualities: &[u8]) {
        if has_order(flags) {
            self.count_bases(qualities);
        }
    }

    fn count_bases(&mut self, qualities: &[u8]) {
        if self.words >= FULL {
            (self.bases, self.words) = (self.sums(), 0);
            self.pairs.fill(0);
        }
        self.pairs.resize(TABLES * PAIRS, 0);
        let (words, rest) = qualities.as_chunks::<8>();
        self.words += words.len() as u32;
        let ([first, second, third, fourth], _) = self.pairs.as_chunks_mut::<PAIRS>() else { return };
        for &bytes in words {
            let word = u64::from_le_bytes(bytes);
            if word & 0x8080_8080_8080_8080 == 0 {
                // Each 16 bits: the first quality, and the second one seven bits up.
                let pairs = word & 0x007f_007f_007f_007f | word >> 1 & 0x3f80_3f80_3f80_3f80;
                first[pairs as usize % PAIRS] += 1;
                second[(pairs >> 16) as usize % PAIRS] += 1;
                third[(pairs >> 32) as usize % PAIRS] += 1;
                fourth[(pairs >> 48) as usize % PAIRS] += 1;
            } else if word == u64::MAX {
                // A read without qualities.
                self.bases[255] += 8;
            } else {
                one_by_one(&mut self.bases, &bytes);
            }
        }
        one_by_one(&mut self.bases, rest);
    }

    /// Takes out the counts so far; the tables of pairs stay, emptied.
    #[must_use]
    pub fn split_off(&mut self) -> Self {
        let bases = self.sums();
        self.bases = [0; 256];
        if self.words > 0 {
            self.pairs.fill(0);
            self.words = 0;
        }
        Self { bases, pairs: Vec::new(), words: 0 }
    }

    /// Adds the counts of another part of the file.
    pub fn merge(&mut self, other: &Self) {
        for (bases, more) in self.bases.iter_mut().zip(other.sums()) {
            *bases += more;
        }
    }

    /// Qualities that have bases, from the lowest.
    pub fn rows(&self) -> Vec<QualityRow> {
        (0..=u8::MAX).zip(self.sums()).map(|(quality, bases)| QualityRow { quality, bases }).filter(|row| row.bases > 0).collect()
    }

    /// Bases by quality, those of the tables of pairs included.
    fn sums(&self) -> [u64; 256] {
        let mut sums = self.bases;
        if self.words == 0 {
            return sums;
        }
        // A row holds the pairs of one second quality, by their first.
        for (row, pairs) in self.pairs.chunks_exact(PAIRED_QUALITIES).enumerate() {
            for (sum, &pairs) in sums.iter_mut().zip(pairs) {
                *sum += u64::from(pairs);
            }
            sums[row % PAIRED_QUALITIES] += pairs.iter().map(|&pairs| u64::from(pairs)).sum::<u64>();
        }
        sums
    }
}

fn one_by_one(bases: &mut [u64; 256], qualities: &[u8]) {
    for &quality in qualities {
        bases[usize::from(quality)] += 1;
    }
}

/// Whether samtools knows the read as first or last of its template: unpaired, or one of READ1 and READ2.
const fn has_order(flags: u16) -> bool {
    flags & PAIRED == 0 || (flags & FIRST != 0) != (flags & LAST != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_tables_are_summed_up_before_a_counter_overflows() {
        let mut folds = BaseQualities::default();
        folds.count(0, &[7; 16]);
        folds.words = FULL;
        folds.count(0, &[7; 17]);
        assert_eq!(folds.words, 2);
        assert_eq!(folds.rows(), [QualityRow { quality: 7, bases: 33 }]);
    }
}
