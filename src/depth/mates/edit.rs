//! htslib's pileup engine since 1.20: the base qualities of two mates are edited so that the pair counts once.
//! `docs/semantics.md`, section 5.1.

mod qualities;

pub use qualities::{MAX_SUM, fraction, sum};

use super::{Booking, MateRule, Met, Outcome, State};
use crate::coords::Interval;
use crate::depth::slab::Slab;
use crate::source::record::{MATE_UNMAPPED, PAIRED, PROPER_PAIR, Record};
use qualities::edit_pair;

/// The rule of `samtools mpileup`.
pub struct Edit;

/// A record in the pileup buffer.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Records that end at or before this position have left the buffer.
    clock: i64,
    end: i64,
    /// It looks for an earlier record of its name.
    looks: bool,
    /// It waits for a later one when it finds none.
    waits: bool,
}

impl MateRule for Edit {
    type Arrival = Arrival;

    const BUFFERED: bool = true;

    fn arrival(record: Record<'_>, end: i64, clock: i64) -> Option<Arrival> {
        let flags = record.flags();
        if flags & PROPER_PAIR == 0 {
            return None;
        }
        let (start, mate) = (i64::from(record.pos()), i64::from(record.mate_pos()));
        let elsewhere = record.mate_contig_id() >= 0 && record.mate_contig_id() != record.contig_id();
        // htslib's `overlap_push` in sam.c: two reads of this length that are so long apart cannot overlap, unless a deletion or an intron
        // makes the first one reach its mate.
        let apart = i64::from(record.template_len()).abs() >= 2 * record.seq_len() as i64 && mate >= end;
        let looks = flags & MATE_UNMAPPED == 0 && !elsewhere && !apart;
        let waits = looks && (mate >= start || (flags & PAIRED != 0 && mate == -1));
        Some(Arrival { clock, end, looks, waits })
    }

    fn looks(arrival: Arrival) -> bool {
        arrival.looks
    }

    #[inline]
    fn arrive<'r>(state: &mut State, arrival: Arrival, me: u32, _: impl Fn(u32) -> Record<'r>) -> Outcome {
        leave(state, arrival.clock);
        state.remember(arrival.end);
        if arrival.looks {
            if let Some(earlier) = state.take_first() {
                return Outcome::Meets(earlier);
            }
            if arrival.waits {
                state.wait_alone(me);
            }
        }
        Outcome::Alone
    }

    fn is_open(state: &mut State, start: i64) -> bool {
        leave(state, start - 1);
        state.has_ends()
    }

    /// Where the engine had not yet passed, `a` is booked again with the edited qualities. Columns before were printed with the old ones.
    fn meet<const L: usize>(booking: &mut Booking<'_>, pair: Met<'_>, slab: &mut Slab<L>) {
        let Met { a, b, clock, b_is_booked } = pair;
        // The overlap begins with `b`, which the engine cannot have passed.
        if booking.filter.add_edited(a, b, b_is_booked, slab) {
            return;
        }
        let (filter, (qual_a, qual_b)) = (booking.filter, &mut booking.qualities);
        qual_a.clear();
        qual_a.extend_from_slice(a.qual());
        qual_b.clear();
        qual_b.extend_from_slice(b.qual());
        edit_pair(a, qual_a, b, qual_b);
        let not_passed = Interval::new(clock.saturating_add(1), i64::MAX).intersect(a.extent());
        filter.count(a, a.qual(), not_passed, -1, slab);
        filter.count(a, qual_a, not_passed, 1, slab);
        if b_is_booked {
            filter.count(b, b.qual(), b.extent(), -1, slab);
        }
        filter.count(b, qual_b, b.extent(), 1, slab);
    }
}

/// Lets the records leave the buffer that end at or before `clock`. The first of them to go takes the name off the engine's table,
/// whichever record had put it there.
#[inline]
fn leave(state: &mut State, clock: i64) {
    if state.forget_ends(clock) {
        state.stop_waiting();
    }
}
