//! Mean, median and their kin over intervals: targets, windows.

use std::collections::HashMap;
use std::ops::Range;

use super::histogram::Histogram;
use super::narrow::Narrow;
use super::series::{RowIndex, Series};
use super::{Depths, Summary};
use crate::coords::Interval;
use crate::error::Result;

/// A depth that positions are to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// That depth.
    Depth(i32),
    /// So many times the mean of the interval.
    OfMean(f64),
}

/// What is said of one row: the integers of which every statistic is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Number of positions.
    pub positions: u64,
    /// Sum of their depths.
    pub sum: u64,
    /// Sum of the squares of their depths.
    pub squares: u128,
    /// Twice the middle depth: the sum of the two middle ones where the number of positions is even.
    pub twice_median: u64,
    /// Lowest depth; 0 without positions.
    pub min: i32,
    /// Highest depth; 0 without positions.
    pub max: i32,
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
            squares,
            twice_median: histogram.twice_median(),
            min: histogram.iter().next().map_or(0, |(depth, _)| depth),
            max: histogram.iter().next_back().map_or(0, |(depth, _)| depth),
            reaching: reaching.collect(),
        }
    }
}

/// The standard deviation of `positions` depths, all of them (divided by their number), with that sum and that sum of squares.
pub fn deviation(positions: u64, sum: u64, squares: u128) -> f64 {
    // In integers up to the root, so that equal depths have no deviation at all.
    let spread = u128::from(positions) * squares - u128::from(sum).pow(2);
    (spread as f64).sqrt() / positions as f64
}

/// Statistics of rows. A row is an interval, or several, of which each position counts once; rows may overlap.
pub struct StatsOf {
    asked: Vec<RowIndex>,
    rows: usize,
    /// Positions of each row, where rows have several intervals.
    lengths: Option<Narrow>,
    thresholds: Vec<Threshold>,
}

/// What a piece has of the rows.
#[derive(Default)]
pub struct RowsDigest {
    /// Rows all of whose positions lie in the piece, neighbours that are alike together: where nothing is covered most windows are.
    rows: Vec<(Range<usize>, Row)>,
    /// Depths of the positions that other rows have in the piece, with the number of all their positions.
    open: Vec<(usize, u64, Histogram)>,
    /// Depths of all rows' positions in the piece, each once.
    union: Histogram,
}

impl RowsDigest {
    fn push(&mut self, number: usize, row: Row) {
        match self.rows.last_mut() {
            Some((numbers, same)) if numbers.end == number && *same == row => numbers.end += 1,
            _ => self.rows.push((number..number + 1, row)),
        }
    }
}

/// The numbers of all rows, column by column; 0 in rows without positions.
#[derive(Debug, Default)]
pub struct RowColumns {
    /// See [`Row::sum`].
    pub sum: Narrow,
    /// See [`Row::squares`].
    pub squares: Narrow,
    /// See [`Row::twice_median`].
    pub twice_median: Narrow,
    /// See [`Row::min`].
    pub min: Narrow,
    /// See [`Row::max`].
    pub max: Narrow,
    /// See [`Row::reaching`].
    pub reaching: Vec<Narrow>,
}

impl RowColumns {
    fn zeros(rows: usize, thresholds: usize) -> Self {
        let zeros = || Narrow::zeros(rows);
        let reaching = std::iter::repeat_with(zeros).take(thresholds).collect();
        Self { sum: zeros(), squares: zeros(), twice_median: zeros(), min: zeros(), max: zeros(), reaching }
    }

    /// A row alone.
    pub fn of(row: &Row) -> Self {
        let mut columns = Self::zeros(1, row.reaching.len());
        columns.fill(&(0..1), row);
        columns
    }

    fn fill(&mut self, rows: &Range<usize>, row: &Row) {
        self.sum.fill(rows.clone(), row.sum.into());
        self.squares.fill(rows.clone(), row.squares);
        self.twice_median.fill(rows.clone(), row.twice_median.into());
        // Depths are never below 0.
        self.min.fill(rows.clone(), row.min.max(0) as u128);
        self.max.fill(rows.clone(), row.max.max(0) as u128);
        for (column, &n) in self.reaching.iter_mut().zip(&row.reaching) {
            column.fill(rows.clone(), n.into());
        }
    }
}

/// What all pieces come to.
#[derive(Debug, Default)]
pub struct RowsTotal {
    columns: RowColumns,
    /// Depths of all rows' positions, each once.
    union: Histogram,
    open: HashMap<usize, Histogram>,
}

impl StatsOf {
    /// Statistics of `rows` rows; `series` are theirs, each with its target. `lengths` are the positions of each row where a row can be
    /// more than one interval; those of one row are disjoint then.
    pub fn new(targets: usize, series: &[(usize, Series)], rows: usize, lengths: Option<Narrow>, thresholds: Vec<Threshold>) -> Self {
        let mut asked: Vec<RowIndex> = std::iter::repeat_with(RowIndex::default).take(targets).collect();
        for &(target, series) in series.iter().filter(|(_, series)| !series.within.is_empty()) {
            asked[target].push(series);
        }
        asked.iter_mut().for_each(RowIndex::sort);
        Self { asked, rows, lengths, thresholds }
    }

    /// The columns, and the row of all rows' positions, each once.
    pub fn complete(&self, mut whole: RowsTotal) -> (RowColumns, Row) {
        self.begin(&mut whole);
        (whole.columns, Row::of(&whole.union, &self.thresholds))
    }

    fn begin(&self, whole: &mut RowsTotal) {
        if whole.columns.sum.len() != self.rows {
            whole.columns = RowColumns::zeros(self.rows, self.thresholds.len());
        }
    }

    fn length(&self, row: usize, interval: Interval) -> u64 {
        self.lengths.as_ref().map_or(interval.len() as u64, |lengths| lengths.get_u64(row))
    }
}

impl Summary for StatsOf {
    type Digest = RowsDigest;
    type Total = RowsTotal;

    fn digest(&self, target: usize, depths: &Depths) -> RowsDigest {
        let asked = &self.asked[target];
        let mut part = RowsDigest::default();
        let mut histogram = Histogram::default();
        for (interval, row) in asked.over(depths.positions) {
            histogram.clear();
            histogram.add_depths(depths, interval);
            if !asked.is_overlapping() {
                part.union.merge(&histogram);
            }
            let length = self.length(row, interval);
            if histogram.positions() == length {
                part.push(row, Row::of(&histogram, &self.thresholds));
            } else {
                part.open.push((row, length, std::mem::take(&mut histogram)));
            }
        }
        if asked.is_overlapping() {
            for positions in asked.union_over(depths.positions) {
                part.union.add_depths(depths, positions);
            }
        }
        part
    }

    fn join(&self, whole: &mut RowsTotal, _: usize, part: RowsDigest) -> Result<()> {
        self.begin(whole);
        whole.union.merge(&part.union);
        for (rows, row) in part.rows {
            whole.columns.fill(&rows, &row);
        }
        for (number, length, histogram) in part.open {
            let so_far = whole.open.entry(number).or_default();
            so_far.merge(&histogram);
            if so_far.positions() == length {
                let row = Row::of(so_far, &self.thresholds);
                whole.open.remove(&number);
                whole.columns.fill(&(number..number + 1), &row);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::cut;
    use super::*;

    /// The row, said plainly.
    fn plain(depths: &[i32], thresholds: &[Threshold]) -> Row {
        let mean = depths.iter().map(|&d| f64::from(d)).sum::<f64>() / depths.len() as f64;
        let mut sorted = depths.to_vec();
        sorted.sort_unstable();
        let middle = |i: usize| sorted[i] as u64;
        let reaching = thresholds.iter().map(|t| match *t {
            Threshold::Depth(least) => depths.iter().filter(|&&d| d >= least).count() as u64,
            Threshold::OfMean(times) => depths.iter().filter(|&&d| f64::from(d) >= times * mean).count() as u64,
        });
        Row {
            positions: depths.len() as u64,
            sum: depths.iter().map(|&d| d as u64).sum(),
            squares: depths.iter().map(|&d| (d as u128).pow(2)).sum(),
            twice_median: middle((depths.len() - 1) / 2) + middle(depths.len() / 2),
            min: sorted[0],
            max: sorted[depths.len() - 1],
            reaching: reaching.collect(),
        }
    }

    fn row(columns: &RowColumns, i: usize, positions: u64) -> Row {
        Row {
            positions,
            sum: columns.sum.get_u64(i),
            squares: columns.squares.get(i),
            twice_median: columns.twice_median.get_u64(i),
            min: columns.min.get(i) as i32,
            max: columns.max.get(i) as i32,
            reaching: columns.reaching.iter().map(|column| column.get_u64(i)).collect(),
        }
    }

    fn depths() -> Vec<i32> {
        (0..90).map(|i: i32| if i % 13 == 0 { 7_000 } else { (i * i) % 17 * i32::from(i > 20) }).collect()
    }

    /// The statistics of `series` from two pieces of `depths`, which begin at position 10.
    fn stats(depths: &[i32], series: &[(usize, Series)], rows: usize, lengths: Option<Narrow>, seed: u64) -> (RowColumns, Row) {
        let stats = StatsOf::new(1, series, rows, lengths, thresholds());
        let (at, mut whole) = (seed as usize % (depths.len() - 1) + 1, RowsTotal::default());
        let mut rest = Depths::default();
        rest.reset(10 + at as i64);
        rest.push_dense(depths.len() - at).copy_from_slice(&depths[at..]);
        for piece in [cut(&depths[..at], seed), rest] {
            stats.join(&mut whole, 0, stats.digest(0, &piece)).unwrap();
        }
        stats.complete(whole)
    }

    fn thresholds() -> Vec<Threshold> {
        vec![Threshold::Depth(1), Threshold::Depth(10), Threshold::OfMean(0.2), Threshold::OfMean(1.0)]
    }

    #[test]
    fn rows_equal_plain_statistics_however_intervals_and_pieces_lie() {
        let depths = depths();
        let of = |start: i64, end: i64| depths[(start - 10) as usize..(end - 10) as usize].to_vec();
        // The last two intervals are one row.
        let bounds = [(10, 100), (30, 31), (15, 77), (10, 12), (99, 100), (55, 55), (15, 77), (60, 90), (12, 20), (70, 75)];
        let rows = [0, 1, 2, 3, 4, 5, 6, 7, 8, 8];
        let series: Vec<_> = bounds.iter().zip(rows).map(|(&(start, end), row)| (0, Series::one(Interval::new(start, end), row))).collect();
        let mut lengths = Narrow::zeros(9);
        for (&(start, end), row) in bounds.iter().zip(rows) {
            let so_far = lengths.get(row);
            lengths.fill(row..row + 1, so_far + (end - start) as u128);
        }
        for seed in 0..60 {
            let (columns, total) = stats(&depths, &series, 9, Some(lengths.clone()), seed);
            for (i, &(start, end)) in bounds[..8].iter().enumerate().filter(|(_, (start, end))| start < end) {
                let wanted = plain(&of(start, end), &thresholds());
                assert_eq!(row(&columns, i, lengths.get_u64(i)), wanted, "seed {seed}, {start}..{end}");
            }
            let both = [of(12, 20), of(70, 75)].concat();
            assert_eq!(row(&columns, 8, 13), plain(&both, &thresholds()), "a row of two intervals");
            assert_eq!(total, plain(&depths, &thresholds()), "the union");
            assert_eq!((columns.sum.get(5), columns.min.get(5), columns.max.get(5)), (0, 0, 0));
        }
    }

    #[test]
    fn windows_equal_plain_statistics() {
        let depths = depths();
        for (start, end, size, step) in [(10, 100, 7, 7), (13, 98, 5, 9), (10, 100, 40, 3), (20, 30, 50, 50), (10, 100, 1, 1)] {
            let windows = Series { within: Interval::new(start, end), size, step, row: 0 };
            for seed in 0..20 {
                let (columns, total) = stats(&depths, &[(0, windows)], windows.rows(), None, seed);
                let mut covered = vec![false; 90];
                for i in 0..windows.rows() {
                    let place = windows.place(i);
                    let at = (place.start - 10) as usize..(place.end - 10) as usize;
                    covered[at.clone()].fill(true);
                    assert_eq!(row(&columns, i, place.len() as u64), plain(&depths[at], &thresholds()), "{windows:?}, seed {seed}");
                }
                let union: Vec<_> = depths.iter().zip(covered).filter(|(_, covered)| *covered).map(|(&d, _)| d).collect();
                assert_eq!(total, plain(&union, &thresholds()), "{windows:?}, seed {seed}");
            }
        }
    }

    #[test]
    fn deviations_are_those_of_the_formula() {
        for depths in [&[3, 3, 3][..], &[0, 1], &[5, 0, 9_000], &[2_000_000_000, 0, 1]] {
            let (n, row) = (depths.len() as f64, plain(depths, &[]));
            let mean = depths.iter().map(|&d| f64::from(d)).sum::<f64>() / n;
            let wanted = (depths.iter().map(|&d| (f64::from(d) - mean).powi(2)).sum::<f64>() / n).sqrt();
            let got = deviation(row.positions, row.sum, row.squares);
            assert!((got - wanted).abs() <= 1e-9 * (1.0 + wanted), "{depths:?}: {got} {wanted}");
        }
        assert!(deviation(0, 0, 0).is_nan());
    }
}
