//! A difference array over the positions of one part of a span.

use super::masks::{WIDTH, bits};
use crate::coords::Interval;

/// Depth as differences: dense over `start..start + diff.len()`, single events elsewhere.
#[derive(Debug, Default)]
pub struct Slab {
    /// Position of the first difference.
    pub start: i64,
    /// What depth changes by at each position.
    pub diff: Vec<i32>,
    /// Changes at positions the array does not cover, in no order.
    pub events: Vec<(i64, i32)>,
    /// Positions that are asked for; nothing outside is booked.
    clip: Interval,
}

impl Slab {
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
            self.diff.resize(len, 0);
        }
    }

    /// Adds `weight` to the depth of positions `start..end`.
    #[inline]
    pub fn add(&mut self, start: i64, end: i64, weight: i32) {
        let start = start.max(self.clip.start);
        let end = end.min(self.clip.end);
        if start < end {
            self.change(start, weight);
            self.change(end, -weight);
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
                self.change((start + (i + edge) as i64).max(self.clip.start), by);
            }
            last = ones >> 63;
            i += WIDTH;
        }
        if last == 1 {
            self.change((start + i as i64).max(self.clip.start), -weight);
        }
    }

    #[inline]
    fn change(&mut self, at: i64, by: i32) {
        if let Some(d) = self.diff.get_mut(at.wrapping_sub(self.start) as u64 as usize) {
            *d += by;
        } else if at < self.clip.end {
            self.events.push((at, by));
        }
    }

    /// Moves what lies at or behind `frontier` out of the array into the events, and cuts the array there.
    pub fn cut(&mut self, frontier: i64) {
        let keep = (frontier - self.start).clamp(0, self.diff.len() as i64) as usize;
        let base = self.start;
        for (i, &d) in self.diff.iter().enumerate().skip(keep) {
            if d != 0 {
                self.events.push((base + i as i64, d));
            }
        }
        self.diff.truncate(keep);
    }

    /// Sum of all differences in the array.
    pub fn sum(&self) -> i64 {
        self.diff.iter().map(|&d| i64::from(d)).sum()
    }
}
