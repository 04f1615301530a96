//! BGZF: the file as a chain of frames, each a gzip member of at most 64 KiB.
//!
//! A *virtual position* (noodles' [`VirtualPosition`], often called a virtual offset) is the file offset of a frame times 65,536 plus an
//! offset inside its inflated bytes.

use libdeflater::{DecompressionError, Decompressor};
pub use noodles_bgzf::VirtualPosition;

use super::file::InputFile;
use crate::error::{Error, Kind, Result};
use crate::memory;

/// The most a frame can hold, inflated.
pub const MAX_INFLATED: usize = 1 << 16;
/// The most a frame can take in the file.
pub const MAX_FRAME: usize = 1 << 16;
/// The empty frame that ends every complete file.
pub const EOF_FRAME: [u8; 28] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Bytes of a frame before its deflate data.
const HEAD: usize = 18;
/// CRC-32 and length behind the deflate data.
const TAIL: usize = 8;
/// Bytes read from the file at once.
const READ_AHEAD: usize = 256 << 10;
/// How much is read first at a place: most frames are shorter, and the next read takes any.
const READ_FIRST: usize = 32 << 10;

/// The place of a byte, from its frame's file offset and an offset inside the frame's inflated bytes. A frame 2^48 bytes or more into a file
/// has no virtual position; its bytes are behind every place.
pub const fn position(frame: u64, inside: u16) -> VirtualPosition {
    match VirtualPosition::new(frame, inside) {
        Some(position) => position,
        None => VirtualPosition::MAX,
    }
}

/// [`position`] of a byte that lies in the frame's inflated bytes, of which there are at most 65,536.
pub fn position_in(frame: u64, inside: usize) -> VirtualPosition {
    u16::try_from(inside).map_or(VirtualPosition::MAX, |inside| position(frame, inside))
}

/// Where the parts of a frame lie in its bytes.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// All of it.
    len: usize,
    crc: u32,
    inflated: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Whether `bytes` begin like a BGZF frame.
pub fn is_frame(bytes: &[u8]) -> bool {
    bytes.len() >= HEAD && frame_len(bytes).is_ok()
}

/// The length of the frame whose first 18 bytes are given.
fn frame_len(head: &[u8]) -> Result<usize> {
    if head[..4] != [0x1f, 0x8b, 8, 4] {
        return Err(Error::new(Kind::CorruptFile, "no BGZF frame begins here").hint("copy the file again from its source"));
    }
    if u16_at(head, 10) != 6 || head[12..16] != [b'B', b'C', 2, 0] {
        return Err(Error::new(Kind::UnsupportedFormat, "a gzip member whose extra field is not BGZF's alone")
            .hint("compress the data again with bgzip or 'samtools view -b'"));
    }
    let len = usize::from(u16_at(head, 16)) + 1;
    if len < HEAD + TAIL {
        return Err(
            Error::new(Kind::CorruptFile, format!("a BGZF frame of {len} bytes cannot be")).hint("copy the file again from its source")
        );
    }
    Ok(len)
}

/// Whether `at` is the end of its frame and `next` the frame behind it, by what the frame says of itself: then nothing lies between.
///
/// # Errors
///
/// What reading gives.
pub fn is_end_of_frame(file: &InputFile, at: VirtualPosition, next: VirtualPosition) -> Result<bool> {
    let (mut head, mut len) = ([0; HEAD], [0; 4]);
    if next.uncompressed() > 0 || file.read_at(&mut head, at.compressed())? < HEAD {
        return Ok(false);
    }
    let Ok(frame) = frame_len(&head) else { return Ok(false) };
    let end = at.compressed() + frame as u64;
    Ok(end == next.compressed() && file.read_at(&mut len, end - 4)? == 4 && u32_at(&len, 0) == u32::from(at.uncompressed()))
}

/// Reads frames one after another and inflates them.
pub struct FrameReader<'a> {
    file: &'a InputFile,
    decompressor: Decompressor,
    /// Bytes of the file from `window_start` on; the first `window_len` are valid.
    window: Vec<u8>,
    window_start: u64,
    window_len: usize,
    /// How much to read at once: small at first, so that a small region reads little.
    ahead: usize,
    /// Offset of the next frame.
    next: u64,
}

impl<'a> FrameReader<'a> {
    /// A reader that stands nowhere yet: see [`FrameReader::seek`].
    pub fn new(file: &'a InputFile) -> Self {
        Self { file, decompressor: Decompressor::new(), window: Vec::new(), window_start: 0, window_len: 0, ahead: READ_FIRST, next: 0 }
    }

    /// Makes the frame at `offset` the next one.
    pub fn seek(&mut self, offset: u64) {
        self.next = offset;
    }

    /// Whether a frame begins where the next one should.
    ///
    /// # Errors
    ///
    /// What reading gives.
    pub fn begins_here(&mut self) -> Result<bool> {
        self.fill(HEAD)?;
        Ok(is_frame(self.bytes()))
    }

    /// File offset of the next frame.
    pub fn next_offset(&self) -> u64 {
        self.next
    }

    /// Inflates the next frame into `out[at..]`, which grows when it must; returns the number of bytes, or `None` at the end of the
    /// file.
    ///
    /// # Errors
    ///
    /// [`Kind::TruncatedFile`] when the file ends inside the frame, [`Kind::CorruptFile`] when it is not a BGZF block, does not inflate to the
    /// length it states or has a wrong CRC.
    pub fn read(&mut self, out: &mut Vec<u8>, at: usize) -> Result<Option<usize>> {
        let offset = self.next;
        if offset >= self.file.len() {
            return Ok(None);
        }
        let place = |e: Error| e.path(self.file.path()).offset(offset);
        self.fill(HEAD)?;
        let head = self.bytes();
        if head.len() < HEAD {
            return Err(place(truncated("the file ends inside a frame's header")));
        }
        let len = frame_len(head).map_err(place)?;
        self.fill(len)?;
        let place = |e: Error| e.path(self.file.path()).offset(offset);
        let frame = self.bytes();
        if frame.len() < len {
            return Err(place(truncated(&format!("the file ends inside a frame of {len} bytes, {} are there", frame.len()))));
        }
        let layout = Layout { len, crc: u32_at(frame, len - 8), inflated: u32_at(frame, len - 4) as usize };
        if layout.inflated > MAX_INFLATED {
            return Err(place(corrupt(&format!("a frame states {} inflated bytes, at most {MAX_INFLATED} fit", layout.inflated))));
        }
        if out.len() < at + layout.inflated {
            memory::extend(out, at + layout.inflated.max(MAX_INFLATED))?;
        }
        let from = memory::len(offset - self.window_start);
        let data = &self.window[from + HEAD..from + layout.len - TAIL];
        inflate(&mut self.decompressor, data, &mut out[at..at + layout.inflated], layout.crc)
            .map_err(|e| e.path(self.file.path()).offset(offset))?;
        self.next = offset + layout.len as u64;
        Ok(Some(layout.inflated))
    }

    /// The bytes from the next frame on that are in the window.
    fn bytes(&self) -> &[u8] {
        let from = memory::len(self.next - self.window_start);
        &self.window[from.min(self.window_len)..self.window_len]
    }

    /// Makes `want` bytes from the next frame on lie in the window, as far as the file has them.
    fn fill(&mut self, want: usize) -> Result<()> {
        let inside = self.next >= self.window_start && self.next <= self.window_start + self.window_len as u64;
        if inside && self.bytes().len() >= want {
            return Ok(());
        }
        let kept = if inside {
            let from = memory::len(self.next - self.window_start);
            self.window.copy_within(from..self.window_len, 0);
            self.window_len - from
        } else {
            self.ahead = READ_FIRST;
            0
        };
        self.window_start = self.next;
        if self.window.len() < self.ahead + MAX_FRAME {
            self.window.resize(self.ahead + MAX_FRAME, 0);
        }
        let got = self.file.read_at(&mut self.window[kept..kept + self.ahead], self.next + kept as u64)?;
        self.window_len = kept + got;
        self.ahead = (self.ahead * 2).min(READ_AHEAD);
        Ok(())
    }
}

fn inflate(decompressor: &mut Decompressor, data: &[u8], out: &mut [u8], crc: u32) -> Result<()> {
    match decompressor.deflate_decompress(data, out) {
        Ok(n) if n == out.len() => {}
        Ok(n) => return Err(corrupt(&format!("a frame inflates to {n} bytes and states {}", out.len()))),
        Err(DecompressionError::InsufficientSpace) => {
            return Err(corrupt(&format!("a frame inflates to more than the {} bytes it states", out.len())));
        }
        Err(DecompressionError::BadData) => return Err(corrupt("a frame's compressed data is damaged")),
    }
    let found = libdeflater::crc32(out);
    if found != crc {
        return Err(corrupt(&format!("a frame's CRC is {found:#010x}, the file states {crc:#010x}")));
    }
    Ok(())
}

fn corrupt(what: &str) -> Error {
    Error::new(Kind::CorruptFile, what).hint("copy the file again from its source")
}

fn truncated(what: &str) -> Error {
    Error::new(Kind::TruncatedFile, what).hint("copy the file again from its source, or write it again")
}
