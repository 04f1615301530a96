//! The Python edge: arguments in, detach, columns out; errors and panics become exceptions. No decision about reads or positions here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::count::walk::Tally;
use crate::error::{Error, Kind, Result};
use crate::request::{Request, Settings, Tuning};
use crate::rules::{Mates, Preset, Rules};
use crate::run::{self, Control};
use crate::table::{self, BASES, Codes, RegionTable};

mod errors;

use errors::{Failure, raise};

/// The compiled part of fastcov.
#[pymodule]
fn _fastcov(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("debug_build", cfg!(debug_assertions))?;
    module.add_function(wrap_pyfunction!(error_kinds, module)?)?;
    module.add_function(wrap_pyfunction!(rule_names, module)?)?;
    module.add_function(wrap_pyfunction!(resolve_rules, module)?)?;
    module.add_function(wrap_pyfunction!(region_depth, module)?)?;
    Ok(())
}

/// The stable names of all kinds of error.
#[pyfunction]
fn error_kinds() -> Vec<&'static str> {
    Kind::ALL.iter().map(|k| k.name()).collect()
}

/// The names of all rules.
#[pyfunction]
fn rule_names() -> Vec<&'static str> {
    Preset::ALL.iter().map(|p| p.name()).collect()
}

/// A rule's defaults with overrides, all fields named.
#[pyfunction]
fn resolve_rules<'py>(py: Python<'py>, name: &str, overrides: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let mut rules = Preset::from_name(name).map(Rules::new).map_err(|e| raise(py, e))?;
    override_fields(&mut rules, overrides)?;
    rules.validate().map_err(|e| raise(py, e))?;
    fields(py, &rules)
}

fn fields<'py>(py: Python<'py>, rules: &Rules) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", rules.preset.name())?;
    dict.set_item("min_mapq", rules.min_mapq)?;
    dict.set_item("min_baseq", rules.min_baseq)?;
    dict.set_item("exclude_flags", rules.exclude_flags)?;
    dict.set_item("require_flags", rules.require_flags)?;
    dict.set_item("baq", rules.baq)?;
    dict.set_item("orphans", rules.orphans)?;
    dict.set_item("mates", rules.mates.name())?;
    dict.set_item("deletions", rules.deletions)?;
    dict.set_item("skips", rules.skips)?;
    dict.set_item("max_depth", rules.max_depth)?;
    Ok(dict)
}

fn override_fields(rules: &mut Rules, overrides: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = overrides.py();
    for (key, value) in overrides.iter() {
        let key: String = key.extract()?;
        match key.as_str() {
            "min_mapq" => rules.min_mapq = number(&key, &value, 255)? as u8,
            "min_baseq" => rules.min_baseq = number(&key, &value, 255)? as u8,
            "exclude_flags" => rules.exclude_flags = number(&key, &value, 0xfff)? as u16,
            "require_flags" => rules.require_flags = number(&key, &value, 0xfff)? as u16,
            "max_depth" => rules.max_depth = number(&key, &value, u64::from(u32::MAX >> 1))? as u32,
            "baq" => rules.baq = if value.is_none() { None } else { Some(truth(&key, &value)?) },
            "orphans" => rules.orphans = truth(&key, &value)?,
            "deletions" => rules.deletions = truth(&key, &value)?,
            "skips" => rules.skips = truth(&key, &value)?,
            "mates" => {
                let text: String = value.extract().map_err(|_| wrong_type(&key, &value, "'once' or 'both'"))?;
                rules.mates = Mates::from_name(&text).map_err(|e| raise(py, e))?;
            }
            _ => {
                let error = Error::new(Kind::InvalidArgument, format!("{key:?} is not a field of Rules")).hint(
                    "the fields are min_mapq, min_baseq, exclude_flags, require_flags, baq, orphans, mates, deletions, skips, max_depth",
                );
                return Err(raise(py, error));
            }
        }
    }
    Ok(())
}

fn wrong_type(key: &str, value: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let kind = value.get_type().name().map_or_else(|_| "?".to_owned(), |n| n.to_string());
    pyo3::exceptions::PyTypeError::new_err(format!("{key} must be {wanted}, not {kind}"))
}

fn truth(key: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    // NumPy's bool is a bool here, an int is not.
    let text = value.get_type().name()?.to_string();
    if text == "bool" || text == "bool_" { value.is_truthy() } else { Err(wrong_type(key, value, "True or False")) }
}

fn number(key: &str, value: &Bound<'_, PyAny>, most: u64) -> PyResult<u64> {
    let kind = value.get_type().name()?.to_string();
    if kind == "bool" || kind == "bool_" || !value.hasattr("__index__")? {
        return Err(wrong_type(key, value, "an integer"));
    }
    let n = value.call_method0("__index__")?;
    n.extract::<u64>().ok().filter(|&n| n <= most).ok_or_else(|| {
        let error =
            Error::new(Kind::InvalidArgument, format!("{key}={n} is out of range")).hint(format!("give an integer from 0 to {most}"));
        raise(value.py(), error)
    })
}

/// Depth at every position of one region, as columns.
#[pyfunction]
#[pyo3(signature = (bam, chrom, start, end, rules, *, reference=None, index=None, n_cores=None, allow_truncated=false, timeout=None,
                    max_memory=None, progress=None, span_bytes=None, part_bytes=None))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the call, one by one")]
fn region_depth<'py>(
    py: Python<'py>,
    bam: PathBuf,
    chrom: &str,
    start: i64,
    end: i64,
    rules: &Bound<'py, PyDict>,
    reference: Option<PathBuf>,
    index: Option<PathBuf>,
    n_cores: Option<usize>,
    allow_truncated: bool,
    timeout: Option<f64>,
    max_memory: Option<u64>,
    progress: Option<Py<PyAny>>,
    span_bytes: Option<u64>,
    part_bytes: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let defaults = Tuning::default();
    let settings = Settings {
        bam,
        index,
        reference,
        rules: rules_from(rules)?,
        n_cores,
        allow_truncated,
        max_memory,
        tuning: Tuning { span_bytes: span_bytes.unwrap_or(defaults.span_bytes), part_bytes: part_bytes.unwrap_or(defaults.part_bytes) },
    };
    let watch = Watch::new(timeout, progress);
    let (request, target, table) = guarded(py, || {
        let mut request = Request::open(settings)?;
        let target = request.target(chrom, start, end)?;
        let total = request.bytes(&[target]);
        let table = table::region(&request, target, &Control::default(), &mut |done| watch.poll(done, total))?;
        watch.finish(total)?;
        Ok((request, target, table))
    })?;
    let contigs: Vec<_> = request.bam.header.contigs.iter().map(|c| String::from_utf8_lossy(&c.name).into_owned()).collect();
    debug_assert!(target.contig < contigs.len());
    columns(py, &request, contigs, table)
}

fn rules_from(dict: &Bound<'_, PyDict>) -> PyResult<Rules> {
    let py = dict.py();
    let fields = dict.copy()?;
    let name: String = fields.get_item("name")?.map_or(Ok("mpileup".to_owned()), |n| n.extract())?;
    fields.del_item("name").ok();
    let mut rules = Preset::from_name(&name).map(Rules::new).map_err(|e| raise(py, e))?;
    override_fields(&mut rules, &fields)?;
    Ok(rules)
}

fn columns<'py>(py: Python<'py>, request: &Request, contigs: Vec<String>, table: RegionTable) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("pos", table.pos.into_pyarray(py))?;
    match table.chrom {
        Codes::I8(codes) => dict.set_item("chrom_codes", codes.into_pyarray(py))?,
        Codes::I16(codes) => dict.set_item("chrom_codes", codes.into_pyarray(py))?,
        Codes::I32(codes) => dict.set_item("chrom_codes", codes.into_pyarray(py))?,
    }
    dict.set_item("contigs", contigs)?;
    dict.set_item("base_codes", table.base.into_pyarray(py))?;
    dict.set_item("bases", PyList::new(py, BASES.iter().map(|&b| char::from(b).to_string()))?)?;
    dict.set_item("depth", table.depth.into_pyarray(py))?;
    let warnings: Vec<&String> = request.warnings.iter().chain(&table.outcome.warnings).collect();
    dict.set_item("warnings", warnings)?;
    let metadata = PyDict::new(py);
    metadata.set_item("rules", fields(py, &request.rules)?)?;
    metadata.set_item("tool", request.rules.preset.traits().tool)?;
    metadata.set_item("baq", request.baq)?;
    metadata.set_item("reads", tally(py, &table.outcome.tally)?)?;
    dict.set_item("metadata", metadata)?;
    Ok(dict)
}

fn tally<'py>(py: Python<'py>, tally: &Tally) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("seen", tally.seen)?;
    dict.set_item("used", tally.used)?;
    dict.set_item("excluded_flags", tally.excluded_flags)?;
    dict.set_item("missing_flags", tally.missing_flags)?;
    dict.set_item("low_mapq", tally.low_mapq)?;
    dict.set_item("orphans", tally.orphans)?;
    dict.set_item("capped", tally.capped)?;
    Ok(dict)
}

/// What the calling thread watches while others work: signals, time, progress.
struct Watch {
    deadline: Option<(Instant, f64)>,
    progress: Option<Py<PyAny>>,
}

impl Watch {
    fn new(timeout: Option<f64>, progress: Option<Py<PyAny>>) -> Self {
        let deadline = timeout.and_then(|t| Some((Instant::now().checked_add(Duration::try_from_secs_f64(t).ok()?)?, t)));
        Self { deadline, progress }
    }

    fn poll(&self, done: u64, total: u64) -> Result<()> {
        if let Some((at, seconds)) = self.deadline
            && Instant::now() >= at
        {
            return Err(Error::new(Kind::Timeout, format!("the call took longer than timeout={seconds} seconds"))
                .hint("give more time, or a smaller region"));
        }
        Python::attach(|py| {
            py.check_signals()?;
            self.progress.as_ref().map_or(Ok(()), |p| p.call1(py, (done.min(total), total)).map(drop))
        })
        .map_err(errors::keep)
    }

    fn finish(&self, total: u64) -> Result<()> {
        let Some(progress) = &self.progress else { return Ok(()) };
        Python::attach(|py| progress.call1(py, (total, total)).map(drop)).map_err(errors::keep)
    }
}

/// Runs `work` detached from the interpreter; its errors and panics become exceptions.
fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let done = py.detach(|| match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::of),
        Err(panic) => Err(Failure::of(run::internal(&*panic))),
    });
    done.map_err(|failure| failure.raise(py))
}
