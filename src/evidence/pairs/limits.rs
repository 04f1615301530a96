//! What a read group's pairs look like as a rule: the limit of insert sizes, and the usual orientation.

use super::Orientation;
use crate::evidence::bins::Bins;

/// Median absolute deviations of a normal distribution that make its standard deviation.
const MAD_TO_SD: f64 = 1.4826;
/// The limit lies so many standard deviations above the median.
const DEVIATIONS: f64 = 5.0;
/// A guess of the limit, which must not be above it.
const DEVIATIONS_OF_GUESS: f64 = 3.0;
/// A guess needs so many proper pairs.
const ENOUGH: u64 = 200;
/// Without proper pairs it needs so many others.
const ENOUGH_OTHERS: u64 = 1 << 16;

/// Pairs of one read group.
#[derive(Clone, Debug, Default)]
pub struct GroupStats {
    /// Proper pairs by |TLEN|.
    sizes: Bins<u64>,
    /// Proper pairs by orientation.
    orientations: [u64; 4],
    /// Reads that may belong to a row.
    pub(super) reads: u64,
}

/// Median and median absolute deviation of |TLEN|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The median of the distances from it.
    pub mad: f64,
}

/// What is usual in a read group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// The commonest orientation.
    pub orientation: Orientation,
    /// Insert sizes above it are too large; `None` where none is.
    pub limit: Option<f64>,
    /// How many proper pairs say so.
    pub proper_pairs: u64,
    /// The insert sizes of those.
    pub spread: Option<Spread>,
}

/// What is held to be usual while the pass goes on: reads that may belong to a row are kept by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Guess {
    /// Nothing is known yet: all reads are kept.
    Nothing,
    /// Reads of another orientation, and insert sizes above the limit, are kept.
    Known(Orientation, Option<f64>),
}

impl GroupStats {
    /// Counts a proper pair.
    #[inline]
    pub fn add(&mut self, orientation: Orientation, size: u32) {
        *self.sizes.at(u64::from(size)) += 1;
        self.orientations[orientation as usize] += 1;
    }

    /// Adds the pairs of another part of the file.
    pub fn merge(&mut self, other: &Self) {
        for (size, pairs) in other.sizes.iter().filter(|&(_, pairs)| pairs > 0) {
            *self.sizes.at(size) += pairs;
        }
        for (pairs, more) in self.orientations.iter_mut().zip(other.orientations) {
            *pairs += more;
        }
        self.reads += other.reads;
    }

    fn pairs(&self) -> u64 {
        self.orientations.iter().sum()
    }

    /// What is usual by these pairs; `max_insert` is the limit if the caller gave one.
    pub fn usual(&self, max_insert: Option<u32>) -> Usual {
        let spread = self.spread();
        let computed = || spread.map(|s| limit(s, DEVIATIONS));
        Usual {
            orientation: self.orientation(),
            limit: max_insert.map_or_else(computed, |given| Some(f64::from(given))),
            proper_pairs: self.pairs(),
            spread,
        }
    }

    pub(super) fn guess(&self, max_insert: Option<u32>) -> Guess {
        if self.pairs() < ENOUGH && self.reads < ENOUGH_OTHERS {
            return Guess::Nothing;
        }
        let computed = || self.spread().map(|s| limit(s, DEVIATIONS_OF_GUESS));
        Guess::Known(self.orientation(), max_insert.map_or_else(computed, |given| Some(f64::from(given))))
    }

    /// The commonest orientation, the first of several; FR where there is no pair.
    fn orientation(&self) -> Orientation {
        let most = self.orientations.iter().max().copied().unwrap_or_default();
        let found = Orientation::ALL.into_iter().zip(self.orientations).find(|&(_, pairs)| pairs == most);
        found.map_or(Orientation::ALL[0], |(orientation, _)| orientation)
    }

    fn spread(&self) -> Option<Spread> {
        let sizes: Vec<(u64, u64)> = self.sizes.iter().filter(|&(_, pairs)| pairs > 0).collect();
        let twice = twice_median(&sizes)?;
        let mut distances: Vec<(u64, u64)> = sizes.iter().map(|&(size, pairs)| ((2 * size).abs_diff(twice), pairs)).collect();
        distances.sort_unstable();
        // The distances are doubled already.
        Some(Spread { median: twice as f64 / 2.0, mad: twice_median(&distances)? as f64 / 4.0 })
    }
}

fn limit(spread: Spread, deviations: f64) -> f64 {
    spread.median + deviations * MAD_TO_SD * spread.mad
}

/// Twice the median of values, which come sorted with how often there is each.
fn twice_median(values: &[(u64, u64)]) -> Option<u64> {
    let n: u64 = values.iter().map(|&(_, count)| count).sum();
    let nth = |mut rank: u64| {
        let found = values.iter().find(|&&(_, count)| {
            let is_here = rank < count;
            rank = rank.saturating_sub(count);
            is_here
        });
        found.map(|&(value, _)| value)
    };
    Some(nth(n.checked_sub(1)? / 2)? + nth(n / 2)?)
}

/// What the parts of a pass held to be usual in one group, together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guesses {
    /// A bit for each orientation that a part held to be the usual one.
    orientations: u8,
    /// The highest limit.
    highest: f64,
}

impl Guesses {
    pub(super) fn add(&mut self, guess: Guess) {
        if let Guess::Known(orientation, limit) = guess {
            self.merge(Self { orientations: 1 << orientation as u8, highest: limit.unwrap_or(f64::INFINITY) });
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.orientations |= other.orientations;
        self.highest = self.highest.max(other.highest);
    }

    /// Whether everything that is unusual by `usual` was kept.
    pub(super) fn cover(self, usual: &Usual) -> bool {
        let is_covered = usual.limit.is_none_or(|limit| self.highest <= limit);
        self.orientations & !(1 << usual.orientation as u8) == 0 && (self.orientations == 0 || is_covered)
    }

    /// Whether all reads with an insert size of at least `size` were kept.
    pub(super) fn keep(self, size: i64) -> bool {
        self.orientations == 0 || size as f64 > self.highest.floor()
    }
}
