//! Insertions and deletions in a CIGAR.

use super::{Breakpoint, Event, EventType, Events, FindEvents, Side, Source, bases};
use crate::source::record::{OpKind, Record};

/// Shorter operations are noise of the sequencer and take no part in an event, unless events may be shorter themselves.
const PIECE: i64 = 10;

/// Operations of one kind that are one event.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: i64,
    /// Behind the last reference base of its last operation.
    end: i64,
    size: i64,
    /// Its operations, as a range of their numbers.
    ops: (usize, usize),
}

impl FindEvents<'_> {
    pub(super) fn find_in_cigar(&self, record: Record<'_>, mapq: Option<u8>, part: &mut Events) {
        let least = self.query.min_size.min(PIECE);
        let mut open: [Option<Run>; 2] = [None; 2];
        let mut runs: Vec<(EventType, Run)> = Vec::new();
        let mut pos = i64::from(record.pos());
        for (i, op) in record.cigar().iter().enumerate() {
            let len = i64::from(op.len);
            let kind = match op.kind {
                OpKind::Deletion => EventType::Del,
                OpKind::Insertion => EventType::Ins,
                kind => {
                    pos += if kind.consumes_reference() { len } else { 0 };
                    continue;
                }
            };
            let end = if kind == EventType::Del { pos + len } else { pos };
            if len >= least && len > 0 {
                match &mut open[kind as usize] {
                    Some(run) if pos - run.end <= self.query.merge_within => {
                        *run = Run { end, size: run.size + len, ops: (run.ops.0, i + 1), ..*run };
                    }
                    run => runs.extend(run.replace(Run { start: pos, end, size: len, ops: (i, i + 1) }).map(|done| (kind, done))),
                }
            }
            pos = end;
        }
        let [deletion, insertion] = open;
        runs.extend(deletion.map(|run| (EventType::Del, run)));
        runs.extend(insertion.map(|run| (EventType::Ins, run)));
        runs.retain(|(_, run)| run.size >= self.query.min_size);
        runs.sort_unstable_by_key(|&(kind, run)| (run.start, kind, run.ops.0));
        for (kind, run) in runs {
            self.keep_run(kind, run, record, mapq, part);
        }
    }

    fn keep_run(&self, kind: EventType, run: Run, record: Record<'_>, mapq: Option<u8>, part: &mut Events) {
        let contig = record.contig_id() as usize;
        // An insertion is where its first operation is.
        let end = if kind == EventType::Del { run.end } else { run.start };
        let first = Breakpoint { contig, pos: run.start, side: Side::Before };
        let second = Some(Breakpoint { contig, pos: end, side: Side::Behind });
        let event = Event { kind, source: Source::Cigar, first, second, end, size: run.size, mapq };
        self.keep(event, record, || if kind == EventType::Ins { inserted(record, run, self.query.min_size) } else { None }, part);
    }
}

/// The bases of the insertions of a run.
fn inserted(record: Record<'_>, run: Run, min_size: i64) -> Option<Vec<u8>> {
    let (mut at, mut out) = (0, Vec::new());
    for (i, op) in record.cigar().iter().enumerate().take(run.ops.1) {
        let len = i64::from(op.len);
        if i >= run.ops.0 && op.kind == OpKind::Insertion && len >= min_size.min(PIECE) {
            out.extend(bases(record, at, len)?);
        }
        at += if op.kind.consumes_read() { len } else { 0 };
    }
    Some(out)
}
