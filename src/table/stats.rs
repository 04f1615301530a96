//! One row per target or window.

use crate::coords::Interval;
use crate::summary::narrow::Narrow;
use crate::summary::series::RowSpec;
use crate::summary::stats::RowColumns;

/// Numbers of rows, from which statistics are computed on access.
#[derive(Debug)]
pub struct RowStats {
    /// Where windows lie, in the order of their numbers; other rows have `lengths` instead.
    series: Vec<RowSpec>,
    lengths: Option<Narrow>,
    columns: RowColumns,
}

impl RowStats {
    /// Rows with these numbers: windows, with their places, or others, with their lengths.
    pub fn new(series: Vec<RowSpec>, lengths: Option<Narrow>, columns: RowColumns) -> Self {
        Self { series, lengths, columns }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.columns.sum.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of the rows.
    pub fn columns(&self) -> &RowColumns {
        &self.columns
    }

    /// Contig and positions of a window.
    pub fn place(&self, row: usize) -> Option<(usize, Interval)> {
        let before = self.series.partition_point(|asked| asked.series.row <= row);
        let asked = self.series.get(before.checked_sub(1)?)?;
        Some((asked.contig, asked.series.place(row)))
    }

    /// Positions of a row.
    pub fn length(&self, row: usize) -> u64 {
        match &self.lengths {
            Some(lengths) => lengths.get_u64(row),
            None => self.place(row).map_or(0, |(_, interval)| interval.len() as u64),
        }
    }
}
