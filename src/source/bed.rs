//! Targets: intervals out of BED text, a frame or a list, 0-based and half-open.
//!
//! Every line of a file is an interval, is skipped and counted, or is an error with its number. Files are as tools and editors leave them:
//! lines end in LF, CR LF or CR; a byte order mark, a line with the names of the columns, `track` and `browser` lines and comments are
//! skipped; the file may be gzip or BGZF, and a pipe.
//!
//! Why not `noodles-bed`: `docs/design/005-noodles.md`. It is the twin in the tests.

mod columns;
mod content;
mod line;
mod lines;
mod names;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Path, PathBuf};

pub use self::columns::Columns;
use self::columns::Head;
use self::line::{Fields, Line, MOST};
use self::lines::Lines;
pub use self::names::Names;
use super::gzip::Text;
use super::stream::{Poll, Stream};
use crate::error::{Error, Kind, Result, escape};
use crate::memory;

/// Intervals in the order they were given.
#[derive(Debug, Default)]
pub struct Bed {
    /// The file they come from; none for the rows of a list or a frame.
    path: Option<PathBuf>,
    contigs: Names,
    /// The line (from 1) or row (from 0) in which each distinct contig stands first.
    first: Vec<u64>,
    start: Vec<i64>,
    end: Vec<i64>,
    names: Option<Names>,
    skipped: Skipped,
}

/// How many lines were skipped, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Lines without a character that shows.
    pub blank: u64,
    /// Lines that begin with `#`.
    pub comments: u64,
    /// Lines that begin with the word `track`.
    pub track: u64,
    /// Lines that begin with the word `browser`.
    pub browser: u64,
    /// Lines that name the columns: at most one, in front of all intervals.
    pub headers: u64,
}

impl Skipped {
    /// All of them.
    pub const fn lines(&self) -> u64 {
        self.blank + self.comments + self.track + self.browser + self.headers
    }
}

/// One interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Name of its contig.
    pub contig: &'a [u8],
    /// First position, 0-based.
    pub start: i64,
    /// One past the last position.
    pub end: i64,
    /// Its own name.
    pub name: Option<&'a [u8]>,
}

/// Reads the BED file at `path`; `poll` runs now and then, and ends the reading with its error.
///
/// # Errors
///
/// [`Kind::CorruptFile`] with the number of a line that is no interval, or for damaged gzip data, [`Kind::TruncatedFile`] where that is cut
/// short, [`Kind::UnsupportedFormat`] for another format, [`Kind::Os`], [`Kind::ResourceLimit`].
pub fn read(path: &Path, poll: Poll<'_>) -> Result<Bed> {
    memory::reserve(1).map_err(|e| e.path(path))?;
    let stream = Stream::open(path, poll).map_err(|error| match error.errno() {
        Some(_) if line::is_region(path.as_os_str().as_encoded_bytes()) => {
            error.hint_instead("bed takes a file, a list or a frame: chr1:101-200 is [('chr1', 100, 200)]")
        }
        _ => error,
    })?;
    read_from(path, stream)
}

/// Reads a BED file out of `input`; `path` is named in errors.
///
/// # Errors
///
/// As for [`read`].
pub fn read_from(path: &Path, input: impl Read) -> Result<Bed> {
    let mut lines = Lines::new(Text::new(path, input)?)?;
    content::refuse_other(lines.head()).map_err(|e| e.path(path))?;
    let mut bed = Bed { path: Some(path.to_path_buf()), ..Bed::default() };
    loop {
        let number = lines.number() + 1;
        let Some(line) = lines.next()? else { return Ok(bed) };
        bed.take(line, number).map_err(|e| e.path(path))?;
    }
}

impl Bed {
    /// Number of intervals.
    pub fn len(&self) -> usize {
        self.start.len()
    }

    /// Whether there is no interval.
    pub fn is_empty(&self) -> bool {
        self.start.is_empty()
    }

    /// The file they come from; none for the rows of a list or a frame.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Contigs.
    pub const fn contigs(&self) -> &Names {
        &self.contigs
    }

    /// First position of each interval, 0-based.
    pub fn start(&self) -> &[i64] {
        &self.start
    }

    /// One past the last position of each interval.
    pub fn end(&self) -> &[i64] {
        &self.end
    }

    /// Names of the intervals, empty where one has none; `None` where none has one.
    pub const fn names(&self) -> Option<&Names> {
        self.names.as_ref()
    }

    /// The lines that are no interval.
    pub const fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// An error about a contig, by its index among the distinct ones: the place where it stands first, then `what`.
    pub fn contig_error(&self, kind: Kind, contig: usize, what: &str) -> Error {
        let place = self.first.get(contig).copied().unwrap_or_default();
        match &self.path {
            Some(path) => Error::new(kind, what).path(path).line(place),
            None => Error::new(kind, format!("row {place} of bed: {what}")),
        }
    }

    /// Adds a row of a list or a frame.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] for a row that is no interval, [`Kind::ResourceLimit`].
    pub fn push(&mut self, row: Row<'_>) -> Result<()> {
        let Row { contig, start, end, .. } = row;
        let number = self.len();
        if start < 0 || end < start || end > MOST {
            let what = format!("row {number} of bed, {}:{start}-{end}, is no interval", escape(contig));
            return Err(Error::new(Kind::InvalidArgument, what).hint("give 0 <= start <= end, 0-based, end not included"));
        }
        self.keep(row, number as u64)
    }

    fn take(&mut self, line: &[u8], number: u64) -> Result<()> {
        match line::parse(line) {
            Line::Row(row) => return self.keep(row, number),
            Line::Blank => self.skipped.blank += 1,
            Line::Comment => self.skipped.comments += 1,
            Line::Track => self.skipped.track += 1,
            Line::Browser => self.skipped.browser += 1,
            Line::Other(fields) => return self.header(&fields, line).map_err(|e| e.line(number)),
        }
        Ok(())
    }

    /// Keeps the row of line or row number `place`.
    fn keep(&mut self, row: Row<'_>, place: u64) -> Result<()> {
        if row.name.is_some() && self.names.is_none() {
            let mut names = Names::default();
            if !self.is_empty() {
                names.push(b"", self.len())?;
            }
            self.names = Some(names);
        }
        if let Some(names) = &mut self.names {
            names.push(row.name.unwrap_or_default(), 1)?;
        }
        self.contigs.push(row.contig, 1)?;
        if self.first.len() < self.contigs.len() {
            memory::room(&mut self.first, 1)?;
            self.first.push(place);
        }
        memory::room(&mut self.start, 1)?;
        memory::room(&mut self.end, 1)?;
        self.start.push(row.start);
        self.end.push(row.end);
        Ok(())
    }

    /// The names of the columns, or an error: a line that is no interval.
    fn header(&mut self, fields: &Fields<'_>, line: &[u8]) -> Result<()> {
        let first = self.is_empty() && self.skipped.headers == 0;
        match columns::head(fields.as_slice()) {
            Head::Bed if first => {
                self.skipped.headers += 1;
                Ok(())
            }
            Head::OneBased if first => {
                let named = fields.as_slice().first().map_or_else(String::new, |field| escape(field));
                let what = format!("'{named}' is a column of GFF and GRanges, whose positions are 1-based with the end included");
                Err(Error::new(Kind::UnsupportedFormat, what).hint("write chrom, start - 1, end"))
            }
            _ => Err(fields.error(line)),
        }
    }
}
