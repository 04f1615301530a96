//! Summaries across the edge: statistics of intervals, distributions, bins.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::{self, guarded};
use super::table::{ArrowTable, Region};
use crate::coords::Interval;
use crate::error::Result;
use crate::pass::Control;
use crate::plan::Target;
use crate::request::{Outcome, Place, Request};
use crate::summary::histogram::Distribution;
use crate::summary::runs::RunsOf;
use crate::summary::series::Series;
use crate::summary::stats::Threshold;
use crate::table::{self, Computed, RowSpec, Statistic, Stats, stats};

/// Thresholds as Python gives them: depths, or (with True) multiples of a row's mean.
fn threshold((value, of_mean): (f64, bool)) -> Threshold {
    if of_mean { Threshold::OfMean(value) } else { Threshold::Depth(value as i32) }
}

/// Statistics of rows made of intervals. `contigs` are names, `intervals` the arrays contig (index in `contigs`), start, end (0-based,
/// half-open) and row; `places` are the columns that come first, as many rows. `thresholds` are depths, or (with True) multiples of a
/// row's mean; `columns` are the names and kinds of the statistics, of which one "pct" belongs to each threshold.
#[pyfunction]
#[pyo3(signature = (bam, contigs, intervals, places, thresholds, columns, rules, **options))]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "what Python hands over")]
pub(super) fn interval_stats<'py>(
    py: Python<'py>,
    bam: PathBuf,
    contigs: Vec<String>,
    intervals: [PyReadonlyArray1<'py, i64>; 4],
    places: &ArrowTable,
    thresholds: Vec<(f64, bool)>,
    columns: Vec<(String, String)>,
    rules: &Bound<'py, PyDict>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, watch) = call::settings(bam, rules, options)?;
    let [contig, start, end, row] = [0, 1, 2, 3].map(|i| intervals[i].as_slice());
    let (contig, start, end, row) = (contig?, start?, end?, row?);
    let Some(places) = places.held() else { return Err(PyValueError::new_err("the places are no table of arrays")) };
    let fits = |i: usize| (contig[i] as usize) < contigs.len() && (row[i] as usize) < places.num_rows();
    if [start.len(), end.len(), row.len()] != [contig.len(); 3] || !(0..contig.len()).all(fits) {
        return Err(PyValueError::new_err("the arrays of intervals do not fit each other"));
    }
    let columns = statistics(columns, thresholds.len())?;
    let thresholds = thresholds.into_iter().map(threshold).collect();
    let counted = guarded(py, || {
        let request = Request::open(settings)?;
        let ids = contigs.iter().map(|name| request.known_contig(name)).collect::<Result<Vec<_>>>()?;
        let of = |i: usize| Series::one(Interval::new(start[i], end[i]), row[i] as usize);
        let asked = (0..contig.len()).map(|i| RowSpec { contig: ids[contig[i] as usize], series: of(i) }).collect();
        let total = request.file_bytes();
        let poll = &mut |done| watch.poll(done, total);
        let stats = stats(&request, asked, places.num_rows(), false, thresholds, &Control::default(), poll)?;
        watch.finish(total)?;
        Counted::of(request, stats, places, &columns)
    })?;
    counted.into_dict(py)
}

/// Statistics of windows of `size` positions, whose starts are `step` apart, over regions or every contig; `thresholds` and `columns` are
/// those of [`interval_stats`].
#[pyfunction]
#[pyo3(signature = (bam, regions, size, step, thresholds, columns, rules, **options))]
#[expect(clippy::too_many_arguments, reason = "what Python hands over")]
pub(super) fn window_stats<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<Region>>,
    size: i64,
    step: i64,
    thresholds: Vec<(f64, bool)>,
    columns: Vec<(String, String)>,
    rules: &Bound<'py, PyDict>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, watch) = call::settings(bam, rules, options)?;
    if size < 1 || step < 1 {
        return Err(PyValueError::new_err("windows have 1 position or more"));
    }
    let places: Option<Vec<Place>> = regions.map(|r| r.into_iter().map(Place::from).collect());
    let columns = statistics(columns, thresholds.len())?;
    let thresholds = thresholds.into_iter().map(threshold).collect();
    let counted = guarded(py, || {
        let mut request = call::open(settings, places.is_none(), &watch)?;
        let mut rows = 0;
        let mut asked = Vec::new();
        for target in request.targets(places.as_deref())? {
            let series = Series { within: target.interval, size, step, row: rows };
            rows += series.rows();
            asked.push(RowSpec { contig: target.contig, series });
        }
        let total = request.file_bytes();
        let stats = stats(&request, asked, rows, true, thresholds, &Control::default(), &mut |done| watch.poll(done, total))?;
        watch.finish(total)?;
        Counted::of(request, stats, RecordBatch::new_empty(Arc::new(Schema::empty())), &columns)
    })?;
    counted.into_dict(py)
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

/// What a call counted, on its way to Python.
struct Counted {
    request: Request,
    table: Computed,
    total: Computed,
    odd: (u64, u64),
    targets: Vec<Target>,
    outcome: Outcome,
}

impl Counted {
    fn of(request: Request, stats: Stats, places: RecordBatch, columns: &[(String, Statistic)]) -> Result<Self> {
        let Stats { rows, total, cut, empty, targets, outcome } = stats;
        let names = table::names(&request.bam.header.contigs);
        let of_all: Vec<_> = columns.iter().filter(|(_, statistic)| !statistic.is_place()).cloned().collect();
        let total = Computed::new(RecordBatch::new_empty(Arc::new(Schema::empty())), total, &of_all, Arc::clone(&names))?;
        let table = Computed::new(places, rows, columns, names)?;
        Ok(Self { request, table, total, odd: (cut, empty), targets, outcome })
    }

    fn into_dict(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("table", ArrowTable::from(self.table))?;
        dict.set_item("total", ArrowTable::from(self.total))?;
        dict.set_item("cut", self.odd.0)?;
        dict.set_item("empty", self.odd.1)?;
        call::report(&dict, &self.request, &self.targets, &self.outcome)?;
        Ok(dict)
    }
}

/// How many positions of each region have which depth: the arrays region, depth and positions, sorted by region and depth.
#[pyfunction]
#[pyo3(signature = (bam, regions, rules, **options))]
pub(super) fn depth_histograms<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<Region>>,
    rules: &Bound<'py, PyDict>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, watch) = call::settings(bam, rules, options)?;
    let places: Option<Vec<Place>> = regions.map(|r| r.into_iter().map(Place::from).collect());
    let (request, targets, histograms, outcome) = guarded(py, || {
        let mut request = call::open(settings, places.is_none(), &watch)?;
        let targets = request.targets(places.as_deref())?;
        let total = request.bytes(&targets);
        let (histograms, outcome) = request.summarize(&targets, &Distribution, &Control::default(), &mut |d| watch.poll(d, total))?;
        watch.finish(total)?;
        Ok((request, targets, histograms, outcome))
    })?;
    let (mut region, mut depth, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    for (i, histogram) in histograms.iter().enumerate() {
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
    let contig: Vec<_> = targets.iter().map(|t| t.contig as i64).collect();
    dict.set_item("contig", contig.into_pyarray(py))?;
    dict.set_item("contigs", names(&request))?;
    call::report(&dict, &request, &targets, &outcome)?;
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
    regions: Option<Vec<Region>>,
    edges: Vec<i32>,
    rules: &Bound<'py, PyDict>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, watch) = call::settings(bam, rules, options)?;
    let places: Option<Vec<Place>> = regions.map(|r| r.into_iter().map(Place::from).collect());
    let (request, targets, runs, outcome) = guarded(py, || {
        let mut request = call::open(settings, places.is_none(), &watch)?;
        let targets = request.targets(places.as_deref())?;
        let total = request.bytes(&targets);
        let summary = RunsOf::new(|depth| (edges.partition_point(|&edge| edge <= depth) as i32).checked_sub(1).filter(|&bin| bin >= 0));
        let (runs, outcome) = request.summarize(&targets, &summary, &Control::default(), &mut |done| watch.poll(done, total))?;
        watch.finish(total)?;
        Ok((request, targets, runs, outcome))
    })?;
    let dict = PyDict::new(py);
    dict.set_item("contig", runs.iter().map(|r| targets[r.target].contig as i64).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("start", runs.iter().map(|r| r.positions.start).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("end", runs.iter().map(|r| r.positions.end).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("bin", runs.iter().map(|r| r.class).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("contigs", names(&request))?;
    call::report(&dict, &request, &targets, &outcome)?;
    Ok(dict)
}

fn names(request: &Request) -> Vec<String> {
    request.bam.header.contigs.iter().map(|c| c.text().into_owned()).collect()
}
