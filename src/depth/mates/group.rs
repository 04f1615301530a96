//! perbase's `-m`: all records of a name count as one. `docs/semantics.md`, section 5.6.

use super::{Booking, MateRule, Outcome, State};
use crate::depth::bases::{BaseFilter, Piece};
use crate::depth::slab::Slab;
use crate::source::record::{FIRST, PAIRED, Record, UNMAPPED};

/// The rule of `perbase only-depth -m`: a name counts where any of its records does.
pub struct Union;

/// The rule of `perbase base-depth -m`: at each position the best record of a name decides.
pub struct Best;

/// The start of a record, and the end that its name is remembered for.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    start: i64,
    end: i64,
}

impl Arrival {
    fn of(record: Record<'_>, end: i64) -> Self {
        let start = i64::from(record.pos());
        Self { start, end: end.max(start + 1) }
    }

    /// Joins the records of its name that reach over its start.
    fn arrive(self, state: &mut State, me: u32) -> Outcome {
        state.end_waits(self.start);
        let earlier: Vec<_> = state.waiting().map(|waiting| waiting.handle).collect();
        state.wait(self.end, self.start, me);
        if earlier.is_empty() { Outcome::Alone } else { Outcome::Joins(earlier) }
    }
}

fn is_open(state: &mut State, start: i64) -> bool {
    state.end_waits(start);
    state.waits()
}

impl MateRule for Union {
    type Arrival = Arrival;

    fn arrival(record: Record<'_>, end: i64, _: i64) -> Option<Arrival> {
        let flags = record.flags();
        let arrival = Arrival::of(record, end);
        let len = if flags & UNMAPPED == 0 { arrival.end - arrival.start } else { 1 };
        // perbase's guess whether the mate may be in reach.
        let distance = i64::from(record.mate_pos()) - arrival.start;
        let near = i64::from(record.template_len()).abs() / 2 < len || distance.abs() < len;
        (flags & PAIRED != 0 && record.mate_contig_id() == record.contig_id() && near).then_some(arrival)
    }

    fn looks(_: Arrival) -> bool {
        true
    }

    fn arrive<'r>(state: &mut State, arrival: Arrival, me: u32, _: impl Fn(u32) -> Record<'r>) -> Outcome {
        arrival.arrive(state, me)
    }

    fn is_open(state: &mut State, start: i64) -> bool {
        is_open(state, start)
    }

    fn join<const L: usize>(booking: &mut Booking<'_>, earlier: &[Record<'_>], last: Record<'_>, is_booked: bool, slab: &mut Slab<L>) {
        let any = |here: &[(Rank, bool)]| here.iter().any(|&(_, counts)| counts);
        join(booking, earlier, last, is_booked, any, slab);
    }
}

impl MateRule for Best {
    type Arrival = Arrival;

    fn arrival(record: Record<'_>, end: i64, _: i64) -> Option<Arrival> {
        Some(Arrival::of(record, end))
    }

    fn looks(_: Arrival) -> bool {
        true
    }

    fn arrive<'r>(state: &mut State, arrival: Arrival, me: u32, _: impl Fn(u32) -> Record<'r>) -> Outcome {
        arrival.arrive(state, me)
    }

    fn is_open(state: &mut State, start: i64) -> bool {
        is_open(state, start)
    }

    fn join<const L: usize>(booking: &mut Booking<'_>, earlier: &[Record<'_>], last: Record<'_>, is_booked: bool, slab: &mut Slab<L>) {
        // The later one of two equal ones: `max_by_key` gives the last.
        let best = |here: &[(Rank, bool)]| here.iter().max_by_key(|(rank, _)| rank).is_some_and(|&(_, counts)| counts);
        join(booking, earlier, last, is_booked, best, slab);
    }
}

/// MAPQ, then READ1: which record speaks for its name.
type Rank = (u8, bool);

/// Books what `last` adds to `earlier`, records of its name that are booked already; all of them in the order of the file. `counts` says
/// whether the name counts where these of its records stand.
fn join<const L: usize>(
    booking: &Booking<'_>,
    earlier: &[Record<'_>],
    last: Record<'_>,
    is_booked: bool,
    counts: impl Fn(&[(Rank, bool)]) -> bool,
    slab: &mut Slab<L>,
) {
    if is_booked {
        booking.count(last, last.extent(), -1, slab);
    }
    let mut members: Vec<_> = earlier.iter().chain([&last]).map(|&record| Member::new(&booking.filter, record)).collect();
    let depth = |members: &[Member]| {
        let here: Vec<_> = members.iter().filter_map(|member| member.counts.map(|counts| (member.rank, counts))).collect();
        i32::from(counts(&here))
    };
    let last = members.len() - 1;
    let (Some(first_piece), Some(last_piece)) = (members[last].pieces.first(), members[last].pieces.last()) else { return };
    let (mut at, end) = (first_piece.positions.start, last_piece.positions.end);
    while at < end {
        // Up to here no record's piece begins or ends.
        let until = members.iter_mut().map(|m| m.go_to(at)).fold(end, i64::min);
        let by = depth(&members) - depth(&members[..last]);
        if by != 0 {
            slab.add(at, until, by);
        }
        at = until;
    }
}

/// A record, read from left to right.
struct Member {
    pieces: Vec<Piece>,
    next: usize,
    rank: Rank,
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
