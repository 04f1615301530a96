//! Targets across the edge: a BED file, the columns of a frame, or its Arrow stream.

use std::path::PathBuf;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::{Patience, guarded};
use super::errors::raise;
use crate::call::{By, Targets};
use crate::error::Result;
use crate::pass::Progress;
use crate::source::bed::{self, Columns, Row};

/// Targets, read and checked.
#[pyclass(frozen, module = "fastcov._fastcov")]
pub(super) struct Bed {
    bed: bed::Bed,
}

impl From<bed::Bed> for Bed {
    fn from(bed: bed::Bed) -> Self {
        Self { bed }
    }
}

impl Bed {
    /// As the core takes them.
    pub(super) const fn targets(&self, by_name: bool) -> Targets<'_> {
        Targets { bed: &self.bed, by: if by_name { By::Name } else { By::Target } }
    }

    /// What they are and where they come from, for the metadata of an answer.
    pub(super) fn describe(&self, dict: &Bound<'_, PyDict>) -> PyResult<()> {
        let about = PyDict::new(dict.py());
        about.set_item("path", self.bed.path().map(|path| path.to_string_lossy()))?;
        about.set_item("targets", self.bed.len())?;
        about.set_item("skipped_lines", self.bed.skipped().lines())?;
        dict.as_any().get_item("metadata")?.set_item("bed", about)
    }
}

#[pymethods]
impl Bed {
    fn __len__(&self) -> usize {
        self.bed.len()
    }

    /// Contig, first position (0-based) and the position behind the last one of every target.
    fn intervals(&self) -> Vec<(String, i64, i64)> {
        let names: Vec<_> = self.bed.contigs().iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let bounds = self.bed.start().iter().zip(self.bed.end());
        let contigs = self.bed.contigs().rows().iter();
        contigs.zip(bounds).map(|(&contig, (&start, &end))| (names[contig as usize].clone(), start, end)).collect()
    }
}

/// The targets of a BED file.
#[pyfunction]
#[pyo3(signature = (path, timeout=None))]
#[expect(clippy::needless_pass_by_value, reason = "Python hands it over")]
pub(super) fn read_bed(py: Python<'_>, path: PathBuf, timeout: Option<f64>) -> PyResult<Bed> {
    let patience = Patience::new(timeout, None);
    let mut poll = || patience.poll(Progress { done: 0, total: 0, over: false });
    guarded(py, || bed::read(&path, &mut poll)).map(Bed::from)
}

/// Which of a frame's columns are chrom, start, end and, if there is one, name.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python hands it over")]
pub(super) fn bed_columns(py: Python<'_>, names: Vec<String>) -> PyResult<(usize, usize, usize, Option<usize>)> {
    let found = Columns::find(&names).map_err(|e| raise(py, e))?;
    Ok((found.chrom, found.start, found.end, found.name))
}

/// A column of names: the distinct ones, and for each row the index of its own.
type Categories<'py> = (Vec<String>, PyReadonlyArray1<'py, i64>);

/// The targets of columns of equal length.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python hands it over")]
pub(super) fn bed_of_columns<'py>(
    py: Python<'py>,
    chrom: Categories<'py>,
    start: PyReadonlyArray1<'py, i64>,
    end: PyReadonlyArray1<'py, i64>,
    name: Option<Categories<'py>>,
) -> PyResult<Bed> {
    let (contigs, contig, start, end) = (&chrom.0, chrom.1.as_slice()?, start.as_slice()?, end.as_slice()?);
    let named = name.as_ref().map(|(names, rows)| rows.as_slice().map(|rows| (names, rows))).transpose()?;
    let fits = |rows: &[i64], names: &[String]| rows.len() == start.len() && rows.iter().all(|&id| (id as usize) < names.len());
    if !fits(contig, contigs) || end.len() != start.len() || !named.is_none_or(|(names, rows)| fits(rows, names)) {
        return Err(PyValueError::new_err("the columns do not fit each other"));
    }
    let all = || -> Result<bed::Bed> {
        let mut bed = bed::Bed::default();
        for i in 0..start.len() {
            let name = named.map(|(names, rows)| names[rows[i] as usize].as_bytes());
            bed.push(Row { contig: contigs[contig[i] as usize].as_bytes(), start: start[i], end: end[i], name })?;
        }
        Ok(bed)
    };
    guarded(py, all).map(Bed::from)
}
