//! Columns of a table that comes from anywhere, by name.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use crate::error::{Error, Kind, Result};

/// A column of a batch.
///
/// # Errors
///
/// [`Kind::InvalidArgument`] when there is none of that name.
pub(super) fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b dyn Array> {
    batch.column_by_name(name).map(AsRef::as_ref).ok_or_else(|| {
        Error::new(Kind::InvalidArgument, format!("the table has no column '{name}'")).hint("give what sv_evidence or sv_clusters returned")
    })
}

fn odd(name: &str, what: &str, array: &dyn Array) -> Error {
    Error::new(Kind::InvalidArgument, format!("the column '{name}' holds {}, not {what}", array.data_type()))
}

/// The values of a column of text or categories.
///
/// # Errors
///
/// [`Kind::InvalidArgument`] when there is no such column, or it holds something else.
pub(super) fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Result<Vec<Option<&'b str>>> {
    let array = column(batch, name)?;
    plain_texts(array).or_else(|| category_texts(array)).ok_or_else(|| odd(name, "text", array))
}

fn plain_texts(array: &dyn Array) -> Option<Vec<Option<&str>>> {
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().collect(),
        DataType::Utf8View => array.as_string_view().iter().collect(),
        DataType::Null => vec![None; array.len()],
        _ => return None,
    })
}

fn category_texts(array: &dyn Array) -> Option<Vec<Option<&str>>> {
    let dictionary = array.as_any_dictionary_opt()?;
    let values = plain_texts(dictionary.values().as_ref())?;
    let keys = integers(dictionary.keys())?;
    let value = |key: Option<i64>| key.and_then(|key| values.get(usize::try_from(key).ok()?).copied().flatten());
    Some(keys.into_iter().map(value).collect())
}

/// The categories of a column, in their order; none where it has plain text.
pub(super) fn category_names<'b>(batch: &'b RecordBatch, name: &str) -> Vec<&'b str> {
    let dictionary = batch.column_by_name(name).and_then(|array| array.as_any_dictionary_opt());
    dictionary.and_then(|dictionary| plain_texts(dictionary.values().as_ref())).unwrap_or_default().into_iter().flatten().collect()
}

/// The values of a column of whole numbers.
///
/// # Errors
///
/// [`Kind::InvalidArgument`] when there is no such column, or it holds something else.
pub(super) fn numbers(batch: &RecordBatch, name: &str) -> Result<Vec<Option<i64>>> {
    let array = column(batch, name)?;
    integers(array).ok_or_else(|| odd(name, "whole numbers", array))
}

fn integers(array: &dyn Array) -> Option<Vec<Option<i64>>> {
    macro_rules! of {
        ($type:ty) => {
            array.as_primitive::<$type>().iter().map(|value| value.and_then(|value| i64::try_from(value).ok())).collect()
        };
    }
    Some(match array.data_type() {
        DataType::Int8 => of!(Int8Type),
        DataType::Int16 => of!(Int16Type),
        DataType::Int32 => of!(Int32Type),
        DataType::Int64 => of!(Int64Type),
        DataType::UInt8 => of!(UInt8Type),
        DataType::UInt16 => of!(UInt16Type),
        DataType::UInt32 => of!(UInt32Type),
        DataType::UInt64 => of!(UInt64Type),
        // pandas turns numbers some of which are missing into these.
        DataType::Float64 => array
            .as_primitive::<Float64Type>()
            .iter()
            .map(|value| value.filter(|value| value.is_finite()).map(|value| value as i64))
            .collect(),
        DataType::Null => vec![None; array.len()],
        _ => return None,
    })
}

/// Numbers for names, in the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Numbered {
    pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut numbered = Self::default();
        for name in names {
            numbered.number(name);
        }
        numbered
    }

    pub(super) fn number(&mut self, name: &str) -> usize {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        self.numbers.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.names.len() - 1
    }

    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }
}
