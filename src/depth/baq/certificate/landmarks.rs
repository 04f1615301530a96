//! Where the reference does not look like itself a few positions away.
//!
//! A read that is the reference fits a shifted reference exactly where the reference fits its own shifted copy. So this is worked
//! out once per position and used by every read above it. It is done piece by piece ahead of the reads, which come sorted: stretches
//! without reads cost nothing.

use std::ops::Range;

/// Diagonals above and below the alignment's that are inside the band.
pub(super) const SHIFTS_UP: usize = 4;
pub(super) const SHIFTS_DOWN: usize = 10;
/// One bit for each: first those above, nearest first, then those below.
pub(super) const ALL_SHIFTS: u16 = (1 << (SHIFTS_UP + SHIFTS_DOWN)) - 1;
/// Anything but A, C, G, T. Shares a bit with every letter.
const AMBIGUOUS: u8 = 15;
/// Extra positions computed past those requested, so that the work comes in pieces of some length.
const AHEAD: usize = 512;

pub(super) const fn bit_up(shift: usize) -> u16 {
    1 << (shift - 1)
}

pub(super) const fn bit_down(shift: usize) -> u16 {
    1 << (SHIFTS_UP + shift - 1)
}

/// A piece of the reference. Positions count from the start of the letters given.
#[derive(Default)]
pub(super) struct Landmarks {
    /// First position of the piece; even.
    start: usize,
    /// Letters as SEQ has them, with [`SHIFTS_DOWN`] ambiguous ones in front.
    codes: Vec<u8>,
    /// Two letters a byte, once beginning with the first letter of the piece and once with its second.
    packed: [Vec<u8>; 2],
    /// The diagonals that do not fit, per position. Ends before `codes` does.
    unlike: Vec<u16>,
    /// Positions of ambiguous letters.
    ambiguous: Vec<usize>,
}

impl Landmarks {
    pub(super) fn size(&self) -> usize {
        self.codes.capacity()
            + self.packed[0].capacity()
            + self.packed[1].capacity()
            + 2 * self.unlike.capacity()
            + 8 * self.ambiguous.capacity()
    }

    pub(super) fn clear(&mut self) {
        self.restart(0);
    }

    fn restart(&mut self, start: usize) {
        self.start = start;
        self.codes.clear();
        self.codes.resize(SHIFTS_DOWN, AMBIGUOUS);
        self.packed.iter_mut().for_each(Vec::clear);
        self.unlike.clear();
        self.ambiguous.clear();
    }

    /// First position whose letter is not known yet.
    fn end(&self) -> usize {
        self.start + self.codes.len() - SHIFTS_DOWN
    }

    /// Works out what is missing of an interval. `None` if the letters do not reach so far, or some in it are ambiguous.
    pub(super) fn cover(&mut self, letters: &[u8], interval: Range<usize>) -> Option<()> {
        if interval.end > letters.len() {
            return None;
        }
        if self.codes.is_empty() || interval.start < self.start || interval.start > self.end() {
            self.restart(interval.start.saturating_sub(2 * SHIFTS_DOWN) & !1);
        }
        // Shifts up to the interval's end need no letters beyond it: those columns are not in any path.
        if interval.end > self.end() {
            let to = (interval.end + AHEAD).min(letters.len());
            self.extend(&letters[self.end()..to]);
        }
        let next = self.ambiguous.partition_point(|&at| at < interval.start);
        self.ambiguous.get(next).is_none_or(|&at| at >= interval.end).then_some(())
    }

    #[inline(never)]
    fn extend(&mut self, letters: &[u8]) {
        let first = self.end();
        let known = self.codes.len();
        self.codes.extend(letters.iter().map(|&letter| code(letter)));
        let new = &self.codes[known..];
        if new.contains(&AMBIGUOUS) {
            self.ambiguous.extend(new.iter().enumerate().filter(|&(_, &code)| code == AMBIGUOUS).map(|(i, _)| first + i));
        }
        let inner = &self.codes[SHIFTS_DOWN..];
        for (skip, packed) in self.packed.iter_mut().enumerate() {
            let (pairs, _) = inner[skip + 2 * packed.len()..].as_chunks();
            packed.extend(pairs.iter().map(|&[a, b]| a << 4 | b));
        }
        let from = self.unlike.len();
        let count = inner.len().saturating_sub(SHIFTS_UP + from);
        let near: [&[u8]; SHIFTS_UP + SHIFTS_DOWN + 1] = std::array::from_fn(|k| &self.codes[from + k..from + k + count]);
        self.unlike.resize(from + count, 0);
        for (i, unlike) in self.unlike[from..].iter_mut().enumerate() {
            let at = near[SHIFTS_DOWN][i];
            // In bytes, not words: twice as many side by side.
            let bit = |k: usize, bit: u32| u8::from(at & near[k][i] == 0) << bit;
            let low = bit(11, 0) | bit(12, 1) | bit(13, 2) | bit(14, 3) | bit(9, 4) | bit(8, 5) | bit(7, 6) | bit(6, 7);
            let high = bit(5, 0) | bit(4, 1) | bit(3, 2) | bit(2, 3) | bit(1, 4) | bit(0, 5);
            *unlike = u16::from_le_bytes([low, high]);
        }
    }

    /// The diagonals that do not fit, of `len` positions. Where the letters end too early for some shifts those count as fitting.
    pub(super) fn unlike(&self, first: usize, len: usize) -> &[u16] {
        let from = first - self.start;
        &self.unlike[from..(from + len).min(self.unlike.len())]
    }

    /// Calls `each` for every base of SEQ that is not the reference from position `first` on, in order, until it says false; whether
    /// it never did.
    pub(super) fn differences(&self, seq: &[u8], len: usize, first: usize, mut each: impl FnMut(usize) -> bool) -> bool {
        let from = first - self.start;
        let packed = &self.packed[from % 2][from / 2..];
        let (words, last) = seq.as_chunks::<8>();
        let (others, rest) = packed.as_chunks::<8>();
        for (i, (word, other)) in words.iter().zip(others).enumerate() {
            let mut unlike = u64::from_be_bytes(*word) ^ u64::from_be_bytes(*other);
            while unlike != 0 {
                let nibble = unlike.leading_zeros() as usize / 4;
                if 16 * i + nibble >= len {
                    break;
                }
                if !each(16 * i + nibble) {
                    return false;
                }
                unlike &= !(0xf << (60 - 4 * nibble));
            }
        }
        let (at, other) = (16 * words.len(), others.get(words.len()).map_or(rest, |other| &other[..]));
        for (i, (byte, other)) in last.iter().zip(other).enumerate() {
            let unlike = byte ^ other;
            let row = at + 2 * i;
            if (unlike >> 4 != 0 && !each(row)) || (unlike & 15 != 0 && row + 1 < len && !each(row + 1)) {
                return false;
            }
        }
        true
    }
}

/// The letter as SEQ has it.
fn code(letter: u8) -> u8 {
    let upper = letter & !0x20;
    let is = |wanted: u8, code: u8| if upper == wanted { code } else { 0 };
    let code = is(b'A', 1) | is(b'C', 2) | is(b'G', 4) | is(b'T', 8) | is(b'U', 8);
    if code == 0 { AMBIGUOUS } else { code }
}
