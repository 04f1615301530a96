//! Errors of the core as Python exceptions. The classes live in `fastcov.errors`; this is the only place that calls for one.

use std::cell::RefCell;

use pyo3::prelude::*;

use crate::error::{Error, Kind};

thread_local! {
    /// The exception a poll on this thread raised (an interrupt, or one of the progress callback); the core carries a
    /// [`Kind::Cancelled`] in its place.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Keeps an exception for the end of the call.
pub(super) fn keep(error: PyErr) -> Error {
    RAISED.with(|raised| raised.replace(Some(error)));
    Error::cancelled()
}

/// How a call failed: with an error of the core, or with an exception that was raised while it waited.
pub(super) enum Failure {
    Core(Error),
    Raised(PyErr),
}

impl Failure {
    /// Takes the exception kept on this thread, where the error stands for it.
    pub(super) fn of(error: Error) -> Self {
        match RAISED.with(RefCell::take) {
            Some(raised) if error.kind() == Kind::Cancelled => Self::Raised(raised),
            _ => Self::Core(error),
        }
    }

    pub(super) fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Core(error) => raise(py, error),
            Self::Raised(error) => error,
        }
    }
}

/// The exception of an error.
#[expect(clippy::needless_pass_by_value, reason = "the error ends here")]
pub(super) fn raise(py: Python<'_>, error: Error) -> PyErr {
    let made = || -> PyResult<PyErr> {
        let make = py.import("fastcov.errors")?.getattr("_from_core")?;
        let path = error.file().map(|p| p.to_string_lossy().into_owned());
        let exception = make.call1((
            error.kind().name(),
            error.to_string(),
            path,
            error.at_offset(),
            error.at_record().or(error.at_line()),
            error.about_contig(),
            error.remedy(),
            error.errno(),
        ))?;
        Ok(PyErr::from_value(exception))
    };
    made().unwrap_or_else(|e| e)
}
