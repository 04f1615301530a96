//! Opens a BAM: what kind of file it is, whether it is whole, and its header.

use std::path::Path;

use super::bgzf::{self, EOF_FRAME, FrameReader, VirtualPosition};
use super::file::InputFile;
use super::header::Header;
use crate::error::{Error, Kind, Result};
use crate::memory;

/// Deflate cannot expand further than this.
const MAX_EXPANSION: u64 = 1032;

/// A BAM that was opened and whose header was read.
pub(super) struct Bam {
    pub(super) file: InputFile,
    pub(super) header: Header,
    /// Where the first record starts.
    pub(super) first_record: VirtualPosition,
    /// Whether the end-of-file frame is missing and the caller allowed that.
    pub(super) truncated: bool,
}

/// Opens `path`, tells its kind by its bytes and reads its header.
///
/// # Errors
///
/// Those of [`super::alignments::Alignments::open`].
pub(super) fn open(path: &Path, allow_truncated: bool) -> Result<Bam> {
    let file = InputFile::open(path)?;
    refuse_other_kinds(&file)?;
    let truncated = !ends_with_eof_frame(&file)?;
    if truncated && !allow_truncated {
        return Err(Error::new(Kind::TruncatedFile, "the file ends without the BGZF end-of-file frame (EOF), so it is cut short")
            .path(path)
            .offset(file.len())
            .hint("copy or write it again, or pass allow_truncated=True to count what is there"));
    }
    let (header, first_record) = read_header(&file).map_err(|e| e.path(path))?;
    Ok(Bam { file, header, first_record, truncated })
}

/// The header in `bytes`, which hold nothing else.
pub(super) fn whole_header(bytes: &[u8]) -> Result<Header> {
    refuse_other_content(bytes)?;
    match Header::parse(bytes, 0)? {
        Some((header, _)) => Ok(header),
        None => Err(Error::new(Kind::TruncatedFile, "the header is not whole").hint("give the bytes of a BAM up to its first record")),
    }
}

/// Reads frames until the header is complete.
fn read_header(file: &InputFile) -> Result<(Header, VirtualPosition)> {
    let mut frames = FrameReader::new(file);
    let mut bytes = Vec::new();
    let mut filled = 0;
    // Where each frame's bytes begin in `bytes`, and its file offset.
    let mut starts = Vec::new();
    let mut parse_at = 4;
    loop {
        let offset = frames.next_offset();
        let read = frames.read(&mut bytes, filled)?;
        if let Some(n) = read {
            starts.push((filled, offset));
            filled += n;
            if filled < parse_at {
                continue;
            }
        }
        refuse_other_content(&bytes[..filled])?;
        let left = (file.len() - frames.next_offset()).saturating_mul(MAX_EXPANSION);
        if let Some((header, used)) = Header::parse(&bytes[..filled], left)? {
            return Ok((header, position_of(used, filled, &starts, frames.next_offset())));
        }
        if read.is_none() {
            return Err(Error::new(Kind::TruncatedFile, "the file ends inside its header").hint("copy or write it again"));
        }
        // Doubling keeps the repeated parsing of a header of many frames linear; where the file ends before, all of it is parsed.
        parse_at = filled * 2;
    }
}

fn position_of(used: usize, filled: usize, starts: &[(usize, u64)], next: u64) -> VirtualPosition {
    if used == filled {
        return bgzf::position(next, 0);
    }
    let i = starts.partition_point(|&(start, _)| start <= used) - 1;
    bgzf::position_in(starts[i].1, used - starts[i].0)
}

fn unsupported(what: &str, hint: &str) -> Error {
    Error::new(Kind::UnsupportedFormat, what).hint(hint)
}

/// Looks at the first bytes of the file as they are on disk.
fn refuse_other_kinds(file: &InputFile) -> Result<()> {
    let mut head = [0; 64];
    let n = file.read_at(&mut head, 0)?;
    let head = &head[..n];
    let to_bam = "convert it with 'samtools view -b'";
    let error = if head.is_empty() {
        unsupported("the file is empty", "give a BAM file")
    } else if head.starts_with(b"CRAM") {
        let version = head.get(4).map_or_else(String::new, |major| format!(" {major}"));
        unsupported(&format!("this is a CRAM{version} file, only BAM is read"), "convert it with 'samtools view -b -T REF'")
    } else if head.starts_with(b"BAM\x01") {
        unsupported("this is an uncompressed BAM without BGZF frames", to_bam)
    } else if head.starts_with(&[0x1f, 0x8b]) {
        if bgzf::is_frame(head) || head.len() < 18 {
            return Ok(());
        }
        unsupported("this is gzip, but not BGZF", "compress BAM with 'samtools view -b' (text: bgzip)")
    } else if head.starts_with(b"@HD\t") || head.starts_with(b"@SQ\t") || head.starts_with(b"@RG\t") || head.starts_with(b"@PG\t") {
        unsupported("this is a SAM file (text), only BAM is read", to_bam)
    } else if head.starts_with(b">") {
        unsupported("this looks like a FASTA file", "give a BAM file; the reference goes into ref=")
    } else if head.iter().all(|&b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
        unsupported("this is a text file without BGZF frames, only BAM is read", "if it is SAM, convert it with 'samtools view -b'")
    } else {
        unsupported("this is not a BAM file, no BGZF frame begins it", "give a BAM file")
    };
    Err(error.path(file.path()))
}

/// Looks at the inflated bytes: BGZF also holds text, BCF and indexes.
fn refuse_other_content(bytes: &[u8]) -> Result<()> {
    if bytes.len() < 4 || bytes.starts_with(b"BAM\x01") {
        return Ok(());
    }
    Err(if bytes.starts_with(b"BAM") {
        unsupported("this is a BAM of another version than 1, its magic is not 'BAM\\1'", "convert it with a current samtools")
    } else if bytes.starts_with(b"@HD\t") || bytes.starts_with(b"@SQ\t") {
        unsupported("this is a bgzipped SAM file, only BAM is read", "convert it with 'samtools view -b'")
    } else if bytes.starts_with(b"BCF") || bytes.starts_with(b"##fi") {
        unsupported("this holds variants (VCF/BCF), not alignments", "give a BAM file")
    } else {
        unsupported("this is BGZF, but not a BAM file", "give a BAM file")
    })
}

/// Whether the last frame is the end-of-file frame.
fn ends_with_eof_frame(file: &InputFile) -> Result<bool> {
    let want = (64 << 10).min(file.len());
    let mut tail = vec![0; memory::len(want)];
    let n = file.read_at(&mut tail, file.len() - want)?;
    let tail = &tail[..n];
    if tail.ends_with(&EOF_FRAME) {
        return Ok(true);
    }
    // An end-of-file frame with no frame behind it: something was appended.
    let eof = tail.windows(EOF_FRAME.len()).rposition(|w| w == EOF_FRAME);
    if let Some(at) = eof {
        let rest = &tail[at + EOF_FRAME.len()..];
        if !rest.starts_with(&[0x1f, 0x8b]) {
            return Err(Error::new(Kind::CorruptFile, format!("{} bytes follow the end-of-file frame", rest.len()))
                .path(file.path())
                .offset(file.len() - rest.len() as u64)
                .hint("copy the file again from its source"));
        }
    }
    Ok(false)
}
