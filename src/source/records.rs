//! The records of one span, one after another in one buffer.
//!
//! The buffer is filled frame by frame, and records are looked at while their bytes are still in cache. It is emptied in *parts*: when
//! enough records are in it the caller works on them and begins the next part, so that memory does not grow with how well a file
//! compresses.

use std::ops::Range;

use super::bam::Bam;
use super::bgzf::{FrameReader, VirtualOffset};
use super::header::Header;
use super::record::{FIXED_LEN, Record, Shape};
use crate::error::{Error, Kind, Result};

/// A record longer than this is refused: nothing a sequencer makes comes near it.
pub const MAX_RECORD: usize = 64 << 20;

/// Bytes of `block_size`, with which a record begins.
pub const LEN_BYTES: usize = 4;

/// A record in the buffer.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its bytes, without `block_size`.
    pub range: Range<usize>,
    /// What its CIGAR comes to.
    pub shape: Shape,
}

/// Walks over the records between two virtual offsets.
pub struct RecordReader<'a> {
    bam: &'a Bam,
    frames: FrameReader<'a>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold inflated data.
    filled: usize,
    /// Where in the buffer the next record starts.
    next: usize,
    /// Where each frame in the buffer begins (negative: before the buffer), and its file offset.
    marks: Vec<(i64, u64)>,
    end: VirtualOffset,
    /// Where in the buffer the span ends, once that frame is in it.
    limit: Option<usize>,
    /// Stop at the end of a file that is cut short instead of refusing it.
    allow_truncated: bool,
    at_end: bool,
    /// Records given since the last seek or [`RecordReader::number_from_here`].
    given: u64,
}

impl<'a> RecordReader<'a> {
    /// A reader that stands nowhere yet: see [`RecordReader::seek`].
    pub fn new(bam: &'a Bam, allow_truncated: bool) -> Self {
        Self {
            bam,
            frames: FrameReader::new(&bam.file),
            buffer: Vec::new(),
            filled: 0,
            next: 0,
            marks: Vec::new(),
            end: VirtualOffset::default(),
            limit: None,
            allow_truncated,
            at_end: true,
            given: 0,
        }
    }

    /// Goes to the records from `start` to `end`.
    ///
    /// # Errors
    ///
    /// What the first frame gives; [`Kind::IndexMismatch`] when `start` lies behind its bytes.
    pub fn seek(&mut self, start: VirtualOffset, end: VirtualOffset) -> Result<()> {
        self.frames.seek(start.frame());
        (self.filled, self.next, self.limit, self.end, self.at_end) = (0, 0, None, end, start >= end);
        self.marks.clear();
        self.given = 0;
        if self.at_end {
            return Ok(());
        }
        // Where the records begin the header has said; anything else comes from an index.
        let from_index = start.frame() != self.bam.first_record.frame();
        if from_index && start.frame() < self.bam.file.len() && !self.frames.begins_here()? {
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
        if start.inside() > self.filled {
            return Err(self.misplaced("an offset in the index lies behind the end of its frame"));
        }
        self.next = start.inside();
        Ok(())
    }

    /// Forgets the records given so far; ranges given before are no longer valid.
    pub fn begin_part(&mut self) {
        let shift = self.next;
        self.buffer.copy_within(shift..self.filled, 0);
        self.filled -= shift;
        self.next = 0;
        self.limit = self.limit.map(|l| l.saturating_sub(shift));
        for mark in &mut self.marks {
            mark.0 -= shift as i64;
        }
        let dead = self.marks.partition_point(|m| m.0 <= 0).saturating_sub(1);
        self.marks.drain(..dead);
    }

    /// The next record is the first, for errors.
    pub fn number_from_here(&mut self) {
        self.given = 0;
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
            Ok((_, shape)) => Ok(Some(Found { range, shape })),
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
        if clean && self.frames.next_offset() == self.end.frame() && self.end.inside() == 0 {
            self.limit = Some(self.filled);
            self.at_end = true;
            return Ok(false);
        }
        match self.inflate_more() {
            Ok(true) => Ok(true),
            Ok(false) if self.limit.is_none() && self.end != VirtualOffset(u64::MAX) && !self.allow_truncated && clean => {
                Err(self.misplaced("the file ends before an offset in the index"))
            }
            Ok(false) if clean || self.allow_truncated => {
                self.at_end = true;
                Ok(false)
            }
            Ok(false) => Err(Error::new(Kind::TruncatedFile, "the file ends inside a record")
                .path(self.bam.file.path())
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
            if offset == self.end.frame() {
                if self.end.inside() > n {
                    return Err(self.misplaced("an offset in the index lies behind the end of its frame"));
                }
                self.limit = Some(self.filled + self.end.inside());
            } else if offset > self.end.frame() {
                return Err(self.misplaced("an offset in the index is not the start of a frame"));
            }
        }
        self.marks.push((self.filled as i64, offset));
        self.filled += n;
        Ok(true)
    }

    fn check_len(&self, len: usize) -> Result<()> {
        let at = self.position(self.next);
        let place = |e: Error| e.path(self.bam.file.path()).offset(at.frame()).record(self.given + 1, b"");
        let bytes = &self.buffer[self.next..self.filled];
        if at.inside() == 0 && bytes.starts_with(b"BAM\x01") && Header::parse(bytes, self.bam.file.len()).is_ok() {
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
            let left = self.bam.file.len().saturating_sub(self.frames.next_offset()).saturating_mul(1032);
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
        Error::new(Kind::IndexMismatch, what).path(self.bam.file.path()).hint("the index is of another file or older: run 'samtools index'")
    }

    /// Adds file, frame and name to an error about the record at `range`.
    pub fn at_record(&self, error: Error, range: &Range<usize>) -> Error {
        let bytes = &self.buffer[range.clone()];
        let name = match bytes.get(FIXED_LEN..) {
            Some(rest) => rest.split(|&b| b == 0).next().unwrap_or_default(),
            None => &[],
        };
        error
            .path(self.bam.file.path())
            .offset(self.position(range.start.saturating_sub(LEN_BYTES)).frame())
            .record(self.given, &name[..name.len().min(254)])
            .hint("copy the file again from its source, or check it with 'samtools quickcheck'")
    }

    /// The virtual offset of a place in the buffer.
    pub fn position(&self, at: usize) -> VirtualOffset {
        if at >= self.filled {
            return VirtualOffset::new(self.frames.next_offset(), 0);
        }
        let i = self.marks.partition_point(|m| m.0 <= at as i64).saturating_sub(1);
        self.marks.get(i).map_or(VirtualOffset::default(), |m| VirtualOffset::new(m.1, (at as i64 - m.0) as u16))
    }

    /// Where the next record starts.
    pub fn next_position(&self) -> VirtualOffset {
        self.position(self.next)
    }

    /// Whether it is clear, without reading on, that no record of the span is left.
    pub fn is_done(&self) -> bool {
        let ends_with_frame = self.next == self.filled && self.frames.next_offset() == self.end.frame() && self.end.inside() == 0;
        self.at_end || ends_with_frame || self.limit.is_some_and(|limit| self.next >= limit)
    }

    /// Whether the last record ended exactly where the span was said to end.
    pub fn ended_on_boundary(&self) -> bool {
        self.limit.is_none_or(|limit| limit == self.next)
    }

    /// Bytes of the records given since the last [`RecordReader::begin_part`].
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
