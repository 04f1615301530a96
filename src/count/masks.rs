//! Sixty-four bases at a time: a bit for each.

/// Bases a mask holds.
pub const WIDTH: usize = 64;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// Which of the first 64 of `bytes` are `min` or more; bits behind the last byte are 0. `min` must not be 0.
#[inline]
pub fn at_least(bytes: &[u8], min: u8) -> u64 {
    let bytes = &bytes[..bytes.len().min(WIDTH)];
    if min > 128 {
        return bytes.iter().rev().fold(0, |mask, &b| mask << 1 | u64::from(b >= min));
    }
    let floor = ONES * u64::from(min);
    let eight = |word: &[u8; 8]| {
        let x = u64::from_le_bytes(*word);
        // With its top bit set no byte borrows from the next; the bit stays where byte >= min, and bytes of 128 and more always pass.
        let pass = (((x | HIGH) - floor) | x) & HIGH;
        // Moves the eight bits side by side.
        (pass >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    let (words, rest) = bytes.as_chunks();
    let mut mask = 0;
    for (i, word) in words.iter().enumerate() {
        mask |= eight(word) << (8 * i);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        mask |= eight(&last) << (8 * words.len());
    }
    mask
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
