//! What a record shows at the positions it counts at: a letter, a deletion, a skip, an insertion behind; by strand.
//!
//! Where a record counts is decided as for depth; here each such position goes to a lane. See `docs/design/003-base-counts.md`.

use super::BaseFilter;
use super::steps::{Step, Steps};
use crate::coords::Interval;
use crate::depth::slab::Slab;
use crate::source::record::{OpKind, REVERSE, Record};

/// What is counted by itself, on either strand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "letters")]
pub enum Lane {
    A,
    C,
    G,
    T,
    /// Every other letter.
    N,
    /// `=`: the letter of the reference, whichever it is.
    Equal,
    /// A base behind which others are inserted; it is counted as a letter, too.
    Insertion,
    /// D.
    Deletion,
    /// N in a CIGAR.
    Skip,
}

/// Lanes of a position: each of [`Lane`], forward and reverse.
pub const LANES: usize = 18;

impl Lane {
    /// All of them, in their order.
    pub const ALL: [Self; LANES / 2] =
        [Self::A, Self::C, Self::G, Self::T, Self::N, Self::Equal, Self::Insertion, Self::Deletion, Self::Skip];

    /// Index of its lane on the forward strand; that on the reverse strand is the next one.
    pub const fn index(self) -> usize {
        2 * self as usize
    }

    /// The lane of a letter's 4-bit code.
    const fn of_code(code: u8) -> Self {
        match code {
            0 => Self::Equal,
            1 => Self::A,
            2 => Self::C,
            4 => Self::G,
            8 => Self::T,
            _ => Self::N,
        }
    }
}

/// A record, and what is needed to book a position of it.
#[derive(Clone, Copy)]
struct Shown<'a> {
    record: Record<'a>,
    qual: &'a [u8],
    /// 1 on the reverse strand.
    strand: usize,
}

impl<'a> Shown<'a> {
    fn new(record: Record<'a>, qual: &'a [u8]) -> Self {
        Self { record, qual, strand: usize::from(record.flags() & REVERSE != 0) }
    }

    /// Lane and quality of base number `y`; a base that is not there (SEQ `*`) is an N of quality 0.
    #[inline]
    fn base(&self, y: usize) -> (Lane, u8) {
        let lane = if y < self.record.seq_len() { Lane::of_code(self.record.base(y)) } else { Lane::N };
        (lane, self.qual.get(y).copied().unwrap_or(0))
    }

    #[inline]
    fn add<const L: usize>(&self, positions: Interval, lane: Lane, weight: i32, slab: &mut Slab<L>) {
        slab.add_lane(positions.start, positions.end, lane.index() + self.strand, weight);
    }

    /// Books the base at `x`, and what is inserted behind it.
    #[inline]
    fn add_base<const L: usize>(&self, step: &Step, x: i64, lane: Lane, weight: i32, slab: &mut Slab<L>) {
        let here = Interval::new(x, x + 1);
        self.add(here, lane, weight, slab);
        if x == step.last() && step.has_insertion(self.record.cigar()) {
            self.add(here, Lane::Insertion, weight, slab);
        }
    }
}

impl BaseFilter {
    /// Whether a base counts.
    #[inline]
    fn base_passes(&self, (lane, quality): (Lane, u8)) -> bool {
        quality >= self.min_baseq && !(self.traits.only_acgt && matches!(lane, Lane::N | Lane::Equal))
    }

    /// Adds `weight` to the lane of what `record` shows at each position of `within`. D and N have lanes of their own, so they are booked
    /// whether or not the rule adds them to depth.
    #[inline(never)]
    pub(super) fn count_lanes<const L: usize>(&self, record: Record<'_>, qual: &[u8], within: Interval, weight: i32, slab: &mut Slab<L>) {
        if self.is_without_qualities(qual) {
            return;
        }
        let shown = Shown::new(record, qual);
        for step in Steps::of(record, self.traits.pileup) {
            // A CIGAR may claim any length; no step is taken where nothing is booked.
            let here = step.seen.intersect(within).intersect(slab.asked());
            if here.is_empty() {
                continue;
            }
            if let Some(gap) = gap(step.op.kind) {
                if self.gap_passes(qual, step.read) {
                    shown.add(here, gap, weight, slab);
                }
                continue;
            }
            for x in here.start..here.end {
                let base = shown.base(step.base_at(x));
                if self.base_passes(base) {
                    shown.add_base(&step, x, base.0, weight, slab);
                }
            }
        }
    }

    /// Takes away one of two records wherever both count with the same kind of operation: of two bases the one of lower quality, of equal
    /// ones that of `b`, as of two gaps.
    pub(super) fn subtract_lanes<const L: usize>(&self, a: Record<'_>, b: Record<'_>, slab: &mut Slab<L>) {
        let (shown_a, shown_b) = (Shown::new(a, a.qual()), Shown::new(b, b.qual()));
        let (mut left, mut right) = (Steps::of(a, self.traits.pileup), Steps::of(b, self.traits.pileup));
        let (mut i, mut j) = (left.next(), right.next());
        while let (Some(p), Some(q)) = (&i, &j) {
            let both = p.seen.intersect(q.seen).intersect(slab.asked());
            match (gap(p.op.kind), gap(q.op.kind)) {
                _ if both.is_empty() => {}
                (None, None) => {
                    for x in both.start..both.end {
                        let (base_a, base_b) = (shown_a.base(p.base_at(x)), shown_b.base(q.base_at(x)));
                        if !self.base_passes(base_a) || !self.base_passes(base_b) {
                            continue;
                        }
                        if base_b.1 > base_a.1 {
                            shown_a.add_base(p, x, base_a.0, -1, slab);
                        } else {
                            shown_b.add_base(q, x, base_b.0, -1, slab);
                        }
                    }
                }
                (one, Some(other)) if one == Some(other) && self.gap_passes(a.qual(), p.read) && self.gap_passes(b.qual(), q.read) => {
                    shown_b.add(both, other, -1, slab);
                }
                _ => {}
            }
            if p.seen.end <= q.seen.end { i = left.next() } else { j = right.next() }
        }
    }
}

/// The lane of an operation without a base.
const fn gap(kind: OpKind) -> Option<Lane> {
    match kind {
        OpKind::Deletion => Some(Lane::Deletion),
        OpKind::Skip => Some(Lane::Skip),
        _ => None,
    }
}
