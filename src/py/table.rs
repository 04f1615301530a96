//! Tables that Arrow hands on: `coverage`, and the class its columns live in.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, ArrowPrimitiveType, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};
use pyo3_arrow::buffer::PyArrowBuffer;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};

use super::arguments::{self, RegionArgument, run};
use super::errors::raise;
use super::rules::PyRules;
use crate::call::{self, Answer};
use crate::table::Computed;

/// Depth of many regions, or of every contig, as a table. `options` are the keywords of [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, regions, rules, *, runs=false, **options))]
pub(super) fn coverage<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    rules: &Bound<'py, PyRules>,
    runs: bool,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let answer = run(py, &patience, |watch| call::coverage(settings, regions.as_deref(), runs, watch))?;
    answer_dict(py, answer)
}

/// Letters, insertions, deletions and skips at each position of many regions, or of every contig. `options` are the keywords of
/// [`arguments::settings`].
#[pyfunction]
#[pyo3(signature = (bam, regions, rules, **options))]
pub(super) fn base_counts<'py>(
    py: Python<'py>,
    bam: PathBuf,
    regions: Option<Vec<RegionArgument>>,
    rules: &Bound<'py, PyRules>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (settings, patience) = arguments::settings(bam, rules, options)?;
    let regions = arguments::regions(regions);
    let answer = run(py, &patience, |watch| call::base_counts(settings, regions.as_deref(), watch))?;
    answer_dict(py, answer)
}

/// A table and its report.
pub(super) fn answer_dict(py: Python<'_>, answer: Answer<RecordBatch>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("table", ArrowTable::of(answer.value))?;
    arguments::report(&dict, &answer.report)?;
    Ok(dict)
}

/// Columns of numbers and of names, all of one length, none with missing values.
#[pyclass(frozen, module = "fastcov._fastcov")]
pub(super) struct ArrowTable {
    content: Content,
}

enum Content {
    Held(RecordBatch),
    Computed(Arc<Computed>),
}

impl From<RecordBatch> for ArrowTable {
    fn from(batch: RecordBatch) -> Self {
        Self { content: Content::Held(batch) }
    }
}

impl From<Computed> for ArrowTable {
    fn from(columns: Computed) -> Self {
        Self { content: Content::Computed(Arc::new(columns)) }
    }
}

/// Rows of a computed table that a stream gives at a time.
const BATCH: usize = 1 << 16;

/// A column across the edge: its values or codes, their dtype, and the names the codes stand for.
type Column = (PyArrowBuffer, &'static str, Option<Vec<String>>);

impl ArrowTable {
    /// The columns of a batch.
    pub(super) const fn of(batch: RecordBatch) -> Self {
        Self { content: Content::Held(batch) }
    }

    fn schema(&self) -> &SchemaRef {
        match &self.content {
            Content::Held(batch) => batch.schema_ref(),
            Content::Computed(columns) => columns.schema(),
        }
    }

    fn rows(&self) -> usize {
        match &self.content {
            Content::Held(batch) => batch.num_rows(),
            Content::Computed(columns) => columns.len(),
        }
    }

    /// Some rows as a batch.
    fn batch(&self, py: Python<'_>, rows: &Range<usize>) -> PyResult<RecordBatch> {
        match &self.content {
            Content::Held(batch) => Ok(batch.slice(rows.start, rows.len())),
            Content::Computed(columns) => columns.batch(rows).map_err(|e| raise(py, e)),
        }
    }
}

#[pymethods]
impl ArrowTable {
    /// From (name, buffer of bytes, dtype, categories) of each column; the buffers are kept, not copied, and must not change.
    #[new]
    fn new(columns: Vec<(String, PyArrowBuffer, String, Option<Vec<String>>)>) -> PyResult<Self> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for (name, buffer, dtype, categories) in columns {
            let array = array(&buffer.into_inner(), &dtype, categories).map_err(|e| refused(&e))?;
            fields.push(Field::new(name, array.data_type().clone(), false));
            arrays.push(array);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| refused(&e))?;
        Ok(Self::of(batch))
    }

    fn __len__(&self) -> usize {
        self.rows()
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    /// Some rows as a table of their own.
    fn slice(&self, py: Python<'_>, start: usize, stop: usize) -> PyResult<Self> {
        let stop = stop.min(self.rows());
        self.batch(py, &(start.min(stop)..stop)).map(Self::of)
    }

    fn column(&self, py: Python<'_>, i: usize) -> PyResult<Column> {
        if i >= self.schema().fields().len() {
            return Err(PyIndexError::new_err("there is no such column"));
        }
        let array = match &self.content {
            Content::Held(batch) => Arc::clone(batch.column(i)),
            Content::Computed(columns) => columns.column(i, 0..columns.len()).map_err(|e| raise(py, e))?,
        };
        let (values, categories) = match array.as_any_dictionary_opt() {
            None => (array.as_ref(), None),
            Some(dictionary) => {
                let names = dictionary.values().as_string::<i32>();
                (dictionary.keys(), Some(names.iter().map(|n| n.unwrap_or_default().to_owned()).collect()))
            }
        };
        let dtype = match values.data_type() {
            DataType::Int8 => "int8",
            DataType::Int16 => "int16",
            DataType::Int32 => "int32",
            DataType::Int64 => "int64",
            DataType::Float64 => "float64",
            other => return Err(PyValueError::new_err(format!("a column of type {other}"))),
        };
        Ok((PyArrowBuffer::new(values.to_data().buffers()[0].clone()), dtype, categories))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, self.schema().as_ref())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyTuple>> {
        let field = Field::new_struct("", self.schema().fields().clone(), false);
        let rows = StructArray::from(self.batch(py, &(0..self.rows()))?);
        to_array_pycapsules(py, Arc::new(field), &rows, requested_schema)
    }

    /// A table that is held is one batch; one that is computed comes batch by batch, so that it is never there as a whole.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let field = Arc::new(Field::new_struct("", self.schema().fields().clone(), false));
        let rows = |batch: RecordBatch| -> ArrayRef { Arc::new(StructArray::from(batch)) };
        let batches: Box<dyn Iterator<Item = Result<ArrayRef, ArrowError>> + Send> = match &self.content {
            Content::Held(batch) => Box::new(std::iter::once(Ok(rows(batch.clone())))),
            Content::Computed(columns) => {
                let columns = Arc::clone(columns);
                Box::new((0..columns.len().div_ceil(BATCH).max(1)).map(move |i| {
                    let batch = columns.batch(&(i * BATCH..((i + 1) * BATCH).min(columns.len())));
                    batch.map(rows).map_err(|e| ArrowError::ExternalError(Box::new(e)))
                }))
            }
        };
        to_stream_pycapsule(py, Box::new(ArrayIterator::new(batches, field)), requested_schema)
    }
}

fn refused(error: &ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn array(buffer: &Buffer, dtype: &str, categories: Option<Vec<String>>) -> Result<ArrayRef, ArrowError> {
    fn codes<K: ArrowDictionaryKeyType>(buffer: &Buffer, names: Vec<String>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(DictionaryArray::try_new(primitive::<K>(buffer)?, Arc::new(StringArray::from(names)))?))
    }
    match (dtype, categories) {
        ("int32", None) => Ok(Arc::new(primitive::<Int32Type>(buffer)?)),
        ("int64", None) => Ok(Arc::new(primitive::<Int64Type>(buffer)?)),
        ("float64", None) => Ok(Arc::new(primitive::<Float64Type>(buffer)?)),
        ("int8", Some(names)) => codes::<Int8Type>(buffer, names),
        ("int16", Some(names)) => codes::<Int16Type>(buffer, names),
        ("int32", Some(names)) => codes::<Int32Type>(buffer, names),
        _ => Err(ArrowError::InvalidArgumentError(format!("a column of type {dtype}"))),
    }
}

fn primitive<T: ArrowPrimitiveType>(buffer: &Buffer) -> Result<PrimitiveArray<T>, ArrowError> {
    let width = size_of::<T::Native>();
    if buffer.is_empty() {
        return Ok(PrimitiveArray::from_iter_values(std::iter::empty()));
    }
    if !buffer.len().is_multiple_of(width) || buffer.as_ptr().align_offset(width) != 0 {
        return Err(ArrowError::InvalidArgumentError(format!("{} bytes that are no array of {}", buffer.len(), T::DATA_TYPE)));
    }
    Ok(PrimitiveArray::new(ScalarBuffer::new(buffer.clone(), 0, buffer.len() / width), None))
}
