//! Columns as Arrow record batches. The buffers are taken over, not copied.

use std::sync::Arc;

use arrow_array::types::{ArrowDictionaryKeyType, Int8Type, Int16Type, Int32Type};
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, Field, Schema};

use super::{Axis, BASES, BaseCounts, Codes, Dense, Matrix, Runs};
use crate::error::{Error, Kind, Result};
use crate::source::header::Contig;

impl Dense {
    /// The columns `chrom, pos, depth`, and `base` between the last two where there is one; `names` are those of the contigs.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] when Arrow refuses the columns.
    pub fn into_batch(self, names: &ArrayRef) -> Result<RecordBatch> {
        let mut columns = self.axis.into_columns(names, "base")?;
        columns.push(("depth", Arc::new(Int32Array::from(self.depth))));
        record_batch(columns)
    }
}

impl BaseCounts {
    /// The columns `chrom, pos`, `ref` where there is a reference, and the counts.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] when Arrow refuses the columns.
    pub fn into_batch(self, names: &ArrayRef) -> Result<RecordBatch> {
        let mut columns = self.axis.into_columns(names, "ref")?;
        for (name, counts) in self.counts {
            columns.push((name, Arc::new(Int32Array::from(counts))));
        }
        record_batch(columns)
    }
}

impl Matrix {
    /// The columns `chrom, pos`, `base` where there is a reference, and one for each file; `contigs` are their names.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] when Arrow refuses the columns.
    pub fn into_batch(self, contigs: &ArrayRef) -> Result<RecordBatch> {
        let mut columns = self.axis.into_columns(contigs, "base")?;
        for (name, depth) in self.names.iter().zip(self.depths) {
            columns.push((name, Arc::new(Int32Array::from(depth))));
        }
        record_batch(columns)
    }
}

impl Axis {
    fn into_columns(self, names: &ArrayRef, base: &'static str) -> Result<Vec<(&'static str, ArrayRef)>> {
        let chrom = dictionary(self.chrom, Arc::clone(names))?;
        let pos: ArrayRef = Arc::new(Int64Array::from(self.pos));
        let mut columns = vec![("chrom", chrom), ("pos", pos)];
        if let Some(codes) = self.base {
            let letters = StringArray::from_iter_values(BASES.iter().map(|&b| char::from(b).to_string()));
            columns.push((base, dictionary(Codes::I8(codes), Arc::new(letters))?));
        }
        Ok(columns)
    }
}

impl Runs {
    /// The columns `chrom, start, end, depth`; `names` are those of the contigs.
    ///
    /// # Errors
    ///
    /// [`Kind::Internal`] when Arrow refuses the columns.
    pub fn into_batch(self, names: &ArrayRef) -> Result<RecordBatch> {
        record_batch(vec![
            ("chrom", dictionary(self.chrom, Arc::clone(names))?),
            ("start", Arc::new(Int64Array::from(self.start))),
            ("end", Arc::new(Int64Array::from(self.end))),
            ("depth", Arc::new(Int32Array::from(self.depth))),
        ])
    }
}

/// Columns of counts, behind a column of names where `names` has its name and its values, which are all different.
///
/// # Errors
///
/// [`Kind::Internal`] when Arrow refuses the columns.
pub fn counts(names: Option<(&str, &[&str])>, columns: Vec<(&str, Vec<u64>)>) -> Result<RecordBatch> {
    let mut made: Vec<(&str, ArrayRef)> = Vec::new();
    if let Some((name, values)) = names {
        let codes = (0..values.len()).map(|code| (code, 1)).collect::<Vec<_>>();
        let values: ArrayRef = Arc::new(StringArray::from_iter_values(values));
        made.push((name, dictionary(Codes::repeated(values.len(), &codes), values)?));
    }
    for (name, column) in columns {
        made.push((name, Arc::new(Int64Array::from_iter_values(column.into_iter().map(|n| n as i64)))));
    }
    record_batch(made)
}

/// The names of all contigs, as categories.
pub fn names(contigs: &[Contig]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(contigs.iter().map(|c| c.text())))
}

/// A column of names: each row's code, and what the codes stand for.
///
/// # Errors
///
/// [`Kind::Internal`] when a code has no name.
pub fn dictionary(codes: Codes, values: ArrayRef) -> Result<ArrayRef> {
    fn of<K: ArrowDictionaryKeyType>(codes: PrimitiveArray<K>, values: ArrayRef) -> Result<ArrayRef> {
        Ok(Arc::new(DictionaryArray::try_new(codes, values).map_err(refused)?))
    }
    match codes {
        Codes::I8(codes) => of::<Int8Type>(codes.into(), values),
        Codes::I16(codes) => of::<Int16Type>(codes.into(), values),
        Codes::I32(codes) => of::<Int32Type>(codes.into(), values),
    }
}

/// Columns by name, none with missing values.
///
/// # Errors
///
/// [`Kind::Internal`] when Arrow refuses them.
pub fn record_batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<_> = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), false)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|c| c.1).collect()).map_err(refused)
}

#[expect(clippy::needless_pass_by_value, reason = "the error ends here")]
pub(super) fn refused(error: ArrowError) -> Error {
    Error::new(Kind::Internal, format!("Arrow refused a column: {error}"))
}
