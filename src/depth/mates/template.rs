//! fastcov's `bases`: the two records of a template count once where they overlap. `docs/semantics.md`, section 5.5.

use super::{MateRule, Outcome, State};
use crate::source::record::{FIRST, LAST, MATE_UNMAPPED, PAIRED, Record, SECONDARY, SUPPLEMENTARY, Tag, TagValue};

/// The rule of `bases`.
pub struct Template;

/// A record of a template whose mate may lie on the same contig.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub(super) start: i64,
    /// Where its mate starts; none where the mate fields are lost.
    pub(super) mate: Option<i64>,
    /// It waits for its mate while the start of the record that comes is below this position.
    pub(super) until: i64,
}

impl Arrival {
    /// How `record` takes part; `until` says how long it waits where its mate's position is not known.
    pub(super) fn of(record: Record<'_>, until: i64) -> Option<Self> {
        let flags = record.flags();
        let primary = flags & (SECONDARY | SUPPLEMENTARY) == 0;
        let paired = flags & PAIRED != 0 && flags & MATE_UNMAPPED == 0;
        let one = (flags & FIRST != 0) != (flags & LAST != 0);
        let here = matches!(record.mate_contig_id(), id if id == -1 || id == record.contig_id());
        let known = record.mate_contig_id() >= 0 && record.mate_pos() >= 0;
        let mate = known.then_some(i64::from(record.mate_pos()));
        let start = i64::from(record.pos());
        (primary && paired && one && here).then_some(Self { start, mate, until: mate.map_or(until, |mate| mate + 1) })
    }

    /// Whether a record that came earlier can be its mate.
    pub(super) fn looks(self) -> bool {
        self.mate.is_none_or(|mate| mate <= self.start)
    }

    /// Finds the mate among the records that wait, or waits.
    #[inline]
    pub(super) fn arrive<'r>(self, state: &mut State, me: u32, record_of: impl Fn(u32) -> Record<'r>) -> Outcome {
        state.end_waits(self.start);
        if self.looks()
            && state.waits()
            && let Some(earlier) = self.find(state, record_of(me), record_of)
        {
            state.take(earlier);
            return Outcome::Meets(earlier);
        }
        if self.until > self.start {
            state.wait(self.until, self.mate.unwrap_or(UNKNOWN), me);
        }
        Outcome::Alone
    }

    /// The first of the records that wait which is its mate; one whose mate fields name this position comes before one that has lost them.
    fn find<'r>(self, state: &State, record: Record<'r>, record_of: impl Fn(u32) -> Record<'r>) -> Option<u32> {
        let first = |mate: i64| {
            let mut there = state.waiting().filter(|waiting| i64::from(waiting.mate) == mate).map(|waiting| waiting.handle);
            there.find(|&handle| are_mates(record_of(handle), record))
        };
        first(self.start).or_else(|| first(UNKNOWN))
    }
}

/// Where the mate of a record starts whose mate fields are lost.
const UNKNOWN: i64 = -1;

impl MateRule for Template {
    type Arrival = Arrival;

    const TAG: Option<Tag> = Some(Tag::READ_GROUP);

    #[inline]
    fn arrival(record: Record<'_>, end: i64, _: i64) -> Option<Arrival> {
        // A mate that starts at or behind the record's end does not overlap it.
        Arrival::of(record, end)
            .filter(|arrival| arrival.looks() || arrival.mate.is_some_and(|mate| mate < end))
            .map(|arrival| Arrival { until: arrival.until.min(end), ..arrival })
    }

    fn looks(arrival: Arrival) -> bool {
        arrival.looks()
    }

    #[inline]
    fn arrive<'r>(state: &mut State, arrival: Arrival, me: u32, record_of: impl Fn(u32) -> Record<'r>) -> Outcome {
        arrival.arrive(state, me, record_of)
    }

    fn is_open(state: &mut State, start: i64) -> bool {
        state.end_waits(start);
        state.waits()
    }
}

/// Whether two records of one name and contig are READ1 and READ2 of one template: of one read group, and each says, where its mate fields
/// are not lost, that the other one is its mate.
fn are_mates(a: Record<'_>, b: Record<'_>) -> bool {
    let different_reads = (a.flags() ^ b.flags()) & (FIRST | LAST) == FIRST | LAST;
    different_reads && names_as_mate(a, b) && names_as_mate(b, a) && read_group(a) == read_group(b)
}

/// Whether the mate fields of `a` name `b`, or are lost.
fn names_as_mate(a: Record<'_>, b: Record<'_>) -> bool {
    a.mate_contig_id() == -1 || a.mate_pos() < 0 || (a.mate_contig_id() == b.contig_id() && a.mate_pos() == b.pos())
}

/// The read group of a record. Tags that cannot be read name none.
fn read_group(record: Record<'_>) -> Option<&[u8]> {
    match record.tag(Tag::READ_GROUP) {
        Ok(Some(TagValue::Text(group))) => Some(group),
        _ => None,
    }
}
