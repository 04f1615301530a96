//! The depth cap of the pileup engine: `docs/semantics.md`, section 6.
//!
//! Whether the cap acts depends on every record of the region in file order, so it cannot be decided inside a part. Nearly always it
//! never acts, and [`Crowd`] proves that cheaply: it counts, per window of positions, the records that touch the window. Only where
//! such a count exceeds the cap is the region gone through once more, and [`Engine`] replays who is dropped.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::coords::Interval;

/// Positions per window, as a power of two.
const WINDOW: u32 = 8;

/// How the number of records that touch a window changes, over the windows of one part.
#[derive(Debug, Default)]
pub struct Crowd {
    first: i64,
    diff: Vec<i32>,
    far: Vec<(i64, i32)>,
}

impl Crowd {
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
pub struct Engine {
    cap: usize,
    /// Ends of the records in the buffer.
    buffer: BinaryHeap<Reverse<i64>>,
    /// The column the engine stands at.
    column: i64,
}

impl Engine {
    /// An empty buffer. On the first contig of a file the engine stands at column 0 already, on any other before it.
    pub fn new(cap: u32, contig: usize) -> Self {
        Self { cap: cap as usize, buffer: BinaryHeap::new(), column: if contig == 0 { 0 } else { -1 } }
    }

    /// Whether the record over `start..end` is dropped.
    pub fn drops(&mut self, start: i64, end: i64) -> bool {
        if start == self.column && self.buffer.len() >= self.cap {
            return true;
        }
        if end > self.column {
            self.buffer.push(Reverse(end));
        }
        if start > self.column {
            self.column = start;
            while self.buffer.peek().is_some_and(|&Reverse(end)| end < start) {
                self.buffer.pop();
            }
        }
        false
    }
}

/// Which survivors the cap drops: for each span their numbers in order, counted from the span's first survivor.
pub type Drops = Vec<Vec<u32>>;

/// How many positions of `within` lie in at least one of `dropped`, which come sorted by start.
pub fn positions_touched(dropped: &[Interval], within: Interval) -> u64 {
    let (mut total, mut covered) = (0, within.start);
    for d in dropped {
        let d = d.intersect(within);
        if d.end > covered {
            total += d.end - d.start.max(covered);
            covered = d.end;
        }
    }
    total as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_of_a_start_is_always_kept() {
        // 20 x 21-30, then one record at each of 22..26, cap 5: five and then one more per start.
        let mut engine = Engine::new(5, 0);
        let kept = (0..20).filter(|_| !engine.drops(20, 30)).count();
        assert_eq!(kept, 5);
        assert!((21..26).all(|start| !engine.drops(start, start + 10)));
    }

    #[test]
    fn a_record_that_ends_just_before_still_counts() {
        let mut touching = Engine::new(5, 0);
        let mut apart = Engine::new(5, 0);
        for engine in [&mut touching, &mut apart] {
            (0..6).for_each(|_| {
                engine.drops(20, 30);
            });
        }
        assert_eq!((0..3).filter(|_| !touching.drops(30, 40)).count(), 1);
        assert_eq!((0..3).filter(|_| !apart.drops(31, 41)).count(), 3);
    }

    #[test]
    fn touched_positions_are_counted_once() {
        let dropped = [Interval::new(0, 10), Interval::new(5, 12), Interval::new(20, 30)];
        assert_eq!(positions_touched(&dropped, Interval::new(2, 25)), 15);
    }
}
