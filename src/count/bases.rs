//! Which positions of one record count: `docs/semantics.md`, section 4.

use super::slab::Slab;
use crate::coords::Interval;
use crate::rules::{Rules, Traits};
use crate::source::record::{Op, OpKind, Record};

/// The part of a rule that is asked at each position.
#[derive(Clone, Copy, Debug)]
pub struct Counting {
    min_baseq: u8,
    deletions: bool,
    skips: bool,
    /// What the tool does that no option changes.
    traits: Traits,
}

impl Counting {
    /// What `rules` ask at a position.
    pub fn new(rules: &Rules) -> Self {
        Self { min_baseq: rules.min_baseq, deletions: rules.deletions, skips: rules.skips, traits: rules.preset.traits() }
    }

    /// Whether anything but the CIGAR is looked at; if not, any slice will do for qualities.
    pub const fn needs_qualities(&self) -> bool {
        self.min_baseq > 0 || self.traits.only_acgt
    }

    /// Adds `weight` at every position of `within` that `record` counts at, its base qualities being `qual`. `within` must not reach past
    /// the record's last position.
    ///
    /// A D or N has no base of its own and is asked for the quality of the next read base, whichever operation that belongs to.
    #[inline]
    pub fn count(&self, record: Record<'_>, qual: &[u8], within: Interval, weight: i32, slab: &mut Slab) {
        if self.traits.spans {
            return slab.add(within.start, within.end.max(within.start + 1), weight);
        }
        if self.traits.only_acgt {
            return self.count_letters(record, qual, within, weight, slab);
        }
        let cigar = record.cigar();
        if self.min_baseq == 0 && !self.traits.pileup {
            return self.count_operations(record, within, weight, slab);
        }
        let mut x = i64::from(record.pos());
        let mut y = 0;
        // From where on the operation is seen: `x`, but for operations of zero length before it.
        let mut seen = x;
        // Touching operations are booked as one segment: two changes instead of two each.
        let mut open: Option<Interval> = None;
        for op in cigar.iter() {
            let n = i64::from(op.len);
            if op.kind.consumes_reference() {
                // The pileup engine goes on by one operation per position, so one of zero length is seen for a position.
                let until = if self.traits.pileup { (x + n).max(seen + 1) } else { x + n };
                let here = Interval::new(seen, until).intersect(within);
                seen = until;
                if self.counts(op.kind, qual, y) && !here.is_empty() {
                    open = match open {
                        Some(before) if before.end == here.start => Some(Interval::new(before.start, here.end)),
                        Some(before) => {
                            slab.add(before.start, before.end, weight);
                            Some(here)
                        }
                        None => Some(here),
                    };
                    if op.kind.is_aligned() && self.min_baseq > 0 {
                        let from = (y as i64 + here.start - x) as usize;
                        self.subtract_low(qual, from, here, weight, slab);
                    }
                }
                x += n;
            }
            if op.kind.consumes_read() {
                y += op.len as usize;
            }
        }
        if let Some(open) = open {
            slab.add(open.start, open.end, weight);
        }
    }

    /// Where only the operations decide: depth changes where one that counts meets one that does not.
    #[inline]
    fn count_operations(&self, record: Record<'_>, within: Interval, weight: i32, slab: &mut Slab) {
        let mut x = i64::from(record.pos());
        let mut counted_from = None;
        for op in record.cigar().iter().filter(|op| op.kind.consumes_reference()) {
            let counts = op.kind.is_aligned() || (op.kind == OpKind::Deletion && self.deletions) || (op.kind == OpKind::Skip && self.skips);
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
        asked
            && match qual.get(y) {
                Some(&q) => q >= self.min_baseq,
                None => self.traits.trailing_deletion || self.min_baseq == 0,
            }
    }

    /// One base after the other, where the letter matters too.
    #[inline(never)]
    fn count_letters(&self, record: Record<'_>, qual: &[u8], within: Interval, weight: i32, slab: &mut Slab) {
        if self.min_baseq > 0 && qual.first() == Some(&255) {
            return;
        }
        for block in Blocks::of(record) {
            let here = block.positions.intersect(within);
            let mut run = here.start;
            for x in here.start..here.end {
                let y = block.read + (x - block.positions.start) as usize;
                let counts = y < record.seq_len() && matches!(record.base(y), 1 | 2 | 4 | 8) && qual[y] >= self.min_baseq;
                if !counts {
                    slab.add(run, x, weight);
                    run = x + 1;
                }
            }
            slab.add(run, here.end, weight);
        }
    }

    /// Takes away one of two records wherever both count: aligned in both, and with a good enough quality in both.
    pub fn subtract_common(&self, a: Record<'_>, b: Record<'_>, slab: &mut Slab) {
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

    fn subtract_both(&self, qual_a: &[u8], a: &Block, qual_b: &[u8], b: &Block, both: Interval, slab: &mut Slab) {
        if self.min_baseq == 0 {
            return slab.add(both.start, both.end, -1);
        }
        let good = |qual: &[u8], block: &Block, x: i64| {
            let q = qual.get(block.read + (x - block.positions.start) as usize);
            q.is_some_and(|&q| q >= self.min_baseq)
        };
        let mut run = both.start;
        for x in both.start..both.end {
            if !good(qual_a, a, x) || !good(qual_b, b, x) {
                slab.add(run, x, -1);
                run = x + 1;
            }
        }
        slab.add(run, both.end, -1);
    }

    /// How often bedtools 2.30 books `record` on its whole contig: once per empty block at the contig's first position. A block ends at
    /// each D (unless deletions count) and each N (unless skips count), and at the record's end in any case.
    #[inline]
    pub fn empty_blocks(&self, record: Record<'_>) -> i32 {
        if !self.traits.empty_block || record.pos() != 0 {
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
    fn subtract_low(&self, qual: &[u8], from: usize, here: Interval, weight: i32, slab: &mut Slab) {
        let len = here.len() as usize;
        let there = qual.get(from..).unwrap_or_default();
        let bases = &there[..len.min(there.len())];
        let mut at = 0;
        while let Some(low) = first_below(&bases[at..], self.min_baseq) {
            let start = at + low;
            let run = bases[start..].iter().position(|&q| q >= self.min_baseq).unwrap_or(bases.len() - start);
            slab.add(here.start + start as i64, here.start + (start + run) as i64, -weight);
            at = start + run;
        }
        slab.add(here.start + bases.len() as i64, here.end, -weight);
    }
}

/// A stretch of aligned bases.
struct Block {
    positions: Interval,
    /// Index of its first base in SEQ.
    read: usize,
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
            if op.kind.is_aligned() {
                return Some(block);
            }
        }
    }
}

/// Index of the first byte below `min`, eight bytes at a time.
#[inline]
fn first_below(bytes: &[u8], min: u8) -> Option<usize> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const ONES: u64 = 0x0101_0101_0101_0101;
    if min > 128 {
        return bytes.iter().position(|&b| b < min);
    }
    let floor = ONES * u64::from(min);
    let mut at = 0;
    for word in bytes.chunks_exact(8) {
        let x = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
        // With its top bit set no byte borrows from the next; the bit stays where byte >= min, and bytes of 128 and more always pass.
        let pass = (((x | HIGH) - floor) | x) & HIGH;
        if pass != HIGH {
            return Some(at + ((pass ^ HIGH).trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    bytes[at..].iter().position(|&b| b < min).map(|i| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_below_equals_a_plain_search() {
        let mut state = 1u64;
        for round in 0..20_000u32 {
            let bytes: Vec<u8> = (0..round % 40)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let q = (state >> 33) as u8;
                    if round % 3 == 0 { q } else { q % 50 }
                })
                .collect();
            let min = (round % 7) as u8 * 40;
            assert_eq!(first_below(&bytes, min), bytes.iter().position(|&b| b < min), "{bytes:?} {min}");
        }
    }
}
