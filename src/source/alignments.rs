//! One open alignment file, whatever its format.
//!
//! [`Alignments`] gives the header, the [`Place`]s at which work can be cut, and a [`RecordReader`] of checked records as BAM-encoded bytes.
//! Nothing outside `source` knows in which format they were stored.

use std::path::Path;
use std::sync::Arc;

use super::bam::{self, Bam};
use super::bgzf::VirtualPosition;
use super::file::InputFile;
use super::guess;
use super::header::Header;
use super::in_memory::InMemory;
use super::index::{Index, belongs};
use super::records::RecordReader;
use crate::coords::Interval;
use crate::error::Result;

/// Where a record starts. Places are ordered as the records are; what the number means is the format's own affair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub(super) VirtualPosition);

impl Place {
    /// Behind every record.
    pub const END: Self = Self(VirtualPosition::MAX);

    /// Bytes of the file in front of the place, as far as whole frames tell.
    pub const fn file_offset(self) -> u64 {
        self.0.compressed()
    }

    /// The place in a BGZF file.
    pub const fn virtual_position(self) -> VirtualPosition {
        self.0
    }

    /// Bytes of the file from here to `end`, as far as whole frames tell.
    pub const fn bytes_to(self, end: Self) -> u64 {
        end.file_offset().saturating_sub(self.file_offset())
    }
}

impl From<VirtualPosition> for Place {
    fn from(position: VirtualPosition) -> Self {
        Self(position)
    }
}

/// Records between two places: the first starts at `start`, the last ends at `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where its first record starts.
    pub start: Place,
    /// Where its last record ends.
    pub end: Place,
}

/// Where the records are stored.
#[derive(Debug)]
pub(super) enum Storage {
    /// A BAM file.
    Bam(InputFile),
    /// BAM-encoded records in memory.
    InMemory(InMemory),
}

/// An open alignment file: its header, and where its records are.
#[derive(Debug)]
pub struct Alignments {
    header: Header,
    pub(super) storage: Storage,
    /// Where the first record starts.
    pub(super) first_record: VirtualPosition,
    truncated: bool,
    allow_truncated: bool,
    index: Option<Arc<Index>>,
}

impl Alignments {
    /// Opens a file that is read from its first record to its last; no index is looked for.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::UnsupportedFormat`] naming what the file is instead, [`crate::error::Kind::TruncatedFile`] when its end is
    /// missing (unless `allow_truncated`), [`crate::error::Kind::CorruptFile`] for a broken header, [`crate::error::Kind::Os`].
    pub fn open(path: &Path, allow_truncated: bool) -> Result<Self> {
        let Bam { file, header, first_record, truncated } = bam::open(path, allow_truncated)?;
        Ok(Self { header, storage: Storage::Bam(file), first_record, truncated, allow_truncated, index: None })
    }

    /// Opens a file with its index: the `given` one, or the one that lies beside it. Also gives a warning when the index is older.
    ///
    /// # Errors
    ///
    /// As for [`Alignments::open`]; [`crate::error::Kind::IndexMissing`], [`crate::error::Kind::CorruptIndex`], and
    /// [`crate::error::Kind::IndexMismatch`] when the index is not of this file.
    pub fn open_indexed(path: &Path, given: Option<&Path>, allow_truncated: bool) -> Result<(Self, Option<String>)> {
        let mut alignments = Self::open(path, allow_truncated)?;
        let warning = alignments.find_index(given)?;
        Ok((alignments, warning))
    }

    /// Finds the index of an open file: the `given` one, or the one that lies beside it. Gives a warning when it is older than the file.
    ///
    /// # Errors
    ///
    /// Those of [`Alignments::open_indexed`] about the index.
    pub fn find_index(&mut self, given: Option<&Path>) -> Result<Option<String>> {
        let Some(file) = self.file() else { return Ok(None) };
        let (index, warning) = belongs::indexed(file, given, self)?;
        self.index = Some(index);
        Ok(warning)
    }

    /// Records that a program holds in memory, each as BAM stores it, `block_size` included; `header` is the header of a BAM, uncompressed.
    /// They are read from the first to the last: such a source has no index.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::CorruptFile`] or [`crate::error::Kind::TruncatedFile`] for a broken header. Records are checked when they are
    /// read.
    pub fn in_memory<R: AsRef<[u8]>>(header: &[u8], records: impl IntoIterator<Item = R>) -> Result<Self> {
        let header = bam::whole_header(header)?;
        let storage = Storage::InMemory(InMemory::new(records));
        Ok(Self { header, storage, first_record: VirtualPosition::MIN, truncated: false, allow_truncated: false, index: None })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        match &self.storage {
            Storage::Bam(file) => file.path(),
            Storage::InMemory(_) => Path::new("<memory>"),
        }
    }

    /// The file records are read from; none where they are in memory.
    pub fn file(&self) -> Option<&InputFile> {
        match &self.storage {
            Storage::Bam(file) => Some(file),
            Storage::InMemory(_) => None,
        }
    }

    /// Bytes of the file, compressed.
    pub fn len(&self) -> u64 {
        match &self.storage {
            Storage::Bam(file) => file.len(),
            Storage::InMemory(records) => records.len(),
        }
    }

    /// Whether the file has no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the end of the file is missing and the caller allowed that.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether a file that is cut short is read as far as it goes.
    pub fn allows_truncation(&self) -> bool {
        self.allow_truncated
    }

    /// The index, where one was found.
    pub fn index(&self) -> Option<&Index> {
        self.index.as_deref()
    }

    /// Where the first record starts.
    pub fn first_record(&self) -> Place {
        Place(self.first_record)
    }

    /// Where the records that may overlap `interval` are, in the order of the file; none without an index.
    pub fn stretches(&self, contig: usize, interval: Interval) -> Vec<Stretch> {
        let chunks = self.index.as_ref().map(|index| index.chunks(contig, interval)).unwrap_or_default();
        chunks.into_iter().map(|chunk| Stretch { start: Place(chunk.start), end: Place(chunk.end) }).collect()
    }

    /// Places at which records of a contig start, as far as the index gives any: sorted, each once.
    pub fn record_starts(&self, contig: usize) -> Vec<Place> {
        let starts = self.index.as_ref().map(|index| index.record_starts(contig)).unwrap_or_default();
        starts.into_iter().map(Place).collect()
    }

    /// Positions of a contig and bytes of the file in front of the first record that reaches them or a later one, both increasing, as far as
    /// the index tells; the last is its end.
    pub fn offsets(&self, contig: usize) -> Vec<(i64, u64)> {
        let len = self.header.contigs.get(contig).map_or(0, |contig| contig.len);
        let offsets = self.index.as_ref().map(|index| index.offsets(contig, len)).unwrap_or_default();
        offsets.into_iter().map(|(position, offset)| (position, offset.compressed())).collect()
    }

    /// Compressed bytes that reading `stretch` takes; about, where it ends inside a frame.
    pub fn bytes_of(&self, stretch: Stretch) -> u64 {
        // The frame in which it ends is read, too; how long it is is not known yet.
        let last = if stretch.end.0.uncompressed() > 0 { self.len().saturating_sub(stretch.end.file_offset()).min(1 << 16) } else { 0 };
        stretch.start.bytes_to(stretch.end) + last
    }

    /// A place at or behind file offset `from`, and before `end`, where a record seems to start. It is a guess: whoever reads up to it tells
    /// whether a record ends there. `contig` is the contig of the records, where that is known; they are sorted by position then.
    ///
    /// # Errors
    ///
    /// What reading the file gives.
    pub fn guess_start(&self, from: u64, end: Place, contig: Option<usize>) -> Result<Option<Place>> {
        match &self.storage {
            Storage::Bam(file) => Ok(guess::record_start(file, &self.header, contig, from, end.0)?.map(Place)),
            Storage::InMemory(records) => Ok(records.start_behind(from).filter(|&start| start < end.0).map(Place)),
        }
    }

    /// A reader that stands nowhere yet.
    pub fn reader(&self) -> RecordReader<'_> {
        RecordReader::new(self)
    }

    /// Refuses a file that was written to since it was opened.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::FileChanged`].
    pub fn check_unchanged(&self) -> Result<()> {
        self.file().map_or(Ok(()), InputFile::check_unchanged)
    }
}
