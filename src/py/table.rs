//! Tables that Arrow hands on: `coverage`, and the class its columns live in.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{LargeListBuilder, LargeStringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, ArrowPrimitiveType, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, LargeStringArray, PrimitiveArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
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

/// Columns of numbers, of names, of text and of lists of text, all of one length. Numbers and names may be missing.
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

/// A column across the edge: its values or codes, their dtype, and the names the codes stand for. A column of text has no buffer here.
type Column = (Option<PyArrowBuffer>, &'static str, Option<Vec<String>>);

/// The values of a column as Python gives them.
#[derive(FromPyObject)]
enum Values {
    Plain(PyArrowBuffer),
    Text(Vec<Option<String>>),
    Lists(Vec<Vec<String>>),
}

/// A column as Python gives it: its name, values, dtype, categories, and a byte for each value that is 1 where it is missing.
type Given = (String, Values, String, Option<Vec<String>>, Option<PyArrowBuffer>);

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

    /// All of a column.
    fn array(&self, py: Python<'_>, i: usize) -> PyResult<ArrayRef> {
        if i >= self.schema().fields().len() {
            return Err(PyIndexError::new_err("there is no such column"));
        }
        match &self.content {
            Content::Held(batch) => Ok(Arc::clone(batch.column(i))),
            Content::Computed(columns) => columns.column(i, 0..columns.len()).map_err(|e| raise(py, e)),
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
    /// From (name, values, dtype, categories, missing) of each column; buffers are kept, not copied, and must not change.
    #[new]
    fn new(columns: Vec<Given>) -> PyResult<Self> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for (name, values, dtype, categories, missing) in columns {
            let nullable = missing.is_some() || matches!(values, Values::Text(ref texts) if texts.iter().any(Option::is_none));
            let array = match values {
                Values::Plain(buffer) => array(&buffer.into_inner(), &dtype, categories, missing.map(PyArrowBuffer::into_inner)),
                Values::Text(texts) => Ok(Arc::new(LargeStringArray::from(texts)) as ArrayRef),
                Values::Lists(lists) => Ok(list_array(lists)),
            };
            let array = array.map_err(|e| refused(&e))?;
            fields.push(Field::new(name, array.data_type().clone(), nullable));
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
        let array = self.array(py, i)?;
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
            DataType::UInt8 => "uint8",
            DataType::Float64 => "float64",
            DataType::LargeUtf8 | DataType::LargeList(_) => return Ok((None, "object", None)),
            other => return Err(PyValueError::new_err(format!("a column of type {other}"))),
        };
        Ok((Some(PyArrowBuffer::new(values.to_data().buffers()[0].clone())), dtype, categories))
    }

    /// A byte for each value of a column, 1 where it is missing; None where the column has no missing values by its type.
    fn missing(&self, py: Python<'_>, i: usize) -> PyResult<Option<PyArrowBuffer>> {
        let array = self.array(py, i)?;
        let is_nullable = self.schema().field(i).is_nullable();
        Ok(is_nullable.then(|| {
            let missing: Vec<u8> = (0..array.len()).map(|row| u8::from(array.is_null(row))).collect();
            PyArrowBuffer::new(Buffer::from_vec(missing))
        }))
    }

    /// The values of a column of text, or of lists of it.
    fn objects<'py>(&self, py: Python<'py>, i: usize) -> PyResult<Bound<'py, PyAny>> {
        let array = self.array(py, i)?;
        if let Some(texts) = array.as_string_opt::<i64>() {
            return texts.iter().collect::<Vec<_>>().into_pyobject(py);
        }
        let Some(lists) = array.as_list_opt::<i64>() else {
            return Err(PyValueError::new_err("a column of neither text nor lists"));
        };
        let texts = |list: Option<ArrayRef>| -> Vec<String> {
            let list = list.as_ref().and_then(|list| list.as_string_opt::<i64>());
            list.map_or_else(Vec::new, |texts| texts.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
        };
        lists.iter().map(texts).collect::<Vec<_>>().into_pyobject(py)
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

fn list_array(lists: Vec<Vec<String>>) -> ArrayRef {
    let mut builder = LargeListBuilder::new(LargeStringBuilder::new());
    for list in lists {
        for text in list {
            builder.values().append_value(text);
        }
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn array(buffer: &Buffer, dtype: &str, categories: Option<Vec<String>>, missing: Option<Buffer>) -> Result<ArrayRef, ArrowError> {
    fn codes<K: ArrowDictionaryKeyType>(buffer: &Buffer, names: Vec<String>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(DictionaryArray::try_new(primitive::<K>(buffer, nulls)?, Arc::new(StringArray::from(names)))?))
    }
    let nulls = missing.map(|missing| NullBuffer::new(BooleanBuffer::collect_bool(missing.len(), |i| missing[i] == 0)));
    match (dtype, categories) {
        ("uint8", None) => Ok(Arc::new(primitive::<UInt8Type>(buffer, nulls)?)),
        ("int32", None) => Ok(Arc::new(primitive::<Int32Type>(buffer, nulls)?)),
        ("int64", None) => Ok(Arc::new(primitive::<Int64Type>(buffer, nulls)?)),
        ("float64", None) => Ok(Arc::new(primitive::<Float64Type>(buffer, nulls)?)),
        ("int8", Some(names)) => codes::<Int8Type>(buffer, names, nulls),
        ("int16", Some(names)) => codes::<Int16Type>(buffer, names, nulls),
        ("int32", Some(names)) => codes::<Int32Type>(buffer, names, nulls),
        _ => Err(ArrowError::InvalidArgumentError(format!("a column of type {dtype}"))),
    }
}

fn primitive<T: ArrowPrimitiveType>(buffer: &Buffer, nulls: Option<NullBuffer>) -> Result<PrimitiveArray<T>, ArrowError> {
    let width = size_of::<T::Native>();
    if buffer.is_empty() {
        return Ok(PrimitiveArray::from_iter_values(std::iter::empty()));
    }
    if !buffer.len().is_multiple_of(width) || buffer.as_ptr().align_offset(width) != 0 {
        return Err(ArrowError::InvalidArgumentError(format!("{} bytes that are no array of {}", buffer.len(), T::DATA_TYPE)));
    }
    PrimitiveArray::try_new(ScalarBuffer::new(buffer.clone(), 0, buffer.len() / width), nulls)
}
