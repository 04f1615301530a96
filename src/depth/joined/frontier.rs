//! Up to where counts are final.

use super::pending::Pending;
use super::piece::{Lanes, Piece, empty, take};
use crate::coords::Interval;
use crate::depth::slab::{Change, Slab};

/// Everything in front of the frontier is final and was given away in pieces; what changes behind it waits.
#[derive(Debug)]
pub(super) struct Frontier<'o, const L: usize> {
    /// The rest of the columns; empty where counts are not kept.
    out: Lanes<'o, L>,
    keeps: bool,
    pieces: usize,
    targets_begun: usize,
    target: Interval,
    position: i64,
    /// Counts at the frontier.
    counts: [i64; L],
    pending: Pending,
}

impl<'o, const L: usize> Frontier<'o, L> {
    pub(super) fn new(out: Option<Lanes<'o, L>>) -> Self {
        Self {
            keeps: out.is_some(),
            out: out.unwrap_or_else(empty),
            pieces: 0,
            targets_begun: 0,
            target: Interval::default(),
            position: 0,
            counts: [0; L],
            pending: Pending::default(),
        }
    }

    pub(super) fn targets_begun(&self) -> usize {
        self.targets_begun
    }

    pub(super) fn position(&self) -> i64 {
        self.position
    }

    /// Begins the next target; `initial` is the depth at its first position.
    pub(super) fn begin_target(&mut self, target: Interval, initial: i64) {
        self.targets_begun += 1;
        (self.target, self.position) = (target, target.start);
        self.counts = [0; L];
        self.counts[0] = initial;
        self.pending.clear();
    }

    /// Ends the current target: all of it is final.
    pub(super) fn end_target(&mut self, ready: &mut Vec<Piece<'o, L>>) {
        if self.targets_begun > 0 {
            self.advance(self.target.end, Slab::default(), [0; L], ready);
        }
    }

    /// Adds changes behind the frontier.
    pub(super) fn add(&mut self, changes: Vec<Change>) {
        self.pending.add(changes);
    }

    /// Everything before `position` is final: makes it a piece.
    pub(super) fn advance(&mut self, position: i64, slab: Slab<L>, slab_sums: [i64; L], ready: &mut Vec<Piece<'o, L>>) {
        let position = position.clamp(self.position, self.target.end);
        let events = self.pending.take_before(position);
        let range = Interval::new(self.position, position);
        let out = take(&mut self.out, if self.keeps { range.len() as usize } else { 0 });
        let counts_before = self.counts;
        for (count, sum) in self.counts.iter_mut().zip(slab_sums) {
            *count += sum;
        }
        for change in &events {
            self.counts[change.lane as usize] += i64::from(change.by);
        }
        self.position = position;
        ready.push(Piece { number: self.pieces, target: self.targets_begun - 1, counts_before, range, slab, events, out });
        self.pieces += 1;
    }
}
