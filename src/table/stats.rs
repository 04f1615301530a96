//! One row per target or window.

use crate::coords::Interval;
use crate::error::Result;
use crate::plan::Target;
use crate::request::{Outcome, Request};
use crate::run::{Control, Poll};
use crate::summary::stats::{Columns, Row, StatsOf, Threshold, union};

/// Intervals nearer to each other than this are read in one go: what lies between is then cheaper to read than to skip, and an index does
/// not tell them apart anyway.
const NEAR: i64 = 1 << 14;

/// A piece of a row: contig, positions as given, number of the row.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Index of the contig in the header.
    pub contig: usize,
    /// 0-based, half-open; where it reaches past the contig's end it is cut there.
    pub interval: Interval,
    /// Number of its row.
    pub row: u32,
}

/// Statistics, row by row.
#[derive(Debug)]
pub struct Stats {
    /// Positions of each row.
    pub lengths: Vec<u64>,
    /// The statistics.
    pub columns: Columns,
    /// The row of all positions, each once.
    pub total: Row,
    /// Number of intervals that were cut at the end of their contig, and of those that have no position.
    pub cut: u64,
    /// See `cut`.
    pub empty: u64,
    /// What was read.
    pub targets: Vec<Target>,
    /// What else there is to say.
    pub outcome: Outcome,
}

/// Counts and makes the rows. Numbers are those of whole contigs: they do not depend on how the intervals are cut.
///
/// # Errors
///
/// What counting gives; [`crate::error::Kind::ResourceLimit`] before the table's memory is asked for.
pub fn stats(
    request: &Request,
    asked: &[Asked],
    rows: usize,
    thresholds: Vec<Threshold>,
    control: &Control,
    poll: Poll<'_>,
) -> Result<Stats> {
    request.check_memory(rows as u64 * (40 + 8 * thresholds.len() as u64) + asked.len() as u64 * 40)?;
    let (mut cut, mut empty) = (0, 0);
    let mut pieces = Vec::with_capacity(asked.len());
    for each in asked {
        let len = request.bam.header.contigs[each.contig].len;
        let interval = each.interval.intersect(Interval::new(0, len));
        cut += u64::from(each.interval.end > len);
        empty += u64::from(interval.is_empty());
        pieces.push(Asked { interval, ..*each });
    }
    let pieces = once_per_row(pieces);
    let targets = targets_of(request, &pieces);
    let intervals: Vec<_> = pieces
        .iter()
        .map(|piece| {
            let after = targets.partition_point(|t| (t.contig, t.interval.start) <= (piece.contig, piece.interval.start));
            (after.saturating_sub(1), piece.interval, piece.row)
        })
        .collect();
    drop(pieces);
    let summary = StatsOf::new(targets.len(), &intervals, rows, thresholds);
    drop(intervals);
    let (columns, outcome) = request.summarize(&targets, &summary, control, poll)?;
    let columns = summary.complete(columns);
    let total = summary.total(&columns);
    Ok(Stats { lengths: summary.lengths().to_vec(), columns, total, cut, empty, targets, outcome })
}

/// The pieces of each row with positions they share counted once, sorted by contig and start.
fn once_per_row(mut pieces: Vec<Asked>) -> Vec<Asked> {
    pieces.retain(|p| !p.interval.is_empty());
    pieces.sort_by_key(|p| (p.row, p.contig, p.interval.start));
    let rows = pieces.chunk_by(|a, b| (a.row, a.contig) == (b.row, b.contig));
    let mut once: Vec<_> =
        rows.flat_map(|same| union(same.iter().map(|p| p.interval)).into_iter().map(|interval| Asked { interval, ..same[0] })).collect();
    once.sort_by_key(|p| (p.contig, p.interval.start));
    once
}

/// What has to be counted for `pieces`, which come sorted.
fn targets_of(request: &Request, pieces: &[Asked]) -> Vec<Target> {
    // The pileup engine's numbers depend on which records it is given; those of a whole contig are the ones that depend on nothing else.
    // Fragments without a longest one may begin anywhere in front of a piece, and what lies there should not be read once for each piece.
    let reach = request.rules.select.reach();
    let whole = request.rules.preset.traits().pileup || reach == i64::MAX;
    let mut targets: Vec<Target> = Vec::new();
    for piece in pieces {
        let interval = if whole { Interval::new(0, request.bam.header.contigs[piece.contig].len) } else { piece.interval };
        match targets.last_mut() {
            Some(last) if last.contig == piece.contig && interval.start <= last.interval.end + NEAR.max(reach) => {
                last.interval.end = last.interval.end.max(interval.end);
            }
            _ => targets.push(Target { contig: piece.contig, interval }),
        }
    }
    targets
}
