//! Counts over all records of a file: flags and insert sizes.

use arrow_array::RecordBatch;

use super::report::{Answer, Report};
use super::request::{Access, Request, Settings};
use crate::depth::walk::Tally;
use crate::error::Result;
use crate::evidence::{BaseQualities, FlagSummary, Fold, Folding, InsertSizes, MappingQualities, ReadLengths};
use crate::pass::{self, Watch};
use crate::table::counts;

/// Records by the categories of `samtools flagstat`: the columns `category, passed, failed`. Every record of the file counts, whatever the rule of `settings`; no index is needed, nor
/// any order of the records.
///
/// # Errors
///
/// What opening and reading the file gives.
pub fn flag_summary(settings: Settings, watch: &Watch<'_>) -> Result<Answer<RecordBatch>> {
    fold(&open(settings)?, FlagSummary::default(), watch)?.try_map(|flags| flag_table(&flags))
}

/// Pairs by insert size and orientation, as the `IS` lines of `samtools stats -m 1.0`: the columns `insert_size, pairs, inward, outward, other`.
/// Insert sizes above `max_insert` count as `max_insert`; 0 sets
/// no limit. As for [`flag_summary`], every record of the file is read.
///
/// # Errors
///
/// As for [`flag_summary`].
pub fn insert_sizes(settings: Settings, max_insert: u32, watch: &Watch<'_>) -> Result<Answer<RecordBatch>> {
    fold(&open(settings)?.warn_if_unaligned(), InsertSizes::new(max_insert), watch)?.try_map(|inserts| insert_table(&inserts))
}

fn open(settings: Settings) -> Result<Request> {
    Request::with_access(settings, Access::File)
}

fn fold<F: Fold>(request: &Request, empty: F, watch: &Watch<'_>) -> Result<Answer<F>> {
    watch.expect(request.bytes());
    watch.poll()?;
    let sizes = (request.workers(), request.part_bytes());
    let plan = request.plan();
    let folded = plan.and_then(|plan| pass::run(request.alignments(), &plan, &Folding(empty.clone()), empty, sizes, watch));
    let value = request.unless_changed(folded)?;
    watch.finish()?;
    Ok(Answer { value, report: Report::of(request, Tally::default(), Vec::new()) })
}

/// The columns `category, passed, failed`.
pub(super) fn flag_table(flags: &FlagSummary) -> Result<RecordBatch> {
    let rows = flags.rows();
    let categories: Vec<_> = rows.iter().map(|row| row.category).collect();
    let columns = vec![("passed", rows.iter().map(|row| row.passed).collect()), ("failed", rows.iter().map(|row| row.failed).collect())];
    counts(Some(("category", &categories)), columns)
}

/// The columns `insert_size, pairs, inward, outward, other`.
pub(super) fn insert_table(inserts: &InsertSizes) -> Result<RecordBatch> {
    let rows = inserts.rows();
    let columns = vec![
        ("insert_size", rows.iter().map(|row| row.insert_size).collect()),
        ("pairs", rows.iter().map(|row| row.pairs).collect()),
        ("inward", rows.iter().map(|row| row.inward).collect()),
        ("outward", rows.iter().map(|row| row.outward).collect()),
        ("other", rows.iter().map(|row| row.other).collect()),
    ];
    counts(None, columns)
}

/// The columns `read_length, reads`.
pub(super) fn length_table(lengths: &ReadLengths) -> Result<RecordBatch> {
    let rows = lengths.rows();
    counts(
        None,
        vec![("read_length", rows.iter().map(|row| row.read_length).collect()), ("reads", rows.iter().map(|row| row.reads).collect())],
    )
}

/// The columns `mapq, reads`.
pub(super) fn mapq_table(mapq: &MappingQualities) -> Result<RecordBatch> {
    let rows = mapq.rows();
    counts(None, vec![("mapq", rows.iter().map(|row| row.mapq.into()).collect()), ("reads", rows.iter().map(|row| row.reads).collect())])
}

/// The columns `quality, bases`.
pub(super) fn quality_table(qualities: &BaseQualities) -> Result<RecordBatch> {
    let rows = qualities.rows();
    counts(
        None,
        vec![("quality", rows.iter().map(|row| row.quality.into()).collect()), ("bases", rows.iter().map(|row| row.bases).collect())],
    )
}
