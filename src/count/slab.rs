//! A difference array over the positions of one part of a span.

use super::masks::{WIDTH, bits};
use crate::coords::Interval;

/// What one lane changes by at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The position.
    pub at: i64,
    /// What is added from there on.
    pub by: i32,
    /// Which lane.
    pub lane: u32,
}

/// Counts as differences: dense over `start..start + diff.len()`, single changes elsewhere.
///
/// Each position has `L` counts, its lanes: one where depth is counted, more where letters are (`docs/design/003-base-counts.md`).
#[derive(Debug)]
pub struct Slab<const L: usize = 1> {
    /// Position of the first difference.
    pub start: i64,
    /// What the counts change by at each position.
    pub diff: Vec<[i32; L]>,
    /// Changes at positions the array does not cover, in no order.
    pub events: Vec<Change>,
    /// Positions that are asked for; nothing outside is booked.
    clip: Interval,
}

impl<const L: usize> Default for Slab<L> {
    fn default() -> Self {
        Self { start: 0, diff: Vec::new(), events: Vec::new(), clip: Interval::default() }
    }
}

impl<const L: usize> Slab<L> {
    /// Empties the slab; positions outside `clip` will not be booked.
    pub fn reset(&mut self, clip: Interval) {
        self.start = clip.start;
        self.clip = clip;
        self.events.clear();
        self.diff.clear();
    }

    /// Makes the dense array reach up to `end`. It begins at `start`, which stays the same until the next reset.
    pub fn cover(&mut self, start: i64, end: i64) {
        if self.diff.is_empty() {
            self.start = start.clamp(self.clip.start, self.clip.end);
        }
        let len = (end.min(self.clip.end) - self.start).max(0) as usize;
        if len > self.diff.len() {
            self.diff.resize(len, [0; L]);
        }
    }

    /// Adds `weight` to the depth of positions `start..end`.
    #[inline]
    pub fn add(&mut self, start: i64, end: i64, weight: i32) {
        self.add_lane(start, end, 0, weight);
    }

    /// Adds `weight` to a lane of positions `start..end`.
    #[inline]
    pub fn add_lane(&mut self, start: i64, end: i64, lane: usize, weight: i32) {
        let start = start.max(self.clip.start);
        let end = end.min(self.clip.end);
        if start < end {
            self.change(start, lane, weight);
            self.change(end, lane, -weight);
        }
    }

    /// Books the runs of ones of a mask after the other: `mask(i)` is that of the 64 positions from `start + i` on, zeros behind the last
    /// of `len`.
    #[inline]
    pub fn add_runs(&mut self, start: i64, len: usize, weight: i32, mut mask: impl FnMut(usize) -> u64) {
        let mut last = 0;
        let mut i = 0;
        while i < len {
            let ones = mask(i);
            for edge in bits(ones ^ (ones << 1 | last)) {
                let by = if ones >> edge & 1 == 1 { weight } else { -weight };
                self.change((start + (i + edge) as i64).max(self.clip.start), 0, by);
            }
            last = ones >> 63;
            i += WIDTH;
        }
        if last == 1 {
            self.change((start + i as i64).max(self.clip.start), 0, -weight);
        }
    }

    #[inline]
    fn change(&mut self, at: i64, lane: usize, by: i32) {
        if let Some(d) = self.diff.get_mut(at.wrapping_sub(self.start) as u64 as usize) {
            d[lane] += by;
        } else if at < self.clip.end {
            self.events.push(Change { at, by, lane: lane as u32 });
        }
    }

    /// Moves what lies at or behind `frontier` out of the array into the events, and cuts the array there.
    pub fn cut(&mut self, frontier: i64) {
        let keep = (frontier - self.start).clamp(0, self.diff.len() as i64) as usize;
        for (at, diff) in (self.start..).zip(&self.diff).skip(keep) {
            for (lane, &by) in diff.iter().enumerate() {
                if by != 0 {
                    self.events.push(Change { at, by, lane: lane as u32 });
                }
            }
        }
        self.diff.truncate(keep);
    }

    /// Sums of all differences in the array, lane by lane.
    pub fn sums(&self) -> [i64; L] {
        let mut sums = [0; L];
        // Lane by lane over rows that stay in the first cache.
        for rows in self.diff.chunks(256) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += rows.iter().map(|d| i64::from(d[lane])).sum::<i64>();
            }
        }
        sums
    }
}
