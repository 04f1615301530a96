//! A difference array over the positions of one part of a span.

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
    /// Empties the slab and lays it over `cover`; positions outside `clip` will not be booked.
    pub fn reset(&mut self, cover: Interval, clip: Interval) {
        let cover = cover.intersect(clip);
        self.start = cover.start;
        self.clip = clip;
        self.events.clear();
        self.diff.clear();
        self.diff.resize(cover.len() as usize, 0);
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
