//! megadepth: mates are matched by name and position, and one is subtracted where they overlap. `docs/semantics.md`, section 5.4.

use super::{MateRule, Outcome, State};
use crate::source::record::{PROPER_PAIR, Record};

/// The rule of `megadepth --coverage`.
pub struct Megadepth;

/// A proper pair's record that reaches its mate's position.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    start: i64,
    mate: i64,
}

impl Arrival {
    /// The later start of the two mates, by which they are matched.
    fn later_start(self) -> i64 {
        self.start.max(self.mate)
    }
}

impl MateRule for Megadepth {
    type Arrival = Arrival;

    fn arrival(record: Record<'_>, end: i64, _: i64) -> Option<Arrival> {
        let (start, mate) = (i64::from(record.pos()), i64::from(record.mate_pos()));
        let proper = record.flags() & PROPER_PAIR != 0 && record.mate_contig_id() == record.contig_id();
        (proper && end.max(start + 1) > mate).then_some(Arrival { start, mate })
    }

    fn looks(arrival: Arrival) -> bool {
        arrival.start >= arrival.mate
    }

    fn arrive<'r>(state: &mut State, arrival: Arrival, me: u32, _: impl Fn(u32) -> Record<'r>) -> Outcome {
        state.end_waits(arrival.start - 1);
        let at = arrival.later_start();
        let same = state.waiting().find(|waiting| i64::from(waiting.mate) == at);
        if Self::looks(arrival)
            && let Some(earlier) = same
        {
            state.take(earlier.handle);
            return Outcome::Meets(earlier.handle);
        }
        if arrival.start <= arrival.mate && same.is_none() {
            state.wait(at, at, me);
        }
        Outcome::Alone
    }

    fn is_open(state: &mut State, start: i64) -> bool {
        state.end_waits(start - 1);
        state.waits()
    }
}
