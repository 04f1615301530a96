//! Which positions of one record count: `docs/semantics.md`, section 4.

mod letters;
mod steps;

pub use letters::{LANES, Lane};

use super::masks::{WIDTH, at_least, bits, different, ones};
use super::mates::{MAX_SUM, fraction, sum};
use super::slab::Slab;
use crate::coords::Interval;
use crate::rules::{CountUnit, Rules, Traits};
use crate::source::record::{Op, OpKind, REVERSE, Record, UNMAPPED};
use steps::Steps;

/// The part of a rule that is asked at each position.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub struct BaseFilter {
    min_baseq: u8,
    deletions: bool,
    skips: bool,
    /// Records count from their first to their last position.
    spans: bool,
    /// Unmapped records, which take one position whatever their CIGAR says, come as well.
    unmapped_spans: bool,
    /// What the tool does that no option changes.
    traits: Traits,
    what: CountUnit,
}

impl BaseFilter {
    /// What `rules` ask at a position.
    pub fn new(rules: &Rules) -> Self {
        let spans = rules.spans();
        Self {
            min_baseq: rules.min_baseq,
            deletions: rules.deletions,
            skips: rules.skips,
            spans,
            unmapped_spans: spans && rules.excluded() & UNMAPPED == 0,
            traits: rules.preset.traits(),
            what: rules.select.what,
        }
    }

    /// Whether a record of a single match counts wherever it lies.
    pub const fn counts_single(&self) -> bool {
        !self.needs_qualities() && !self.unmapped_spans
    }

    /// Whether anything but the CIGAR is looked at; if not, any slice will do for qualities.
    pub const fn needs_qualities(&self) -> bool {
        self.min_baseq > 0 || self.traits.only_acgt
    }

    /// Adds `weight` at every position of `within` that `record` counts at, its base qualities being `qual`; with lanes, to the lane of
    /// what it shows there. `within` must not reach past the record's last position.
    ///
    /// A D or N has no base of its own and is asked for the quality of the next read base, whichever operation that belongs to.
    #[inline]
    pub fn count<const L: usize>(&self, record: Record<'_>, qual: &[u8], within: Interval, weight: i32, slab: &mut Slab<L>) {
        if L > 1 {
            return self.count_lanes(record, qual, within, weight, slab);
        }
        if matches!(self.what, CountUnit::FivePrime | CountUnit::ThreePrime) {
            return self.count_end(record, within, weight, slab);
        }
        if self.spans {
            let end = if self.unmapped_spans { within.end.min(Self::span(record).end) } else { within.end };
            return slab.add(within.start, end.max(within.start + 1), weight);
        }
        if self.traits.only_acgt {
            return self.count_letters(record, qual, within, weight, slab);
        }
        if self.min_baseq == 0 && !self.traits.pileup {
            return self.count_operations(record, within, weight, slab);
        }
        slab.begin_record();
        // Touching operations are booked as one segment: two changes instead of two each.
        let mut open: Option<Interval> = None;
        for step in Steps::of(record, self.traits.pileup) {
            let here = step.seen.intersect(within);
            if self.counts(step.op.kind, qual, step.read) && !here.is_empty() {
                let by_quality = step.op.is_aligned() && self.min_baseq > 0;
                if by_quality {
                    let bases = bases_of(qual, step.base_at(here.start), here.len() as usize);
                    if slab.add_passing(here.start, bases, self.min_baseq, weight) {
                        continue;
                    }
                }
                open = match open {
                    Some(before) if before.end == here.start => Some(Interval::new(before.start, here.end)),
                    Some(before) => {
                        slab.add(before.start, before.end, weight);
                        Some(here)
                    }
                    None => Some(here),
                };
                if by_quality {
                    self.subtract_low(qual, step.base_at(here.start), here, weight, slab);
                }
            }
        }
        if let Some(open) = open {
            slab.add(open.start, open.end, weight);
        }
    }

    /// One end of the record, of which `within` are all positions.
    fn count_end<const L: usize>(&self, record: Record<'_>, within: Interval, weight: i32, slab: &mut Slab<L>) {
        let first = (record.flags() & REVERSE == 0) == (self.what == CountUnit::FivePrime);
        if first {
            slab.add(within.start, within.end.min(within.start + 1), weight);
        } else {
            slab.add(within.start.max(within.end - 1), within.end, weight);
        }
    }

    /// Where only the operations decide: depth changes where one that counts meets one that does not.
    #[inline]
    fn count_operations<const L: usize>(&self, record: Record<'_>, within: Interval, weight: i32, slab: &mut Slab<L>) {
        let mut x = i64::from(record.pos());
        let mut counted_from = None;
        for op in record.cigar().iter().filter(|op| op.kind.consumes_reference()) {
            let counts = op.is_aligned() || (op.kind == OpKind::Deletion && self.deletions) || (op.kind == OpKind::Skip && self.skips);
            match counted_from {
                None if counts => counted_from = Some(x),
                Some(from) if !counts => {
                    slab.add(within.start.max(from), within.end.min(x), weight);
                    counted_from = None;
                }
                _ => {}
            }
            x += i64::from(op.len);
        }
        if let Some(from) = counted_from {
            slab.add(within.start.max(from), within.end.min(x), weight);
        }
    }

    /// Whether an operation counts, an aligned one before its own qualities are looked at.
    #[inline]
    fn counts(&self, kind: OpKind, qual: &[u8], y: usize) -> bool {
        let asked = match kind {
            OpKind::Deletion => self.deletions,
            OpKind::Skip => self.skips,
            _ => return true,
        };
        asked && self.gap_passes(qual, y)
    }

    /// Whether the quality that stands for a D or N, that of base number `y`, is good enough.
    #[inline]
    fn gap_passes(&self, qual: &[u8], y: usize) -> bool {
        match qual.get(y) {
            Some(&q) => q >= self.min_baseq,
            None => self.traits.trailing_deletion || self.min_baseq == 0,
        }
    }

    /// Whether nothing of a record counts because its qualities are missing.
    #[inline]
    fn is_without_qualities(&self, qual: &[u8]) -> bool {
        self.traits.only_acgt && self.min_baseq > 0 && qual.first() == Some(&255)
    }

    /// One base after the other, where the letter matters too.
    #[inline(never)]
    fn count_letters<const L: usize>(&self, record: Record<'_>, qual: &[u8], within: Interval, weight: i32, slab: &mut Slab<L>) {
        if self.is_without_qualities(qual) {
            return;
        }
        for block in Blocks::of(record) {
            // A record without SEQ may have a CIGAR of any length: no step is taken where there is no letter.
            let letters = (record.seq_len() as i64 - block.read as i64).max(0);
            let there = Interval::new(block.positions.start, block.positions.end.min(block.positions.start + letters));
            let here = there.intersect(within);
            let mut run = here.start;
            for x in here.start..here.end {
                let y = block.read + (x - block.positions.start) as usize;
                let counts = matches!(record.base(y), 1 | 2 | 4 | 8) && qual[y] >= self.min_baseq;
                if !counts {
                    slab.add(run, x, weight);
                    run = x + 1;
                }
            }
            slab.add(run, here.end, weight);
        }
    }

    /// From the first to the last position of `record`, one at least, and no more for an unmapped one.
    fn span(record: Record<'_>) -> Interval {
        let start = i64::from(record.pos());
        let len = if record.flags() & UNMAPPED == 0 { record.cigar().reference_len() } else { 1 };
        Interval::new(start, start + len.max(1))
    }

    /// What `record` covers, piece by piece, and whether a piece counts, qualities aside.
    pub fn pieces(&self, record: Record<'_>) -> Vec<Piece> {
        let start = i64::from(record.pos());
        let whole = Interval::new(start, start + record.cigar().reference_len());
        if self.spans {
            return vec![Piece { positions: Self::span(record), counts: true }];
        }
        let pieces = Steps::of(record, self.traits.pileup)
            .map(|step| Piece { positions: step.seen.intersect(whole), counts: self.counts(step.op.kind, &[], 0) });
        pieces.filter(|piece| !piece.positions.is_empty()).collect()
    }

    /// Takes away one of two records wherever both count: aligned in both, and with a good enough quality in both.
    pub fn subtract_common<const L: usize>(&self, a: Record<'_>, b: Record<'_>, slab: &mut Slab<L>) {
        if L > 1 {
            return self.subtract_lanes(a, b, slab);
        }
        let (mut left, mut right) = (Blocks::of(a), Blocks::of(b));
        let (mut i, mut j) = (left.next(), right.next());
        while let (Some(p), Some(q)) = (&i, &j) {
            let both = p.positions.intersect(q.positions);
            if !both.is_empty() {
                self.subtract_both(a.qual(), p, b.qual(), q, both, slab);
            }
            if p.positions.end <= q.positions.end { i = left.next() } else { j = right.next() }
        }
    }

    fn subtract_both<const L: usize>(&self, qual_a: &[u8], a: &Block, qual_b: &[u8], b: &Block, both: Interval, slab: &mut Slab<L>) {
        if self.min_baseq == 0 {
            return slab.add(both.start, both.end, -1);
        }
        let bases = |qual, block: &Block| bases_of(qual, block.read + (both.start - block.positions.start) as usize, both.len() as usize);
        let (a, b) = (bases(qual_a, a), bases(qual_b, b));
        let len = a.len().min(b.len());
        slab.add_runs(both.start, len, -1, |i| at_least(&a[i..len], self.min_baseq) & at_least(&b[i..len], self.min_baseq));
    }

    /// How often bedtools 2.30 books `record` on its whole contig: once per empty block at the contig's first position. A block ends at
    /// each D (unless deletions count) and each N (unless skips count), and at the record's end in any case.
    #[inline]
    pub fn empty_blocks(&self, record: Record<'_>) -> i32 {
        if !self.traits.empty_block || self.what != CountUnit::Read || record.pos() != 0 {
            return 0;
        }
        let mut x = 0;
        let mut empty = 0;
        for op in record.cigar().iter() {
            let ends = match op.kind {
                OpKind::Deletion => !self.deletions,
                OpKind::Skip => !self.skips,
                _ => false,
            };
            empty += i32::from(ends && x == 0);
            if op.kind.consumes_reference() {
                x += i64::from(op.len);
            }
        }
        empty + i32::from(x == 0)
    }

    /// Takes the runs of low quality out of `here`; the base at its first position has index `from`. Bases that are not there (SEQ
    /// `*`) have quality 0.
    #[inline]
    fn subtract_low<const L: usize>(&self, qual: &[u8], from: usize, here: Interval, weight: i32, slab: &mut Slab<L>) {
        let bases = bases_of(qual, from, here.len() as usize);
        slab.add_runs(here.start, bases.len(), -weight, |i| {
            let bases = &bases[i..];
            !at_least(bases, self.min_baseq) & ones(bases.len())
        });
        slab.add(here.start + bases.len() as i64, here.end, -weight);
    }

    /// Books mates whose cigars are one match each, but for clips, as the quality edit leaves them: what `a`, booked before, changes by,
    /// and `b`, which may have been booked, too. False where that cannot be told without the qualities themselves.
    ///
    /// Of two edited qualities one is 0. So where both have a base the two count once, if the larger one passes.
    pub fn add_edited<const L: usize>(&self, a: Record<'_>, b: Record<'_>, b_is_booked: bool, slab: &mut Slab<L>) -> bool {
        let min = self.min_baseq;
        if L > 1 || min == 0 || min > MAX_SUM || self.traits.only_acgt || self.spans {
            return false;
        }
        let (Some(block_a), Some(block_b)) = (Block::only(a), Block::only(b)) else { return false };
        let both = block_a.positions.intersect(block_b.positions);
        if !b_is_booked {
            self.count(b, b.qual(), Interval::new(both.end.max(block_b.positions.start), block_b.positions.end), 1, slab);
        }
        if both.is_empty() {
            return true;
        }
        let len = both.len() as usize;
        let (from_a, from_b) = (
            block_a.read + (both.start - block_a.positions.start) as usize,
            block_b.read + (both.start - block_b.positions.start) as usize,
        );
        let (qual_a, qual_b) = (bases_of(a.qual(), from_a, len), bases_of(b.qual(), from_b, len));
        for at in (0..len).step_by(WIDTH) {
            let start = both.start + at as i64;
            let (one, other) = (&qual_a[at..], &qual_b[at..]);
            let (pass_a, pass_b) = (at_least(one, min), at_least(other, min));
            let there = ones(len - at);
            let differ = different(a.seq(), from_a + at, b.seq(), from_b + at) & there;
            let mut once = (pass_a | pass_b) & !differ;
            for k in bits(differ) {
                once |= u64::from(fraction(one[k].max(other[k])) >= min) << k;
            }
            for k in bits(!(pass_a | pass_b | differ) & there) {
                once |= u64::from(sum(one[k], other[k]) >= min) << k;
            }
            slab.add_runs(start, WIDTH, 1, |_| once & !pass_a);
            slab.add_runs(start, WIDTH, -1, |_| pass_a & !once);
            if b_is_booked {
                slab.add_runs(start, WIDTH, -1, |_| pass_b);
            }
        }
        true
    }
}

/// Qualities from number `from` on, `len` or as many as there are.
#[inline]
fn bases_of(qual: &[u8], from: usize, len: usize) -> &[u8] {
    let there = qual.get(from..).unwrap_or_default();
    &there[..len.min(there.len())]
}

/// A stretch of a record.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Where it lies.
    pub positions: Interval,
    /// Whether the record counts there.
    pub counts: bool,
}

/// A stretch of aligned bases.
struct Block {
    positions: Interval,
    /// Index of its first base in SEQ.
    read: usize,
}

impl Block {
    /// The aligned bases of a record with SEQ that has one such operation and besides it only clips.
    fn only(record: Record<'_>) -> Option<Self> {
        let mut ops = record.cigar().iter().filter(|op| !matches!(op.kind, OpKind::SoftClip | OpKind::HardClip));
        let simple = ops.next().is_some_and(|op| op.is_aligned() && op.len > 0) && ops.next().is_none();
        if simple && record.seq_len() > 0 { Blocks::of(record).next() } else { None }
    }
}

/// The aligned stretches of a record, one per M, = or X.
struct Blocks<I> {
    ops: I,
    x: i64,
    y: usize,
}

impl Blocks<()> {
    fn of(record: Record<'_>) -> Blocks<impl Iterator<Item = Op> + '_> {
        Blocks { ops: record.cigar().iter(), x: i64::from(record.pos()), y: 0 }
    }
}

impl<I: Iterator<Item = Op>> Iterator for Blocks<I> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        loop {
            let op = self.ops.next()?;
            let block = Block { positions: Interval::new(self.x, self.x + i64::from(op.len)), read: self.y };
            if op.kind.consumes_reference() {
                self.x += i64::from(op.len);
            }
            if op.kind.consumes_read() {
                self.y += op.len as usize;
            }
            if op.is_aligned() {
                return Some(block);
            }
        }
    }
}
