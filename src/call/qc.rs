//! Everything about a sample in one pass over its file.

use arrow_array::RecordBatch;

use super::depth::Counting;
use super::evidence::{flag_table, insert_table, length_table, mapq_table, quality_table};
use super::report::{Answer, Report};
use super::request::{Access, Request, Settings};
use super::runs::Histograms;
use super::stats::{RowQuery, StatTables, windows};
use super::targets::Targets;
use crate::depth::{Correction, Depth, Folded, Joined, Query, Totals};
use crate::error::Result;
use crate::evidence::{Folding, RecordStats};
use crate::pass::{Both, Watch};
use crate::summary::Summary;
use crate::summary::histogram::Distribution;
use crate::summary::stats::Threshold;
use crate::table::{self, Statistic};

/// The optional tables, besides those that every call makes.
#[derive(Debug)]
pub struct QcQuery<'a> {
    /// Targets.
    pub targets: Option<Targets<'a>>,
    /// Size and step of windows over every contig.
    pub windows: Option<(i64, i64)>,
    /// Depths that positions of targets and windows are to reach.
    pub thresholds: Vec<Threshold>,
    /// Names and kinds of the statistics of targets; those of windows begin with `chrom`, `start` and `end`.
    pub columns: &'a [(String, Statistic)],
    /// Insert sizes above this count as this; 0 sets no limit.
    pub max_insert: u32,
}

/// What a file holds.
#[derive(Debug)]
pub struct Qc {
    /// How many positions of each contig have which depth.
    pub distribution: Histograms,
    /// Statistics of the windows, if requested.
    pub windows: Option<StatTables>,
    /// Statistics of the targets, if requested.
    pub targets: Option<StatTables>,
    /// Records by flags: `category, passed, failed`.
    pub flags: RecordBatch,
    /// Pairs by insert size: `insert_size, pairs, inward, outward, other`.
    pub insert_sizes: RecordBatch,
    /// Reads by length: `read_length, reads`.
    pub lengths: RecordBatch,
    /// Reads by mapping quality: `mapq, reads`.
    pub mapq: RecordBatch,
    /// Bases by quality: `quality, bases`.
    pub base_quality: RecordBatch,
}

/// Depth by the rule of `settings` over every contig, with its statistics, and counts over all records, whatever the rule: one pass over the
/// file, from its first record to its last. No index is needed. The records have to be sorted.
///
/// # Errors
///
/// As for [`super::coverage()`].
pub fn qc(settings: Settings, query: QcQuery<'_>, watch: &Watch<'_>) -> Result<Answer<Qc>> {
    let request = Request::with_access(settings, Access::File)?.with_regions(None)?;
    let QcQuery { targets, windows: sizes, thresholds, columns, max_insert } = query;
    let target_rows = targets.map(|targets| RowQuery::of_targets(&request, targets, thresholds.clone()));
    let window_rows = sizes.map(|(size, step)| RowQuery::new(&request, windows(request.targets(), size, step)?, None, thresholds));
    let (target_rows, window_rows) = (target_rows.transpose()?, window_rows.transpose()?);
    let [of_targets, of_windows] = [&target_rows, &window_rows].map(|rows| rows.as_ref().map(|rows| rows.summary(request.targets())));
    let summary = (Distribution, (of_targets, of_windows));
    let (records, (histograms, (targets, windows)), report) = request.unless_changed(count(&request, max_insert, &summary, watch))?;
    let names = table::names(&request.header().contigs);
    let place = |name: &str, kind| (name.to_owned(), kind);
    let places = [place("chrom", Statistic::Chrom), place("start", Statistic::Start), place("end", Statistic::End)];
    let window_columns: Vec<_> = places.into_iter().chain(columns.iter().cloned()).collect();
    let (of_targets, of_windows) = summary.1;
    let complete = |rows: Option<RowQuery>, summary: Option<_>, total, columns: &[_]| match (rows, summary) {
        (Some(rows), Some(summary)) => rows.complete(&summary, total, &names, columns).map(Some),
        _ => Ok(None),
    };
    let targets = complete(target_rows, of_targets, targets, columns)?;
    let windows = complete(window_rows, of_windows, windows, &window_columns)?;
    watch.finish()?;
    let value = Qc {
        distribution: Histograms::of(&request, histograms),
        windows,
        targets,
        flags: flag_table(&records.flags)?,
        insert_sizes: insert_table(&records.inserts)?,
        lengths: length_table(&records.lengths)?,
        mapq: mapq_table(&records.mapq)?,
        base_quality: quality_table(&records.base_quality)?,
    };
    Ok(Answer { value, report })
}

/// One pass for both; another for the depth alone where mates change it later.
fn count<S: Summary>(request: &Request, max_insert: u32, summary: &S, watch: &Watch<'_>) -> Result<(RecordStats, S::Total, Report)> {
    let counting = Counting::begin(request, watch)?;
    let (records, mut totals, mut total) = counting.with_query(&[], |query| first_pass(&counting, query, max_insert, summary))?;
    if !totals.corrections.is_empty() {
        let corrections: Vec<Correction> = std::mem::take(&mut totals.corrections);
        (totals, total) = counting.fold(&corrections, summary)?;
    }
    Ok((records, total, counting.complete(&totals)?))
}

fn first_pass<S: Summary>(
    counting: &Counting<'_, '_, '_>,
    query: &Query<'_>,
    max_insert: u32,
    summary: &S,
) -> Result<(RecordStats, Totals, S::Total)> {
    let empty = RecordStats::new(max_insert);
    // Depth comes second: BAQ edits qualities in place.
    let both = Both(Folding(empty.clone()), Depth::new(query, Folded::new(summary)));
    let (records, joined) = counting.run(&both, (empty, Joined::passing(query)))?;
    Ok((records, joined.into_totals(), both.1.into_sink().into_total()))
}
