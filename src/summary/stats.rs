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
    intervals: Vec<(Interval, u32)>,
    /// The furthest end among the intervals up to each one.
    furthest: Vec<i64>,
    /// The positions of all intervals, each once.
    union: Vec<Interval>,
}

impl Asked {
    fn sort(&mut self) {
        self.intervals.sort_by_key(|(interval, _)| interval.start);
        let mut most = i64::MIN;
        for &(interval, _) in &self.intervals {
            most = most.max(interval.end);
            self.furthest.push(most);
        }
        self.union = union(self.intervals.iter().map(|i| i.0));
    }

    /// Those that share a position with `positions`.
    fn over(&self, positions: Interval) -> impl Iterator<Item = (Interval, u32)> + '_ {
        let first = self.furthest.partition_point(|&end| end <= positions.start);
        let near = self.intervals[first..].iter().take_while(move |(i, _)| i.start < positions.end);
        near.filter(move |(i, _)| !i.intersect(positions).is_empty()).copied()
    }

    fn union_over(&self, positions: Interval) -> impl Iterator<Item = Interval> + '_ {
        let first = self.union.partition_point(|i| i.end <= positions.start);
        self.union[first..].iter().take_while(move |i| i.start < positions.end).map(move |i| i.intersect(positions))
    }
}

/// Intervals sorted by start as disjoint ones that cover the same positions.
pub fn union(sorted: impl Iterator<Item = Interval>) -> Vec<Interval> {
    let mut union: Vec<Interval> = Vec::new();
    for interval in sorted.filter(|i| !i.is_empty()) {
        match union.last_mut() {
            Some(last) if interval.start <= last.end => last.end = last.end.max(interval.end),
            _ => union.push(interval),
        }
    }
    union
}

/// Statistics of rows. A row is an interval, or several, of which each position counts once; rows may overlap.
pub struct StatsOf {
    asked: Vec<Asked>,
    /// Positions of each row.
    lengths: Vec<u64>,
    thresholds: Vec<Threshold>,
}

/// What a piece has of the rows.
#[derive(Default)]
pub struct Part {
    /// Rows all of whose positions lie in the piece.
    rows: Vec<(u32, Row)>,
    /// Depths of the positions that other rows have in the piece.
    open: Vec<(u32, Histogram)>,
    /// Depths of all rows' positions in the piece, each once.
    union: Histogram,
}

/// The statistics of all rows, column by column.
#[derive(Debug, Default)]
pub struct Columns {
    /// Sum of the depths.
    pub sum: Vec<u64>,
    /// Middle depth; NaN in rows without positions.
    pub median: Vec<f64>,
    /// Lowest depth.
    pub min: Vec<i32>,
    /// Highest depth.
    pub max: Vec<i32>,
    /// Standard deviation of the positions; NaN in rows without positions.
    pub sd: Vec<f64>,
    /// Positions that reach each threshold, row by row.
    pub reaching: Vec<u64>,
    /// Depths of all rows' positions, each once.
    pub union: Histogram,
    open: HashMap<u32, Histogram>,
}

impl Columns {
    fn begin(&mut self, rows: usize, thresholds: usize) {
        self.sum = vec![0; rows];
        self.median = vec![f64::NAN; rows];
        self.min = vec![0; rows];
        self.max = vec![0; rows];
        self.sd = vec![f64::NAN; rows];
        self.reaching = vec![0; rows * thresholds];
    }

    fn set(&mut self, number: u32, row: &Row) {
        let i = number as usize;
        (self.sum[i], self.median[i], self.min[i], self.max[i], self.sd[i]) = (row.sum, row.median, row.min, row.max, row.sd);
        let n = row.reaching.len();
        self.reaching[i * n..(i + 1) * n].copy_from_slice(&row.reaching);
    }
}

impl StatsOf {
    /// Statistics of as many rows as `lengths` has; `intervals` are the target, the positions and the number of the row of each interval,
    /// those of one row disjoint.
    pub fn new(targets: usize, intervals: &[(usize, Interval, u32)], rows: usize, thresholds: Vec<Threshold>) -> Self {
        let mut asked: Vec<Asked> = std::iter::repeat_with(Asked::default).take(targets).collect();
        let mut lengths = vec![0; rows];
        for &(target, interval, row) in intervals.iter().filter(|i| !i.1.is_empty()) {
            asked[target].intervals.push((interval, row));
            lengths[row as usize] += interval.len() as u64;
        }
        asked.iter_mut().for_each(Asked::sort);
        Self { asked, lengths, thresholds }
    }

    /// The columns, which are still empty where no piece was counted.
    pub fn complete(&self, mut columns: Columns) -> Columns {
        if columns.sum.len() != self.lengths.len() {
            columns.begin(self.lengths.len(), self.thresholds.len());
        }
        columns
    }

    /// Positions of each row.
    pub fn lengths(&self) -> &[u64] {
        &self.lengths
    }

    /// The row of all rows' positions, each once.
    pub fn total(&self, columns: &Columns) -> Row {
        Row::of(&columns.union, &self.thresholds)
    }
}

impl Summary for StatsOf {
    type Part = Part;
    type Whole = Columns;

    fn digest(&self, target: usize, depths: &Depths) -> Part {
        let asked = &self.asked[target];
        let mut part = Part::default();
        let mut histogram = Histogram::default();
        for (interval, row) in asked.over(depths.positions) {
            histogram.clear();
            histogram.add_depths(depths, interval);
            if histogram.positions() == self.lengths[row as usize] {
                part.rows.push((row, Row::of(&histogram, &self.thresholds)));
            } else {
                part.open.push((row, std::mem::take(&mut histogram)));
            }
        }
        for positions in asked.union_over(depths.positions) {
            part.union.add_depths(depths, positions);
        }
        part
    }

    fn join(&self, whole: &mut Columns, _: usize, part: Part) {
        if whole.sum.len() != self.lengths.len() {
            whole.begin(self.lengths.len(), self.thresholds.len());
        }
        whole.union.merge(&part.union);
        for (number, row) in part.rows {
            whole.set(number, &row);
        }
        for (number, histogram) in part.open {
            let so_far = whole.open.entry(number).or_default();
            so_far.merge(&histogram);
            if so_far.positions() == self.lengths[number as usize] {
                let row = Row::of(so_far, &self.thresholds);
                whole.open.remove(&number);
                whole.set(number, &row);
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

    fn row(columns: &Columns, i: usize, positions: u64, n: usize) -> Row {
        let reaching = columns.reaching[i * n..(i + 1) * n].to_vec();
        let (sum, median, sd) = (columns.sum[i], columns.median[i], columns.sd[i]);
        Row { positions, sum, median, min: columns.min[i], max: columns.max[i], sd, reaching }
    }

    fn assert_same(got: &Row, wanted: &Row, what: &str) {
        assert!((got.sd - wanted.sd).abs() <= 1e-9 * (1.0 + wanted.sd), "{what}: {got:?} {wanted:?}");
        assert_eq!(Row { sd: wanted.sd, ..got.clone() }, *wanted, "{what}");
    }

    #[test]
    fn rows_equal_plain_statistics_however_intervals_and_pieces_lie() {
        let depths: Vec<i32> = (0..90).map(|i: i32| if i % 13 == 0 { 7_000 } else { (i * i) % 17 * i32::from(i > 20) }).collect();
        let of = |start: i64, end: i64| depths[(start - 10) as usize..(end - 10) as usize].to_vec();
        // The last two intervals are one row.
        let bounds = [(10, 100), (30, 31), (15, 77), (10, 12), (99, 100), (55, 55), (15, 77), (60, 90), (12, 20), (70, 75)];
        let intervals: Vec<_> =
            bounds.iter().zip([0, 1, 2, 3, 4, 5, 6, 7, 8, 8]).map(|(&(start, end), row)| (0, Interval::new(start, end), row)).collect();
        let thresholds = vec![Threshold::Depth(1), Threshold::Depth(10), Threshold::OfMean(0.2), Threshold::OfMean(1.0)];
        for seed in 0..60 {
            let stats = StatsOf::new(1, &intervals, 9, thresholds.clone());
            let (at, mut whole) = (seed as usize % 89 + 1, Columns::default());
            let mut rest = Depths::default();
            rest.reset(10 + at as i64);
            rest.push_dense(90 - at).copy_from_slice(&depths[at..]);
            for piece in [cut(&depths[..at], seed), rest] {
                stats.join(&mut whole, 0, stats.digest(0, &piece));
            }
            for (i, &(start, end)) in bounds[..8].iter().enumerate().filter(|(_, (start, end))| start < end) {
                let got = row(&whole, i, stats.lengths()[i], 4);
                assert_same(&got, &plain(&of(start, end), &thresholds), &format!("seed {seed}, {start}..{end}"));
            }
            let both = [of(12, 20), of(70, 75)].concat();
            assert_same(&row(&whole, 8, 13, 4), &plain(&both, &thresholds), "a row of two intervals");
            assert_same(&stats.total(&whole), &plain(&depths, &thresholds), "the union");
            assert!(whole.median[5].is_nan() && whole.sd[5].is_nan() && (whole.sum[5], whole.min[5], whole.max[5]) == (0, 0, 0));
        }
    }

    #[test]
    fn a_union_has_each_position_once() {
        let intervals = [(1, 4), (2, 3), (4, 6), (7, 7), (8, 9)].map(|(start, end)| Interval::new(start, end));
        assert_eq!(union(intervals.into_iter()), [Interval::new(1, 6), Interval::new(8, 9)]);
    }
}
