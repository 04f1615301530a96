//! Where rows lie: intervals, and windows that are computed instead of listed.

use crate::coords::Interval;

/// Rows of one size, at equal distances, one after the other: the windows of a region, or one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// Where they lie: the first begins at its start, the last ones are cut at its end.
    pub within: Interval,
    /// Positions of a row, 1 or more.
    pub size: i64,
    /// Positions from the start of a row to that of the next, 1 or more.
    pub step: i64,
    /// Number of the first row; the others follow.
    pub row: usize,
}

/// Rows on one contig, or a piece of a row.
#[derive(Clone, Copy, Debug)]
pub struct RowSpec {
    /// Index of the contig in the header.
    pub contig: usize,
    /// Their positions and numbers; what reaches past the contig's end is cut there.
    pub series: Series,
}

impl Series {
    /// One row.
    pub fn one(interval: Interval, row: usize) -> Self {
        let size = interval.len().max(1);
        Self { within: interval, size, step: size, row }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.before(self.within.end) as usize
    }

    /// The positions of row number `row`, which is one of these.
    pub fn place(&self, row: usize) -> Interval {
        let start = self.within.start + (row - self.row) as i64 * self.step;
        Interval::new(start, start.saturating_add(self.size).min(self.within.end))
    }

    /// How many rows start before `position`.
    fn before(&self, position: i64) -> i64 {
        let positions = position.min(self.within.end) - self.within.start;
        if positions <= 0 { 0 } else { (positions - 1) / self.step + 1 }
    }

    /// Those that share a position with `positions`, with their numbers.
    fn over(&self, positions: Interval) -> impl Iterator<Item = (Interval, usize)> + use<> {
        let (series, last) = (*self, self.before(positions.end));
        // The rows that start so early that they end in front.
        let first = self.before((positions.start - self.size).saturating_add(1));
        let rows = (self.row + first as usize)..(self.row + last.max(first) as usize);
        rows.map(move |row| (series.place(row), row)).filter(move |(place, _)| !place.intersect(positions).is_empty())
    }

    /// The positions of all rows that lie in `positions`, as sorted intervals.
    fn cover(&self, positions: Interval, out: &mut Vec<Interval>) {
        if self.step <= self.size {
            out.push(self.within.intersect(positions));
        } else {
            out.extend(self.over(positions).map(|(place, _)| place.intersect(positions)));
        }
    }
}

/// The rows on one target.
#[derive(Debug, Default)]
pub struct RowIndex {
    /// Sorted by start.
    series: Vec<Series>,
    /// The furthest end among the series up to each one.
    furthest: Vec<i64>,
    /// Whether rows share positions.
    overlapping: bool,
}

impl RowIndex {
    /// Adds rows; the last word is [`RowIndex::sort`].
    pub fn push(&mut self, series: Series) {
        self.series.push(series);
    }

    /// Makes it ready to be asked.
    pub fn sort(&mut self) {
        self.series.sort_by_key(|series| series.within.start);
        let mut most = i64::MIN;
        self.furthest = Vec::with_capacity(self.series.len());
        for series in &self.series {
            self.overlapping |= series.within.start < most || series.step < series.size;
            most = most.max(series.within.end);
            self.furthest.push(most);
        }
    }

    fn near(&self, positions: Interval) -> impl Iterator<Item = &Series> + '_ {
        let first = self.furthest.partition_point(|&end| end <= positions.start);
        self.series[first..].iter().take_while(move |series| series.within.start < positions.end)
    }

    /// The rows that share a position with `positions`: their own positions and their numbers.
    pub fn over(&self, positions: Interval) -> impl Iterator<Item = (Interval, usize)> + '_ {
        self.near(positions).flat_map(move |series| series.over(positions))
    }

    /// Whether rows share positions.
    pub const fn is_overlapping(&self) -> bool {
        self.overlapping
    }

    /// The positions of `positions` that lie in a row, each once.
    pub fn union_over(&self, positions: Interval) -> Vec<Interval> {
        let mut covered = Vec::new();
        for series in self.near(positions) {
            series.cover(positions, &mut covered);
        }
        covered.sort_by_key(|interval| interval.start);
        union(covered.into_iter())
    }
}

/// Intervals sorted by start as disjoint ones that cover the same positions.
pub fn union(sorted: impl Iterator<Item = Interval>) -> Vec<Interval> {
    let mut union: Vec<Interval> = Vec::new();
    for interval in sorted.filter(|i| !i.is_empty()) {
        interval.join(&mut union);
    }
    union
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_has_each_position_once() {
        let intervals = [(1, 4), (2, 3), (4, 6), (7, 7), (8, 9)].map(|(start, end)| Interval::new(start, end));
        assert_eq!(union(intervals.into_iter()), [Interval::new(1, 6), Interval::new(8, 9)]);
    }

    #[test]
    fn windows_that_are_computed_are_those_that_would_be_listed() {
        for (start, end, size, step) in [
            (0, 40, 10, 10),
            (3, 38, 10, 4),
            (3, 38, 4, 10),
            (5, 6, 1, 1),
            (2, 9, 100, 100),
            (0, 12, 5, 1 << 32),
            (7, 7, 3, 3),
            (0, 9, 9, 9),
        ] {
            let series = Series { within: Interval::new(start, end), size, step, row: 7 };
            let listed: Vec<_> = (start..end).step_by(step as usize).map(|at| Interval::new(at, (at + size).min(end))).collect();
            assert_eq!(series.rows(), listed.len());
            for (i, &place) in listed.iter().enumerate() {
                assert_eq!(series.place(7 + i), place);
            }
            let mut layout = RowIndex::default();
            layout.push(series);
            layout.sort();
            assert_eq!(layout.is_overlapping(), step < size, "{series:?}");
            for from in 0..45 {
                for to in from..45 {
                    let positions = Interval::new(from, to);
                    let wanted: Vec<_> =
                        listed.iter().zip(7..).filter(|(i, _)| !i.intersect(positions).is_empty()).map(|(&i, row)| (i, row)).collect();
                    assert_eq!(layout.over(positions).collect::<Vec<_>>(), wanted, "{series:?} {positions:?}");
                    let (once, all) = (layout.union_over(positions), wanted.iter().map(|(i, _)| i.intersect(positions)));
                    assert!(layout.is_overlapping() || all.map(Interval::len).sum::<i64>() == once.iter().map(|i| i.len()).sum::<i64>());
                    let each_once = union(wanted.iter().map(|(i, _)| i.intersect(positions)));
                    assert_eq!(once, each_once, "{series:?} {positions:?}");
                }
            }
        }
    }
}
