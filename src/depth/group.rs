//! Records of one name that count as one: perbase's `-m`.

use super::bases::{BaseFilter, Piece};
use super::slab::Slab;
use crate::rules::MateOverlap;
use crate::source::record::{FIRST, Record};

/// Books what `last` adds to `earlier`, records of its name that are booked already; all of them in the order of the file.
pub fn join<const L: usize>(counting: &BaseFilter, once: MateOverlap, earlier: &[Record<'_>], last: Record<'_>, slab: &mut Slab<L>) {
    let mut members: Vec<_> = earlier.iter().chain([&last]).map(|&record| Member::new(counting, record)).collect();
    let last = members.len() - 1;
    let (Some(first_piece), Some(last_piece)) = (members[last].pieces.first(), members[last].pieces.last()) else { return };
    let (mut at, end) = (first_piece.positions.start, last_piece.positions.end);
    while at < end {
        // Up to here nobody's piece begins or ends.
        let until = members.iter_mut().map(|m| m.go_to(at)).fold(end, i64::min);
        let by = depth(once, &members) - depth(once, &members[..last]);
        if by != 0 {
            slab.add(at, until, by);
        }
        at = until;
    }
}

/// The depth of records of one name where all of them stand.
fn depth(once: MateOverlap, members: &[Member]) -> i32 {
    let here = members.iter().filter_map(|m| m.counts.map(|counts| (m.rank, counts)));
    let counts = if once == MateOverlap::Best {
        // The later of two equal ones: `max_by_key` gives the last.
        here.max_by_key(|&(rank, _)| rank).is_some_and(|(_, counts)| counts)
    } else {
        here.into_iter().any(|(_, counts)| counts)
    };
    i32::from(counts)
}

/// A record, gone through from left to right.
struct Member {
    pieces: Vec<Piece>,
    next: usize,
    /// MAPQ, then READ1: which record speaks for its name.
    rank: (u8, bool),
    /// Whether it counts where it stands; `None` where it does not reach.
    counts: Option<bool>,
}

impl Member {
    fn new(counting: &BaseFilter, record: Record<'_>) -> Self {
        let rank = (record.mapq(), record.flags() & FIRST != 0);
        Self { pieces: counting.pieces(record), next: 0, rank, counts: None }
    }

    /// Goes on to a position and gives the next one at which another piece begins or this one ends.
    fn go_to(&mut self, at: i64) -> i64 {
        while self.pieces.get(self.next).is_some_and(|p| p.positions.end <= at) {
            self.next += 1;
        }
        let Some(piece) = self.pieces.get(self.next) else {
            self.counts = None;
            return i64::MAX;
        };
        let reached = piece.positions.start <= at;
        self.counts = reached.then_some(piece.counts);
        if reached { piece.positions.end } else { piece.positions.start }
    }
}
