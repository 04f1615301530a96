//! Statistics of targets and windows.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;

use super::region::Region;
use super::report::Answer;
use super::request::{Access, Request, Settings};
use super::targets::Targets;
use crate::coords::{Interval, Target};
use crate::error::{Error, Kind, Result};
use crate::pass::Watch;
use crate::summary::narrow::Narrow;
use crate::summary::series::{RowSpec, Series, union};
use crate::summary::stats::{RowColumns, RowsTotal, StatsOf, Threshold};
use crate::table::{self, Computed, RowStats, Statistic};

/// Intervals nearer to each other than this are read in one go: what lies between is then cheaper to read than to skip, and an index does
/// not tell them apart anyway.
const NEAR: i64 = 1 << 14;

/// A table of statistics, and what is special about its rows.
#[derive(Debug)]
pub struct StatTables {
    /// The rows.
    pub table: Computed,
    /// One row: all positions, each once.
    pub total: Computed,
    /// Number of intervals that were cut at the end of their contig.
    pub cut: u64,
    /// Number of intervals that have no position.
    pub empty: u64,
}

/// Statistics of targets. `columns` are the names and kinds of the statistics, of which one percentage belongs to each threshold. Numbers
/// are those of whole contigs: they do not depend on how the targets are cut.
///
/// # Errors
///
/// As for [`super::coverage()`]; [`Kind::UnknownContig`] names the line or row of the target; [`Kind::InvalidArgument`] when rows are names
/// and the targets have none.
pub fn target_stats(
    settings: Settings,
    targets: Targets<'_>,
    thresholds: Vec<Threshold>,
    columns: &[(String, Statistic)],
    watch: &Watch<'_>,
) -> Result<Answer<StatTables>> {
    let request = Request::with_access(settings, Access::Index)?;
    let query = RowQuery::of_targets(&request, targets, thresholds)?;
    statistics(request, query, columns, watch)
}

/// Statistics of windows of `size` positions, whose starts are `step` apart, over `regions` or every contig; `thresholds` and `columns` are
/// those of [`target_stats`].
///
/// # Errors
///
/// As for [`super::coverage()`].
pub fn window_stats(
    settings: Settings,
    regions: Option<&[Region]>,
    (size, step): (i64, i64),
    thresholds: Vec<Threshold>,
    columns: &[(String, Statistic)],
    watch: &Watch<'_>,
) -> Result<Answer<StatTables>> {
    let request = Request::open(settings, regions)?;
    let specs = windows(request.targets(), size, step)?;
    let query = RowQuery::new(&request, specs, None, thresholds)?;
    statistics(request, query, columns, watch)
}

/// Windows over targets.
pub(super) fn windows(targets: &[Target], size: i64, step: i64) -> Result<Vec<RowSpec>> {
    if size < 1 || step < 1 {
        return Err(Error::new(Kind::InvalidArgument, format!("windows of {size} positions, {step} apart")).hint("give 1 or more"));
    }
    let mut row = 0;
    let specs = targets.iter().map(|target| {
        let series = Series { within: target.interval, size, step, row };
        row += series.rows();
        RowSpec { contig: target.contig, series }
    });
    Ok(specs.collect())
}

fn statistics(request: Request, query: RowQuery, columns: &[(String, Statistic)], watch: &Watch<'_>) -> Result<Answer<StatTables>> {
    let targets = query.targets(&request);
    let request = request.with_targets(targets);
    let summary = query.summary(request.targets());
    let Answer { value, report } = request.summarize(&summary, watch)?;
    let value = query.complete(&summary, value, &table::names(&request.header().contigs), columns)?;
    watch.finish()?;
    Ok(Answer { value, report })
}

/// Rows to be made, cut to their contigs.
pub(super) struct RowQuery {
    /// The columns that come first; none for windows, whose places are computed.
    places: Option<RecordBatch>,
    /// Where windows lie.
    series: Vec<RowSpec>,
    rows: usize,
    /// Sorted by contig and start.
    pieces: Vec<RowSpec>,
    lengths: Option<Narrow>,
    thresholds: Vec<Threshold>,
    cut: u64,
    empty: u64,
}

impl RowQuery {
    /// The rows of targets.
    ///
    /// # Errors
    ///
    /// Those of [`target_stats`] about targets, and of [`RowQuery::new`].
    pub(super) fn of_targets(request: &Request, targets: Targets<'_>, thresholds: Vec<Threshold>) -> Result<Self> {
        Self::new(request, targets.specs(request)?, Some(targets.places()?), thresholds)
    }

    /// Rows as `specs` has them: windows where there are no `places`.
    ///
    /// # Errors
    ///
    /// [`Kind::ResourceLimit`] before the table's memory is taken.
    pub(super) fn new(request: &Request, specs: Vec<RowSpec>, places: Option<RecordBatch>, thresholds: Vec<Threshold>) -> Result<Self> {
        let rows =
            places.as_ref().map_or_else(|| specs.last().map_or(0, |last| last.series.row + last.series.rows()), RecordBatch::num_rows);
        // What the numbers of a row take where they are of the size they usually are.
        request.check_memory(rows as u64 * (20 + 4 * thresholds.len() as u64) + specs.len() as u64 * 100)?;
        let (mut cut, mut empty) = (0, 0);
        let mut pieces = Vec::with_capacity(specs.len());
        for &RowSpec { contig, series } in &specs {
            let len = request.header().contigs[contig].len;
            let within = series.within.intersect(Interval::new(0, len));
            cut += u64::from(series.within.end > len);
            empty += u64::from(within.is_empty());
            pieces.push(RowSpec { contig, series: Series { within, ..series } });
        }
        pieces.retain(|p| !p.series.within.is_empty());
        if specs.len() > rows {
            pieces = once_per_row(pieces);
        }
        let lengths = places.is_some().then(|| lengths(&pieces, rows));
        let series = if places.is_some() { Vec::new() } else { specs };
        pieces.sort_by_key(|p| (p.contig, p.series.within.start));
        Ok(Self { places, series, rows, pieces, lengths, thresholds, cut, empty })
    }

    /// What has to be counted for the rows.
    fn targets(&self, request: &Request) -> Vec<Target> {
        targets_of(request, &self.pieces)
    }

    /// The rows' statistics over `targets`, which hold all their positions and come sorted.
    pub(super) fn summary(&self, targets: &[Target]) -> StatsOf {
        let on_targets: Vec<_> = self.pieces.iter().map(|piece| (target_of(targets, piece), piece.series)).collect();
        StatsOf::new(targets.len(), &on_targets, self.rows, self.lengths.clone(), self.thresholds.clone())
    }

    /// The tables of what the summary came to.
    pub(super) fn complete(
        self,
        summary: &StatsOf,
        total: RowsTotal,
        contigs: &ArrayRef,
        columns: &[(String, Statistic)],
    ) -> Result<StatTables> {
        let nothing = || RecordBatch::new_empty(Arc::new(Schema::empty()));
        let (numbers, total) = summary.complete(total);
        let mut length = Narrow::zeros(1);
        length.fill(0..1, total.positions.into());
        let total = RowStats::new(Vec::new(), Some(length), RowColumns::of(&total));
        let of_all: Vec<_> = columns.iter().filter(|(_, statistic)| !statistic.is_place()).cloned().collect();
        let rows = RowStats::new(self.series, self.lengths, numbers);
        Ok(StatTables {
            table: Computed::new(self.places.unwrap_or_else(nothing), rows, columns, Arc::clone(contigs))?,
            total: Computed::new(nothing(), total, &of_all, Arc::clone(contigs))?,
            cut: self.cut,
            empty: self.empty,
        })
    }
}

fn target_of(targets: &[Target], piece: &RowSpec) -> usize {
    let place = (piece.contig, piece.series.within.start);
    targets.partition_point(|t| (t.contig, t.interval.start) <= place).saturating_sub(1)
}

/// Positions of each row.
fn lengths(pieces: &[RowSpec], rows: usize) -> Narrow {
    let mut lengths = Narrow::zeros(rows);
    for RowSpec { series, .. } in pieces {
        let so_far = lengths.get(series.row);
        lengths.fill(series.row..series.row + 1, so_far + series.within.len() as u128);
    }
    lengths
}

/// The pieces of each row with positions they share counted once.
fn once_per_row(mut pieces: Vec<RowSpec>) -> Vec<RowSpec> {
    pieces.sort_by_key(|p| (p.series.row, p.contig, p.series.within.start));
    let rows = pieces.chunk_by(|a, b| (a.series.row, a.contig) == (b.series.row, b.contig));
    let once = rows.flat_map(|same| {
        let RowSpec { contig, series } = same[0];
        let intervals = union(same.iter().map(|p| p.series.within)).into_iter();
        intervals.map(move |interval| RowSpec { contig, series: Series::one(interval, series.row) })
    });
    once.collect()
}

/// What has to be counted for `pieces`, which come sorted.
fn targets_of(request: &Request, pieces: &[RowSpec]) -> Vec<Target> {
    // The pileup engine's numbers depend on which records it is given; those of a whole contig are the ones that depend on nothing else.
    // Fragments without a longest one may begin anywhere in front of a piece, and what lies there should not be read once for each piece.
    let reach = request.rules().select.reach();
    let whole = request.rules().preset.traits().pileup || reach == i64::MAX;
    let mut targets: Vec<Target> = Vec::new();
    for RowSpec { contig, series } in pieces {
        let interval = if whole { Interval::new(0, request.header().contigs[*contig].len) } else { series.within };
        match targets.last_mut() {
            Some(last) if last.contig == *contig && interval.start <= last.interval.end + NEAR.max(reach) => {
                last.interval.end = last.interval.end.max(interval.end);
            }
            _ => targets.push(Target { contig: *contig, interval }),
        }
    }
    targets
}
