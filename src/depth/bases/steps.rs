//! A record's operations as a walk along the reference sees them.

use crate::coords::Interval;
use crate::source::record::{Cigar, Op, OpKind, Record};

/// An operation that takes reference bases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) op: Op,
    /// Where it is seen. That is where it lies, but for operations of length zero and what follows them in the pileup engine.
    pub(super) seen: Interval,
    /// Where it lies.
    start: i64,
    /// Index in SEQ of its first base; of the next one for D and N.
    pub(super) read: usize,
    /// Its index among all operations.
    index: usize,
}

impl Step {
    /// Index in SEQ of the base at a position of an aligned operation.
    #[inline]
    pub(super) fn base_at(&self, position: i64) -> usize {
        (self.read as i64 + position - self.start) as usize
    }

    /// The last position it lies at.
    #[inline]
    pub(super) fn last(&self) -> i64 {
        self.start + i64::from(self.op.len) - 1
    }

    /// Whether bases are inserted directly behind it; P between does not matter.
    pub(super) fn has_insertion(&self, cigar: Cigar<'_>) -> bool {
        let behind = cigar.iter().skip(self.index + 1);
        behind.take_while(|op| matches!(op.kind, OpKind::Insertion | OpKind::Pad)).any(|op| op.kind == OpKind::Insertion && op.len > 0)
    }
}

/// The steps of a record, from left to right.
pub(super) struct Steps<I> {
    ops: I,
    pileup: bool,
    index: usize,
    x: i64,
    y: usize,
    /// From where on the next operation is seen: `x`, but for operations of length zero before it.
    seen: i64,
}

impl Steps<()> {
    /// The steps of `record`; `pileup` for the walk of the pileup engine.
    #[inline]
    pub(super) fn of(record: Record<'_>, pileup: bool) -> Steps<impl Iterator<Item = Op> + '_> {
        let x = i64::from(record.pos());
        Steps { ops: record.cigar().iter(), pileup, index: 0, x, y: 0, seen: x }
    }
}

impl<I: Iterator<Item = Op>> Iterator for Steps<I> {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        loop {
            let op = self.ops.next()?;
            let (start, read, index) = (self.x, self.y, self.index);
            self.index += 1;
            if op.kind.consumes_read() {
                self.y += op.len as usize;
            }
            if op.kind.consumes_reference() {
                self.x += i64::from(op.len);
                // The pileup engine goes on by one operation per position, so one of zero length is seen for a position.
                let until = if self.pileup { self.x.max(self.seen + 1) } else { self.x };
                let seen = Interval::new(self.seen, until);
                self.seen = until;
                return Some(Step { op, seen, start, read, index });
            }
        }
    }
}
