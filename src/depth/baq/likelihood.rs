//! Whether a read has a likelihood at all. Where it has none, because some base is impossible wherever it is put, BAQ gives up.
#![allow(clippy::inline_always)] // Code that is not inlined into `simd` is not compiled for its instructions.

use super::lanes::Lanes;

/// Likelihood of the reads, followed only far enough to know whether it is a number.
pub(super) struct Likelihood<const N: usize> {
    product: Lanes<N>,
    score: [f64; N],
    /// Which reads have ended with a finite likelihood.
    pub(super) finite: [bool; N],
}

impl<const N: usize> Likelihood<N> {
    pub(super) fn new() -> Self {
        Self { product: Lanes::ONE, score: [0.0; N], finite: [false; N] }
    }

    /// Takes the sum of the next row.
    #[inline(always)]
    pub(super) fn push(&mut self, scale: Lanes<N>) {
        self.product = self.product * scale;
        if self.product.any_below(1e-100) {
            self.fold();
        }
    }

    #[cold]
    #[inline(never)]
    fn fold(&mut self) {
        for (product, score) in self.product.0.iter_mut().zip(&mut self.score) {
            if *product < 1e-100 {
                *score += -4.343 * product.ln();
                *product = 1.0;
            }
        }
    }

    /// Ends a lane with its last scale.
    pub(super) fn finish(&mut self, lane: usize, scale: f64, len: usize, columns: usize) {
        let mut product = self.product.0[lane] * scale;
        let mut score = self.score[lane];
        if product < 1e-100 {
            score += -4.343 * product.ln();
            product = 1.0;
        }
        score += -4.343 * (product * columns as f64 * len as f64).ln();
        let score = score + 0.499;
        // Anything outside the range of a 32-bit integer, and INT_MIN itself, is read as a failure.
        self.finite[lane] = score > -2_147_483_648.0 && score < 2_147_483_648.0;
    }
}
