//! Counts over all records across the edge, and everything about a sample in one pass.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{self, RegionArgument, run};
use super::bed::Bed;
use super::rules::PyRules;
use super::summary::{Statistics, histogram_dict, tables_dict};
use super::table::{ArrowTable, answer_dict};
use crate::call::{self, QcQuery};
use crate::evidence::events::{EventQuery, Source};
use crate::evidence::pairs::{Orientation, PairKind, PairQuery, Usual};

/// Records by the categories of flagstat. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, rules, **options))]
pub(super) fn flag_summary<'py>(
    py: Python<'py>,
    bam: PathBuf,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    answer_dict(py, run(py, &patience, |watch| call::flag_summary(settings, watch))?)
}

/// Pairs by insert size and orientation. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, max_insert, rules, **options))]
pub(super) fn insert_sizes<'py>(
    py: Python<'py>,
    bam: PathBuf,
    max_insert: u32,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    answer_dict(py, run(py, &patience, |watch| call::insert_sizes(settings, max_insert, watch))?)
}

/// Everything about a sample in one pass; `windows` are size and step. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, bed, windows, thresholds, columns, max_insert, rules, **options))]
#[expect(clippy::too_many_arguments, reason = "what Python hands over")]
pub(super) fn qc<'py>(
    py: Python<'py>,
    bam: PathBuf,
    bed: Option<PyRef<'py, Bed>>,
    windows: Option<(i64, i64)>,
    thresholds: Vec<(f64, bool)>,
    columns: Vec<(String, String)>,
    max_insert: u32,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let Statistics { thresholds, columns } = Statistics::new(thresholds, columns)?;
    let targets = bed.as_ref().map(|bed| bed.targets(false));
    let query = QcQuery { targets, windows, thresholds, columns: &columns, max_insert };
    let answer = run(py, &patience, |watch| call::qc(settings, query, watch))?;
    let (value, report) = (answer.value, answer.report);
    let dict = PyDict::new(py);
    dict.set_item("distribution", histogram_dict(py, value.distribution)?)?;
    dict.set_item("windows", value.windows.map(|tables| tables_dict(py, tables)).transpose()?)?;
    dict.set_item("targets", value.targets.map(|tables| tables_dict(py, tables)).transpose()?)?;
    let tables: [(&str, RecordBatch); 5] = [
        ("flags", value.flags),
        ("insert_sizes", value.insert_sizes),
        ("lengths", value.lengths),
        ("mapq", value.mapq),
        ("base_quality", value.base_quality),
    ];
    for (name, batch) in tables {
        dict.set_item(name, ArrowTable::of(batch))?;
    }
    arguments::report(&dict, &report)?;
    bed.map_or(Ok(()), |bed| bed.describe(&dict))?;
    Ok(dict)
}

/// Pairs that do not fit. `kinds` are names of [`PairKind`]. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, regions, max_insert, min_mapq, kinds, one_per_pair, rules, **options))]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "what Python hands over")]
pub(super) fn discordant_pairs<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    max_insert: Option<u32>,
    min_mapq: u8,
    kinds: Vec<String>,
    one_per_pair: bool,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let kinds = PairKind::NAMES.map(|name| kinds.iter().any(|kind| kind == name));
    let query = PairQuery { max_insert, min_mapq, kinds, one_per_pair };
    let answer = run(py, &patience, |watch| call::discordant_pairs(settings, regions.as_deref(), &query, watch))?;
    let (value, report) = (answer.value, answer.report);
    let dict = PyDict::new(py);
    dict.set_item("table", ArrowTable::of(value.rows))?;
    let usual = value.usual.into_iter().map(|(group, usual)| usual_dict(py, group, &usual)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("usual", usual)?;
    dict.set_item("skipped", value.skipped)?;
    arguments::report(&dict, &report)?;
    Ok(dict)
}

fn usual_dict<'py>(py: Python<'py>, group: Option<String>, usual: &Usual) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("read_group", group)?;
    dict.set_item("max_insert", usual.limit)?;
    dict.set_item("orientation", Orientation::NAMES[usual.orientation as usize])?;
    dict.set_item("proper_pairs", usual.proper_pairs)?;
    dict.set_item("median", usual.spread.map(|s| s.median))?;
    dict.set_item("mad", usual.spread.map(|s| s.mad))?;
    Ok(dict)
}

/// What single reads say about structure. `sources` are names of [`Source`]. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, regions, sizes, min_mapq, sources, sequence, rules, **options))]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "what Python hands over")]
pub(super) fn sv_evidence<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    sizes: (i64, i64),
    min_mapq: u8,
    sources: Vec<String>,
    sequence: bool,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let sources = Source::NAMES.map(|name| sources.iter().any(|source| source == name));
    let (min_size, merge_within) = sizes;
    let query = EventQuery { min_size, min_mapq, sources, merge_within, sequence };
    let answer = run(py, &patience, |watch| call::sv_evidence(settings, regions.as_deref(), &query, watch))?;
    let (value, report) = (answer.value, answer.report);
    let dict = PyDict::new(py);
    dict.set_item("table", ArrowTable::of(value.rows))?;
    dict.set_item("bad_tags", value.bad_tags)?;
    dict.set_item("skipped", value.skipped)?;
    arguments::report(&dict, &report)?;
    Ok(dict)
}
