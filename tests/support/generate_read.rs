//! Random reads on a given reference: their CIGAR, bases and qualities.

use super::generate::{Profile, Rng};
use super::model::{Read, is_match, takes_read, takes_reference};

/// What a random read may look like.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// What the sample is like.
    pub profile: Profile,
    /// Nothing samtools 1.24 stops at or miscounts.
    pub safe: bool,
    /// Reads without SEQ may appear.
    pub no_seq: bool,
}

type Cigar = Vec<(char, u32)>;

/// A CIGAR of about `span` reference bases, never more than `room`.
pub fn cigar(rng: &mut Rng, span: i64, room: i64, wishes: Wishes) -> Cigar {
    let mut cigar = Cigar::new();
    let plain = wishes.profile == Profile::Plain && !rng.chance(5);
    let mut room = room;
    let mut push = |cigar: &mut Cigar, op: char, len: i64| {
        let len = if takes_reference(op) { len.min(room) } else { len };
        room -= if takes_reference(op) { len } else { 0 };
        if len > 0 {
            cigar.push((op, len as u32));
        }
        len
    };
    if plain {
        push(&mut cigar, 'M', span);
        return cigar;
    }
    if rng.chance(12) {
        push(&mut cigar, 'H', rng.between(1, 5));
    }
    if rng.chance(25) {
        push(&mut cigar, 'S', rng.between(1, 12));
    }
    if rng.chance(6) {
        let op = rng.pick(b"DNIP") as char;
        push(&mut cigar, op, rng.between(1, 8));
    }
    let mut left = span;
    while left > 0 {
        let whole = rng.chance(40);
        let segment = if whole { left } else { rng.between(1, left.min(60)) };
        left -= push(&mut cigar, match_op(rng), segment).max(1);
        if left > 0 {
            let used = connector(rng, &mut cigar, &mut push, wishes);
            left -= if rng.chance(50) { used } else { 0 };
        }
    }
    if rng.chance(6) {
        let op = rng.pick(b"DNIP") as char;
        push(&mut cigar, op, rng.between(1, 8));
    }
    if rng.chance(25) {
        push(&mut cigar, 'S', rng.between(1, 12));
    }
    if rng.chance(8) {
        push(&mut cigar, 'H', rng.between(1, 5));
    }
    if rng.chance(4) {
        empty_ops(rng, &mut cigar, wishes);
    }
    cigar
}

fn match_op(rng: &mut Rng) -> char {
    match rng.below(20) {
        0..=15 => 'M',
        16..=18 => '=',
        _ => 'X',
    }
}

/// What stands between two match operations; returns the reference bases it takes.
fn connector(rng: &mut Rng, cigar: &mut Cigar, push: &mut impl FnMut(&mut Cigar, char, i64) -> i64, wishes: Wishes) -> i64 {
    let skip = match (wishes.profile, rng.below(10)) {
        (Profile::Spliced, 0..=1) => rng.between(200, 900),
        (Profile::Spliced, _) => rng.between(10, 120),
        _ => rng.between(1, 15),
    };
    let indel = if rng.chance(10) { rng.between(1, 25) } else { rng.between(1, 4) };
    let spliced = wishes.profile == Profile::Spliced && rng.chance(60);
    let ops: &str = if spliced {
        rng.choose(&["N", "N", "N", "NDN", "DN", "ND", "NIN"])
    } else if wishes.profile == Profile::LongRead && rng.chance(95) {
        rng.choose(&["I", "D", "DI", ""])
    } else {
        rng.choose(&["I", "I", "I", "D", "D", "D", "D", "N", "P", "ID", "DI", "IPI", "DPD", "DN", "PD", "DP", "NIN", "", "IN"])
    };
    ops.chars()
        .map(|op| push(cigar, op, if op == 'N' { skip } else { indel }))
        .zip(ops.chars())
        .fold(0, |sum, (len, op)| if takes_reference(op) { sum + len } else { sum })
}

/// Operations of length zero, which the format allows.
fn empty_ops(rng: &mut Rng, cigar: &mut Cigar, wishes: Wishes) {
    let ops: &[u8] = if wishes.safe { b"DNISPH" } else { b"DNISPHMMX" };
    for _ in 0..rng.between(1, 3) {
        let op = rng.pick(ops) as char;
        // Clips stay outside.
        let inner = cigar.iter().position(|o| !matches!(o.0, 'H' | 'S')).unwrap_or(0);
        let outer = cigar.iter().rposition(|o| !matches!(o.0, 'H' | 'S')).map_or(inner, |at| at + 1);
        let at = match op {
            'H' | 'S' => 0,
            _ => rng.between(inner as i64, outer as i64) as usize,
        };
        if op == 'S' && cigar.first().is_some_and(|o| o.0 == 'H') {
            continue;
        }
        cigar.insert(at, (op, 0));
        if rng.chance(30) && !matches!(op, 'H' | 'S') {
            cigar.insert(at, (op, 0));
        }
    }
}

/// SEQ: the reference where it is aligned, with mistakes; anything elsewhere.
pub fn bases(rng: &mut Rng, read: &Read, reference: &[u8]) -> Vec<u8> {
    let mistakes = rng.choose(&[0, 0, 1, 1, 3, 10, 40]);
    let mut x = read.pos as usize;
    let mut seq = Vec::new();
    for &(op, len) in &read.cigar {
        for i in 0..len as usize {
            if takes_read(op) {
                let letter = reference.get(x + i).filter(|_| is_match(op)).map(u8::to_ascii_uppercase);
                let known = letter.filter(|l| b"ACGT".contains(l)).filter(|_| !rng.chance(mistakes));
                seq.push(known.unwrap_or_else(|| rng.pick(b"ACGT")));
            }
        }
        x += if takes_reference(op) { len as usize } else { 0 };
    }
    if rng.chance(6) {
        let odd = rng.pick(b"NNNN==RYMKSWHBVD");
        for _ in 0..rng.between(1, 5) {
            if !seq.is_empty() {
                let at = rng.below(seq.len() as u64) as usize;
                seq[at] = odd;
            }
        }
    }
    seq
}

/// Base qualities in one of several manners.
pub fn qualities(rng: &mut Rng, len: usize) -> Option<Vec<u8>> {
    let style = rng.below(12);
    let level = rng.choose(&[0, 1, 2, 7, 12, 13, 14, 16, 17, 20, 30, 40, 40, 41, 93]);
    match style {
        0 => None,
        1 => Some(vec![level as u8; len]),
        2 => Some((0..len).map(|_| rng.between(0, 93) as u8).collect()),
        3 => Some((0..len).map(|_| rng.between(10, 17) as u8).collect()),
        4 => {
            let mut quality = vec![40; len];
            if len > 0 {
                let from = rng.below(len as u64) as usize;
                let until = (from + rng.choose(&[3, 12, 30, 70])).min(len);
                quality[from..until].fill(rng.pick(&[0, 0, 2, 12]));
            }
            Some(quality)
        }
        5 => Some((0..len).map(|_| rng.pick(&[2, 11, 25, 37])).collect()),
        6 => Some(vec![40; len]),
        _ => Some((0..len).map(|i| (rng.between(28, 41) - (12 * i / (len + 1)) as i64 * i64::from(rng.chance(30))) as u8).collect()),
    }
}

/// A placed read with everything but flags, mate and tags; `None` where the contig has no room.
pub fn placed(rng: &mut Rng, name: &[u8], contig: usize, reference: &[u8], start: i64, span: i64, wishes: Wishes) -> Option<Read> {
    let room = reference.len() as i64 - start;
    if room <= 0 || start < 0 {
        return None;
    }
    let mut read = Read::new("").at(contig as i32, start);
    read.name = name.to_vec();
    read.cigar = cigar(rng, span.min(room), room, wishes);
    if rng.chance(2) {
        // No CIGAR, or one that takes no reference base.
        read.cigar = rng.choose(&[vec![], vec![('S', 10)], vec![('I', 10)], vec![('S', 4), ('I', 3)], vec![('D', 7)], vec![('N', 6)]]);
        if read.end() > reference.len() as i64 {
            read.cigar.clear();
        }
    } else if rng.chance(6) {
        // Flush with the contig's end.
        let end = reference.len() as i64;
        read.pos = end - read.reference_len();
        if read.reference_len() == 0 {
            read.pos = end - 1;
        }
    }
    fill(rng, &mut read, reference, wishes);
    Some(read)
}

/// SEQ, QUAL and MAPQ for the CIGAR at hand.
pub fn fill(rng: &mut Rng, read: &mut Read, reference: &[u8], wishes: Wishes) {
    read.seq = bases(rng, read, reference);
    if read.cigar.is_empty() {
        read.seq = (0..rng.between(0, 20)).map(|_| rng.pick(b"ACGT")).collect();
    }
    if wishes.no_seq && rng.chance(6) {
        read.seq.clear();
    }
    read.qual = if read.seq.is_empty() { None } else { qualities(rng, read.seq.len()) };
    read.mapq = rng.choose(&[0, 1, 5, 9, 10, 11, 13, 19, 20, 30, 60, 60, 60, 60, 60, 60, 60, 254, 255]);
}
