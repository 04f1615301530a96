//! What both passes say together about one base: is the state the alignment says the best one, and how sure is it?
#![allow(clippy::inline_always)] // Code that is not inlined into `simd` is not compiled for its instructions.

use super::apply::Block;
use super::kernel::Batch;
use super::lanes::Lanes;

/// A state with a larger share than this is the only best one, however the last digits are rounded.
const HALF: f64 = 0.51;

/// A row of both passes.
pub(super) struct Row<'a, const N: usize> {
    /// One over the row's sum.
    pub(super) v: Lanes<N>,
    /// Forward: matches.
    pub(super) before_m: &'a [[f64; N]],
    /// Forward: insertions.
    pub(super) before_i: &'a [[f64; N]],
    /// Backward: matches.
    pub(super) after_m: &'a [[f64; N]],
    /// Backward: insertions.
    pub(super) after_i: &'a [[f64; N]],
}

impl<const N: usize> Row<'_, N> {
    /// The largest weight and the sum of all.
    #[inline(always)]
    pub(super) fn weigh(&self) -> (Lanes<N>, Lanes<N>) {
        let n = self.before_m.len();
        let (before_i, after_m, after_i) = (&self.before_i[..n], &self.after_m[..n], &self.after_i[..n]);
        let (mut best, mut total) = (Lanes::ZERO, Lanes::ZERO);
        for j in 0..n {
            let m = (self.v * Lanes(self.before_m[j])) * Lanes(after_m[j]);
            let ins = (self.v * Lanes(before_i[j])) * Lanes(after_i[j]);
            best = best.larger(m.larger(ins));
            total = total + (m + ins);
        }
        (best, total)
    }

    /// Whether the match in `slot` has weight `best` and more than half of all in every lane, as it has nearly always.
    #[inline(always)]
    #[allow(clippy::float_cmp)] // The same operations give the same bits.
    pub(super) fn all_best(&self, slot: usize, best: Lanes<N>, share: Lanes<N>) -> bool {
        let (Some(before), Some(after)) = (self.before_m.get(slot), self.after_m.get(slot)) else { return false };
        let weight = (self.v * Lanes(*before)) * Lanes(*after);
        let mut all = true;
        for lane in 0..N {
            all &= weight.0[lane] == best.0[lane];
            all &= share.0[lane] > HALF;
        }
        all
    }

    /// Whether the match in `slot` is the first state of weight `best`. It need not be looked for when it has more than half of all.
    #[inline(always)]
    pub(super) fn is_best(&self, lane: usize, slot: usize, best: f64, share: f64) -> bool {
        let weight = |j: usize| self.v.0[lane] * self.before_m[j][lane] * self.after_m[j][lane];
        if slot >= self.before_m.len() || weight(slot) < best {
            return false;
        }
        let inserted = |j: usize| self.v.0[lane] * self.before_i[j][lane] * self.after_i[j][lane];
        share > HALF || !(0..slot).any(|j| weight(j) >= best || inserted(j) >= best)
    }
}

/// Which slot each lane's alignment runs through, followed from the last row to the first.
pub(super) struct Expected<'a, const N: usize> {
    /// Per lane; `usize::MAX` where the base is not aligned, or outside the band.
    pub(super) slots: [usize; N],
    /// The slot of all lanes, `usize::MAX` where they differ.
    pub(super) common: usize,
    /// The slots hold down to this row.
    down_to: usize,
    blocks: [&'a [Block]; N],
    band: usize,
}

impl<'a, const N: usize> Expected<'a, N> {
    pub(super) fn new(batch: &Batch<'a, N>) -> Self {
        Self { slots: [usize::MAX; N], common: usize::MAX, down_to: usize::MAX, blocks: batch.blocks, band: batch.band }
    }

    /// Goes up to row `i`.
    #[inline(always)]
    pub(super) fn go_to(&mut self, i: usize) {
        if i < self.down_to {
            self.change(i);
        }
    }

    #[cold]
    #[inline(never)]
    fn change(&mut self, i: usize) {
        self.down_to = 1;
        for (blocks, slot) in self.blocks.iter_mut().zip(&mut self.slots) {
            while let [head @ .., last] = *blocks
                && i <= last.read
            {
                *blocks = head;
            }
            *slot = usize::MAX;
            if let Some(block) = blocks.last() {
                let end = block.read + block.len;
                if i <= end {
                    let slot_of = block.reference - block.read as i64 + self.band as i64;
                    *slot = usize::try_from(slot_of).unwrap_or(usize::MAX);
                    self.down_to = self.down_to.max(block.read + 1);
                } else {
                    self.down_to = self.down_to.max(end + 1);
                }
            }
        }
        self.common = if self.slots.iter().all(|&slot| slot == self.slots[0]) { self.slots[0] } else { usize::MAX };
    }
}
