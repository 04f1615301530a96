//! Tables of statistics: stores the numbers they are made of, and computes columns on access.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch};
use arrow_schema::{Field, Schema, SchemaRef};

use super::batch::{dictionary, refused};
use super::{Codes, RowStats};
use crate::error::Result;
use crate::summary::narrow::Narrow;
use crate::summary::stats::deviation;

/// A column that is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Contig of a window, as an index of the names given.
    Chrom,
    /// First position of a window, 0-based.
    Start,
    /// One past the last position of a window, 0-based.
    End,
    /// Number of positions.
    Length,
    /// Mean depth; NaN without positions, as all that divides by their number.
    Mean,
    /// Middle depth.
    Median,
    /// Lowest depth; 0 without positions.
    Min,
    /// Highest depth; 0 without positions.
    Max,
    /// Standard deviation of the positions, all of them (divided by their number).
    Sd,
    /// `Sd` divided by `Mean`.
    Cv,
    /// Percent of the positions that reach the threshold of that number.
    Percent(usize),
}

impl Statistic {
    /// The column of that name; a percentage is that of threshold number `threshold`.
    pub fn named(name: &str, threshold: usize) -> Option<Self> {
        Some(match name {
            "chrom" => Self::Chrom,
            "start" => Self::Start,
            "end" => Self::End,
            "length" => Self::Length,
            "mean" => Self::Mean,
            "median" => Self::Median,
            "min" => Self::Min,
            "max" => Self::Max,
            "sd" => Self::Sd,
            "cv" => Self::Cv,
            "pct" => Self::Percent(threshold),
            _ => return None,
        })
    }

    /// Whether it says where a row lies.
    pub const fn is_place(self) -> bool {
        matches!(self, Self::Chrom | Self::Start | Self::End)
    }
}

/// Columns that are held, followed by columns that are computed.
#[derive(Debug)]
pub struct Computed {
    held: RecordBatch,
    stats: RowStats,
    statistics: Vec<Statistic>,
    contigs: ArrayRef,
    schema: SchemaRef,
}

impl Computed {
    /// `held` has as many rows as `stats`, or no column; `contigs` are the names of the contigs.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Internal`] when Arrow refuses a column.
    pub fn new(held: RecordBatch, stats: RowStats, statistics: &[(String, Statistic)], contigs: ArrayRef) -> Result<Self> {
        let (names, statistics): (Vec<_>, Vec<_>) = statistics.iter().cloned().unzip();
        let mut computed = Self { held, stats, statistics, contigs, schema: Arc::new(Schema::empty()) };
        let mut fields = computed.held.schema_ref().fields().to_vec();
        for (name, &statistic) in names.into_iter().zip(&computed.statistics) {
            let kind = computed.compute(statistic, 0..0)?;
            fields.push(Arc::new(Field::new(name, kind.data_type().clone(), false)));
        }
        computed.schema = Arc::new(Schema::new(fields));
        Ok(computed)
    }

    /// Names and types.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.stats.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some rows of a column, which is one of the schema's.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Internal`] when Arrow refuses it.
    pub fn column(&self, i: usize, rows: Range<usize>) -> Result<ArrayRef> {
        match i.checked_sub(self.held.num_columns()) {
            None => Ok(self.held.column(i).slice(rows.start, rows.len())),
            Some(i) => self.compute(self.statistics[i], rows),
        }
    }

    /// Some rows.
    ///
    /// # Errors
    ///
    /// As for [`Computed::column`].
    pub fn batch(&self, rows: &Range<usize>) -> Result<RecordBatch> {
        let columns = (0..self.schema.fields().len()).map(|i| self.column(i, rows.clone())).collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(refused)
    }

    fn compute(&self, statistic: Statistic, rows: Range<usize>) -> Result<ArrayRef> {
        let (stats, columns) = (&self.stats, self.stats.columns());
        let place = |row| stats.place(row).unwrap_or_default();
        let length = |row| stats.length(row) as f64;
        let mean = |row| columns.sum.get_u64(row) as f64 / length(row);
        let sd = |row| deviation(stats.length(row), columns.sum.get_u64(row), columns.squares.get(row));
        let percent = |column: &Narrow, row| (100 * column.get_u64(row)) as f64 / length(row);
        Ok(match statistic {
            Statistic::Chrom => return self.chrom(rows),
            Statistic::Start => int64(rows, |row| place(row).1.start),
            Statistic::End => int64(rows, |row| place(row).1.end),
            Statistic::Length => int64(rows, |row| stats.length(row) as i64),
            Statistic::Mean => float64(rows, mean),
            Statistic::Median => {
                float64(rows, |row| if stats.length(row) == 0 { f64::NAN } else { columns.twice_median.get_u64(row) as f64 / 2.0 })
            }
            Statistic::Min => int32(rows, &columns.min),
            Statistic::Max => int32(rows, &columns.max),
            Statistic::Sd => float64(rows, sd),
            Statistic::Cv => float64(rows, |row| sd(row) / mean(row)),
            Statistic::Percent(threshold) => float64(rows, |row| percent(&columns.reaching[threshold], row)),
        })
    }

    /// The contigs of windows.
    fn chrom(&self, rows: Range<usize>) -> Result<ArrayRef> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (contig, _) in rows.filter_map(|row| self.stats.place(row)) {
            match runs.last_mut() {
                Some((same, n)) if *same == contig => *n += 1,
                _ => runs.push((contig, 1)),
            }
        }
        dictionary(Codes::repeated(self.contigs.len(), &runs), Arc::clone(&self.contigs))
    }
}

fn int64(rows: Range<usize>, of: impl Fn(usize) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.map(of)))
}

fn int32(rows: Range<usize>, column: &Narrow) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(rows.map(|row| column.get(row) as i32)))
}

fn float64(rows: Range<usize>, of: impl Fn(usize) -> f64) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(rows.map(of)))
}
