//! Targets of a BED file, a list or a frame: rows of a table of statistics.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::request::Request;
use crate::coords::Interval;
use crate::error::{Error, Kind, Result, escape};
use crate::source::bed::{Bed, Names};
use crate::source::header::text;
use crate::summary::series::{RowSpec, Series};
use crate::table::{self, Codes};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// One target, in the order given.
    Target,
    /// All targets of a name, in the order of first appearance.
    Name,
}

/// Targets, and what becomes a row of them.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// The intervals.
    pub bed: &'a Bed,
    /// What a row is.
    pub by: By,
}

impl Targets<'_> {
    /// The rows, their contigs by the header.
    ///
    /// # Errors
    ///
    /// [`Kind::UnknownContig`] with the line or row of the target; what a reference that lacks the contig gives.
    pub(super) fn specs(&self, request: &Request) -> Result<Vec<RowSpec>> {
        let bed = self.bed;
        let ids = bed.contigs().iter().enumerate().map(|(i, name)| known_contig(request, bed, i, name)).collect::<Result<Vec<_>>>()?;
        let rows = self.names()?.map(Names::rows);
        let spec = |(i, &contig): (usize, &u32)| {
            let row = rows.map_or(i, |rows| rows[i] as usize);
            RowSpec { contig: ids[contig as usize], series: Series::one(Interval::new(bed.start()[i], bed.end()[i]), row) }
        };
        Ok(bed.contigs().rows().iter().enumerate().map(spec).collect())
    }

    /// The columns that come first: `chrom, start, end` and, where there are names, `name`; or `name, targets`.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] when rows are names and there are none.
    pub(super) fn places(&self) -> Result<RecordBatch> {
        let bed = self.bed;
        let of = |positions: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(positions.to_vec())) };
        if let Some(names) = self.names()? {
            let mut count = vec![0_i64; names.len()];
            names.rows().iter().for_each(|&id| count[id as usize] += 1);
            let each: Vec<_> = (0..names.len() as u32).collect();
            return table::record_batch(vec![("name", categories(names, &each)?), ("targets", Arc::new(Int64Array::from(count)))]);
        }
        let mut columns =
            vec![("chrom", categories(bed.contigs(), bed.contigs().rows())?), ("start", of(bed.start())), ("end", of(bed.end()))];
        if let Some(names) = bed.names() {
            columns.push(("name", categories(names, names.rows())?));
        }
        table::record_batch(columns)
    }

    /// The names that are rows.
    fn names(&self) -> Result<Option<&Names>> {
        match (self.by, self.bed.names()) {
            (By::Target, _) => Ok(None),
            (By::Name, Some(names)) => Ok(Some(names)),
            (By::Name, None) => Err(Error::new(Kind::InvalidArgument, "by='name' needs names")
                .hint("give a BED file with a fourth column, or a frame with a column 'name'")),
        }
    }
}

fn known_contig(request: &Request, bed: &Bed, i: usize, name: &[u8]) -> Result<usize> {
    let name = text(name);
    let Some(id) = request.header().contig_of_text(&name) else {
        let header = format!("the header of {}", escape(request.alignments().path().as_os_str().as_encoded_bytes()));
        let (what, hint) = request.header().unknown_contig_text(name.as_bytes(), &header);
        return Err(bed.contig_error(Kind::UnknownContig, i, &what).contig(name.as_bytes()).hint(hint));
    };
    request.resolver().check_reference(id)?;
    Ok(id)
}

/// Names as a column of categories.
fn categories(names: &Names, rows: &[u32]) -> Result<ArrayRef> {
    let distinct: ArrayRef = Arc::new(StringArray::from_iter_values(names.iter().map(text)));
    table::dictionary(Codes::I32(rows.iter().map(|&id| id as i32).collect()), distinct)
}
