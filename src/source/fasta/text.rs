//! The inflated bytes of a FASTA file, at any offset.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::beside;
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::source::bgzf::{self, FrameReader};
use crate::source::file::InputFile;

/// Inflated frames kept, at most 64 KiB each.
const KEPT_FRAMES: usize = 16;
/// Bytes of a frame up to its length.
const HEAD: usize = 18;
/// CRC and inflated length at its end.
const TAIL: usize = 8;

/// A frame that is not empty.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Its offset in the file.
    at: u64,
    /// Offset of its first byte in the text.
    start: u64,
}

/// Frames inflated lately, the latest last.
type Kept = Vec<(usize, Arc<Vec<u8>>)>;

#[derive(Debug)]
struct Frames {
    /// In file order.
    list: Vec<Frame>,
    /// Bytes of the whole text.
    len: u64,
    /// Whether the list comes from a `.gzi` file.
    from_gzi: bool,
    kept: Mutex<Kept>,
}

/// A text file, plain or bgzipped.
#[derive(Debug)]
pub(super) struct Text {
    file: InputFile,
    frames: Option<Frames>,
}

impl Text {
    /// Opens `path`; the list of a bgzipped file's frames is taken from the `.gzi` beside it, or made by going through them.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = InputFile::open(path)?;
        let head = frame_head(&file, 0)?;
        let frames = if bgzf::is_frame(&head) {
            let listed = match beside(path, "gzi")? {
                Some(gzi) => Some(read_gzi(&gzi, file.len()).map_err(|e| e.path(&gzi))?),
                None => None,
            };
            Some(complete(&file, listed)?)
        } else if head.starts_with(&[0x1f, 0x8b]) {
            return Err(Error::new(Kind::UnsupportedFormat, "this is compressed with gzip, which cannot be read at any place")
                .path(path)
                .hint("compress it with bgzip: 'gunzip -c REF.gz | bgzip > REF.bgz'"));
        } else {
            None
        };
        Ok(Self { file, frames })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn check_unchanged(&self) -> Result<()> {
        self.file.check_unchanged()
    }

    /// Its length, inflated.
    pub(super) fn len(&self) -> u64 {
        self.frames.as_ref().map_or(self.file.len(), |f| f.len)
    }

    /// Fills as much of `buffer` as there is from `offset` on; returns how much.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let Some(frames) = &self.frames else {
            return self.file.read_at(buffer, offset);
        };
        let mut reader = None;
        let mut done = 0;
        let mut i = frames.list.partition_point(|f| f.start <= offset).saturating_sub(1);
        while let Some(frame) = frames.list.get(i)
            && let Some(room) = buffer.get_mut(done..).filter(|room| !room.is_empty())
        {
            let bytes = match frames.kept(i) {
                Some(bytes) => bytes,
                None => self.inflate(frames, i, reader.get_or_insert_with(|| FrameReader::new(&self.file)))?,
            };
            let skip = memory::len(offset + done as u64 - frame.start);
            let from = bytes.get(skip..).unwrap_or_default();
            let n = from.len().min(room.len());
            if n == 0 {
                break;
            }
            if let (Some(to), Some(from)) = (room.get_mut(..n), from.get(..n)) {
                to.copy_from_slice(from);
            }
            done += n;
            i += 1;
        }
        Ok(done)
    }

    fn inflate(&self, frames: &Frames, i: usize, reader: &mut FrameReader<'_>) -> Result<Arc<Vec<u8>>> {
        let Some(&frame) = frames.list.get(i) else {
            return Ok(Arc::default());
        };
        let wanted = frames.list.get(i + 1).map_or(frames.len, |next| next.start) - frame.start;
        reader.seek(frame.at);
        let mut bytes = Vec::new();
        let n = match reader.read(&mut bytes, 0) {
            Ok(n) => n.unwrap_or_default(),
            Err(_) if frames.from_gzi && !bgzf::is_frame(&frame_head(&self.file, frame.at)?) => {
                return Err(does_not_fit(self.path(), frame.at));
            }
            Err(e) => return Err(e),
        };
        bytes.truncate(n);
        if bytes.len() as u64 != wanted {
            return Err(if frames.from_gzi {
                does_not_fit(self.path(), frame.at)
            } else {
                Error::new(Kind::FileChanged, "the reference was changed while it was read").path(self.path())
            });
        }
        let bytes = Arc::new(bytes);
        frames.keep(i, &bytes);
        Ok(bytes)
    }
}

/// The first bytes of the frame at `at`, as far as there are any.
fn frame_head(file: &InputFile, at: u64) -> Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let n = file.read_at(&mut head, at)?;
    head.truncate(n);
    Ok(head)
}

impl Frames {
    fn kept(&self, i: usize) -> Option<Arc<Vec<u8>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().rposition(|k| k.0 == i)?;
        let found = kept.remove(at);
        let bytes = Arc::clone(&found.1);
        kept.push(found);
        Some(bytes)
    }

    fn keep(&self, i: usize, bytes: &Arc<Vec<u8>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_FRAMES {
            kept.remove(0);
        }
        kept.push((i, Arc::clone(bytes)));
    }
}

fn does_not_fit(fasta: &Path, at: u64) -> Error {
    let mut path = fasta.as_os_str().to_os_string();
    path.push(".gzi");
    corrupt_gzi(format!("the frame at byte {at} of the reference is not what this .gzi says")).path(Path::new(&path))
}

fn corrupt_gzi(what: impl Into<String>) -> Error {
    Error::new(Kind::CorruptIndex, what).hint("delete it or run 'bgzip -r'")
}

/// The frames a `.gzi` lists: a count, then file and text offset of each frame but the first.
fn read_gzi(path: &Path, fasta_len: u64) -> Result<Vec<Frame>> {
    let file = InputFile::open(path)?;
    let mut count = [0; 8];
    let n = file.read_at(&mut count, 0)?;
    let count = u64::from_le_bytes(count);
    if n < 8 || count.checked_mul(16).and_then(|len| len.checked_add(8)) != Some(file.len()) {
        return Err(corrupt_gzi(format!("this .gzi has {} bytes, which does not fit {count} entries", file.len())));
    }
    // A frame takes 26 bytes at least, an entry 16: so much memory at most for a file of this length.
    if count > fasta_len / (HEAD + TAIL) as u64 {
        return Err(corrupt_gzi(format!("this .gzi lists {count} frames for a file of {fasta_len} bytes")));
    }
    let mut bytes = memory::buffer(memory::len(16 * count))?;
    if file.read_at(&mut bytes, 8)? < bytes.len() {
        return Err(corrupt_gzi("this .gzi became shorter while it was read"));
    }
    let number = |bytes: Option<&[u8]>| bytes.and_then(|b| b.first_chunk()).map_or(0, |&b| u64::from_le_bytes(b));
    let mut frames = vec![Frame { at: 0, start: 0 }];
    for pair in bytes.chunks_exact(16) {
        let next = Frame { at: number(pair.get(..8)), start: number(pair.get(8..)) };
        let Some(last) = frames.last_mut() else { break };
        if next.at == 0 && next.start == 0 && last.at == 0 {
            // Some writers list the first frame as well.
            continue;
        }
        if next.at <= last.at || next.at > fasta_len || next.start < last.start || next.start - last.start > bgzf::MAX_INFLATED as u64 {
            return Err(corrupt_gzi("the entries of this .gzi are not in order or lead past the end of the reference"));
        }
        if next.start == last.start {
            *last = next;
        } else {
            frames.push(next);
        }
    }
    Ok(frames)
}

/// Adds the frames behind the listed ones, so that the length of the text is known and nothing is missed.
fn complete(file: &InputFile, listed: Option<Vec<Frame>>) -> Result<Frames> {
    let from_gzi = listed.is_some();
    let mut list = listed.unwrap_or_default();
    // The last one listed is scanned again.
    let Frame { mut at, start: mut len } = list.pop().unwrap_or(Frame { at: 0, start: 0 });
    let first_walked = at;
    while at < file.len() {
        let head = frame_head(file, at)?;
        if !bgzf::is_frame(&head) {
            return Err(if from_gzi && at == first_walked {
                does_not_fit(file.path(), at)
            } else if head.len() < HEAD {
                Error::new(Kind::TruncatedFile, "the file ends inside a frame's header").path(file.path()).offset(at)
            } else {
                Error::new(Kind::CorruptFile, "no BGZF frame begins here").path(file.path()).offset(at)
            });
        }
        let frame_len = head.get(16..).and_then(|b| b.first_chunk()).map_or(0, |&b| u64::from(u16::from_le_bytes(b)) + 1);
        let mut inflated = [0; 4];
        if file.read_at(&mut inflated, at + frame_len - 4)? < 4 {
            return Err(Error::new(Kind::TruncatedFile, "the file ends inside this frame").path(file.path()).offset(at));
        }
        let inflated = u64::from(u32::from_le_bytes(inflated));
        if inflated > bgzf::MAX_INFLATED as u64 {
            let what = format!("a frame states {inflated} inflated bytes, at most {} fit", bgzf::MAX_INFLATED);
            return Err(Error::new(Kind::CorruptFile, what).path(file.path()).offset(at));
        }
        if inflated > 0 {
            list.push(Frame { at, start: len });
        }
        len += inflated;
        at += frame_len;
    }
    list.shrink_to_fit();
    Ok(Frames { list, len, from_gzi, kept: Mutex::default() })
}
