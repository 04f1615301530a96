//! What every function that reads a file shares: its keywords, the poll of a running call, the report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors::{Failure, keep};
use super::rules::PyRules;
use crate::call::{Region, Report, Settings, Tuning};
use crate::depth::walk::Tally;
use crate::error::{Error, Kind, Result};
use crate::pass::{self, Progress, Watch};

/// The keywords.
const OPTIONS: [&str; 9] =
    ["reference", "index", "n_cores", "allow_truncated", "timeout", "max_memory", "progress", "span_bytes", "part_bytes"];

/// The settings of a call, and what polls while it runs.
pub(super) fn settings(bam: PathBuf, rules: &Bound<'_, PyRules>, options: Option<&Bound<'_, PyDict>>) -> PyResult<(Settings, Patience)> {
    let options = options.map_or_else(|| Ok(PyDict::new(rules.py())), PyDictMethods::copy)?;
    for key in options.keys() {
        let key: String = key.extract()?;
        if !OPTIONS.contains(&key.as_str()) {
            return Err(PyTypeError::new_err(format!("unexpected keyword argument {key:?}")));
        }
    }
    let defaults = Tuning::default();
    let PyRules { rules, read_groups } = rules.get().clone();
    let settings = Settings {
        bam,
        index: option(&options, "index")?,
        reference: option(&options, "reference")?,
        rules,
        read_groups,
        n_cores: option(&options, "n_cores")?,
        allow_truncated: option(&options, "allow_truncated")?.unwrap_or(false),
        max_memory: option(&options, "max_memory")?,
        tuning: Tuning {
            span_bytes: option(&options, "span_bytes")?.unwrap_or(defaults.span_bytes),
            part_bytes: option(&options, "part_bytes")?.unwrap_or(defaults.part_bytes),
        },
    };
    Ok((settings, Patience::new(option(&options, "timeout")?, option(&options, "progress")?)))
}

fn option<T: for<'a, 'py> FromPyObject<'a, 'py>>(options: &Bound<'_, PyDict>, key: &str) -> PyResult<Option<T>> {
    let Some(value) = options.get_item(key)?.filter(|v| !v.is_none()) else { return Ok(None) };
    value.extract().map(Some).map_err(Into::into)
}

/// A region as Python gives it.
#[derive(FromPyObject)]
pub(super) enum RegionArgument {
    Text(String),
    Range(String, i64, i64),
}

/// Regions as the core takes them.
pub(super) fn regions(given: Option<Vec<RegionArgument>>) -> Option<Vec<Region>> {
    let region = |region| match region {
        RegionArgument::Text(text) => Region::Text(text),
        RegionArgument::Range(contig, start, end) => Region::Range(contig, start, end),
    };
    given.map(|regions| regions.into_iter().map(region).collect())
}

/// The warnings and the metadata of a call.
pub(super) fn report(dict: &Bound<'_, PyDict>, report: &Report) -> PyResult<()> {
    let py = dict.py();
    dict.set_item("warnings", &report.warnings)?;
    let metadata = PyDict::new(py);
    metadata.set_item("file", report.file.to_string_lossy())?;
    let rules = PyRules { rules: report.rules, read_groups: report.read_groups.clone() };
    metadata.set_item("rules", rules.fields(py)?)?;
    metadata.set_item("tool", report.rules.preset.traits().tool)?;
    metadata.set_item("baq", report.baq)?;
    metadata.set_item("reads", tally(py, &report.tally)?)?;
    metadata.set_item("regions", &report.regions)?;
    metadata.set_item("version", env!("CARGO_PKG_VERSION"))?;
    dict.set_item("metadata", metadata)
}

/// Records by what became of them.
pub(super) fn tally<'py>(py: Python<'py>, tally: &Tally) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("seen", tally.seen)?;
    dict.set_item("used", tally.used)?;
    dict.set_item("excluded_flags", tally.excluded_flags)?;
    dict.set_item("missing_flags", tally.missing_flags)?;
    dict.set_item("low_mapq", tally.low_mapq)?;
    dict.set_item("orphans", tally.orphans)?;
    dict.set_item("other_read_groups", tally.other_read_groups)?;
    dict.set_item("other_strand", tally.other_strand)?;
    dict.set_item("read_length", tally.read_length)?;
    dict.set_item("fragment_length", tally.fragment_length)?;
    dict.set_item("capped", tally.capped)?;
    dict.set_item("skipped", tally.skipped)?;
    Ok(dict)
}

/// How long a call may take, and what is polled meanwhile: signals and the progress callback.
pub(super) struct Patience {
    deadline: Option<(Instant, f64)>,
    progress: Option<Py<PyAny>>,
}

impl Patience {
    pub(super) fn new(timeout: Option<f64>, progress: Option<Py<PyAny>>) -> Self {
        let deadline = timeout.and_then(|t| Some((Instant::now().checked_add(Duration::try_from_secs_f64(t).ok()?)?, t)));
        Self { deadline, progress }
    }

    /// Ends the call when its time is over, or when Python has an exception for it.
    pub(super) fn poll(&self, Progress { done, total, over }: Progress) -> Result<()> {
        if let Some((at, seconds)) = self.deadline.filter(|_| !over)
            && Instant::now() >= at
        {
            return Err(Error::new(Kind::Timeout, format!("the call took longer than timeout={seconds} seconds"))
                .hint("give more time, or a smaller region"));
        }
        let polled = Python::try_attach(|py| {
            if !over {
                py.check_signals()?;
            }
            self.progress.as_ref().map_or(Ok(()), |progress| progress.call1(py, (done, total)).map(drop))
        });
        // Without an interpreter this is a daemon thread's call at the end of the process, and its result is not needed.
        polled.map_or_else(|| Err(Error::cancelled()), |result| result.map_err(keep))
    }
}

/// Runs a call of the core detached from the interpreter, polled by `patience`; its errors and panics become exceptions.
pub(super) fn run<T: Send>(py: Python<'_>, patience: &Patience, call: impl FnOnce(&Watch<'_>) -> Result<T> + Send) -> PyResult<T> {
    guarded(py, || {
        let mut poll = |progress| patience.poll(progress);
        call(&Watch::new(&mut poll))
    })
}

/// Runs `work` detached from the interpreter; its errors and panics become exceptions.
pub(super) fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let done = py.detach(|| match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::of),
        Err(panic) => Err(Failure::of(pass::internal(&*panic))),
    });
    done.map_err(|failure| failure.raise(py))
}
