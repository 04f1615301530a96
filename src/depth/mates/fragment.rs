//! `unit="fragment"`: a proper pair counts once from the leftmost to the rightmost aligned base of both reads. `docs/semantics.md`,
//! section 14.2.
//!
//! The first record of a pair is booked as the fragment its own fields lead to expect. When its mate comes, the difference to the fragment
//! of both records is booked. That difference lies at or behind the start of the mate, unless the fields of the first record were wrong.

use super::template::Arrival;
use super::{Booking, MateRule, Met, Outcome, State, Template};
use crate::coords::Interval;
use crate::depth::slab::Slab;
use crate::source::record::{OpKind, PROPER_PAIR, Record, Tag};

/// The rule of fragments.
pub struct Fragment;

impl MateRule for Fragment {
    type Arrival = Arrival;

    const TAG: Option<Tag> = Template::TAG;

    fn arrival(record: Record<'_>, end: i64, _: i64) -> Option<Arrival> {
        let expected = expected(record, Interval::new(i64::from(record.pos()), end))?;
        Arrival::of(record, expected.end)
    }

    fn looks(arrival: Arrival) -> bool {
        arrival.looks()
    }

    fn arrive<'r>(state: &mut State, arrival: Arrival, me: u32, record_of: impl Fn(u32) -> Record<'r>) -> Outcome {
        arrival.arrive(state, me, record_of)
    }

    fn is_open(state: &mut State, start: i64) -> bool {
        Template::is_open(state, start)
    }

    fn alone<const L: usize>(booking: &mut Booking<'_>, record: Record<'_>, extent: Interval, slab: &mut Slab<L>) {
        let Some(expected) = expected(record, extent) else { return booking.count(record, extent, 1, slab) };
        if booking.select.has_fragment(expected.len()) {
            for positions in without(expected, &introns(record, booking.skips)) {
                slab.add(positions.start, positions.end, 1);
            }
        } else {
            booking.left_out += is_tallied(expected, slab);
        }
    }

    fn meet<const L: usize>(booking: &mut Booking<'_>, Met { a, b, b_is_booked, .. }: Met<'_>, slab: &mut Slab<L>) {
        let mut changes = Changes::default();
        let (extent_a, extent_b) = (a.extent(), b.extent());
        let whole = Interval::new(extent_a.start.min(extent_b.start), extent_a.end.max(extent_b.end));
        let counts = booking.select.has_fragment(whole.len());
        for (record, extent, is_booked) in [(a, extent_a, true), (b, extent_b, b_is_booked)] {
            let Some(expected) = expected(record, extent) else { continue };
            let counted = booking.select.has_fragment(expected.len());
            let tallied = is_tallied(expected, slab);
            booking.left_out += tallied * (i64::from(!counts) - i64::from(is_booked && !counted));
            if is_booked && counted {
                changes.add(without(expected, &introns(record, booking.skips)), -1);
            }
        }
        if counts {
            changes.add(without(whole, &introns_of_pair(a, b, booking.skips)), 1);
        }
        changes.book(slab);
    }
}

/// The positions that a record alone leads to expect of its fragment, those of the record being `extent`; `None` where it counts as a read.
///
/// The mate covers the position that the mate fields name, and TLEN may reach further.
pub fn expected(record: Record<'_>, extent: Interval) -> Option<Interval> {
    let arrival = Arrival::of(record, 0).filter(|_| record.flags() & PROPER_PAIR != 0 && !extent.is_empty())?;
    let Interval { start, end } = extent;
    let template = i64::from(record.template_len());
    let is_left = arrival.mate.map_or(template >= 0, |mate| mate >= start);
    Some(if is_left {
        Interval::new(start, end.max(start + template.abs()).max(arrival.mate.map_or(end, |mate| mate + 1)))
    } else {
        Interval::new(start.min(end - template.abs()).min(arrival.mate.unwrap_or(start)).max(0), end)
    })
}

/// 1 where a record whose fragment is expected at these positions is one of those that overlap the target, 0 where it is not.
fn is_tallied<const L: usize>(expected: Interval, slab: &Slab<L>) -> i64 {
    i64::from(expected.end > slab.asked().start)
}

/// The introns of a record, from left to right; none where introns count.
fn introns(record: Record<'_>, skips: bool) -> Vec<Interval> {
    if skips { Vec::new() } else { spliced(record).1 }
}

/// The introns of two mates that the other one does not cover, from left to right.
fn introns_of_pair(a: Record<'_>, b: Record<'_>, skips: bool) -> Vec<Interval> {
    if skips {
        return Vec::new();
    }
    let ((exons_a, introns_a), (exons_b, introns_b)) = (spliced(a), spliced(b));
    let open = |introns: &[Interval], exons: &[Interval]| introns.iter().flat_map(|&intron| without(intron, exons)).collect::<Vec<_>>();
    let mut all = open(&introns_a, &exons_b);
    all.extend(open(&introns_b, &exons_a));
    all.sort_unstable_by_key(|intron| intron.start);
    all
}

/// The positions of a record between its introns, and its introns.
fn spliced(record: Record<'_>) -> (Vec<Interval>, Vec<Interval>) {
    let (mut exons, mut introns): (Vec<Interval>, Vec<Interval>) = Default::default();
    let mut at = i64::from(record.pos());
    for op in record.cigar().iter().filter(|op| op.kind.consumes_reference() && op.len > 0) {
        let here = Interval::new(at, at + i64::from(op.len));
        if op.kind == OpKind::Skip {
            introns.push(here);
        } else {
            exons.push(here);
        }
        at = here.end;
    }
    (exons, introns)
}

/// The positions of `whole` outside `gaps`, which come sorted by their starts.
fn without(whole: Interval, gaps: &[Interval]) -> Vec<Interval> {
    let mut rest = Vec::with_capacity(gaps.len() + 1);
    let mut at = whole.start;
    for gap in gaps {
        if gap.start.min(whole.end) > at {
            rest.push(Interval::new(at, gap.start.min(whole.end)));
        }
        at = at.max(gap.end);
    }
    if at < whole.end {
        rest.push(Interval::new(at, whole.end));
    }
    rest
}

/// Changes of depth, of which those that cancel are never booked: they might lie in front of what can still be changed.
#[derive(Default)]
struct Changes(Vec<(i64, i32)>);

impl Changes {
    fn add(&mut self, positions: Vec<Interval>, by: i32) {
        self.0.extend(positions.into_iter().flat_map(|Interval { start, end }| [(start, by), (end, -by)]));
    }

    fn book<const L: usize>(mut self, slab: &mut Slab<L>) {
        self.0.sort_unstable();
        let mut depth = 0;
        for (i, &(at, by)) in self.0.iter().enumerate() {
            depth += by;
            if let Some(&(next, _)) = self.0.get(i + 1)
                && depth != 0
            {
                slab.add(at, next, depth);
            }
        }
    }
}
