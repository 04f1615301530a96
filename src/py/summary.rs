//! Summaries across the edge: statistics of intervals, distributions, bins.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::{self, guarded};
use super::table::Region;
use crate::coords::Interval;
use crate::error::Result;
use crate::request::{Place, Request};
use crate::run::Control;
use crate::summary::histogram::Distribution;
use crate::summary::runs::RunsOf;
use crate::summary::stats::{Row, Threshold};
use crate::table::{Asked, stats};

/// A region: name of its contig, start and end (0-based, half-open).
type Named = (String, i64, i64);

/// Statistics of rows made of intervals. `contigs` are names, `intervals` the arrays contig (index in `contigs`), start, end (0-based,
/// half-open) and row; `thresholds` are depths, or (with True) multiples of a row's mean.
#[pyfunction]
#[pyo3(signature = (bam, contigs, intervals, rows, thresholds, rules, **options))]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "what Python hands over")]
pub(super) fn interval_stats<'py>(
    py: Python<'py>,
    bam: PathBuf,
    contigs: Vec<String>,
    intervals: [PyReadonlyArray1<'py, i64>; 4],
    rows: usize,
    thresholds: Vec<(f64, bool)>,
    rules: &Bound<'py, PyDict>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, watch) = call::settings(bam, rules, options)?;
    let [contig, start, end, row] = [0, 1, 2, 3].map(|i| intervals[i].as_slice());
    let (contig, start, end, row) = (contig?, start?, end?, row?);
    let fits = |i: usize| (contig[i] as usize) < contigs.len() && (row[i] as usize) < rows && row[i] <= i64::from(u32::MAX);
    if [start.len(), end.len(), row.len()] != [contig.len(); 3] || !(0..contig.len()).all(fits) {
        return Err(PyValueError::new_err("the arrays of intervals do not fit each other"));
    }
    let thresholds = thresholds.into_iter().map(|(t, of_mean)| if of_mean { Threshold::OfMean(t) } else { Threshold::Depth(t as i32) });
    let thresholds: Vec<_> = thresholds.collect();
    let (request, stats) = guarded(py, || {
        let request = Request::open(settings)?;
        let ids = contigs.iter().map(|name| request.known_contig(name)).collect::<Result<Vec<_>>>()?;
        let asked: Vec<_> = (0..contig.len())
            .map(|i| Asked { contig: ids[contig[i] as usize], interval: Interval::new(start[i], end[i]), row: row[i] as u32 })
            .collect();
        let total = request.file_bytes();
        let stats = stats(&request, &asked, rows, thresholds, &Control::default(), &mut |done| watch.poll(done, total))?;
        watch.finish(total)?;
        Ok((request, stats))
    })?;
    let dict = PyDict::new(py);
    dict.set_item("lengths", stats.lengths.into_pyarray(py))?;
    dict.set_item("sum", stats.columns.sum.into_pyarray(py))?;
    dict.set_item("median", stats.columns.median.into_pyarray(py))?;
    dict.set_item("min", stats.columns.min.into_pyarray(py))?;
    dict.set_item("max", stats.columns.max.into_pyarray(py))?;
    dict.set_item("sd", stats.columns.sd.into_pyarray(py))?;
    dict.set_item("reaching", stats.columns.reaching.into_pyarray(py))?;
    dict.set_item("total", total(py, &stats.total)?)?;
    dict.set_item("cut", stats.cut)?;
    dict.set_item("empty", stats.empty)?;
    call::report(&dict, &request, &stats.targets, &stats.outcome)?;
    Ok(dict)
}

fn total<'py>(py: Python<'py>, row: &Row) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("lengths", row.positions)?;
    dict.set_item("sum", row.sum)?;
    dict.set_item("median", row.median)?;
    dict.set_item("min", row.min)?;
    dict.set_item("max", row.max)?;
    dict.set_item("sd", row.sd)?;
    dict.set_item("reaching", row.reaching.clone())?;
    Ok(dict)
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

/// Name and length of every contig of a file, in the order of its header; for windows.
#[pyfunction]
#[pyo3(signature = (bam, regions, rules, **options))]
pub(super) fn resolve_regions<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<Region>>,
    rules: &Bound<'py, PyDict>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<(Vec<Named>, Vec<String>)> {
    let (settings, _) = call::settings(bam, rules, options)?;
    let places: Option<Vec<Place>> = regions.map(|r| r.into_iter().map(Place::from).collect());
    guarded(py, || {
        let mut request = Request::open(settings)?;
        let targets = request.targets(places.as_deref())?;
        let names = names(&request);
        let regions = targets.iter().map(|t| (names[t.contig].clone(), t.interval.start, t.interval.end)).collect();
        Ok((regions, request.warnings))
    })
}

fn names(request: &Request) -> Vec<String> {
    request.bam.header.contigs.iter().map(|c| String::from_utf8_lossy(&c.name).into_owned()).collect()
}
