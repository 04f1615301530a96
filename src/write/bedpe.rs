//! BEDPE: two places a line, as bedtools and IGV read it.

use std::path::Path;

use super::{Sink, whole_file};
use crate::error::Result;

/// A breakpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The contig's name.
    pub chrom: String,
    /// The first position behind the breakpoint, 0-based.
    pub pos: i64,
    /// Reads are aligned in front of it.
    pub is_before: bool,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'r> {
    /// The first breakpoint.
    pub first: Option<End>,
    /// The second one, if it is known.
    pub second: Option<End>,
    /// A name; else the type and the number of the line.
    pub name: Option<&'r str>,
    /// A score.
    pub score: Option<i64>,
    /// The type.
    pub kind: &'r str,
    /// Bases.
    pub size: i64,
}

/// What takes the lines.
#[derive(Debug)]
pub struct Writer<'s, 'f> {
    sink: &'s mut Sink<'f>,
    rows: u64,
}

/// Writes a file of the lines that `fill` gives.
///
/// # Errors
///
/// As for [`whole_file`].
pub fn write(path: &Path, overwrite: bool, fill: impl FnOnce(&mut Writer<'_, '_>) -> Result<()>) -> Result<()> {
    whole_file(path, overwrite, |sink| {
        sink.add("#chrom1\tstart1\tend1\tchrom2\tstart2\tend2\tname\tscore\tstrand1\tstrand2\ttype\tsize\n")?;
        fill(&mut Writer { sink, rows: 0 })
    })
}

impl Writer<'_, '_> {
    /// Adds a line.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Os`] when it cannot be written.
    pub fn row(&mut self, row: &Row<'_>) -> Result<()> {
        self.rows += 1;
        let number = self.rows;
        let (first, second) = (Fields::of(row.first.as_ref()), Fields::of(row.second.as_ref()));
        let numbered = format!("{}_{number}", row.kind);
        let name = row.name.unwrap_or(&numbered);
        let score = row.score.map_or_else(|| ".".to_owned(), |score| score.to_string());
        let (kind, size) = (row.kind, row.size);
        self.sink.add(&format!("{}\t{}\t{name}\t{score}\t{}\t{}\t{kind}\t{size}\n", first.place, second.place, first.strand, second.strand))
    }
}

/// The fields of one end: the base next to the breakpoint on the side where reads are aligned.
struct Fields {
    place: String,
    strand: &'static str,
}

impl Fields {
    fn of(end: Option<&End>) -> Self {
        let Some(End { chrom, pos, is_before }) = end else { return Self { place: ".\t-1\t-1".into(), strand: "." } };
        let start = (pos - i64::from(*is_before)).max(0);
        Self { place: format!("{chrom}\t{start}\t{}", start + 1), strand: if *is_before { "+" } else { "-" } }
    }
}
