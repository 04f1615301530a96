//! Frames of other libraries, as the Arrow stream they give.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, LargeStringArray, PrimitiveArray, RecordBatch, RecordBatchReader};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Schema};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader};

use super::arguments::guarded;
use super::bed::Bed;
use super::errors::raise;
use crate::error::{Error, Kind, Result};
use crate::source::bed::{self, Columns, Row};

/// The targets of anything that gives a stream of Arrow's batches, or one batch.
#[pyfunction]
pub(super) fn bed_of_arrow(py: Python<'_>, frame: &Bound<'_, PyAny>) -> PyResult<Bed> {
    let reader = reader(frame)?;
    let schema = reader.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let found = Columns::find(&names).map_err(|e| raise(py, e))?;
    check_types(&schema, found)?;
    let all = move || -> Result<bed::Bed> {
        let mut bed = bed::Bed::default();
        for batch in reader {
            take(&mut bed, &batch.map_err(|e| unreadable(&e))?, found)?;
        }
        Ok(bed)
    };
    guarded(py, all).map(Bed::from)
}

fn reader(frame: &Bound<'_, PyAny>) -> PyResult<Box<dyn RecordBatchReader + Send>> {
    if frame.hasattr("__arrow_c_stream__")? {
        return frame.extract::<PyRecordBatchReader>()?.into_reader();
    }
    let batch = frame.extract::<PyRecordBatch>()?.into_inner();
    let schema = batch.schema();
    Ok(Box::new(arrow_array::RecordBatchIterator::new([Ok(batch)], schema)))
}

fn check_types(schema: &Schema, found: Columns) -> PyResult<()> {
    for (i, which) in [(found.start, "start"), (found.end, "end")] {
        let kind = schema.field(i).data_type();
        if !kind.is_integer() && !kind.is_floating() {
            return Err(PyTypeError::new_err(format!("the column {which} of bed must hold integers, not {kind}")));
        }
    }
    for (i, which) in [(Some(found.chrom), "chrom"), (found.name, "name")] {
        if let Some(kind) = i.map(|i| schema.field(i).data_type())
            && !(is_text(kind) || which == "name" && kind.is_null())
        {
            return Err(PyTypeError::new_err(format!("the column {which} of bed must hold text, not {kind}")));
        }
    }
    Ok(())
}

/// Text, in any of Arrow's ways, or numbers: contigs may be called 1 to 22.
fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_text(values),
        DataType::RunEndEncoded(_, values) => is_text(values.data_type()),
        kind => kind.is_string() || kind.is_integer(),
    }
}

/// Adds the rows of a batch.
fn take(bed: &mut bed::Bed, batch: &RecordBatch, found: Columns) -> Result<()> {
    let before = bed.len();
    let text = |i: usize| -> Result<LargeStringArray> { Ok(cast(batch.column(i), &DataType::LargeUtf8)?.as_string().clone()) };
    let (start, end) = (integers(batch.column(found.start), before, "start")?, integers(batch.column(found.end), before, "end")?);
    let (chrom, name) = (text(found.chrom)?, found.name.map(text).transpose()?);
    no_null(&chrom, before, "chrom")?;
    for i in 0..batch.num_rows() {
        let name = name.as_ref().map(|names| if names.is_null(i) { &b""[..] } else { names.value(i).as_bytes() });
        bed.push(Row { contig: chrom.value(i).as_bytes(), start: start.value(i), end: end.value(i), name })?;
    }
    Ok(())
}

/// A column of positions; `before` rows came before it.
fn integers(column: &ArrayRef, before: usize, which: &str) -> Result<PrimitiveArray<Int64Type>> {
    if column.data_type().is_floating() {
        return whole(&cast(column, &DataType::Float64)?, before, which);
    }
    let array = cast(column, &DataType::Int64)?;
    no_null(&array, before, which)?;
    Ok(array.as_primitive().clone())
}

/// Whole numbers that are held as floats: libraries do so where a value was missing once.
fn whole(array: &dyn Array, before: usize, which: &str) -> Result<PrimitiveArray<Int64Type>> {
    no_null(array, before, which)?;
    let values = array.as_primitive::<Float64Type>().values();
    // NaN is a missing value, too.
    if let Some(i) = values.iter().position(|value| value.is_nan()) {
        return Err(missing(before + i, which));
    }
    // Larger floats leave numbers out.
    let is_whole = |value: &f64| value.fract() == 0.0 && value.abs() <= (1_u64 << 53) as f64;
    if let Some(i) = values.iter().position(|value| !is_whole(value)) {
        let what = format!("row {} of bed has the {which} {}, which is no whole number", before + i, values[i]);
        return Err(Error::new(Kind::InvalidArgument, what).hint("give integers"));
    }
    Ok(values.iter().map(|&value| Some(value as i64)).collect())
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    // Not the default, by which a number that does not fit becomes a null.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    if array.data_type() == to { Ok(Arc::clone(array)) } else { cast_with_options(array, to, &options).map_err(|e| unreadable(&e)) }
}

fn no_null(array: &dyn Array, before: usize, which: &str) -> Result<()> {
    let found = (0..array.len()).find(|&i| array.null_count() > 0 && array.is_null(i));
    found.map_or(Ok(()), |i| Err(missing(before + i, which)))
}

fn missing(row: usize, which: &str) -> Error {
    Error::new(Kind::InvalidArgument, format!("row {row} of bed has no {which}")).hint("drop the row, or fill it in")
}

fn unreadable(error: &ArrowError) -> Error {
    Error::new(Kind::InvalidArgument, format!("bed cannot be read: {error}"))
}
