//! Several files across the edge.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::call::{self, guarded};
use super::table::{ArrowTable, Region};
use crate::error::{Error, Kind, Result};
use crate::pass::Control;
use crate::request::{Place, Request, Settings};
use crate::table::{self, matrix};

/// Depth of many regions, or of every contig, in each of several files. `options` are the keywords of [`call::settings`].
#[pyfunction]
#[pyo3(signature = (bams, regions, names, rules, **options))]
pub(super) fn coverage_matrix<'py>(
    py: Python<'py>,
    bams: Vec<PathBuf>,
    regions: Option<Vec<Region>>,
    names: Option<Vec<String>>,
    rules: &Bound<'py, PyDict>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, watch) = call::settings(PathBuf::new(), rules, options)?;
    let places: Option<Vec<Place>> = regions.map(|r| r.into_iter().map(Place::from).collect());
    let (requests, targets, columns, batch, outcomes) = guarded(py, || {
        let open = |bam| Request::open(Settings { bam, ..settings.clone() });
        let mut requests = bams.into_iter().map(open).collect::<Result<Vec<_>>>()?;
        let Some(first) = requests.first_mut() else { return Err(Error::new(Kind::InvalidArgument, "there is no file to count")) };
        let targets = first.targets(places.as_deref())?;
        let total = requests.iter().map(|request| request.bytes(&targets)).sum();
        let mut table = matrix(&requests, &targets, names, &Control::default(), &mut |done| watch.poll(done, total))?;
        let (columns, outcomes) = (table.names.clone(), std::mem::take(&mut table.outcomes));
        let batch = table.into_batch(&table::names(&requests[0].bam.header.contigs))?;
        watch.finish(total)?;
        Ok((requests, targets, columns, batch, outcomes))
    })?;
    let dict = PyDict::new(py);
    dict.set_item("table", ArrowTable::of(batch))?;
    call::report(&dict, &requests[0], &targets, &outcomes[0])?;
    let reads = PyDict::new(py);
    let mut warnings = Vec::new();
    for ((request, outcome), name) in requests.iter().zip(&outcomes).zip(&columns) {
        reads.set_item(name, call::tally(py, &outcome.tally)?)?;
        warnings.extend(request.warnings.iter().chain(&outcome.warnings).map(|warning| format!("{name}: {warning}")));
    }
    dict.set_item("warnings", warnings)?;
    dict.as_any().get_item("metadata")?.set_item("reads", reads)?;
    Ok(dict)
}
