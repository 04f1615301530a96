//! The quality edit of overlapping mates, `docs/semantics.md` 5.1, as samtools 1.20 and later do it.
#![allow(clippy::many_single_char_names, reason = "a, b, i, j are those of the semantics page")]

use super::model::{Read, is_match, takes_read, takes_reference};

/// A base of a read that lies on the reference.
struct Aligned {
    /// Position on the reference, 0-based.
    reference: i64,
    /// Index into SEQ.
    base: usize,
    /// Whether the operation before this base's operation is D, whatever lies between in bases.
    after_deletion: bool,
}

/// Every M, = or X base of `read` from `from` on.
fn aligned_bases(read: &Read, from: i64) -> Vec<Aligned> {
    let (mut x, mut y) = (read.pos, 0);
    let mut bases = Vec::new();
    let mut before = None;
    for &(op, len) in &read.cigar {
        if is_match(op) {
            bases.extend((0..len as usize).map(|i| Aligned { reference: x + i as i64, base: y + i, after_deletion: before == Some('D') }));
        }
        x += if takes_reference(op) { i64::from(len) } else { 0 };
        y += if takes_read(op) { len as usize } else { 0 };
        before = Some(op);
    }
    bases.retain(|b| b.reference >= from);
    bases
}

/// Which of two reads of this name keeps its quality: true for the earlier one.
pub fn earlier_keeps(name: &[u8]) -> bool {
    let signed = |byte: &u8| i32::from(byte.cast_signed()).cast_unsigned();
    let mut k = name.first().map_or(0, signed);
    for byte in name.iter().skip(1) {
        k = k.wrapping_mul(31).wrapping_add(signed(byte));
    }
    k = k.wrapping_add(!(k << 15));
    k ^= k >> 10;
    k = k.wrapping_add(k << 3);
    k ^= k >> 6;
    k = k.wrapping_add(!(k << 11));
    k ^= k >> 16;
    k % 2 == 1
}

fn four_fifths(quality: u8) -> u8 {
    (f64::from(quality) * 0.8) as u8
}

/// Two bases on the same position: one of them gets what both know.
fn settle(same: bool, qa: &mut u8, qb: &mut u8, a_keeps: bool) {
    if same {
        let sum = (u32::from(*qa) + u32::from(*qb)).min(200) as u8;
        (*qa, *qb) = if a_keeps { (sum, 0) } else { (0, sum) };
    } else if *qa > *qb || (*qa == *qb && a_keeps) {
        (*qa, *qb) = (four_fifths(*qa), 0);
    } else {
        (*qa, *qb) = (0, four_fifths(*qb));
    }
}

/// Edits the qualities of `a`, which came first, and `b`.
///
/// Where either has no SEQ samtools stops; here both stay as they are.
pub fn edit(a: &Read, qa: &mut [u8], b: &Read, qb: &mut [u8]) {
    if a.seq.is_empty() || b.seq.is_empty() {
        return;
    }
    let a_keeps = earlier_keeps(&a.name);
    let in_a = aligned_bases(a, b.pos);
    let in_b = aligned_bases(b, b.pos);
    let (mut i, mut j) = (0, 0);
    let mut round = b.pos;
    loop {
        while in_a.get(i).is_some_and(|base| base.reference < round) {
            i += 1;
        }
        if i == in_a.len() {
            return;
        }
        while in_b.get(j).is_some_and(|base| base.reference < round) {
            j += 1;
        }
        if j == in_b.len() {
            return;
        }
        round = round.max(in_a[i].reference).max(in_b[j].reference) + 1;

        if in_a[i].reference != in_b[j].reference {
            if in_a[i].reference < in_b[j].reference && in_b[j].after_deletion {
                // b's deletion jumped ahead: a catches up, alone.
                loop {
                    let q = &mut qa[in_a[i].base];
                    *q = if a_keeps { four_fifths(*q) } else { 0 };
                    i += 1;
                    if i == in_a.len() {
                        return;
                    }
                    if in_a[i].reference >= in_b[j].reference {
                        break;
                    }
                }
            } else if in_a[i].after_deletion {
                loop {
                    let q = &mut qb[in_b[j].base];
                    *q = if a_keeps { 0 } else { four_fifths(*q) };
                    j += 1;
                    if j == in_b.len() {
                        return;
                    }
                    if in_b[j].reference >= in_a[i].reference {
                        break;
                    }
                }
            } else {
                // Next to a skip: this round edits nothing, and `round` has moved past the base they share next.
                continue;
            }
        }
        let (base_a, base_b) = (in_a[i].base, in_b[j].base);
        settle(a.seq[base_a] == b.seq[base_b], &mut qa[base_a], &mut qb[base_b], a_keeps);
    }
}
