//! Templates, `docs/semantics.md` 5.5 and 14.2: which records are mates, by their mate fields, and where a template counts.

use super::model::{Read, TagValue, is_match, takes_reference};

/// How a template counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Templates {
    /// Once where both of its records count.
    Overlap,
    /// Proper pairs, as fragments.
    Fragments,
}

/// Limits of fragments that count, and whether introns of their reads do.
#[derive(Clone, Copy, Debug)]
pub struct Fragments {
    /// Shortest and longest.
    pub length: (i64, i64),
    /// Introns count.
    pub skips: bool,
}

/// Whether a record is one of the two of a template whose mate may be on its contig.
pub fn takes_part(read: &Read, how: Templates) -> bool {
    let has = |bit| read.flags & bit != 0;
    let paired = has(0x1) && !has(0x8) && !has(0x100) && !has(0x800) && (has(0x40) != has(0x80));
    let proper = has(0x2) && read.reference_len() > 0;
    let here = read.mate_contig == -1 || read.mate_contig == read.contig;
    paired && here && (how == Templates::Overlap || proper)
}

fn is_lost(read: &Read) -> bool {
    read.mate_contig == -1 || read.mate_pos == -1
}

fn names(read: &Read, mate: &Read) -> bool {
    read.mate_contig == mate.contig && read.mate_pos == mate.pos
}

fn group(read: &Read) -> Option<&TagValue> {
    read.tag_value(*b"RG").filter(|value| matches!(value, TagValue::Text(_)))
}

fn are_mates(a: &Read, b: &Read) -> bool {
    a.name == b.name
        && (a.flags & 0x40 != 0) == (b.flags & 0x80 != 0)
        && (is_lost(a) || names(a, b))
        && (is_lost(b) || names(b, a))
        && group(a) == group(b)
}

/// For each of `reads`, which come in the order of the file, its mate among them.
pub fn mates(reads: &[&Read], how: Templates) -> Vec<Option<usize>> {
    let mut mates = vec![None; reads.len()];
    for (j, &b) in reads.iter().enumerate().filter(|(_, read)| takes_part(read, how)) {
        let near = |a: &Read| match how {
            Templates::Overlap => b.pos < a.end(),
            Templates::Fragments => !is_lost(a) || b.pos < expected(a).1,
        };
        let free = (0..j).filter(|&i| mates[i].is_none() && takes_part(reads[i], how) && near(reads[i]) && are_mates(reads[i], b));
        let free: Vec<_> = free.collect();
        let named = free.iter().copied().find(|&i| !is_lost(reads[i]));
        if let Some(i) = named.or_else(|| free.first().copied()) {
            (mates[i], mates[j]) = (Some(j), Some(i));
        }
    }
    mates
}

/// The fragment that a record alone leads to expect: its first position, and one past its last.
fn expected(read: &Read) -> (i64, i64) {
    let (start, end, tlen) = (read.pos, read.end(), read.tlen.abs());
    let mate = (!is_lost(read)).then_some(read.mate_pos);
    if mate.map_or(read.tlen >= 0, |mate| mate >= start) {
        (start, [end, start + tlen, mate.map_or(0, |mate| mate + 1)].into_iter().max().unwrap_or(end))
    } else {
        ([start, end - tlen, mate.unwrap_or(start)].into_iter().min().unwrap_or(start).max(0), end)
    }
}

fn in_operation(read: &Read, position: i64, wanted: impl Fn(char) -> bool) -> bool {
    let mut x = read.pos;
    read.cigar.iter().filter(|op| takes_reference(op.0)).any(|&(op, len)| {
        x += i64::from(len);
        (x - i64::from(len)..x).contains(&position) && wanted(op)
    })
}

/// Where `reads`, by themselves or as mates, count in `start..end` as fragments.
pub fn fragments(reads: &[&Read], (start, end): (i64, i64), how: Fragments, mut single: impl FnMut(&Read), mut add: impl FnMut(i64)) {
    let mates = mates(reads, Templates::Fragments);
    for (i, &read) in reads.iter().enumerate() {
        if !takes_part(read, Templates::Fragments) {
            single(read);
            continue;
        }
        let mate = mates[i].map(|j| reads[j]);
        if mates[i].is_some_and(|j| j < i) {
            continue;
        }
        let members: Vec<_> = [Some(read), mate].into_iter().flatten().collect();
        let (first, last) = match mate {
            Some(mate) => (read.pos.min(mate.pos), read.end().max(mate.end())),
            None => expected(read),
        };
        if last - first < how.length.0 || last - first > how.length.1 {
            continue;
        }
        for position in first.max(start)..last.min(end) {
            let spliced = members.iter().any(|read| in_operation(read, position, |op| op == 'N'));
            let covered = members.iter().any(|read| in_operation(read, position, |op| op != 'N'));
            if how.skips || covered || !spliced {
                add(position);
            }
        }
    }
}

/// Where `reads` count in `start..end` by the rule `bases`: aligned bases of at least `min_baseq`, those of a template once.
pub fn bases(reads: &[&Read], (start, end): (i64, i64), mates_once: bool, min_baseq: u8, mut add: impl FnMut(i64)) {
    let mates = mates(reads, Templates::Overlap);
    for (i, &read) in reads.iter().enumerate() {
        let earlier = mates[i].filter(|&j| mates_once && j < i).map(|j| reads[j]);
        for position in read.pos.max(start)..read.end().min(end) {
            if counts(read, position, min_baseq) && !earlier.is_some_and(|mate| counts(mate, position, min_baseq)) {
                add(position);
            }
        }
    }
}

/// Whether a read has an aligned base of such a quality at a position. A read without SEQ has quality 0 everywhere.
fn counts(read: &Read, position: i64, min_baseq: u8) -> bool {
    let (mut x, mut y) = (read.pos, 0);
    for &(op, len) in &read.cigar {
        if is_match(op) && (x..x + i64::from(len)).contains(&position) {
            let base = y + (position - x) as usize;
            let quality = if base < read.seq.len() { read.qual.as_ref().map_or(255, |qual| qual[base]) } else { 0 };
            return quality >= min_baseq;
        }
        x += if takes_reference(op) { i64::from(len) } else { 0 };
        y += if super::model::takes_read(op) { len as usize } else { 0 };
    }
    false
}
