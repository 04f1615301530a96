//! The Python edge: arguments in, detach, columns out; errors and panics become exceptions. No decision about reads or positions here.

use std::path::PathBuf;

use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::call;
use crate::error::Kind;
use crate::memory;
use crate::table::{BASES, Codes};

/// What the interpreter's other modules allocate does not come here.
#[global_allocator]
static ALLOCATOR: memory::Reserve = memory::Reserve(std::alloc::System);

mod arguments;
mod bed;
mod blocks;
mod clusters;
mod columns;
mod errors;
mod evidence;
mod frame;
mod matrix;
mod rules;
mod stream;
mod summary;
mod table;

use arguments::run;
use rules::PyRules;

/// The compiled part of fastcov. It keeps the GIL of a free-threaded interpreter on: the tests were not run without.
#[pymodule(gil_used = true)]
fn _fastcov(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("debug_build", cfg!(debug_assertions))?;
    module.add_function(wrap_pyfunction!(error_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(rules::rule_names, module)?)?;
    module.add_function(wrap_pyfunction!(rules::always_excluded, module)?)?;
    module.add_function(wrap_pyfunction!(region_depth, module)?)?;
    module.add_function(wrap_pyfunction!(table::coverage, module)?)?;
    module.add_function(wrap_pyfunction!(table::base_counts, module)?)?;
    module.add_function(wrap_pyfunction!(stream::stream_coverage, module)?)?;
    module.add_function(wrap_pyfunction!(matrix::coverage_matrix, module)?)?;
    module.add_function(wrap_pyfunction!(blocks::blocks, module)?)?;
    module.add_function(wrap_pyfunction!(blocks::contigs, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::flag_summary, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::insert_sizes, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::qc, module)?)?;
    module.add_function(wrap_pyfunction!(bed::read_bed, module)?)?;
    module.add_function(wrap_pyfunction!(bed::bed_columns, module)?)?;
    module.add_function(wrap_pyfunction!(bed::bed_of_columns, module)?)?;
    module.add_function(wrap_pyfunction!(frame::bed_of_arrow, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::discordant_pairs, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::sv_evidence, module)?)?;
    module.add_function(wrap_pyfunction!(summary::target_stats, module)?)?;
    module.add_function(wrap_pyfunction!(clusters::sv_clusters, module)?)?;
    module.add_function(wrap_pyfunction!(clusters::write_bedpe, module)?)?;
    module.add_function(wrap_pyfunction!(summary::depth_histograms, module)?)?;
    module.add_function(wrap_pyfunction!(summary::binned_runs, module)?)?;
    module.add_function(wrap_pyfunction!(summary::window_stats, module)?)?;
    module.add_class::<bed::Bed>()?;
    module.add_class::<PyRules>()?;
    module.add_class::<stream::DepthStream>()?;
    module.add_class::<table::ArrowTable>()?;
    Ok(())
}

/// The stable names of all kinds of error.
#[pyfunction]
fn error_kinds() -> Vec<&'static str> {
    Kind::ALL.iter().map(|k| k.name()).collect()
}

/// Depth at every position of one region, as columns. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, chrom, start, end, rules, **options))]
fn region_depth<'py>(
    py: Python<'py>,
    bam: PathBuf,
    chrom: &str,
    start: i64,
    end: i64,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let answer = run(py, &patience, |watch| call::region_depth(settings, chrom, start, end, watch))?;
    let (table, contigs) = answer.value;
    let dict = PyDict::new(py);
    dict.set_item("pos", table.axis.pos.into_pyarray(py))?;
    match table.axis.chrom {
        Codes::I8(codes) => dict.set_item("chrom_codes", codes.into_pyarray(py))?,
        Codes::I16(codes) => dict.set_item("chrom_codes", codes.into_pyarray(py))?,
        Codes::I32(codes) => dict.set_item("chrom_codes", codes.into_pyarray(py))?,
    }
    dict.set_item("contigs", contigs)?;
    dict.set_item("base_codes", table.axis.base.unwrap_or_default().into_pyarray(py))?;
    dict.set_item("bases", PyList::new(py, BASES.iter().map(|&b| char::from(b).to_string()))?)?;
    dict.set_item("depth", table.depth.into_pyarray(py))?;
    arguments::report(&dict, &answer.report)?;
    Ok(dict)
}
