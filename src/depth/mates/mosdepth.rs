//! mosdepth: one of two mates is subtracted where they overlap. `docs/semantics.md`, section 5.3.

use super::{Booking, MateRule, Met, Outcome, State};
use crate::depth::slab::Slab;
use crate::source::record::{PROPER_PAIR, Record, SUPPLEMENTARY};

/// The rule of mosdepth without `--fast-mode`.
pub struct Mosdepth;

/// A proper pair's record.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    looks: bool,
    waits: bool,
}

impl MateRule for Mosdepth {
    type Arrival = Arrival;

    fn arrival(record: Record<'_>, end: i64, _: i64) -> Option<Arrival> {
        let flags = record.flags();
        if flags & PROPER_PAIR == 0 || flags & SUPPLEMENTARY != 0 {
            return None;
        }
        let (start, mate) = (i64::from(record.pos()), i64::from(record.mate_pos()));
        let reaches = record.mate_contig_id() == record.contig_id() && end.max(start + 1) > mate;
        // A record that starts before its mate waits without looking; of two that start together the first waits and the second looks.
        Some(Arrival { looks: !(reaches && start < mate), waits: reaches && start <= mate })
    }

    fn looks(arrival: Arrival) -> bool {
        arrival.looks
    }

    #[inline]
    fn arrive<'r>(state: &mut State, arrival: Arrival, me: u32, _: impl Fn(u32) -> Record<'r>) -> Outcome {
        if arrival.looks
            && let Some(earlier) = state.take_first()
        {
            return Outcome::Meets(earlier);
        }
        if arrival.waits {
            state.wait_alone(me);
        }
        Outcome::Alone
    }

    fn is_open(state: &mut State, _: i64) -> bool {
        state.waits()
    }

    fn meet<const L: usize>(booking: &mut Booking<'_>, pair: Met<'_>, slab: &mut Slab<L>) {
        let Met { a, b, b_is_booked, .. } = pair;
        if !b_is_booked {
            booking.count(b, b.extent(), 1, slab);
        }
        if a.cigar().len() != 1 || b.cigar().len() != 1 {
            return booking.filter.subtract_common(a, b, slab);
        }
        // mosdepth subtracts from the later start to the earlier record's end, also where the later record, inside the earlier one, covers
        // nothing. If the later record does not even touch the earlier one (a reused name), the same arithmetic adds 1 in between.
        let (from, to) = (b.extent().start, a.extent().end.max(a.extent().start + 1));
        slab.add(from.min(to), from.max(to), if from < to { -1 } else { 1 });
    }
}
