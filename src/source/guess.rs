//! Boundaries inside stretches for which the index has none (amplicons, small deep contigs).
//!
//! A frame boundary is found by its magic bytes, and in the frame's inflated bytes the first place from which a chain of plausible
//! records runs. That is a guess: the span before it tells where its last record really ends, and a span that began elsewhere is read
//! again from there.

use super::bgzf::{self, FrameReader, MAX_FRAME, VirtualPosition};
use super::file::InputFile;
use super::header::Header;
use super::record::{FIXED_LEN, Record};
use super::records::MAX_RECORD;
use crate::error::Result;

/// So many plausible records in a row, or all to the end of two frames, make a guess.
const CHAIN: usize = 16;

/// A place at or after file offset `from` and before `end` where a record seems to start; see [`super::alignments::Alignments::guess_start`].
pub(super) fn record_start(
    file: &InputFile,
    header: &Header,
    contig: Option<usize>,
    from: u64,
    end: VirtualPosition,
) -> Result<Option<VirtualPosition>> {
    let mut window = vec![0; 2 * MAX_FRAME];
    let n = file.read_at(&mut window, from)?;
    let window = &window[..n];
    for at in 0..window.len().min(MAX_FRAME) {
        if window[at] != 0x1f || !bgzf::is_frame(&window[at..]) {
            continue;
        }
        let offset = from + at as u64;
        if offset >= end.compressed() {
            return Ok(None);
        }
        if let Some(inside) = chain_in_frame(file, header, contig, offset) {
            return Ok(Some(bgzf::position(offset, inside)).filter(|&start| start < end));
        }
    }
    Ok(None)
}

/// Inflates the frame at `offset` and the one behind it, and looks for the first chain of records. Unreadable bytes are not an error
/// here: these may not be frames at all.
fn chain_in_frame(file: &InputFile, header: &Header, contig: Option<usize>, offset: u64) -> Option<u16> {
    let mut frames = FrameReader::new(file);
    frames.seek(offset);
    let mut bytes = Vec::new();
    let first = frames.read(&mut bytes, 0).ok()??;
    let filled = first + frames.read(&mut bytes, first).ok()?.unwrap_or(0);
    let bytes = &bytes[..filled];
    (0..first).find(|&at| is_chain(header, contig, &bytes[at..])).and_then(|at| u16::try_from(at).ok())
}

/// Whether `bytes` begin with records that a file may hold one after another: of `contig` where that is given, sorted then; else of any.
fn is_chain(header: &Header, contig: Option<usize>, mut bytes: &[u8]) -> bool {
    let mut last = -1;
    for seen in 0..CHAIN {
        let Some((head, rest)) = bytes.split_at_checked(4) else { return seen > 0 };
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if !(FIXED_LEN..=MAX_RECORD).contains(&len) {
            return false;
        }
        let Some((body, rest)) = rest.split_at_checked(len) else { return seen > 0 };
        let Ok((record, _)) = Record::check(body) else { return false };
        let named = record.name().iter().all(u8::is_ascii_graphic) && !record.name().is_empty();
        if !named || header.check_place(record).is_err() {
            return false;
        }
        if let Some(contig) = contig {
            if usize::try_from(record.contig_id()) != Ok(contig) || record.pos() < last {
                return false;
            }
            last = record.pos();
        }
        bytes = rest;
    }
    true
}
