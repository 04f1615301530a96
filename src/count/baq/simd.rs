//! Which instructions the kernel may use, decided where the program runs.
//!
//! The kernel is one generic function; here it is compiled once per instruction set. Results are the same bits in all of them.
#![allow(unsafe_code)] // Calling a function compiled for an instruction set is unsafe until the processor has been asked.

use super::kernel::{self, Batch, Work};

/// How many reads to run at once on this processor.
pub(super) fn lanes() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return 8;
        }
        if is_x86_feature_detected!("avx2") {
            return 4;
        }
    }
    2
}

/// Eight reads at once.
pub(super) fn run8(batch: &Batch<'_, 8>, work: &mut Work) -> [bool; 8] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        #[target_feature(enable = "avx512f")]
        fn wide(batch: &Batch<'_, 8>, work: &mut Work) -> [bool; 8] {
            kernel::run(batch, work)
        }
        // SAFETY: the line above has asked the processor for the only feature `wide` is compiled with.
        return unsafe { wide(batch, work) };
    }
    kernel::run(batch, work)
}

/// Four reads at once.
pub(super) fn run4(batch: &Batch<'_, 4>, work: &mut Work) -> [bool; 4] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn wide(batch: &Batch<'_, 4>, work: &mut Work) -> [bool; 4] {
            kernel::run(batch, work)
        }
        // SAFETY: the line above has asked the processor for the only feature `wide` is compiled with.
        return unsafe { wide(batch, work) };
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
