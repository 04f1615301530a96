//! Reads as a sequencer and an aligner make them: a donor that differs from the reference, base qualities, errors, CIGAR and MD.

use std::fmt::Write as _;

use super::rng::Rng;

/// Marks a base of a donor that the reference lacks; the rest is the position before it.
const INSERTED: u32 = 1 << 31;
/// A gap of a transcript this long or shorter is a deletion, a longer one an intron.
const LONGEST_DELETION: u32 = 40;

/// A genome or transcript that reads are taken from: its bases, and where in the reference each of them is.
#[derive(Default)]
pub struct Donor {
    bases: Vec<u8>,
    places: Vec<u32>,
}

impl Donor {
    /// The reference with a difference per 800 bases or so; half as many where there are two of it.
    pub fn of(contig: &[u8], rng: &mut Rng, heterozygous: bool) -> Self {
        let mut donor = Self::default();
        let rate = if heterozygous { 0.5 } else { 1.0 };
        let mut i = 0;
        while i < contig.len() {
            let (x, known) = (rng.unit(), contig[i] != b'N');
            if known && x < 0.001 * rate {
                let letter = rng.letter();
                donor.push(letter, i as u32);
            } else if known && x < 0.0011 * rate {
                donor.push(contig[i], i as u32);
                for _ in 0..=rng.below(6) {
                    let letter = rng.letter();
                    donor.push(letter, i as u32 | INSERTED);
                }
            } else if known && x < 0.0012 * rate {
                i += rng.below(8) as usize;
            } else {
                donor.push(contig[i], i as u32);
            }
            i += 1;
        }
        donor
    }

    /// Some exons of a gene that begins at `start`, and where its last one ends.
    pub fn transcript(contig: &[u8], start: usize, rng: &mut Rng) -> (Self, usize) {
        let mut donor = Self::default();
        let mut exon = start;
        for _ in 0..2 + rng.below(9) {
            let len = 80 + rng.below(400) as usize;
            for (i, &base) in contig.iter().enumerate().skip(exon).take(len) {
                donor.push(base, i as u32);
            }
            exon += len + 100 + (rng.unit() * rng.unit() * 8000.0) as usize;
            if exon + 2000 > contig.len() {
                break;
            }
        }
        (donor, exon)
    }

    pub fn len(&self) -> usize {
        self.bases.len()
    }

    fn push(&mut self, base: u8, place: u32) {
        self.bases.push(base);
        self.places.push(place);
    }
}

/// Whose base qualities.
#[derive(Clone, Copy)]
pub enum Qualities {
    /// Four levels.
    Nova,
    /// About forty.
    Hiseq,
    /// Nanopore.
    Ont,
}

impl Qualities {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "nova" => Self::Nova,
            "hiseq" => Self::Hiseq,
            "ont" => Self::Ont,
            _ => return None,
        })
    }

    pub fn make(self, n: usize, reversed: bool, rng: &mut Rng) -> Vec<u8> {
        let mut out = match self {
            Self::Nova => nova(n, rng),
            Self::Hiseq => hiseq(n, rng),
            Self::Ont => ont(n, rng),
        };
        if reversed {
            out.reverse();
        }
        out
    }
}

fn nova(n: usize, rng: &mut Rng) -> Vec<u8> {
    let bad = -rng.unit().max(1e-9).ln() * 0.7;
    let mut level = 3;
    (0..n)
        .map(|i| {
            let t = i as f64 / n as f64;
            let drop = (0.012 + 0.05 * t * t) * (0.4 + bad) + if i < 3 { 0.02 } else { 0.0 };
            if level != 3 {
                let x = rng.unit();
                level = [0.72, 0.88, 0.998].iter().position(|&most| x < most).map_or(0, |i| 3 - i);
            } else if rng.chance(drop) {
                level = if rng.chance(0.6) { 2 } else { usize::from(rng.chance(0.97)) };
            }
            [2, 12, 23, 37][level]
        })
        .collect()
}

fn hiseq(n: usize, rng: &mut Rng) -> Vec<u8> {
    let base = 38.5 + 1.5 * rng.normal() - 2.0 * -rng.unit().max(1e-9).ln();
    let mut wander = 0.0;
    (0..n)
        .map(|i| {
            let t = i as f64 / n as f64;
            wander = 0.8 * wander + 1.6 * rng.normal();
            let dip = if rng.chance(0.02 + 0.05 * t) { 12.0 * rng.unit() } else { 0.0 };
            (base - 9.0 * t * t + wander - dip - if i < 5 { 5.0 } else { 0.0 }).round().clamp(2.0, 41.0) as u8
        })
        .collect()
}

fn ont(n: usize, rng: &mut Rng) -> Vec<u8> {
    let base = 20.0 + 4.0 * rng.normal();
    let mut wander = 0.0;
    (0..n)
        .map(|_| {
            wander = 0.7 * wander + 5.0 * rng.normal();
            (base + wander).round().clamp(1.0, 50.0) as u8
        })
        .collect()
}

/// How a read comes to differ from its donor.
#[derive(Clone, Copy, Default)]
pub struct Wear {
    /// Chance of an insertion or deletion at a base.
    pub insertion: f64,
    pub deletion: f64,
    /// Bases that align nowhere, at either end.
    pub clips: (usize, usize),
    /// Long gaps are introns.
    pub spliced: bool,
}

/// A read and how it is aligned.
pub struct Alignment {
    /// 0-based.
    pub pos: u32,
    pub cigar: String,
    /// Positions from first to last.
    pub span: u32,
    pub seq: Vec<u8>,
    pub qual: Vec<u8>,
    pub edits: u32,
    pub md: String,
}

impl Alignment {
    pub fn text(&self) -> (String, String) {
        let qual = self.qual.iter().map(|q| char::from(q + 33)).collect();
        (self.seq.iter().copied().map(char::from).collect(), qual)
    }
}

/// What is known of an alignment while the read is walked along.
struct Walk<'a> {
    reference: &'a [u8],
    ops: Vec<(u32, u8)>,
    seq: Vec<u8>,
    md: String,
    /// Bases since the last mismatch or deletion.
    matched: u32,
    edits: u32,
    first: u32,
    last: u32,
}

impl Walk<'_> {
    fn op(&mut self, len: u32, kind: u8) {
        match self.ops.last_mut() {
            Some(op) if op.1 == kind => op.0 += len,
            _ => self.ops.push((len, kind)),
        }
    }

    fn noise(&mut self, len: usize, kind: u8, rng: &mut Rng) {
        for _ in 0..len {
            self.seq.push(rng.letter());
        }
        if len > 0 {
            self.op(len as u32, kind);
        }
    }

    fn gap(&mut self, to: u32, spliced: bool) {
        let len = to - self.last - 1;
        if spliced && len > LONGEST_DELETION {
            self.op(len, b'N');
            return;
        }
        self.op(len, b'D');
        self.edits += len;
        let _ = write!(self.md, "{}^", self.matched);
        self.matched = 0;
        self.md.extend(self.reference[self.last as usize + 1..to as usize].iter().copied().map(char::from));
    }

    fn aligned(&mut self, base: u8, place: u32) {
        let expected = self.reference[place as usize];
        if base == expected {
            self.matched += 1;
        } else {
            self.edits += 1;
            let _ = write!(self.md, "{}{}", self.matched, char::from(expected));
            self.matched = 0;
        }
        self.seq.push(base);
        self.op(1, b'M');
        self.last = place;
    }

    fn finish(mut self, qual: Vec<u8>) -> Alignment {
        let _ = write!(self.md, "{}", self.matched);
        let mut cigar = String::new();
        for (len, kind) in &self.ops {
            let _ = write!(cigar, "{len}{}", char::from(*kind));
        }
        let span = self.last + 1 - self.first;
        Alignment { pos: self.first, cigar, span, seq: self.seq, qual, edits: self.edits, md: self.md }
    }
}

/// Chance that a base of this quality is wrong.
fn error_rate(quality: u8) -> f64 {
    match quality {
        30.. => 0.0018,
        20..30 => 0.018,
        6..20 => 0.06,
        _ => 0.3,
    }
}

/// Reads as many bases as there are qualities off `donor`, from its base `at` on; `None` where it ends or the reference is N.
pub fn read(donor: &Donor, reference: &[u8], at: usize, qual: Vec<u8>, wear: Wear, rng: &mut Rng) -> Option<Alignment> {
    let (seq, md) = (Vec::with_capacity(qual.len()), String::new());
    let mut walk = Walk { reference, ops: Vec::new(), seq, md, matched: 0, edits: 0, first: u32::MAX, last: 0 };
    walk.noise(wear.clips.0, b'S', rng);
    let end = qual.len() - wear.clips.1;
    let mut at = at;
    while walk.seq.len() < end {
        if at >= donor.len() {
            return None;
        }
        let started = walk.first != u32::MAX;
        if started && walk.seq.len() + 10 < end {
            if wear.deletion > 0.0 && rng.chance(wear.deletion) {
                at += 1 + if rng.chance(0.3) { rng.below(4) as usize } else { 0 };
                continue;
            }
            if wear.insertion > 0.0 && rng.chance(wear.insertion) {
                let len = 1 + if rng.chance(0.3) { rng.below(3) as usize } else { 0 };
                walk.noise(len, b'I', rng);
                walk.edits += len as u32;
                continue;
            }
        }
        let (base, place) = (donor.bases[at], donor.places[at]);
        at += 1;
        if place & INSERTED != 0 {
            if started && walk.seq.len() + 8 < end {
                walk.seq.push(base);
                walk.op(1, b'I');
                walk.edits += 1;
            }
            continue;
        }
        if reference[place as usize] == b'N' {
            return None;
        }
        if !started {
            walk.first = place;
        } else if place != walk.last + 1 {
            walk.gap(place, wear.spliced);
        }
        let wrong = rng.chance(error_rate(qual[walk.seq.len()]));
        walk.aligned(if wrong { rng.letter() } else { base }, place);
    }
    walk.noise(wear.clips.1, b'S', rng);
    Some(walk.finish(qual))
}
