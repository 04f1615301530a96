//! Counts over all records across the edge, and everything about a sample in one pass.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{self, run};
use super::bed::Bed;
use super::rules::PyRules;
use super::summary::{Statistics, histogram_dict, tables_dict};
use super::table::{ArrowTable, answer_dict};
use crate::call::{self, QcQuery};

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
