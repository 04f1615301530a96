//! How many positions have which depth.

use super::{Depths, Stretch, Summary};
use crate::coords::Interval;
use crate::error::Result;

/// Depths up to here are counted in an array, deeper ones one by one.
const DENSE: usize = 1 << 12;

/// Positions by their depth.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Number of positions of depth 0, 1, …, as far as there are any.
    shallow: Vec<u64>,
    deep: std::collections::BTreeMap<i32, u64>,
}

impl Histogram {
    /// Empties it. Its memory stays, unless that would make every later look at it long.
    pub fn clear(&mut self) {
        if self.shallow.len() > 512 {
            self.shallow = Vec::new();
        }
        self.shallow.fill(0);
        self.deep.clear();
    }

    /// Adds `positions` positions of `depth`.
    #[inline]
    pub fn add(&mut self, depth: i32, positions: u64) {
        let at = depth as usize;
        if let Some(n) = self.shallow.get_mut(at) {
            *n += positions;
        } else if at < DENSE {
            self.shallow.resize((at + 1).next_power_of_two().min(DENSE), 0);
            self.shallow[at] += positions;
        } else {
            *self.deep.entry(depth).or_default() += positions;
        }
    }

    /// Adds the depths over `within`.
    pub fn add_depths(&mut self, depths: &Depths, within: Interval) {
        for chunk in depths.over(within) {
            match chunk {
                Stretch::Run(n, depth) => self.add(depth, n),
                Stretch::Dense(depths) => depths.iter().for_each(|&d| self.add(d, 1)),
            }
        }
    }

    /// Adds another one.
    pub fn merge(&mut self, other: &Self) {
        for (depth, n) in other.iter() {
            self.add(depth, n);
        }
    }

    /// Depths that occur, from the lowest, with the number of positions.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
        let shallow = self.shallow.iter().enumerate().filter(|(_, n)| **n > 0).map(|(depth, &n)| (depth as i32, n));
        shallow.chain(self.deep.iter().map(|(&depth, &n)| (depth, n)))
    }

    /// Number of positions.
    pub fn positions(&self) -> u64 {
        self.iter().map(|(_, n)| n).sum()
    }

    /// Twice the middle depth: the sum of the two middle ones where the number of positions is even; 0 where there is none.
    pub fn twice_median(&self) -> u64 {
        let n = self.positions();
        let (mut below, mut lower) = (0, None);
        for (depth, positions) in self.iter() {
            below += positions;
            if lower.is_none() && below > n.saturating_sub(1) / 2 {
                lower = Some(depth);
            }
            if let Some(lower) = lower
                && below > n / 2
            {
                return lower as u64 + depth as u64;
            }
        }
        0
    }
}

/// A histogram for every target.
pub struct Distribution;

impl Summary for Distribution {
    type Digest = Histogram;
    type Total = Vec<Histogram>;

    fn digest(&self, _: usize, depths: &Depths) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.add_depths(depths, depths.positions);
        histogram
    }

    fn join(&self, total: &mut Vec<Histogram>, target: usize, digest: Histogram) -> Result<()> {
        if total.len() <= target {
            total.resize_with(target + 1, Histogram::default);
        }
        total[target].merge(&digest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::cut;
    use super::*;

    #[test]
    fn medians_are_those_of_the_sorted_depths() {
        for (depths, wanted) in [(&[3][..], 6), (&[1, 2], 3), (&[5, 0, 9_000], 10), (&[2, 2, 7, 9_000_000], 9), (&[0, 0, 0, 4], 0)] {
            let mut histogram = Histogram::default();
            for &depth in depths {
                histogram.add(depth, 1);
            }
            assert_eq!(histogram.twice_median(), wanted, "{depths:?}");
        }
        assert_eq!(Histogram::default().twice_median(), 0);
    }

    #[test]
    fn every_position_is_counted_once() {
        let depths: Vec<i32> = (0..400).map(|i| if i % 7 == 0 { 5_000 + i } else { i % 11 }).collect();
        for seed in 0..20 {
            let cut = cut(&depths, seed);
            let (mut whole, middle) = (Vec::new(), Interval::new(100, 250));
            Distribution.join(&mut whole, 2, Distribution.digest(2, &cut)).unwrap();
            assert_eq!((whole.len(), whole[2].positions(), whole[0].positions()), (3, 400, 0));
            let mut part = Histogram::default();
            part.add_depths(&cut, middle);
            for (depth, n) in part.iter() {
                assert_eq!(n, depths[90..240].iter().filter(|&&d| d == depth).count() as u64);
            }
            assert_eq!(part.positions(), 150);
        }
    }
}
