//! `N` doubles side by side, one read in each. Plain arrays: the compiler turns the loops into the widest instructions it is allowed
//! to use, and never merges a multiplication with an addition, so every lane gets the bits a scalar program would get.
#![allow(clippy::inline_always)] // Code that is not inlined into `simd` is not compiled for its instructions.
#![allow(clippy::needless_range_loop)] // Loops over a lane's number are what the compiler turns into vectors most reliably.

use std::ops::{Add, Div, Mul, Sub};

/// One double of each of `N` reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lanes<const N: usize>(pub(super) [f64; N]);

impl<const N: usize> Lanes<N> {
    pub(super) const ZERO: Self = Self([0.0; N]);
    pub(super) const ONE: Self = Self([1.0; N]);

    #[inline(always)]
    pub(super) const fn all(value: f64) -> Self {
        Self([value; N])
    }

    /// The larger of both, `self` where they cannot be compared.
    #[inline(always)]
    pub(super) fn larger(self, other: Self) -> Self {
        let mut out = [0.0; N];
        for l in 0..N {
            out[l] = if other.0[l] > self.0[l] { other.0[l] } else { self.0[l] };
        }
        Self(out)
    }

    /// `yes` where `self` equals `other`; for codes, which are whole numbers.
    #[allow(clippy::float_cmp)]
    #[inline(always)]
    pub(super) fn if_equal(self, other: Self, yes: Self, no: Self) -> Self {
        let mut out = [0.0; N];
        for l in 0..N {
            out[l] = if self.0[l] == other.0[l] { yes.0[l] } else { no.0[l] };
        }
        Self(out)
    }

    /// `yes` where `self` is above `limit`.
    #[inline(always)]
    pub(super) fn if_above(self, limit: f64, yes: Self, no: Self) -> Self {
        let mut out = [0.0; N];
        for l in 0..N {
            out[l] = if self.0[l] > limit { yes.0[l] } else { no.0[l] };
        }
        Self(out)
    }

    /// Whether any lane is below `limit`.
    #[inline(always)]
    pub(super) fn any_below(self, limit: f64) -> bool {
        let mut any = false;
        for l in 0..N {
            any |= self.0[l] < limit;
        }
        any
    }
}

macro_rules! lanewise {
    ($trait:ident, $method:ident, $op:tt) => {
        impl<const N: usize> $trait for Lanes<N> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let mut out = [0.0; N];
                for l in 0..N {
                    out[l] = self.0[l] $op other.0[l];
                }
                Self(out)
            }
        }
    };
}

lanewise!(Add, add, +);
lanewise!(Sub, sub, -);
lanewise!(Mul, mul, *);
lanewise!(Div, div, /);

/// Room for lanes that is used again from batch to batch and starts at the boundary of a cache line, so that no load crosses one.
#[derive(Default)]
pub(super) struct Room(Vec<f64>);

impl Room {
    /// `len` vectors with whatever they held before.
    pub(super) fn take<const N: usize>(&mut self, len: usize) -> &mut [[f64; N]] {
        const LINE: usize = 64 / size_of::<f64>();
        let need = len * N + LINE;
        if self.0.len() < need {
            self.0.clear();
            self.0.resize(need, 0.0);
        }
        let skip = self.0.as_ptr().align_offset(64).min(LINE);
        let (lanes, _) = self.0[skip..].as_chunks_mut::<N>();
        &mut lanes[..len]
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.0.capacity() * size_of::<f64>()
    }
}
