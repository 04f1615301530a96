//! One row per target or window.

use crate::coords::Interval;
use crate::error::Result;
use crate::pass::{Control, Poll};
use crate::plan::Target;
use crate::request::{Outcome, Request};
use crate::summary::narrow::Narrow;
use crate::summary::series::{Series, union};
use crate::summary::stats::{Columns, StatsOf, Threshold};

/// Intervals nearer to each other than this are read in one go: what lies between is then cheaper to read than to skip, and an index does
/// not tell them apart anyway.
const NEAR: i64 = 1 << 14;

/// Rows on one contig, or a piece of a row.
#[derive(Clone, Copy, Debug)]
pub struct RowSpec {
    /// Index of the contig in the header.
    pub contig: usize,
    /// Their positions and numbers; what reaches past the contig's end is cut there.
    pub series: Series,
}

/// Statistics, row by row.
#[derive(Debug)]
pub struct Stats {
    /// The rows.
    pub rows: RowStats,
    /// One row: all positions, each once.
    pub total: RowStats,
    /// Number of intervals that were cut at the end of their contig.
    pub cut: u64,
    /// Number of intervals that have no position.
    pub empty: u64,
    /// What was read.
    pub targets: Vec<Target>,
    /// What else there is to say.
    pub outcome: Outcome,
}

/// Numbers of rows, from which their statistics are computed when they are asked for.
#[derive(Debug)]
pub struct RowStats {
    /// Where windows lie, in the order of their numbers; other rows have `lengths` instead.
    series: Vec<RowSpec>,
    lengths: Option<Narrow>,
    columns: Columns,
}

impl RowStats {
    /// How many.
    pub fn len(&self) -> usize {
        self.columns.sum.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of the rows.
    pub fn columns(&self) -> &Columns {
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

/// Counts and makes the rows, whose places are kept if they are `windows`. Numbers are those of whole contigs: they do not depend on how
/// the intervals are cut.
///
/// # Errors
///
/// What counting gives; [`crate::error::Kind::ResourceLimit`] before the table's memory is asked for.
pub fn stats(
    request: &Request,
    asked: Vec<RowSpec>,
    rows: usize,
    windows: bool,
    thresholds: Vec<Threshold>,
    control: &Control,
    poll: Poll<'_>,
) -> Result<Stats> {
    // What the numbers of a row take where they are of the size they usually are.
    request.check_memory(rows as u64 * (20 + 4 * thresholds.len() as u64) + asked.len() as u64 * 100)?;
    let (mut cut, mut empty) = (0, 0);
    let mut pieces = Vec::with_capacity(asked.len());
    for &RowSpec { contig, series } in &asked {
        let len = request.bam.header.contigs[contig].len;
        let within = series.within.intersect(Interval::new(0, len));
        cut += u64::from(series.within.end > len);
        empty += u64::from(within.is_empty());
        pieces.push(RowSpec { contig, series: Series { within, ..series } });
    }
    pieces.retain(|p| !p.series.within.is_empty());
    if asked.len() > rows {
        pieces = once_per_row(pieces);
    }
    let lengths = (!windows).then(|| lengths(&pieces, rows));
    let series = if windows { asked } else { Vec::new() };
    pieces.sort_by_key(|p| (p.contig, p.series.within.start));
    let targets = targets_of(request, &pieces);
    let on_targets: Vec<_> = pieces.iter().map(|piece| (target_of(&targets, piece), piece.series)).collect();
    drop(pieces);
    let summary = StatsOf::new(targets.len(), &on_targets, rows, lengths.clone(), thresholds);
    drop(on_targets);
    let (whole, outcome) = request.summarize(&targets, &summary, control, poll)?;
    let (columns, total) = summary.complete(whole);
    let mut length = Narrow::zeros(1);
    length.fill(0..1, total.positions.into());
    let total = RowStats { series: Vec::new(), lengths: Some(length), columns: Columns::of(&total) };
    Ok(Stats { rows: RowStats { series, lengths, columns }, total, cut, empty, targets, outcome })
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
    let reach = request.rules.select.reach();
    let whole = request.rules.preset.traits().pileup || reach == i64::MAX;
    let mut targets: Vec<Target> = Vec::new();
    for RowSpec { contig, series } in pieces {
        let interval = if whole { Interval::new(0, request.bam.header.contigs[*contig].len) } else { series.within };
        match targets.last_mut() {
            Some(last) if last.contig == *contig && interval.start <= last.interval.end + NEAR.max(reach) => {
                last.interval.end = last.interval.end.max(interval.end);
            }
            _ => targets.push(Target { contig: *contig, interval }),
        }
    }
    targets
}
