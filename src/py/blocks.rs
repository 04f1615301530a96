//! Contigs and blocks across the edge.

use std::path::PathBuf;

use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{self, RegionArgument, run};
use super::rules::PyRules;
use crate::call;

/// Regions, or every contig, in `n` blocks of about equal work, and what the caller should know. `options` are the keywords of
/// [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, n, regions, rules, **options))]
pub(super) fn blocks(
    py: Python<'_>,
    bam: PathBuf,
    n: u64,
    regions: Option<Vec<RegionArgument>>,
    rules: &Bound<'_, PyRules>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<(call::Blocks, Vec<String>)> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    run(py, &patience, |watch| call::blocks(settings, n, regions.as_deref(), watch))
}

/// The contigs: names, and the arrays length, mapped and unmapped, of which the last two hold NaN where no index tells.
#[pyfunction]
#[pyo3(signature = (bam, rules, **options))]
pub(super) fn contigs<'py>(
    py: Python<'py>,
    bam: PathBuf,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let (rows, warnings) = run(py, &patience, |watch| call::contigs(settings, watch))?;
    let count = |of: fn((u64, u64)) -> u64| -> Vec<f64> { rows.iter().map(|row| row.counts.map_or(f64::NAN, |c| of(c) as f64)).collect() };
    let dict = PyDict::new(py);
    dict.set_item("length", rows.iter().map(|row| row.length).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("mapped", count(|counts| counts.0).into_pyarray(py))?;
    dict.set_item("unmapped", count(|counts| counts.1).into_pyarray(py))?;
    dict.set_item("names", rows.into_iter().map(|row| row.name).collect::<Vec<_>>())?;
    dict.set_item("warnings", warnings)?;
    Ok(dict)
}
