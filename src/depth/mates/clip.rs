//! `samtools depth -s`: the later record counts only behind the earlier one's end. `docs/semantics.md`, section 5.2.

use super::{MateRule, Outcome, State};
use crate::source::record::{MATE_UNMAPPED, PAIRED, Record};

/// The rule of `samtools depth -s`.
pub struct Clip;

/// A paired record with a mapped mate.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    end: i64,
    waits: bool,
}

impl MateRule for Clip {
    type Arrival = Arrival;

    fn arrival(record: Record<'_>, end: i64, _: i64) -> Option<Arrival> {
        let flags = record.flags();
        if flags & PAIRED == 0 || flags & MATE_UNMAPPED != 0 {
            return None;
        }
        let (start, mate) = (i64::from(record.pos()), i64::from(record.mate_pos()));
        let end = end.max(start + 1);
        let waits = mate == -1 || (record.mate_contig_id() == record.contig_id() && mate <= end);
        Some(Arrival { end, waits })
    }

    fn looks(_: Arrival) -> bool {
        true
    }

    #[inline]
    fn arrive<'r>(state: &mut State, arrival: Arrival, _: u32, _: impl Fn(u32) -> Record<'r>) -> Outcome {
        if let Some(end) = state.take_end() {
            return Outcome::CountsFrom(end);
        }
        if arrival.waits {
            state.remember(arrival.end);
        }
        Outcome::Alone
    }

    fn is_open(state: &mut State, _: i64) -> bool {
        state.has_ends()
    }
}
