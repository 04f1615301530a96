//! Clips at the ends of primary alignments.

use super::split::Alignment;
use super::{Breakpoint, Event, EventType, Events, FindEvents, Side, Source, bases};
use crate::source::record::{Cigar, Op, OpKind, Record, SUPPLEMENTARY};

/// Bases clipped at the begin of a CIGAR, soft and hard, and how many of them are in SEQ.
fn clipped(ops: impl Iterator<Item = Op>) -> (i64, i64) {
    let (mut all, mut soft) = (0, 0);
    for op in ops {
        match op.kind {
            OpKind::SoftClip => soft += i64::from(op.len),
            OpKind::HardClip => {}
            _ => break,
        }
        all += i64::from(op.len);
    }
    (all, soft)
}

/// Clips of both ends: (all, soft).
pub(super) fn clips(cigar: Cigar<'_>) -> [(i64, i64); 2] {
    let backwards = (0..cigar.len()).rev().filter_map(|i| cigar.get(i));
    [clipped(cigar.iter()), clipped(backwards)]
}

impl FindEvents<'_> {
    /// `parts` are the alignments of the read, in its own order, where they are known.
    pub(super) fn find_clips(&self, record: Record<'_>, mapq: Option<u8>, parts: &[Alignment], part: &mut Events) {
        let cigar = record.cigar();
        let reference_len = cigar.reference_len();
        // Where nothing is aligned, there is no place at which an alignment ends.
        if record.flags() & SUPPLEMENTARY != 0 || reference_len == 0 {
            return;
        }
        let start = i64::from(record.pos());
        let places = [(start, Side::Behind), (start + reference_len, Side::Before)];
        for (end, ((size, soft), (pos, side))) in clips(cigar).into_iter().zip(places).enumerate() {
            if size < self.query.min_size || parts.iter().any(|other| other.lies_in_clip(record, end == 1, size)) {
                continue;
            }
            let first = Breakpoint { contig: record.contig_id() as usize, pos, side };
            let event = Event { kind: EventType::Clip, source: Source::Clip, first, second: None, end: pos, size, mapq };
            let from = if end == 0 { 0 } else { record.seq_len() as i64 - soft };
            self.keep(event, record, || (soft == size).then(|| bases(record, from, soft))?, part);
        }
    }
}
