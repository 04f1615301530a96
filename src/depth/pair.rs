//! Two mates that met, booked as the tool counts them.

use super::bases::BaseFilter;
use super::edit::edit_pair;
use super::group;
use super::slab::Slab;
use crate::coords::Interval;
use crate::rules::MateOverlap;
use crate::source::record::Record;

/// Books two mates that met.
pub struct Pair<'a> {
    /// How the tool counts mates once.
    pub once: MateOverlap,
    /// What counts at a position.
    pub counting: BaseFilter,
    /// Scratch for the edited qualities of both.
    pub edits: &'a mut (Vec<u8>, Vec<u8>),
}

impl Pair<'_> {
    /// `a` was booked by itself when it came, `b` too when `b_is_booked`; afterwards the two are booked as the tool counts them.
    pub fn meet<const L: usize>(&mut self, a: Record<'_>, b: Record<'_>, clock: i64, b_is_booked: bool, slab: &mut Slab<L>) {
        let extent = |r: Record<'_>| Interval::new(i64::from(r.pos()), i64::from(r.pos()) + r.cigar().reference_len());
        if self.once == MateOverlap::Edit {
            return self.meet_edited(a, extent(a), b, extent(b), clock, b_is_booked, slab);
        }
        if !b_is_booked {
            self.counting.count(b, b.qual(), extent(b), 1, slab);
        }
        if self.once == MateOverlap::Mosdepth && a.cigar().len() == 1 && b.cigar().len() == 1 {
            // mosdepth takes away everything from the later start to the earlier record's end, also what the later record, if it lies
            // inside the earlier one, does not cover.
            // Where the later record does not even touch the earlier one (a name used again), that comes out as one too many in between.
            let (from, to) = (extent(b).start, extent(a).end.max(extent(a).start + 1));
            return slab.add(from.min(to), from.max(to), if from < to { -1 } else { 1 });
        }
        self.counting.subtract_common(a, b, slab);
    }

    /// `b` joins the records of its name that came before it and reach over its start, in the order of the file. They are booked; `b` is
    /// when `b_is_booked`.
    pub fn join<const L: usize>(&self, earlier: &[Record<'_>], b: Record<'_>, b_is_booked: bool, slab: &mut Slab<L>) {
        if b_is_booked {
            let start = i64::from(b.pos());
            self.counting.count(b, b.qual(), Interval::new(start, start + b.cigar().reference_len()), -1, slab);
        }
        group::join(&self.counting, self.once, earlier, b, slab);
    }

    /// Where the engine had not yet passed, behind `clock`, `a` is booked anew with the edited qualities; columns before were printed
    /// with the old ones.
    #[expect(clippy::too_many_arguments, reason = "two records, where they lie, and where the engine stands")]
    fn meet_edited<const L: usize>(
        &mut self,
        a: Record<'_>,
        extent_a: Interval,
        b: Record<'_>,
        extent_b: Interval,
        clock: i64,
        b_is_booked: bool,
        slab: &mut Slab<L>,
    ) {
        // The overlap begins with `b`, which the engine cannot have passed.
        if self.counting.add_edited(a, b, b_is_booked, slab) {
            return;
        }
        let (qual_a, qual_b) = &mut *self.edits;
        qual_a.clear();
        qual_a.extend_from_slice(a.qual());
        qual_b.clear();
        qual_b.extend_from_slice(b.qual());
        edit_pair(a, qual_a, b, qual_b);
        let not_passed = Interval::new(clock.saturating_add(1), i64::MAX).intersect(extent_a);
        self.counting.count(a, a.qual(), not_passed, -1, slab);
        self.counting.count(a, qual_a, not_passed, 1, slab);
        if b_is_booked {
            self.counting.count(b, b.qual(), extent_b, -1, slab);
        }
        self.counting.count(b, qual_b, extent_b, 1, slab);
    }
}
