//! The records of one span in one buffer, a batch at a time.
//!
//! The buffer is filled frame by frame, and records are checked while their bytes are still in cache. The caller says when the records read
//! so far may be dropped, so that memory does not grow with how well a file compresses.

use std::ops::Range;
use std::path::Path;

use super::alignments::{Alignments, Place, Storage};
use super::bgzf::{self, FrameReader, VirtualPosition};
use super::header::Header;
use super::in_memory::InMemory;
use super::record::{FIXED_LEN, Record, Shape};
use crate::error::{Error, Kind, Result};

/// A record longer than this is refused: nothing a sequencer makes comes near it.
pub const MAX_RECORD: usize = 64 << 20;

/// Bytes of `block_size`, with which a record begins.
pub const LEN_BYTES: usize = 4;

/// A record in the buffer. There is one for each record of a part, so it is kept small.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    at: u32,
    len: u32,
    /// Reference bases from first to last; more than 32 bits reach past every contig.
    reference_len: u32,
    single: bool,
}

impl Found {
    #[expect(clippy::cast_possible_truncation, reason = "the buffer holds a part and a record (`MAX_RECORD`): less than 2^32 bytes")]
    #[inline]
    fn new(at: usize, len: usize, shape: Shape) -> Self {
        let reference_len = u32::try_from(shape.reference_len).unwrap_or(u32::MAX);
        Self { at: at as u32, len: len as u32, reference_len, single: shape.single }
    }

    /// Where its bytes lie in the buffer, without `block_size`.
    #[inline]
    pub const fn range(self) -> Range<usize> {
        self.at as usize..self.at as usize + self.len as usize
    }

    /// What its CIGAR comes to.
    #[inline]
    pub const fn shape(self) -> Shape {
        Shape { reference_len: self.reference_len as i64, single: self.single }
    }
}

/// A place in the buffer; one before it is negative.
#[expect(clippy::cast_possible_wrap, reason = "a `Vec` has at most `isize::MAX` bytes")]
const fn signed(at: usize) -> i64 {
    at as i64
}

/// How far one read goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Inflated bytes of records after which a batch ends, as soon as no whole record is left in the buffer.
    pub batch_bytes: usize,
    /// Inflated bytes of records after which a batch ends in any case.
    pub most_bytes: usize,
    /// A part ends in front of a record of another contig.
    pub one_contig: bool,
}

/// Why no further record was gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathered {
    /// The limit is reached.
    Enough,
    /// The next record is of another contig.
    OtherContig,
    /// No whole record is left in the buffer.
    All,
}

/// Records that were read together, checked.
#[derive(Debug)]
pub struct Batch<'b> {
    /// The bytes of the part so far; the records' base qualities may be edited in place.
    pub bytes: &'b mut [u8],
    /// The batch's records.
    pub records: &'b [Found],
    finder: Finder<'b>,
    /// Records of the part in front of the batch.
    before: u64,
}

impl Batch<'_> {
    /// Record number `i` of the batch.
    #[inline]
    pub fn record(&self, i: usize) -> Record<'_> {
        Record::trusted(&self.bytes[self.records[i].range()])
    }

    /// Adds file, frame, number and name of record `i` of the batch to an error about it.
    pub fn at_record(&self, error: Error, i: usize) -> Error {
        self.finder.at_record(error, self.bytes, &self.records[i].range(), self.before + i as u64 + 1)
    }
}

/// What tells where in the file a byte of the buffer lies.
#[derive(Clone, Copy, Debug)]
struct Finder<'b> {
    path: &'b Path,
    marks: &'b [(i64, u64)],
    filled: usize,
    next_frame: u64,
}

impl Finder<'_> {
    fn position(&self, at: usize) -> VirtualPosition {
        if at >= self.filled {
            return bgzf::position(self.next_frame, 0);
        }
        let i = self.marks.partition_point(|m| m.0 <= signed(at)).saturating_sub(1);
        let inside = |mark: i64| usize::try_from(signed(at) - mark).unwrap_or(usize::MAX);
        self.marks.get(i).map_or(VirtualPosition::default(), |m| bgzf::position_in(m.1, inside(m.0)))
    }

    fn at_record(&self, error: Error, buffer: &[u8], range: &Range<usize>, number: u64) -> Error {
        let bytes = &buffer[range.clone()];
        let name = match bytes.get(FIXED_LEN..) {
            Some(rest) => rest.split(|&b| b == 0).next().unwrap_or_default(),
            None => &[],
        };
        error
            .path(self.path)
            .offset(self.position(range.start.saturating_sub(LEN_BYTES)).compressed())
            .record(number, &name[..name.len().min(254)])
            .hint("copy the file again from its source, or check it with 'samtools quickcheck'")
    }
}

/// What fills the buffer: frames of a file, or blocks of memory.
enum Frames<'a> {
    Bgzf(FrameReader<'a>),
    InMemory(&'a InMemory, u64),
}

impl<'a> Frames<'a> {
    fn of(alignments: &'a Alignments) -> Self {
        match &alignments.storage {
            Storage::Bam(file) => Self::Bgzf(FrameReader::new(file)),
            Storage::InMemory(records) => Self::InMemory(records, 0),
        }
    }

    fn seek(&mut self, offset: u64) {
        match self {
            Self::Bgzf(frames) => frames.seek(offset),
            Self::InMemory(_, next) => *next = offset,
        }
    }

    fn next_offset(&self) -> u64 {
        match self {
            Self::Bgzf(frames) => frames.next_offset(),
            Self::InMemory(_, next) => *next,
        }
    }

    fn begins_here(&mut self) -> Result<bool> {
        match self {
            Self::Bgzf(frames) => frames.begins_here(),
            Self::InMemory(..) => Ok(true),
        }
    }

    fn read(&mut self, out: &mut Vec<u8>, at: usize) -> Result<Option<usize>> {
        match self {
            Self::Bgzf(frames) => frames.read(out, at),
            Self::InMemory(records, next) => {
                let read = records.read(*next, out, at)?;
                *next += u64::from(read.is_some());
                Ok(read)
            }
        }
    }
}

/// Reads the records between two places.
pub struct RecordReader<'a> {
    alignments: &'a Alignments,
    frames: Frames<'a>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold inflated data.
    filled: usize,
    /// Where in the buffer the next record starts.
    next: usize,
    /// Where each frame in the buffer begins (negative: before the buffer), and its file offset.
    marks: Vec<(i64, u64)>,
    end: VirtualPosition,
    /// Where in the buffer the span ends, once that frame is in it.
    limit: Option<usize>,
    /// Stop at the end of a file that is cut short instead of refusing it.
    allow_truncated: bool,
    at_end: bool,
    /// Records given since the last [`RecordReader::seek`] or [`RecordReader::begin_part`].
    given: u64,
    /// Records of the part that are still in the buffer; those of the last batch begin at `batch`.
    records: Vec<Found>,
    batch: usize,
    /// Records of the part in front of the last batch.
    batch_before: u64,
    /// An error met behind the records of the last batch.
    pending: Option<Error>,
    /// Contig of the part's records, where a part has one.
    contig: Option<i32>,
}

impl<'a> RecordReader<'a> {
    /// A reader that stands nowhere yet: see [`RecordReader::seek`].
    pub fn new(alignments: &'a Alignments) -> Self {
        Self {
            alignments,
            frames: Frames::of(alignments),
            buffer: Vec::new(),
            filled: 0,
            next: 0,
            marks: Vec::new(),
            end: VirtualPosition::default(),
            limit: None,
            allow_truncated: alignments.allows_truncation(),
            at_end: true,
            given: 0,
            records: Vec::new(),
            batch: 0,
            batch_before: 0,
            pending: None,
            contig: None,
        }
    }

    /// Goes to the records from `start` to `end`.
    ///
    /// # Errors
    ///
    /// As for [`RecordReader::seek`].
    pub fn go_to(&mut self, start: Place, end: Place) -> Result<()> {
        self.seek(start.0, end.0)
    }

    /// Begins a part: the records read before are dropped, and numbers in errors begin with 1.
    pub fn begin_part(&mut self) {
        self.release();
        (self.given, self.contig) = (0, None);
    }

    /// Reads the next batch of the part. False when the part ends with it: at the end of the span, or in front of another contig's record
    /// where a part has one contig.
    ///
    /// An error behind good records is given by the next call, so that a caller who needs no more of them never meets it.
    ///
    /// # Errors
    ///
    /// As for [`RecordReader::next_record`].
    pub fn read_batch(&mut self, limits: Limits) -> Result<bool> {
        (self.batch, self.batch_before) = (self.records.len(), self.given);
        if let Some(error) = self.pending.take() {
            return Err(error);
        }
        match self.gather(limits) {
            Err(error) if self.records.len() > self.batch => {
                self.pending = Some(error);
                Ok(true)
            }
            more => more,
        }
    }

    /// Whether the next call of [`RecordReader::read_batch`] gives an error that was met behind the last batch.
    pub fn is_faulty(&self) -> bool {
        self.pending.is_some()
    }

    fn gather(&mut self, limits: Limits) -> Result<bool> {
        let begin = self.next;
        loop {
            match self.gather_whole(limits, begin)? {
                Gathered::Enough => return Ok(true),
                Gathered::OtherContig => return Ok(false),
                Gathered::All if self.next - begin >= limits.batch_bytes => return Ok(true),
                Gathered::All => {}
            }
            if !self.make_whole()? {
                return Ok(false);
            }
        }
    }

    /// Checks the records that lie in the buffer whole.
    fn gather_whole(&mut self, limits: Limits, begin: usize) -> Result<Gathered> {
        let limit = if self.at_end { self.next } else { self.limit.unwrap_or(usize::MAX) };
        let stop = begin.saturating_add(limits.most_bytes);
        let mut at = self.next;
        let mut gathered = Gathered::All;
        let before = self.records.len();
        let mut faulty = None;
        while at < limit {
            let Some((len, rest)) = self.buffer[at..self.filled].split_first_chunk() else { break };
            let len = u32::from_le_bytes(*len) as usize;
            if !(FIXED_LEN..=rest.len()).contains(&len) {
                break;
            }
            let body = at + LEN_BYTES;
            let (record, shape) = match Record::check(&rest[..len]) {
                Ok(checked) => checked,
                Err(error) => {
                    faulty = Some((error, body..body + len));
                    break;
                }
            };
            if limits.one_contig && *self.contig.get_or_insert(record.contig_id()) != record.contig_id() {
                gathered = Gathered::OtherContig;
                break;
            }
            self.records.push(Found::new(body, len, shape));
            at = body + len;
            if at >= stop {
                gathered = Gathered::Enough;
                break;
            }
        }
        self.next = at;
        self.given += (self.records.len() - before) as u64;
        let Some((error, range)) = faulty else { return Ok(gathered) };
        self.next = range.end;
        self.given += 1;
        Err(self.at_record(error, &range))
    }

    /// The records of the last batch.
    pub fn batch(&mut self) -> Batch<'_> {
        self.batch_from(self.batch, self.batch_before)
    }

    /// All records of the part, none of which may have been released.
    pub fn part(&mut self) -> Batch<'_> {
        self.batch_from(0, 0)
    }

    fn batch_from(&mut self, first: usize, before: u64) -> Batch<'_> {
        let finder =
            Finder { path: self.alignments.path(), marks: &self.marks, filled: self.filled, next_frame: self.frames.next_offset() };
        Batch { bytes: &mut self.buffer, records: &self.records[first..], finder, before }
    }

    /// Goes to the records from `start` to `end`.
    ///
    /// # Errors
    ///
    /// What the first frame gives; [`Kind::IndexMismatch`] when `start` lies behind its bytes.
    pub fn seek(&mut self, start: VirtualPosition, end: VirtualPosition) -> Result<()> {
        self.frames.seek(start.compressed());
        (self.filled, self.next, self.limit, self.end, self.at_end) = (0, 0, None, end, start >= end);
        self.marks.clear();
        self.records.clear();
        (self.given, self.batch, self.pending, self.contig) = (0, 0, None, None);
        if self.at_end {
            return Ok(());
        }
        // Where the records begin the header has said; anything else comes from an index.
        let from_index = start.compressed() != self.alignments.first_record.compressed();
        if from_index && start.compressed() < self.alignments.len() && !self.frames.begins_here()? {
            return Err(self.misplaced("an offset in the index is not the start of a frame"));
        }
        match self.inflate_more() {
            Ok(true) => {}
            Err(e) if !self.allow_truncated || e.kind() != Kind::TruncatedFile => return Err(e),
            // The file ends before the span begins.
            _ if self.allow_truncated => {
                self.at_end = true;
                return Ok(());
            }
            _ => {}
        }
        let inside = usize::from(start.uncompressed());
        if inside > self.filled {
            return Err(self.misplaced("an offset in the index lies behind the end of its frame"));
        }
        self.next = inside;
        Ok(())
    }

    /// Drops the records given so far; ranges given before are no longer valid.
    pub fn release(&mut self) {
        self.records.clear();
        self.batch = 0;
        let shift = self.next;
        self.buffer.copy_within(shift..self.filled, 0);
        self.filled -= shift;
        self.next = 0;
        self.limit = self.limit.map(|l| l.saturating_sub(shift));
        for mark in &mut self.marks {
            mark.0 -= signed(shift);
        }
        let dead = self.marks.partition_point(|m| m.0 <= 0).saturating_sub(1);
        self.marks.drain(..dead);
    }

    /// The next record, checked; `None` at the end of the span.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`], [`Kind::TruncatedFile`] or [`Kind::ResourceLimit`] with file, frame and the record's name.
    pub fn next_record(&mut self) -> Result<Option<Found>> {
        loop {
            if let Some(found) = self.next_whole()? {
                return Ok(Some(found));
            }
            if !self.make_whole()? {
                return Ok(None);
            }
        }
    }

    /// The next record, checked, if it lies in the buffer whole.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] with file, frame and the record's name.
    #[inline]
    pub fn next_whole(&mut self) -> Result<Option<Found>> {
        let Some(len) = self.next_len() else { return Ok(None) };
        let range = self.next + LEN_BYTES..self.next + LEN_BYTES + len;
        self.next = range.end;
        self.given += 1;
        match Record::check(&self.buffer[range.clone()]) {
            Ok((_, shape)) => Ok(Some(Found::new(range.start, len, shape))),
            Err(e) => Err(self.at_record(e, &range)),
        }
    }

    /// The length of the next record, if it belongs to the span, is long enough for one and lies in the buffer whole.
    #[inline]
    fn next_len(&self) -> Option<usize> {
        if self.next >= self.limit.unwrap_or(usize::MAX) || self.at_end {
            return None;
        }
        let (len, rest) = self.buffer[self.next..self.filled].split_first_chunk()?;
        let len = u32::from_le_bytes(*len) as usize;
        (FIXED_LEN..=rest.len()).contains(&len).then_some(len)
    }

    /// Inflates one more frame for a record that is not whole; false when there is none.
    ///
    /// # Errors
    ///
    /// As for [`RecordReader::next_record`].
    #[cold]
    pub fn make_whole(&mut self) -> Result<bool> {
        if self.limit.is_some_and(|limit| self.next >= limit) || self.at_end {
            self.at_end = true;
            return Ok(false);
        }
        if let Some(len) = self.buffer[self.next..self.filled].first_chunk() {
            self.check_len(u32::from_le_bytes(*len) as usize)?;
        }
        self.read_on()
    }

    /// Inflates one more frame; false when the span ends here.
    fn read_on(&mut self) -> Result<bool> {
        let clean = self.next == self.filled;
        if clean && self.frames.next_offset() == self.end.compressed() && self.end.uncompressed() == 0 {
            self.limit = Some(self.filled);
            self.at_end = true;
            return Ok(false);
        }
        match self.inflate_more() {
            Ok(true) => Ok(true),
            Ok(false) if self.limit.is_none() && self.end != VirtualPosition::MAX && !self.allow_truncated && clean => {
                Err(self.misplaced("the file ends before an offset in the index"))
            }
            Ok(false) if clean || self.allow_truncated => {
                self.at_end = true;
                Ok(false)
            }
            Ok(false) => Err(Error::new(Kind::TruncatedFile, "the file ends inside a record")
                .path(self.alignments.path())
                .offset(self.frames.next_offset())
                .record(self.given + 1, b"")
                .hint("copy or write it again, or pass allow_truncated=True to count what is there")),
            Err(e) if self.allow_truncated && e.kind() == Kind::TruncatedFile => {
                self.at_end = true;
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    fn inflate_more(&mut self) -> Result<bool> {
        let offset = self.frames.next_offset();
        let Some(n) = self.frames.read(&mut self.buffer, self.filled)? else { return Ok(false) };
        if self.limit.is_none() {
            if offset == self.end.compressed() {
                let inside = usize::from(self.end.uncompressed());
                if inside > n {
                    return Err(self.misplaced("an offset in the index lies behind the end of its frame"));
                }
                self.limit = Some(self.filled + inside);
            } else if offset > self.end.compressed() {
                return Err(self.misplaced("an offset in the index is not the start of a frame"));
            }
        }
        self.marks.push((signed(self.filled), offset));
        self.filled += n;
        Ok(true)
    }

    fn check_len(&self, len: usize) -> Result<()> {
        let at = self.position(self.next);
        let place = |e: Error| e.path(self.alignments.path()).offset(at.compressed()).record(self.given + 1, b"");
        let bytes = &self.buffer[self.next..self.filled];
        if at.uncompressed() == 0 && bytes.starts_with(b"BAM\x01") && Header::parse(bytes, self.alignments.len()).is_ok() {
            return Err(place(
                Error::new(Kind::CorruptFile, "a second BAM begins where a record should").hint("join BAM files with 'samtools cat'"),
            ));
        }
        if len < FIXED_LEN {
            return Err(place(
                Error::new(Kind::CorruptFile, format!("a record of {len} bytes, at least {FIXED_LEN} are needed"))
                    .hint("copy the file again from its source"),
            ));
        }
        if len > MAX_RECORD {
            let left = self.alignments.len().saturating_sub(self.frames.next_offset()).saturating_mul(1032);
            return Err(place(if len as u64 > left.saturating_add(self.filled as u64) {
                Error::new(Kind::CorruptFile, format!("a record states {len} bytes, the file cannot hold them"))
                    .hint("copy the file again from its source")
            } else {
                Error::new(Kind::ResourceLimit, format!("a record of {len} bytes, at most {MAX_RECORD} are read"))
                    .hint("take the record out of the file")
            }));
        }
        Ok(())
    }

    fn misplaced(&self, what: &str) -> Error {
        Error::new(Kind::IndexMismatch, what)
            .path(self.alignments.path())
            .hint("the index is of another file or older: run 'samtools index'")
    }

    /// Adds file, frame, number and name of the last record given to an error about it; its bytes are at `range`.
    pub fn at_record(&self, error: Error, range: &Range<usize>) -> Error {
        self.finder().at_record(error, &self.buffer, range, self.given)
    }

    fn finder(&self) -> Finder<'_> {
        let path = self.alignments.path();
        Finder { path, marks: &self.marks, filled: self.filled, next_frame: self.frames.next_offset() }
    }

    /// The virtual offset of a place in the buffer.
    pub fn position(&self, at: usize) -> VirtualPosition {
        self.finder().position(at)
    }

    /// Where the next record starts.
    pub fn next_position(&self) -> Place {
        Place(self.position(self.next))
    }

    /// Whether it is clear, without reading on, that no record of the span is left.
    pub fn is_done(&self) -> bool {
        let ends_with_frame =
            self.next == self.filled && self.frames.next_offset() == self.end.compressed() && self.end.uncompressed() == 0;
        self.at_end || ends_with_frame || self.limit.is_some_and(|limit| self.next >= limit)
    }

    /// Whether the last record ended exactly where the span was said to end.
    pub fn ended_on_boundary(&self) -> bool {
        self.limit.is_none_or(|limit| limit == self.next)
    }

    /// Bytes of the records given since the last [`RecordReader::release`].
    pub fn given_bytes(&self) -> usize {
        self.next
    }

    /// File offset up to which frames were read.
    pub fn read_to(&self) -> u64 {
        self.frames.next_offset()
    }

    /// The buffer that ranges of [`RecordReader::next_record`] point into.
    pub fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// The same, for editing base qualities in place.
    pub fn buffer_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }
}

/// The error for a record that comes too late in the file.
pub fn unsorted() -> Error {
    Error::new(Kind::CorruptFile, "the records are not sorted by coordinate").hint("sort the file with 'samtools sort' and index it again")
}
