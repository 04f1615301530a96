//! What every function that reads a file shares: its keywords, the watch over a running call, what is said besides the numbers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors::{Failure, keep};
use super::rules::{fields, rules_from};
use crate::depth::walk::Tally;
use crate::error::{Error, Kind, Result};
use crate::pass;
use crate::plan::Target;
use crate::request::{Outcome, Request, Settings, Tuning};

/// The keywords.
const OPTIONS: [&str; 9] =
    ["reference", "index", "n_cores", "allow_truncated", "timeout", "max_memory", "progress", "span_bytes", "part_bytes"];

/// The settings of a call, and what watches over it.
pub(super) fn settings(bam: PathBuf, rules: &Bound<'_, PyDict>, options: Option<&Bound<'_, PyDict>>) -> PyResult<(Settings, Watch)> {
    let options = options.map_or_else(|| Ok(PyDict::new(rules.py())), PyDictMethods::copy)?;
    for key in options.keys() {
        let key: String = key.extract()?;
        if !OPTIONS.contains(&key.as_str()) {
            return Err(PyTypeError::new_err(format!("unexpected keyword argument {key:?}")));
        }
    }
    let defaults = Tuning::default();
    let (rules, read_groups) = rules_from(rules)?;
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
    Ok((settings, Watch::new(option(&options, "timeout")?, option(&options, "progress")?)))
}

fn option<T: for<'a, 'py> FromPyObject<'a, 'py>>(options: &Bound<'_, PyDict>, key: &str) -> PyResult<Option<T>> {
    let Some(value) = options.get_item(key)?.filter(|v| !v.is_none()) else { return Ok(None) };
    value.extract().map(Some).map_err(Into::into)
}

/// The warnings of a call, and what it says about itself.
pub(super) fn report(dict: &Bound<'_, PyDict>, request: &Request, targets: &[Target], outcome: &Outcome) -> PyResult<()> {
    let py = dict.py();
    let warnings: Vec<&String> = request.warnings.iter().chain(&outcome.warnings).collect();
    dict.set_item("warnings", warnings)?;
    let metadata = PyDict::new(py);
    let groups = request.read_groups().map(|groups| groups.iter().map(|g| String::from_utf8_lossy(g).into_owned()).collect::<Vec<_>>());
    metadata.set_item("rules", fields(py, &request.rules, groups.as_deref())?)?;
    metadata.set_item("tool", request.rules.preset.traits().tool)?;
    metadata.set_item("baq", request.baq)?;
    metadata.set_item("reads", tally(py, &outcome.tally)?)?;
    let regions: Vec<_> = targets
        .iter()
        .map(|t| {
            let (start, end) = t.interval.one_based();
            (request.bam.header.contigs[t.contig].text(), start, end)
        })
        .collect();
    metadata.set_item("regions", regions)?;
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
    dict.set_item("with_mate", tally.with_mate)?;
    dict.set_item("capped", tally.capped)?;
    dict.set_item("skipped", tally.skipped)?;
    Ok(dict)
}

/// What the calling thread watches while others work: signals, time, progress.
pub(super) struct Watch {
    deadline: Option<(Instant, f64)>,
    progress: Option<Py<PyAny>>,
}

impl Watch {
    pub(super) fn new(timeout: Option<f64>, progress: Option<Py<PyAny>>) -> Self {
        let deadline = timeout.and_then(|t| Some((Instant::now().checked_add(Duration::try_from_secs_f64(t).ok()?)?, t)));
        Self { deadline, progress }
    }

    pub(super) fn poll(&self, done: u64, total: u64) -> Result<()> {
        if let Some((at, seconds)) = self.deadline
            && Instant::now() >= at
        {
            return Err(Error::new(Kind::Timeout, format!("the call took longer than timeout={seconds} seconds"))
                .hint("give more time, or a smaller region"));
        }
        let go_on = Python::try_attach(|py| {
            py.check_signals()?;
            self.progress.as_ref().map_or(Ok(()), |p| p.call1(py, (done.min(total), total)).map(drop))
        });
        // The interpreter is shutting down: this is a daemon thread's call, and nobody waits for it.
        go_on.map_or_else(|| Err(Error::cancelled()), |went| went.map_err(keep))
    }

    pub(super) fn finish(&self, total: u64) -> Result<()> {
        let Some(progress) = &self.progress else { return Ok(()) };
        let went = Python::try_attach(|py| progress.call1(py, (total, total)).map(drop));
        went.map_or_else(|| Err(Error::cancelled()), |went| went.map_err(keep))
    }
}

/// Opens the files of a call: one without regions reads the whole file, and needs no index.
pub(super) fn open(settings: Settings, whole: bool, watch: &Watch) -> Result<Request> {
    if !whole {
        return Request::open(settings);
    }
    Request::open_whole(settings, &mut |done| watch.poll(done, done))
}

/// Runs `work` detached from the interpreter; its errors and panics become exceptions.
pub(super) fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let done = py.detach(|| match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::of),
        Err(panic) => Err(Failure::of(pass::internal(&*panic))),
    });
    done.map_err(|failure| failure.raise(py))
}
