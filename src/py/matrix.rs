//! Several files across the edge.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{self, RegionArgument, run};
use super::rules::PyRules;
use super::table::ArrowTable;
use crate::call;

/// Depth of many regions, or of every contig, in each of several files, given with their indexes. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bams, regions, names, strict, rules, **options))]
pub(super) fn coverage_matrix<'py>(
    py: Python<'py>,
    bams: Vec<(PathBuf, Option<PathBuf>)>,
    regions: Option<Vec<RegionArgument>>,
    names: Option<Vec<String>>,
    strict: bool,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(PathBuf::new(), rules, options)?;
    let regions = arguments::regions(regions);
    let files: Vec<_> = bams.iter().map(|(bam, _)| bam.to_string_lossy().into_owned()).collect();
    let settings = bams.into_iter().map(|(bam, index)| call::Settings { bam, index, ..settings.clone() }).collect();
    let headers = if strict { call::Headers::Strict } else { call::Headers::Common };
    let answer = run(py, &patience, |watch| call::coverage_matrix(settings, regions.as_deref(), names, headers, watch))?;
    let call::MatrixTable { columns, tallies } = answer.value;
    let dict = PyDict::new(py);
    dict.set_item("table", ArrowTable::of(columns))?;
    arguments::report(&dict, &answer.report)?;
    let reads = PyDict::new(py);
    for (name, tally) in &tallies {
        reads.set_item(name, arguments::tally(py, tally)?)?;
    }
    let metadata = dict.as_any().get_item("metadata")?;
    metadata.set_item("file", files)?;
    metadata.set_item("reads", reads)?;
    Ok(dict)
}
