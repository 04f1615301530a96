//! Sixty-four bases at a time: a bit for each.
#![allow(unsafe_code)] // The compiler asks for it wherever an instruction is named, also one that every processor of the target has.

/// Bases a mask holds.
pub const WIDTH: usize = 64;

/// Which of the first 64 of `bytes` are `min` or more; bits behind the last byte are 0. `min` must not be 0.
#[inline]
pub fn at_least(bytes: &[u8], min: u8) -> u64 {
    let bytes = &bytes[..bytes.len().min(WIDTH)];
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().rev().fold(0, |mask, &b| mask << 1 | u64::from(b >= min));
    };
    let (sixteens, rest) = bytes.as_chunks();
    let mut mask = 0;
    for (i, sixteen) in sixteens.iter().enumerate() {
        mask |= sixteen_at_least(sixteen, min) << (16 * i);
    }
    if !rest.is_empty() {
        // Some of these are looked at twice.
        mask |= sixteen_at_least(last, min) << (bytes.len() - 16);
    }
    mask
}

/// With what every x86-64 processor has.
#[cfg(target_arch = "x86_64")]
#[inline]
fn sixteen_at_least(bytes: &[u8; 16], min: u8) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_max_epu8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};
    let (words, _) = bytes.as_chunks();
    let [low, high] = [words[0], words[1]].map(i64::from_le_bytes);
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        let bytes = _mm_set_epi64x(high, low);
        let pass = _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(min as i8)), bytes);
        u64::from(_mm_movemask_epi8(pass) as u32)
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn sixteen_at_least(bytes: &[u8; 16], min: u8) -> u64 {
    bytes.iter().rev().fold(0, |mask, &b| mask << 1 | u64::from(b >= min))
}

/// A mask of `n` ones, all 64 where `n` is larger.
#[inline]
pub const fn ones(n: usize) -> u64 {
    if n >= WIDTH { u64::MAX } else { (1 << n) - 1 }
}

/// The indices of the ones.
#[inline]
pub fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (at < WIDTH).then_some(at)
    })
}

/// Which of 64 bases of `a` from number `i` on and of `b` from number `j` on differ, both two bases a byte; bases that are not there
/// are as good as a zero.
#[inline]
pub fn different(a: &[u8], i: usize, b: &[u8], j: usize) -> u64 {
    let mut mask = 0;
    for at in (0..WIDTH).step_by(16) {
        let mut differ = sixteen(a, i + at) ^ sixteen(b, j + at);
        while differ != 0 {
            let base = differ.leading_zeros() as usize / 4;
            mask |= 1 << (at + base);
            differ &= u64::MAX.checked_shr(4 * (base as u32 + 1)).unwrap_or(0);
        }
    }
    mask
}

/// Sixteen bases from number `at` on, the first in the highest bits.
#[inline]
fn sixteen(seq: &[u8], at: usize) -> u64 {
    let rest = seq.get(at / 2..).unwrap_or_default();
    let (word, ninth) = if let Some((word, behind)) = rest.split_first_chunk() {
        (*word, behind.first().copied().unwrap_or(0))
    } else {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        (word, 0)
    };
    let word = u64::from_be_bytes(word);
    if at.is_multiple_of(2) { word } else { word << 4 | u64::from(ninth >> 4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, state: &mut u64) -> Vec<u8> {
        let mut next = || {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (*state >> 33) as u8
        };
        (0..n).map(|_| if next() % 2 == 0 { next() } else { next() % 50 }).collect()
    }

    #[test]
    fn masks_equal_a_look_at_each_byte() {
        let mut state = 1;
        for round in 0..20_000 {
            let bytes = random(round % 90, &mut state);
            let min = 1 + (round % 7) as u8 * 40;
            let expected: Vec<_> = (0..bytes.len().min(WIDTH)).filter(|&i| bytes[i] >= min).collect();
            assert_eq!(bits(at_least(&bytes, min)).collect::<Vec<_>>(), expected, "{bytes:?} {min}");
        }
    }

    #[test]
    fn bases_are_compared_wherever_they_begin() {
        let mut state = 2;
        for round in 0..2000 {
            let a = random(round % 40, &mut state);
            let mut b = a.clone();
            if let Some(byte) = b.get_mut(round % 7) {
                *byte ^= 1 << (round % 8);
            }
            let (i, j) = (round % 5, (round / 5) % 5);
            let base = |seq: &[u8], n: usize| seq.get(n / 2).map_or(0, |byte| if n.is_multiple_of(2) { byte >> 4 } else { byte & 15 });
            let expected: Vec<_> = (0..WIDTH).filter(|k| base(&a, i + k) != base(&b, j + k)).collect();
            assert_eq!(bits(different(&a, i, &b, j)).collect::<Vec<_>>(), expected, "{a:?} {b:?} {i} {j}");
        }
    }
}
