//! Which instructions the kernel may use, decided where the program runs.
//!
//! The kernel is one generic function; here it is compiled once per instruction set. Results are the same bits in all of them.
#![allow(unsafe_code)] // Calling a function compiled for an instruction set is unsafe until the processor has been asked.

use super::kernel::{self, Batch, Work};

/// How many reads are run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    One,
    Two,
    Four,
    Eight,
}

impl Width {
    /// What is fastest on this processor.
    pub(super) fn of_processor() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            return if is_x86_feature_detected!("avx512f") || !has_half_vectors() { Self::Eight } else { Self::Four };
        }
        Self::Two
    }

    pub(super) fn lanes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// What is best for this many reads of one band: a vector with most lanes empty takes longer than the reads one by one. `fits`
    /// says whether so many lanes fit the memory.
    pub(super) fn for_reads(self, reads: usize, fits: impl Fn(usize) -> bool) -> Self {
        match self {
            Self::Eight if reads > 2 && fits(8) => Self::Eight,
            Self::Four if reads > 1 && fits(4) => Self::Four,
            Self::Two if reads > 1 && fits(2) => Self::Two,
            _ => Self::One,
        }
    }
}

/// Whether the processor takes vectors of 256 bits in two halves, as the first Zen does. Such halves fill each other's waits already, and
/// two vectors side by side need more registers than there are: 8 reads at once took 12 % longer than 4.
#[cfg(target_arch = "x86_64")]
fn has_half_vectors() -> bool {
    use std::arch::x86_64::__cpuid;
    // AMD's "performance optimisation identifiers"; Intel's processors end before this leaf.
    const LEAF: u32 = 0x8000_001a;
    const FP128: u32 = 1;
    const FP256: u32 = 4;
    __cpuid(0x8000_0000).eax >= LEAF && __cpuid(LEAF).eax & (FP128 | FP256) == FP128
}

/// Eight reads at once: in one vector, or in two that fill each other's waits.
///
/// Each cell of the model hangs on the one beside it, so that a single chain waits more than it works.
pub(super) fn run8(batch: &Batch<'_, 8>, work: &mut Work) -> [bool; 8] {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn avx512(batch: &Batch<'_, 8>, work: &mut Work) -> [bool; 8] {
            kernel::run(batch, work)
        }
        #[target_feature(enable = "avx2")]
        fn avx2(batch: &Batch<'_, 8>, work: &mut Work) -> [bool; 8] {
            kernel::run(batch, work)
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the check above found the only CPU feature the function is compiled with.
            return unsafe { avx512(batch, work) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { avx2(batch, work) };
        }
    }
    kernel::run(batch, work)
}

/// Four reads at once, in one vector.
pub(super) fn run4(batch: &Batch<'_, 4>, work: &mut Work) -> [bool; 4] {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2(batch: &Batch<'_, 4>, work: &mut Work) -> [bool; 4] {
            kernel::run(batch, work)
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the check above found the only CPU feature the function is compiled with.
            return unsafe { avx2(batch, work) };
        }
    }
    kernel::run(batch, work)
}

/// Two reads at once, with what every processor of the target has.
pub(super) fn run2(batch: &Batch<'_, 2>, work: &mut Work) -> [bool; 2] {
    kernel::run(batch, work)
}

/// One read, for those whose rows are too large to lie side by side.
pub(super) fn run1(batch: &Batch<'_, 1>, work: &mut Work) -> [bool; 1] {
    kernel::run(batch, work)
}
