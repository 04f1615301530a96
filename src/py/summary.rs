//! Summaries across the edge: statistics of intervals, distributions, bins.

use std::path::PathBuf;

use numpy::IntoPyArray;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{self, RegionArgument, run};
use super::bed::Bed;
use super::rules::PyRules;
use super::table::ArrowTable;
use crate::call::{self, Answer, Histograms, StatTables};
use crate::summary::stats::Threshold;
use crate::table::Statistic;

/// Statistics as Python asks for them.
pub(super) struct Statistics {
    pub(super) thresholds: Vec<Threshold>,
    /// Names and kinds of the columns, of which one percentage belongs to each threshold.
    pub(super) columns: Vec<(String, Statistic)>,
}

impl Statistics {
    /// `thresholds` are depths, or (with True) multiples of a row's mean; `columns` are names and kinds, of which one "pct" belongs to each
    /// threshold.
    pub(super) fn new(thresholds: Vec<(f64, bool)>, columns: Vec<(String, String)>) -> PyResult<Self> {
        let threshold = |(value, of_mean)| if of_mean { Threshold::OfMean(value) } else { Threshold::Depth(value as i32) };
        let columns = statistics(columns, thresholds.len())?;
        Ok(Self { thresholds: thresholds.into_iter().map(threshold).collect(), columns })
    }
}

/// Statistics of targets, a row for each or for each name; for the others see [`Statistics::new`] and [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, bed, by_name, thresholds, columns, rules, **options))]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "what Python hands over")]
pub(super) fn target_stats<'py>(
    py: Python<'py>,
    bam: PathBuf,
    bed: PyRef<'py, Bed>,
    by_name: bool,
    thresholds: Vec<(f64, bool)>,
    columns: Vec<(String, String)>,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let targets = bed.targets(by_name);
    let Statistics { thresholds, columns } = Statistics::new(thresholds, columns)?;
    let answer = run(py, &patience, |watch| call::target_stats(settings, targets, thresholds, &columns, watch))?;
    let dict = stats_dict(py, answer)?;
    bed.describe(&dict)?;
    Ok(dict)
}

/// Statistics of windows of `size` positions, whose starts are `step` apart, over regions or every contig; `thresholds` and `columns` are
/// those of [`target_stats`].
#[pyfunction]
#[pyo3(signature = (bam, regions, size, step, thresholds, columns, rules, **options))]
#[expect(clippy::too_many_arguments, reason = "what Python hands over")]
pub(super) fn window_stats<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    size: i64,
    step: i64,
    thresholds: Vec<(f64, bool)>,
    columns: Vec<(String, String)>,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let Statistics { thresholds, columns } = Statistics::new(thresholds, columns)?;
    let answer = run(py, &patience, |watch| call::window_stats(settings, regions.as_deref(), (size, step), thresholds, &columns, watch))?;
    stats_dict(py, answer)
}

/// Names and kinds of the columns Python asks for.
fn statistics(columns: Vec<(String, String)>, thresholds: usize) -> PyResult<Vec<(String, Statistic)>> {
    let mut threshold = 0;
    let one = |(label, kind): (String, String)| {
        let statistic = Statistic::named(&kind, threshold).ok_or_else(|| PyValueError::new_err(format!("no statistic {kind:?}")))?;
        threshold += usize::from(matches!(statistic, Statistic::Percent(_)));
        if threshold > thresholds {
            return Err(PyValueError::new_err("a percentage without its threshold"));
        }
        Ok((label, statistic))
    };
    columns.into_iter().map(one).collect()
}

fn stats_dict(py: Python<'_>, Answer { value, report }: Answer<StatTables>) -> PyResult<Bound<'_, PyDict>> {
    let dict = tables_dict(py, value)?;
    arguments::report(&dict, &report)?;
    Ok(dict)
}

/// Tables of statistics.
pub(super) fn tables_dict(py: Python<'_>, tables: StatTables) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("table", ArrowTable::from(tables.table))?;
    dict.set_item("total", ArrowTable::from(tables.total))?;
    dict.set_item("cut", tables.cut)?;
    dict.set_item("empty", tables.empty)?;
    Ok(dict)
}

/// How many positions of each region have which depth: the arrays region, depth and positions, sorted by region and depth.
#[pyfunction]
#[pyo3(signature = (bam, regions, rules, **options))]
pub(super) fn depth_histograms<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let Answer { value, report } = run(py, &patience, |watch| call::depth_histograms(settings, regions.as_deref(), watch))?;
    let dict = histogram_dict(py, value)?;
    arguments::report(&dict, &report)?;
    Ok(dict)
}

/// The arrays region, depth and positions, sorted by region and depth; the contig of each region; the names of all contigs.
pub(super) fn histogram_dict(py: Python<'_>, value: Histograms) -> PyResult<Bound<'_, PyDict>> {
    let (mut region, mut depth, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    for (i, histogram) in value.histograms.iter().enumerate() {
        for (d, n) in histogram.iter() {
            region.push(i as i64);
            depth.push(i64::from(d));
            positions.push(n as i64);
        }
    }
    let dict = PyDict::new(py);
    dict.set_item("region", region.into_pyarray(py))?;
    dict.set_item("depth", depth.into_pyarray(py))?;
    dict.set_item("positions", positions.into_pyarray(py))?;
    let contig: Vec<_> = value.targets.iter().map(|t| t.contig as i64).collect();
    dict.set_item("contig", contig.into_pyarray(py))?;
    dict.set_item("contigs", value.contigs)?;
    Ok(dict)
}

/// Stretches whose depths lie in one bin: the arrays contig, start, end and bin. Bin i holds the depths from `edges[i]` up to, without,
/// `edges[i + 1]`; the last one has no upper end.
#[pyfunction]
#[pyo3(signature = (bam, regions, edges, rules, **options))]
#[expect(clippy::needless_pass_by_value, reason = "Python hands it over")]
pub(super) fn binned_runs<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    edges: Vec<i32>,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let Answer { value, report } = run(py, &patience, |watch| call::binned_runs(settings, regions.as_deref(), &edges, watch))?;
    let (targets, runs) = (&value.targets, &value.runs);
    let dict = PyDict::new(py);
    dict.set_item("contig", runs.iter().map(|r| targets[r.target].contig as i64).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("start", runs.iter().map(|r| r.positions.start).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("end", runs.iter().map(|r| r.positions.end).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("bin", runs.iter().map(|r| r.class).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("contigs", value.contigs)?;
    arguments::report(&dict, &report)?;
    Ok(dict)
}
