//! Mean, median and their kin over intervals: targets, windows.

use std::collections::HashMap;

use super::histogram::Histogram;
use super::{Depths, Summary};
use crate::coords::Interval;

/// A depth that positions are to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// That depth.
    Depth(i32),
    /// So many times the mean of the interval.
    OfMean(f64),
}

/// What is said of one interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Number of positions.
    pub positions: u64,
    /// Sum of their depths.
    pub sum: u64,
    /// The middle depth; NaN without positions, as all that divides by their number.
    pub median: f64,
    /// Lowest depth; 0 without positions.
    pub min: i32,
    /// Highest depth; 0 without positions.
    pub max: i32,
    /// Standard deviation of the positions, all of them (divided by their number).
    pub sd: f64,
    /// Positions that reach each threshold.
    pub reaching: Vec<u64>,
}

impl Row {
    /// The row of a histogram.
    pub fn of(histogram: &Histogram, thresholds: &[Threshold]) -> Self {
        let (mut positions, mut sum, mut squares) = (0u64, 0u64, 0u128);
        for (depth, n) in histogram.iter() {
            positions += n;
            sum += depth as u64 * n;
            squares += (depth as u128).pow(2) * u128::from(n);
        }
        // In integers up to the root, so that equal depths have no deviation at all.
        let spread = u128::from(positions) * squares - u128::from(sum).pow(2);
        let mean = sum as f64 / positions as f64;
        let reaching = thresholds.iter().map(|threshold| {
            let reaches = |depth: i32| match *threshold {
                Threshold::Depth(least) => depth >= least,
                Threshold::OfMean(times) => f64::from(depth) >= times * mean,
            };
            histogram.iter().filter(|&(depth, _)| reaches(depth)).map(|(_, n)| n).sum()
        });
        Self {
            positions,
            sum,
            median: histogram.median(),
            min: histogram.iter().next().map_or(0, |(depth, _)| depth),
            max: histogram.iter().next_back().map_or(0, |(depth, _)| depth),
            sd: (spread as f64).sqrt() / positions as f64,
            reaching: reaching.collect(),
        }
    }
}

/// The intervals of one target, each with the number of its row.
#[derive(Debug, Default)]
struct Asked {
    /// Sorted by start.
    intervals: Vec<(Interval, usize)>,
    /// The furthest end among the intervals up to each one.
    furthest: Vec<i64>,
}

impl Asked {
    /// Those that share a position with `positions`.
    fn over(&self, positions: Interval) -> impl Iterator<Item = (Interval, usize)> + '_ {
        let first = self.furthest.partition_point(|&end| end <= positions.start);
        let near = self.intervals[first..].iter().take_while(move |(i, _)| i.start < positions.end);
        near.filter(move |(i, _)| !i.intersect(positions).is_empty()).copied()
    }
}

/// Statistics of intervals, which may overlap and come in any order.
pub struct StatsOf {
    asked: Vec<Asked>,
    thresholds: Vec<Threshold>,
}

/// One interval of a piece.
pub enum Part {
    /// It lies in the piece: its row.
    Row(Row),
    /// The depths of the positions it has in the piece.
    Open(Histogram),
}

/// Rows so far, and the histograms of intervals that more is to come of.
#[derive(Debug, Default)]
pub struct Rows {
    /// A row for each interval that is complete, by its number.
    pub rows: HashMap<usize, Row>,
    open: HashMap<usize, Histogram>,
}

impl StatsOf {
    /// Statistics of `intervals`, each inside the target whose number comes with it; empty ones get the row of no positions.
    pub fn new(targets: usize, intervals: &[(usize, Interval)], thresholds: Vec<Threshold>) -> Self {
        let mut asked: Vec<Asked> = std::iter::repeat_with(Asked::default).take(targets).collect();
        for (row, &(target, interval)) in intervals.iter().enumerate() {
            if !interval.is_empty() {
                asked[target].intervals.push((interval, row));
            }
        }
        for target in &mut asked {
            target.intervals.sort_by_key(|(interval, _)| interval.start);
            let ends = target.intervals.iter().map(|(interval, _)| interval.end);
            target.furthest = ends
                .scan(i64::MIN, |most, end| {
                    *most = end.max(*most);
                    Some(*most)
                })
                .collect();
        }
        Self { asked, thresholds }
    }

    /// The row of no positions.
    pub fn empty_row(&self) -> Row {
        Row::of(&Histogram::default(), &self.thresholds)
    }
}

impl Summary for StatsOf {
    type Part = Vec<(usize, i64, Part)>;
    type Whole = Rows;

    fn digest(&self, target: usize, depths: &Depths) -> Self::Part {
        let mut parts = Vec::new();
        let mut histogram = Histogram::default();
        for (interval, row) in self.asked[target].over(depths.positions) {
            histogram.clear();
            histogram.add_depths(depths, interval);
            let whole = interval.intersect(depths.positions) == interval;
            let part = if whole { Part::Row(Row::of(&histogram, &self.thresholds)) } else { Part::Open(std::mem::take(&mut histogram)) };
            parts.push((row, interval.len(), part));
        }
        parts
    }

    fn join(&self, whole: &mut Rows, _: usize, parts: Self::Part) {
        for (row, len, part) in parts {
            match part {
                Part::Row(r) => {
                    whole.rows.insert(row, r);
                }
                Part::Open(histogram) => {
                    let so_far = whole.open.entry(row).or_default();
                    so_far.merge(&histogram);
                    if so_far.positions() == len as u64 {
                        whole.rows.insert(row, Row::of(so_far, &self.thresholds));
                        whole.open.remove(&row);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::cut;
    use super::*;

    /// The row, said plainly.
    fn plain(depths: &[i32], thresholds: &[Threshold]) -> Row {
        let n = depths.len() as f64;
        let mean = depths.iter().map(|&d| f64::from(d)).sum::<f64>() / n;
        let mut sorted = depths.to_vec();
        sorted.sort_unstable();
        let middle = |i: usize| f64::from(sorted[i]);
        let reaching = thresholds.iter().map(|t| match *t {
            Threshold::Depth(least) => depths.iter().filter(|&&d| d >= least).count() as u64,
            Threshold::OfMean(times) => depths.iter().filter(|&&d| f64::from(d) >= times * mean).count() as u64,
        });
        Row {
            positions: depths.len() as u64,
            sum: depths.iter().map(|&d| d as u64).sum(),
            median: f64::midpoint(middle((depths.len() - 1) / 2), middle(depths.len() / 2)),
            min: sorted[0],
            max: sorted[depths.len() - 1],
            sd: (depths.iter().map(|&d| (f64::from(d) - mean).powi(2)).sum::<f64>() / n).sqrt(),
            reaching: reaching.collect(),
        }
    }

    #[test]
    fn rows_equal_plain_statistics_however_intervals_and_pieces_lie() {
        let depths: Vec<i32> = (0..90).map(|i: i32| if i % 13 == 0 { 7_000 } else { (i * i) % 17 * i32::from(i > 20) }).collect();
        let intervals: Vec<_> = [(10, 100), (30, 31), (15, 77), (10, 12), (99, 100), (55, 55), (15, 77), (60, 90), (44, 61)]
            .map(|(start, end)| (0, Interval::new(start, end)))
            .to_vec();
        let thresholds = vec![Threshold::Depth(1), Threshold::Depth(10), Threshold::OfMean(0.2), Threshold::OfMean(1.0)];
        for seed in 0..60 {
            let stats = StatsOf::new(1, &intervals, thresholds.clone());
            let (at, mut whole) = (seed as usize % 89 + 1, Rows::default());
            let mut rest = Depths::default();
            rest.reset(10 + at as i64);
            rest.push_dense(90 - at).copy_from_slice(&depths[at..]);
            for piece in [cut(&depths[..at], seed), rest] {
                stats.join(&mut whole, 0, stats.digest(0, &piece));
            }
            for (row, &(_, interval)) in intervals.iter().enumerate() {
                let Some(got) = whole.rows.get(&row) else {
                    assert!(interval.is_empty());
                    continue;
                };
                let wanted = plain(&depths[(interval.start - 10) as usize..(interval.end - 10) as usize], &thresholds);
                assert!((got.sd - wanted.sd).abs() <= 1e-9 * (1.0 + wanted.sd), "{got:?} {wanted:?}");
                assert_eq!(Row { sd: wanted.sd, ..got.clone() }, wanted, "seed {seed}, {interval:?}");
            }
        }
        let empty = StatsOf::new(1, &intervals, thresholds).empty_row();
        assert!(empty.median.is_nan() && empty.sd.is_nan() && (empty.positions, empty.sum, empty.min, empty.max) == (0, 0, 0, 0));
    }
}
