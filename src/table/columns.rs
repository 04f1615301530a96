//! Columns of rows that are about one read or one event each: names, numbers that may be missing, lists.

use std::sync::Arc;

use arrow_array::builder::{LargeListBuilder, LargeStringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, UInt8Array,
};
use arrow_schema::{Field, Schema};

use super::Codes;
use super::batch::{dictionary, refused};
use crate::error::Result;

/// Columns that become a batch.
#[derive(Debug, Default)]
pub struct Columns(Vec<(Field, ArrayRef)>);

impl Columns {
    fn push(&mut self, name: &str, column: ArrayRef, nullable: bool) {
        self.0.push((Field::new(name, column.data_type().clone(), nullable), column));
    }

    /// Text, one value a row.
    pub fn text<T: AsRef<str>>(&mut self, name: &str, values: impl Iterator<Item = T>) {
        self.push(name, Arc::new(LargeStringArray::from_iter_values(values)), false);
    }

    /// The same where text may be missing.
    pub fn optional_text<T: AsRef<str>>(&mut self, name: &str, values: impl Iterator<Item = Option<T>>) {
        self.push(name, Arc::new(values.collect::<LargeStringArray>()), true);
    }

    /// The same where numbers may be missing.
    pub fn optional_int64(&mut self, name: &str, values: impl Iterator<Item = Option<i64>>) {
        self.push(name, Arc::new(values.collect::<Int64Array>()), true);
    }

    /// Numbers that need not be whole, and may be missing.
    pub fn optional_float64(&mut self, name: &str, values: impl Iterator<Item = Option<f64>>) {
        self.push(name, Arc::new(values.collect::<Float64Array>()), true);
    }

    /// Lists of text.
    pub fn lists<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t Vec<String>>) {
        let mut builder = LargeListBuilder::new(LargeStringBuilder::new());
        for list in values {
            for text in list {
                builder.values().append_value(text);
            }
            builder.append(true);
        }
        self.push(name, Arc::new(builder.finish()), false);
    }

    /// Whole numbers.
    pub fn int64(&mut self, name: &str, values: impl Iterator<Item = i64>) {
        self.push(name, Arc::new(Int64Array::from_iter_values(values)), false);
    }

    /// Mapping qualities, some of which may be missing.
    pub fn mapq(&mut self, name: &str, values: impl Iterator<Item = Option<u8>>) {
        self.push(name, Arc::new(values.collect::<UInt8Array>()), true);
    }

    /// Names of a few, by their number; all of them are categories, in their order.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Internal`] when Arrow refuses the column.
    pub fn names(&mut self, name: &str, names: &ArrayRef, codes: impl Iterator<Item = usize>) -> Result<()> {
        let column = dictionary(Codes::of(names.len(), codes), Arc::clone(names))?;
        self.push(name, column, false);
        Ok(())
    }

    /// The same where names may be missing.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Internal`] when Arrow refuses the column.
    pub fn optional_names(&mut self, name: &str, names: &ArrayRef, codes: impl Iterator<Item = Option<usize>>) -> Result<()> {
        let codes = codes.map(|code| code.map(|code| code as i32)).collect::<Int32Array>();
        let column = DictionaryArray::<Int32Type>::try_new(codes, Arc::clone(names)).map_err(refused)?;
        self.push(name, Arc::new(column), true);
        Ok(())
    }

    /// The columns as a batch.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Internal`] when Arrow refuses them.
    pub fn into_batch(self) -> Result<RecordBatch> {
        let (fields, columns): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(refused)
    }
}

/// Names as categories.
pub fn categories<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(names))
}
