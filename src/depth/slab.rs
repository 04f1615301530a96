//! A difference array over the positions of one part of a span.

use std::ops::Range;

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
    /// Requested positions; nothing outside them is counted.
    clip: Interval,
    /// Counts that are not in `diff` yet, per position: a record is added to a stretch of them with few instructions, however often its
    /// qualities go up and down.
    plane: Vec<i8>,
    /// Where `plane` is not all zeros.
    touched: Range<usize>,
    /// Records added to `plane`, each at most once per position.
    records: i8,
}

impl<const L: usize> Default for Slab<L> {
    fn default() -> Self {
        Self { start: 0, diff: Vec::new(), events: Vec::new(), clip: Interval::default(), plane: Vec::new(), touched: 0..0, records: 0 }
    }
}

impl<const L: usize> Slab<L> {
    /// Empties the slab; positions outside `clip` will not be booked.
    pub fn reset(&mut self, clip: Interval) {
        self.start = clip.start;
        self.clip = clip;
        self.events.clear();
        self.diff.clear();
        self.plane.clear();
        (self.touched, self.records) = (0..0, 0);
    }

    /// The requested positions.
    pub const fn asked(&self) -> Interval {
        self.clip
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

    /// Says that what is added next is of another record.
    #[inline]
    pub fn begin_record(&mut self) {
        if self.records == i8::MAX {
            self.settle();
        }
        self.records += 1;
    }

    /// Adds `weight`, 1 or -1, at the positions from `start` on whose `quality` is `min` or more, each position once per record. False, and
    /// nothing is added, where the array does not cover them.
    #[inline]
    pub fn add_passing(&mut self, start: i64, quality: &[u8], min: u8, weight: i32) -> bool {
        let from = start.wrapping_sub(self.start) as u64 as usize;
        // The position behind them takes the change back.
        if L > 1 || from >= self.diff.len() || self.diff.len() - from <= quality.len() {
            return false;
        }
        let to = from + quality.len();
        if self.plane.len() < to {
            self.plane.resize(self.diff.len(), 0);
        }
        for (count, &q) in self.plane[from..to].iter_mut().zip(quality) {
            *count = count.wrapping_add(if q >= min { weight as i8 } else { 0 });
        }
        self.touched = if self.touched.is_empty() { from..to } else { from.min(self.touched.start)..to.max(self.touched.end) };
        true
    }

    /// Moves the counts of `plane` into the differences.
    fn settle(&mut self) {
        self.records = 0;
        let Range { start, end } = std::mem::take(&mut self.touched);
        let (Some(plane), Some(diff)) = (self.plane.get_mut(start..end), self.diff.as_flattened_mut().get_mut(start..=end)) else { return };
        let (Some(&first), Some(&last)) = (plane.first(), plane.last()) else { return };
        diff[0] += i32::from(first);
        for (d, (&before, &now)) in diff[1..].iter_mut().zip(plane.iter().zip(&plane[1..])) {
            *d += i32::from(now) - i32::from(before);
        }
        diff[end - start] -= i32::from(last);
        plane.fill(0);
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
        self.settle();
        let keep = (frontier - self.start).clamp(0, self.diff.len() as i64) as usize;
        for (i, diff) in self.diff.iter().enumerate().skip(keep) {
            for (lane, &by) in diff.iter().enumerate() {
                if by != 0 {
                    self.events.push(Change { at: self.start + i as i64, by, lane: lane as u32 });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_by_quality_is_the_same_however_many_records_there_are() {
        let quality: Vec<u8> = (0..40).map(|i| (i * 7 % 13) as u8).collect();
        for records in [1, 126, 127, 128, 300] {
            let mut slab = Slab::<1>::default();
            slab.reset(Interval::new(100, 400));
            let mut expected = vec![0; 300];
            for i in 0..records {
                let start = 100 + i / 2;
                slab.cover(100, start + 41);
                slab.begin_record();
                let weight = if i % 5 == 4 { -1 } else { 1 };
                assert!(slab.add_passing(start, &quality, 6, weight));
                for (k, _) in quality.iter().enumerate().filter(|&(_, &q)| q >= 6) {
                    expected[(start - 100) as usize + k] += weight;
                }
            }
            assert!(!slab.add_passing(99, &quality, 6, 1) && !slab.add_passing(slab.start + slab.diff.len() as i64 - 40, &quality, 6, 1));
            slab.cut(400);
            let mut depth = 0;
            for (diff, expected) in slab.diff.iter().zip(expected) {
                depth += diff[0];
                assert_eq!(depth, expected, "{records} records");
            }
        }
    }
}
