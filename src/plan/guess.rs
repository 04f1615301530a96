//! Boundaries inside stretches for which the index has none (amplicons, small deep contigs).
//!
//! A frame boundary is found by its magic bytes, and in the frame's inflated bytes the first place from which a chain of plausible
//! records runs. That is a guess and nothing more: when results are merged, the span before tells where its last record really ends,
//! and a span that began elsewhere is counted again from there.

use super::{Origin, Plan, Span, join};
use crate::error::Result;
use crate::source::bam::Bam;
use crate::source::bgzf::{self, FrameReader, MAX_FRAME, VirtualOffset};
use crate::source::record::{FIXED_LEN, Record};
use crate::source::records::MAX_RECORD;

/// So many plausible records in a row, or all to the end of two frames, make a guess.
const CHAIN: usize = 16;

/// Below this a span is not worth looking for a boundary.
const LEAST: u64 = 512;

/// Cuts spans that are longer than two spans should be.
pub(super) fn split_long_spans(bam: &Bam, plan: Plan, span_bytes: u64) -> Result<Plan> {
    let mut spans = Vec::with_capacity(plan.spans.len());
    for span in plan.spans {
        let first = spans.len();
        spans.push(span);
        let pieces = span.bytes() / span_bytes.max(LEAST);
        if pieces >= 2 {
            let contig = plan.targets[span.target].contig;
            for i in 1..pieces {
                let from = span.start.frame() + span.bytes() / pieces * i;
                let last = spans[spans.len() - 1].start;
                if let Some(start) = record_start(bam, contig, from, span.end)?
                    && start > last
                    && start < span.end
                {
                    spans.push(Span { start, origin: Origin::Guess, ..span });
                }
            }
            join(&mut spans[first..]);
        }
    }
    Ok(Plan { targets: plan.targets, spans })
}

/// A place at or after file offset `from` where a record seems to start.
fn record_start(bam: &Bam, contig: usize, from: u64, end: VirtualOffset) -> Result<Option<VirtualOffset>> {
    let mut window = vec![0; 2 * MAX_FRAME];
    let n = bam.file.read_at(&mut window, from)?;
    let window = &window[..n];
    for at in 0..window.len().min(MAX_FRAME) {
        if window[at] != 0x1f || !bgzf::is_frame(&window[at..]) {
            continue;
        }
        let offset = from + at as u64;
        if offset >= end.frame() {
            return Ok(None);
        }
        if let Some(inside) = chain_in_frame(bam, contig, offset) {
            return Ok(Some(VirtualOffset::new(offset, inside)));
        }
    }
    Ok(None)
}

/// Inflates the frame at `offset` and the one behind it, and looks for the first chain of records. Anything unreadable is no error
/// here: these may not be frames at all.
fn chain_in_frame(bam: &Bam, contig: usize, offset: u64) -> Option<u16> {
    let mut frames = FrameReader::new(&bam.file);
    frames.seek(offset);
    let mut bytes = Vec::new();
    let first = frames.read(&mut bytes, 0).ok()??;
    let filled = first + frames.read(&mut bytes, first).ok()?.unwrap_or(0);
    let bytes = &bytes[..filled];
    (0..first).find(|&at| is_chain(bam, contig, &bytes[at..])).and_then(|at| u16::try_from(at).ok())
}

fn is_chain(bam: &Bam, contig: usize, mut bytes: &[u8]) -> bool {
    let mut last = -1;
    for seen in 0..CHAIN {
        let Some((head, rest)) = bytes.split_at_checked(4) else { return seen > 0 };
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if !(FIXED_LEN..=MAX_RECORD).contains(&len) {
            return false;
        }
        let Some((body, rest)) = rest.split_at_checked(len) else { return seen > 0 };
        let Ok((record, _)) = Record::check(body) else { return false };
        let on_contig = record.contig_id() == contig as i32 && record.pos() >= last;
        let in_contig = i64::from(record.pos()) < bam.header.contigs[contig].len;
        let named = record.name().iter().all(u8::is_ascii_graphic) && !record.name().is_empty();
        if !on_contig || !in_contig || !named || record.mate_contig_id() >= bam.header.contigs.len() as i32 {
            return false;
        }
        last = record.pos();
        bytes = rest;
    }
    true
}
