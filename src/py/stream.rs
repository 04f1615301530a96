//! Batches of depth across the edge: one after another to Python, or all that are left as a C stream.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, Field, SchemaRef};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule};

use super::arguments::{self, Patience, RegionArgument, guarded};
use super::errors::{Failure, raise};
use super::rules::PyRules;
use super::table::ArrowTable;
use crate::call::{self, Answer, Batch, Report};
use crate::error::{Error, Kind, Result};
use crate::pass::{self, Next, Progress};

/// Contig and positions, 1-based, inclusive.
type Named = (String, i64, i64);

/// Starts to count; depth comes in batches of `batch_rows` rows. `options` are the keywords of [`arguments::settings`], but for `progress`.
#[pyfunction]
#[pyo3(signature = (bam, regions, rules, *, batch_rows, runs=false, **options))]
pub(super) fn stream_coverage<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    rules: &Bound<'py, PyRules>,
    batch_rows: usize,
    runs: bool,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<(DepthStream, Bound<'py, PyDict>)> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let Answer { value, report } = guarded(py, || call::stream_coverage(settings, regions.as_deref(), batch_rows, runs))?;
    let dict = PyDict::new(py);
    arguments::report(&dict, &report)?;
    let call::DepthStream { batches, schema, bytes } = value;
    let handed_over = AtomicBool::new(false);
    let shared = Shared { stream: Mutex::new(batches), end: Mutex::new(None), patience, schema, bytes, handed_over };
    Ok((DepthStream(Arc::new(shared)), dict))
}

/// Depth that is being counted.
#[pyclass(frozen, module = "fastcov._fastcov")]
pub(super) struct DepthStream(Arc<Shared>);

struct Shared {
    stream: Mutex<pass::Stream<Batch, Report>>,
    end: Mutex<Option<Report>>,
    patience: Patience,
    schema: SchemaRef,
    /// Compressed bytes to read.
    bytes: u64,
    handed_over: AtomicBool,
}

impl Shared {
    /// The next batch; `None` at the end. Whoever waits for the lock must not hold the interpreter: whoever has it needs both.
    fn next(&self) -> Result<Option<Batch>> {
        let mut stream = lock(&self.stream);
        if lock(&self.end).is_some() {
            return Ok(None);
        }
        match stream.next(&mut |done| self.patience.poll(Progress { done: done.min(self.bytes), total: self.bytes, over: false }))? {
            Next::Item(batch) => Ok(Some(batch)),
            Next::End(end) => {
                *lock(&self.end) = Some(end);
                Ok(None)
            }
        }
    }

    fn hand_over(&self) -> Result<()> {
        if self.handed_over.swap(true, Ordering::Relaxed) {
            return Err(Error::new(Kind::InvalidArgument, "the batches were handed over to an Arrow stream").hint("open another stream"));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl DepthStream {
    /// The next batch and the regions it is about; None at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<(ArrowTable, Vec<Named>)>> {
        let shared = &self.0;
        let batch = guarded(py, || {
            if shared.handed_over.load(Ordering::Relaxed) {
                shared.hand_over()?;
            }
            shared.next()
        })?;
        Ok(batch.map(|batch| (ArrowTable::of(batch.columns), batch.regions)))
    }

    /// After the end: the warnings of the whole call, and what it says about itself.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let end = lock(&self.0.end);
        let Some(report) = &*end else { return Ok(None) };
        let dict = PyDict::new(py);
        arguments::report(&dict, report)?;
        Ok(Some(dict))
    }

    /// Compressed bytes counted so far, and how many there are.
    fn progress(&self, py: Python<'_>) -> (u64, u64) {
        let shared = &self.0;
        let done = py.detach(|| lock(&shared.stream).control().done());
        (done.min(shared.bytes), shared.bytes)
    }

    /// Ends the work.
    fn close(&self, py: Python<'_>) {
        py.detach(|| lock(&self.0.stream).close());
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.0.schema.as_ref())
    }

    /// The batches that are left; `at_end` is called when all of them have been taken.
    fn hand_over<'py>(
        &self,
        py: Python<'py>,
        at_end: Py<PyAny>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        self.0.hand_over().map_err(|e| raise(py, e))?;
        let field = Field::new_struct("", self.0.schema.fields().clone(), false);
        let rest = Rest { shared: Arc::clone(&self.0), at_end, over: false };
        to_stream_pycapsule(py, Box::new(ArrayIterator::new(rest, Arc::new(field))), requested_schema)
    }
}

/// What a C stream takes its batches from. Nothing may unwind from here: the caller is no Rust.
struct Rest {
    shared: Arc<Shared>,
    at_end: Py<PyAny>,
    over: bool,
}

impl Iterator for Rest {
    type Item = std::result::Result<ArrayRef, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = catch_unwind(AssertUnwindSafe(|| self.step())).unwrap_or_else(|panic| Err(text_of(pass::internal(&*panic))));
        self.over = !matches!(next, Ok(Some(_)));
        next.map_err(ArrowError::ComputeError).transpose()
    }
}

impl Rest {
    fn step(&self) -> std::result::Result<Option<ArrayRef>, String> {
        // Whether the caller holds the interpreter or not: while this waits, others may have it.
        let batch = Python::try_attach(|py| py.detach(|| self.shared.next().map_err(text_of)))
            .unwrap_or_else(|| Err("the interpreter has ended".to_owned()))?;
        let Some(batch) = batch else {
            #[expect(clippy::disallowed_methods, reason = "the reader of the stream calls this, who has the interpreter")]
            let told = Python::attach(|py| self.at_end.call0(py).map(drop).map_err(|e| e.to_string()));
            return told.map(|()| None);
        };
        Ok(Some(rows(batch.columns)))
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        // Nobody is left who could want the rest.
        let _ = catch_unwind(AssertUnwindSafe(|| lock(&self.shared.stream).close()));
    }
}

fn rows(batch: RecordBatch) -> ArrayRef {
    Arc::new(StructArray::from(batch))
}

/// An error in the words of its exception, which does not fit through a C stream. An interrupt is repeated, for the interpreter to raise.
#[expect(clippy::disallowed_methods, reason = "the reader of the stream calls this, who has the interpreter")]
fn text_of(error: Error) -> String {
    let failure = Failure::of(error);
    Python::attach(|py| {
        let exception = failure.raise(py);
        let text = exception.to_string();
        if exception.is_instance_of::<PyKeyboardInterrupt>(py)
            && let Ok(thread) = py.import("_thread")
        {
            // It fails only where no handler of SIGINT is set, and then there was no interrupt.
            let _ = thread.call_method0("interrupt_main");
        }
        text
    })
}
