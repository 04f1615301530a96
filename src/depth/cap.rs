//! The depth cap of the pileup engine: `docs/semantics.md`, section 6.
//!
//! Whom the cap drops depends on every record of the region in file order, so it cannot be decided inside a part. Nearly always it
//! never acts, and [`ActiveReads`] proves that cheaply: it counts, per window of positions, the records that touch the window. Only the records
//! of parts where such a count exceeds the cap go through [`PileupCap`] one by one, which replays who is dropped; the others it takes as
//! they are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::coords::Interval;

/// Positions per window, as a power of two.
const WINDOW: u32 = 8;

/// How the number of records that touch a window changes, over the windows of one part.
#[derive(Debug, Default)]
pub struct ActiveReads {
    first: i64,
    diff: Vec<i32>,
    far: Vec<(i64, i32)>,
}

impl ActiveReads {
    /// Empties it for records that start in `starts`.
    pub fn reset(&mut self, starts: Interval) {
        self.first = starts.start >> WINDOW;
        self.diff.clear();
        self.diff.resize(((starts.end >> WINDOW) - self.first + 8) as usize, 0);
        self.far.clear();
    }

    /// A record over `start..end`. It stays in the buffer up to and with the column `end`.
    #[inline]
    pub fn add(&mut self, start: i64, end: i64) {
        self.change(start >> WINDOW, 1);
        self.change((end >> WINDOW) + 1, -1);
    }

    #[inline]
    fn change(&mut self, at: i64, by: i32) {
        match self.diff.get_mut((at - self.first) as u64 as usize) {
            Some(d) => *d += by,
            None => self.far.push((at, by)),
        }
    }

    /// The changes, as (window, change), in no order.
    pub fn changes(&mut self) -> Vec<(i64, i32)> {
        let mut all = std::mem::take(&mut self.far);
        all.extend(self.diff.iter().zip(self.first..).filter(|&(&d, _)| d != 0).map(|(&d, at)| (at, d)));
        all
    }
}

/// The window a position lies in.
pub const fn window_of(position: i64) -> i64 {
    position >> WINDOW
}

/// Replays the engine's buffer over the records of one target, in file order.
#[derive(Debug)]
pub struct PileupCap {
    cap: usize,
    /// Ends of the records in the buffer, and of some that have left it.
    ends: Vec<Reverse<i64>>,
    /// With more ends than this, those that have left are thrown out.
    limit: usize,
    /// The column the engine stands at.
    column: i64,
}

impl PileupCap {
    /// Ends that are not worth a look.
    const LITTLE: usize = 1 << 16;

    /// An empty buffer. On the first contig of a file the engine stands at column 0 already, on any other before it.
    pub fn new(cap: u32, contig: usize) -> Self {
        Self { cap: cap as usize, ends: Vec::new(), limit: Self::LITTLE, column: if contig == 0 { 0 } else { -1 } }
    }

    /// Takes the next records, of which it is known that none is dropped.
    pub fn take(&mut self, records: &[Interval]) {
        for record in records {
            if record.end > self.column {
                self.ends.push(Reverse(record.end));
            }
            self.column = self.column.max(record.start);
        }
        if self.ends.len() > self.limit {
            self.let_go();
            self.limit = (2 * self.ends.len()).max(Self::LITTLE);
        }
    }

    /// Takes the next records; the numbers of those that are dropped, counted from 0.
    pub fn drops(&mut self, records: &[Interval]) -> Vec<u32> {
        self.let_go();
        let mut buffer = BinaryHeap::from(std::mem::take(&mut self.ends));
        let mut dropped = Vec::new();
        for (i, record) in records.iter().enumerate() {
            if record.start == self.column && buffer.len() >= self.cap {
                dropped.push(i as u32);
                continue;
            }
            if record.end > self.column {
                buffer.push(Reverse(record.end));
            }
            if record.start > self.column {
                self.column = record.start;
                while buffer.peek().is_some_and(|&Reverse(end)| end < self.column) {
                    buffer.pop();
                }
            }
        }
        self.ends = buffer.into_vec();
        dropped
    }

    /// Forgets the records that have left the buffer: one stays up to and with the column behind its last position.
    fn let_go(&mut self) {
        self.ends.retain(|&Reverse(end)| end >= self.column);
    }
}

/// What the cap dropped of one target.
#[derive(Clone, Debug, Default)]
pub struct Dropped {
    /// How many records.
    pub reads: u64,
    /// The positions they would have covered: sorted, apart.
    covered: Vec<Interval>,
}

impl Dropped {
    /// One more record, which does not start before the last.
    pub fn add(&mut self, record: Interval) {
        self.reads += 1;
        record.join(&mut self.covered);
    }

    /// How many positions of `within` one of them would have covered.
    pub fn positions(&self, within: Interval) -> u64 {
        self.covered.iter().map(|covered| covered.intersect(within).len().max(0) as u64).sum()
    }
}

/// Which survivors the cap drops: for each span their numbers in order, counted from the span's first survivor.
pub type Drops = Vec<Vec<u32>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn records(n: usize, start: i64, end: i64) -> Vec<Interval> {
        vec![Interval::new(start, end); n]
    }

    #[test]
    fn the_first_record_of_a_start_is_always_kept() {
        // 20 x 21-30, then one record at each of 22..26, cap 5: five and then one more per start.
        let mut engine = PileupCap::new(5, 0);
        assert_eq!(engine.drops(&records(20, 20, 30)), (5..20).collect::<Vec<_>>());
        let single: Vec<_> = (21..26).map(|start| Interval::new(start, start + 10)).collect();
        assert!(engine.drops(&single).is_empty());
    }

    #[test]
    fn a_record_that_ends_just_before_still_counts() {
        let mut touching = PileupCap::new(5, 0);
        let mut apart = PileupCap::new(5, 0);
        for engine in [&mut touching, &mut apart] {
            assert_eq!(engine.drops(&records(6, 20, 30)), [5]);
        }
        assert_eq!(touching.drops(&records(3, 30, 40)), [1, 2]);
        assert!(apart.drops(&records(3, 31, 41)).is_empty());
    }

    #[test]
    fn records_taken_as_they_are_fill_the_buffer_as_well() {
        let early: Vec<_> = (0..200_000).map(|i| Interval::new(i / 4, i / 4 + i64::from(i % 7 == 0) * 3)).collect();
        let last = early[199_999].start;
        for contig in [0, 1] {
            let [mut taken, mut replayed] = [(); 2].map(|()| PileupCap::new(20, contig));
            taken.take(&early[..100_000]);
            taken.take(&early[100_000..]);
            assert!(replayed.drops(&early).is_empty());
            assert!(taken.ends.len() <= PileupCap::LITTLE + 100_000, "{}", taken.ends.len());
            let late = records(40, last, last + 9);
            let dropped = taken.drops(&late);
            assert!(dropped.len() > 15, "{dropped:?}");
            assert_eq!(dropped, replayed.drops(&late));
        }
    }

    #[test]
    fn touched_positions_are_counted_once() {
        let mut dropped = Dropped::default();
        for (start, end) in [(0, 10), (5, 12), (20, 30)] {
            dropped.add(Interval::new(start, end));
        }
        assert_eq!((dropped.reads, dropped.positions(Interval::new(2, 25))), (3, 15));
    }
}
