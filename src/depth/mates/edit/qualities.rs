//! The quality edit of overlapping mates, as htslib's pileup engine does it since 1.20: `docs/semantics.md`, section 5.
//!
//! Where two mates have a base at the same position one of them is made to carry both qualities and the other none, so that the pair
//! counts once. Which one, a hash of the name decides.

use crate::source::record::{Cigar, Op, OpKind, Record};

/// Edits the qualities of `a` and of its mate `b`, which arrived later.
///
/// Only bases of `a` at or behind the start of `b` change. Records without SEQ are left alone (samtools stops there).
pub fn edit_pair(a: Record<'_>, qual_a: &mut [u8], b: Record<'_>, qual_b: &mut [u8]) {
    if a.seq_len() == 0 || b.seq_len() == 0 {
        return;
    }
    let a_keeps = a_keeps(a.name());
    let mut at = i64::from(b.pos());
    let (Some(mut i), Some(mut j)) = (Cursor::seek(a, at), Cursor::seek(b, at)) else { return };
    loop {
        while i.reference < at {
            if !i.step() {
                return;
            }
        }
        while j.reference < at {
            if !j.step() {
                return;
            }
        }
        at = at.max(i.reference).max(j.reference) + 1;
        if i.reference != j.reference {
            if i.reference < j.reference && j.after_deletion() {
                if !lower_until(&mut i, qual_a, a_keeps, j.reference) {
                    return;
                }
            } else if i.after_deletion() {
                if !lower_until(&mut j, qual_b, !a_keeps, i.reference) {
                    return;
                }
            } else {
                continue;
            }
        }
        let (Some(qa), Some(qb)) = (qual_a.get_mut(i.read), qual_b.get_mut(j.read)) else { return };
        let same = a.base(i.read) == b.base(j.read);
        (*qa, *qb) = combine(*qa, *qb, same, a_keeps);
    }
}

/// Lowers the bases of a read that lie beside the other's deletion; the first one in any case. False when the read ends.
fn lower_until(cursor: &mut Cursor<'_>, qual: &mut [u8], keeps: bool, until: i64) -> bool {
    loop {
        if let Some(q) = qual.get_mut(cursor.read) {
            *q = if keeps { fraction(*q) } else { 0 };
        }
        if !cursor.step() {
            return false;
        }
        if cursor.reference >= until {
            return true;
        }
    }
}

/// Both qualities after the edit.
fn combine(a: u8, b: u8, same: bool, a_keeps: bool) -> (u8, u8) {
    if same {
        let sum = sum(a, b);
        return if a_keeps { (sum, 0) } else { (0, sum) };
    }
    // The better one keeps, of equal ones the one the name decides for.
    if a > b || (a == b && a_keeps) { (fraction(a), 0) } else { (0, fraction(b)) }
}

/// The largest quality two equal bases come to.
pub const MAX_SUM: u8 = 200;

/// What two equal bases come to.
pub fn sum(a: u8, b: u8) -> u8 {
    a.saturating_add(b).min(MAX_SUM)
}

/// What the better of two different bases comes to: four fifths, cut towards zero, in double precision as the original computes it.
pub fn fraction(q: u8) -> u8 {
    (0.8 * f64::from(q)) as u8
}

/// Whether the earlier mate of a template keeps its qualities.
fn a_keeps(name: &[u8]) -> bool {
    // The X31 string hash, over signed characters, and Wang's integer mix.
    let mut k: u32 = 0;
    for (i, &byte) in name.iter().enumerate() {
        let byte = i32::from(byte as i8) as u32;
        k = if i == 0 { byte } else { k.wrapping_mul(31).wrapping_add(byte) };
    }
    k = k.wrapping_add(!(k << 15));
    k ^= k >> 10;
    k = k.wrapping_add(k << 3);
    k ^= k >> 6;
    k = k.wrapping_add(!(k << 11));
    k ^= k >> 16;
    k & 1 == 1
}

/// A walk over the aligned bases of a record.
struct Cursor<'a> {
    cigar: Cigar<'a>,
    /// Current operation, its kind always aligned.
    op: usize,
    /// Bases of the current operation up to and including the current one.
    used: u32,
    /// Index of the current base in SEQ.
    read: usize,
    /// Its position.
    reference: i64,
}

impl<'a> Cursor<'a> {
    /// The first aligned base at or behind `position`.
    fn seek(record: Record<'a>, position: i64) -> Option<Self> {
        let cigar = record.cigar();
        let (mut x, mut y) = (i64::from(record.pos()), 0usize);
        for (i, op) in cigar.iter().enumerate() {
            let Op { kind, len } = op;
            let n = i64::from(len);
            if op.is_aligned() && x + n > position && len > 0 {
                let skip = (position - x).max(0);
                return Some(Self { cigar, op: i, used: skip as u32 + 1, read: y + skip as usize, reference: x + skip });
            }
            if kind.consumes_reference() {
                x += n;
            }
            if kind.consumes_read() {
                y += len as usize;
            }
        }
        None
    }

    /// Goes to the next aligned base; false when there is none.
    fn step(&mut self) -> bool {
        let current = self.cigar.get(self.op).map_or(0, |op| op.len);
        if self.used < current {
            self.used += 1;
            self.read += 1;
            self.reference += 1;
            return true;
        }
        self.read += 1;
        self.reference += 1;
        while let Some(op) = self.cigar.get(self.op + 1) {
            self.op += 1;
            if op.is_aligned() {
                if op.len > 0 {
                    self.used = 1;
                    return true;
                }
                continue;
            }
            if op.kind.consumes_reference() {
                self.reference += i64::from(op.len);
            }
            if op.kind.consumes_read() {
                self.read += op.len as usize;
            }
        }
        false
    }

    /// Whether the operation directly before the current one, of any kind, is a deletion.
    fn after_deletion(&self) -> bool {
        self.op > 0 && self.cigar.get(self.op - 1).is_some_and(|op| op.kind == OpKind::Deletion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_fractions() {
        assert_eq!(combine(7, 7, true, true), (14, 0));
        assert_eq!(combine(255, 255, true, false), (0, 200));
        assert_eq!(combine(16, 10, false, false), (12, 0));
        assert_eq!(combine(10, 10, false, false), (0, 8));
    }

    #[test]
    fn the_name_decides_who_keeps() {
        // Seen with samtools: of these two names one keeps the earlier mate, the other the later one.
        assert_ne!(a_keeps(b"x"), a_keeps(b"y"));
    }
}
