//! The lanes against the slow twin, bit for bit, and against known answers.

use super::*;
use crate::support::{model, naive_baq};

/// chrT of the known answers: 200 bases.
const CHR_T: &[u8] = b"AGAGTCGGCCCTGGCGCGGAATTGCATCGGCGGGATTAAATGACGGGAGCCTCTCGGTAGCGCAACAAGTACAAACGAACTCTTAACAACGTCCCTCCGA\
    AAGTGCCTAGCATTACGGTCAAATCTGGTTATACTCGTTGCGTGTACTTCACGGATTATGTTCGTTGAAATGACCCTGACGCTTGAGCAAAGAGCACTGG";

fn op(letter: u8) -> u32 {
    b"MIDNSHP=X".iter().position(|&l| l == letter).unwrap() as u32
}

/// A CIGAR string as BAM's words.
fn cigar(text: &str) -> Vec<u32> {
    let mut words = Vec::new();
    let mut n = 0;
    for b in text.bytes() {
        if b.is_ascii_digit() {
            n = n * 10 + u32::from(b - b'0');
        } else {
            words.push(n << 4 | op(b));
            n = 0;
        }
    }
    words
}

#[derive(Clone, Default)]
pub(super) struct Read {
    pub(super) flags: u16,
    pub(super) pos: i32,
    pub(super) cigar: Vec<u32>,
    pub(super) seq: Vec<u8>,
    pub(super) qual: Vec<u8>,
    pub(super) tags: Vec<u8>,
}

impl Read {
    pub(super) fn new(pos: i32, cigar_text: &str, seq: &[u8], qual: u8) -> Self {
        Self { pos, cigar: cigar(cigar_text), seq: seq.to_vec(), qual: vec![qual; seq.len()], ..Self::default() }
    }

    pub(super) fn tag(mut self, name: [u8; 2], kind: u8, value: &[u8]) -> Self {
        self.tags.extend_from_slice(&name);
        self.tags.push(kind);
        self.tags.extend_from_slice(value);
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&0i32.to_le_bytes());
        out.extend_from_slice(&self.pos.to_le_bytes());
        out.extend_from_slice(&[2, 60, 0, 0]);
        out.extend_from_slice(&(self.cigar.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&(self.seq.len() as u32).to_le_bytes());
        out.extend_from_slice(&[255; 8]);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(b"r\0");
        for word in &self.cigar {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let nibble = |l: &u8| b"=ACMGRSVTWYHKDBN".iter().position(|n| n == l).unwrap() as u8;
        for pair in self.seq.chunks(2) {
            out.push(nibble(&pair[0]) << 4 | pair.get(1).map_or(0, nibble));
        }
        out.extend_from_slice(&self.qual);
        out.extend_from_slice(&self.tags);
        Record::check(&out).unwrap();
        out
    }
}

/// The new qualities of reads on one contig, `width` at a time.
fn adjusted(reads: &[Read], contig: &[u8], width: Width) -> Vec<Vec<u8>> {
    let (mut buffer, mut ranges) = (vec![0xee; 3], Vec::new());
    for read in reads {
        let start = buffer.len();
        buffer.extend(read.bytes());
        ranges.push(start..buffer.len());
        buffer.extend([0xee; 4]);
    }
    let mut baq = Baq { width, ..Baq::default() };
    let window = Window { start: 0, bases: contig, contig_len: contig.len() as i64 };
    let mut standings = Standings::default();
    assert!(baq.adjust(&mut buffer, &ranges, &window, Exactness::Every, &mut standings, &|| false));
    assert_eq!(standings.all, vec![Standing::Exact; reads.len()]);
    ranges.iter().map(|range| Record::trusted(&buffer[range.clone()]).qual().to_vec()).collect()
}

fn one(read: &Read, contig: &[u8]) -> Vec<u8> {
    adjusted(std::slice::from_ref(read), contig, Width::of_processor()).remove(0)
}

/// The new qualities of a read by the slow twin, which would heed tags, too.
fn naive(read: &Read, contig: &[u8]) -> Vec<u8> {
    let mut twin = model::Read::new("r").at(0, i64::from(read.pos)).flags(read.flags);
    twin.cigar = read.cigar.iter().map(|word| (char::from(b"MIDNSHP=X"[(word & 15) as usize]), word >> 4)).collect();
    (twin.seq, twin.qual) = (read.seq.clone(), Some(read.qual.clone()));
    naive_baq::adjusted(&twin, contig).unwrap_or_else(|| read.qual.clone())
}

/// xorshift64*, so that a failure can be repeated.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % n.max(1)
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn base(&mut self, letters: &[u8]) -> u8 {
        letters[self.below(letters.len())]
    }

    /// A contig of one of several kinds, most of them hard to align to.
    fn contig(&mut self, len: usize) -> Vec<u8> {
        let letters: &[u8] = [&b"ACGT"[..], b"GGGCCCAT", b"AT", b"ACGTN", b"acgtACGTU", b"ACGTRYK"][self.below(6)];
        let mut out: Vec<u8> = (0..len).map(|_| self.base(letters)).collect();
        for _ in 0..self.below(8) {
            // A repeat, now and then imperfect.
            let (at, unit) = (self.below(len), 1 + self.below(6));
            let end = (at + 10 + self.below(80)).min(len);
            for i in at + unit..end {
                out[i] = if self.one_in(25) { self.base(b"ACGT") } else { out[i - unit] };
            }
        }
        if self.one_in(3) {
            let at = self.below(len);
            let end = (at + 1 + self.below(30)).min(len);
            out[at..end].fill(b'N');
        }
        out
    }

    fn quality(&mut self, kind: usize) -> u8 {
        match kind {
            0 => 37,
            1 => self.below(42) as u8,
            2 => [2, 11, 25, 37][self.below(4)],
            3 => self.below(94) as u8,
            4 => [0, 0, 40][self.below(3)],
            5 => 93,
            _ => [40, 40, 40, 40, 1, 255][self.below(6)],
        }
    }

    /// A read of about `len` bases drawn from the contig, with errors, gaps and clips.
    fn read(&mut self, contig: &[u8], len: usize) -> Read {
        let pos = if self.one_in(6) { self.below(8) } else { self.below(contig.len()) };
        let mut read = Read { pos: pos as i32, ..Read::default() };
        let (error, gap) = ([0, 50, 10, 200][self.below(4)], [0, 0, 200, 30][self.below(4)]);
        if self.one_in(6) {
            self.extra(&mut read, b'S', 1 + len / 4);
        }
        let mut x = pos;
        while x < contig.len() && (read.seq.len() < len) {
            if gap > 0 && self.one_in(gap) && !read.seq.is_empty() {
                if self.one_in(2) {
                    self.extra(&mut read, b'I', 12);
                } else {
                    let most = if self.one_in(9) { 40 } else { 10 };
                    let n = 1 + self.below(most);
                    read.cigar.push((n as u32) << 4 | op(b'D'));
                    x += n;
                    continue;
                }
            }
            let truth = contig[x].to_ascii_uppercase().replace_u();
            let wrong = error > 0 && self.one_in(error);
            let base = if wrong { self.base(b"ACGTN=R") } else { truth };
            let kind = if !self.one_in(if len > 500 { 90 } else { 9 }) {
                b'M'
            } else if base == truth {
                b'='
            } else {
                b'X'
            };
            read.seq.push(base);
            read.push(kind);
            x += 1;
        }
        if read.seq.is_empty() || self.one_in(6) {
            self.extra(&mut read, b'S', 1 + len / 4);
        }
        let kind = self.below(7);
        read.qual = (0..read.seq.len()).map(|_| self.quality(kind)).collect();
        if self.one_in(4) {
            let n = self.below(read.qual.len()) / 2;
            read.qual[..n].fill(0);
        }
        read
    }

    fn extra(&mut self, read: &mut Read, kind: u8, most: usize) {
        let n = 1 + self.below(most);
        for _ in 0..n {
            read.seq.push(self.base(b"ACGT"));
        }
        read.cigar.push((n as u32) << 4 | op(kind));
    }
}

pub(super) trait ReplaceU {
    fn replace_u(self) -> u8;
}

impl ReplaceU for u8 {
    fn replace_u(self) -> u8 {
        if self == b'U' { b'T' } else { self }
    }
}

impl Read {
    /// One more base of an operation.
    fn push(&mut self, kind: u8) {
        match self.cigar.last_mut() {
            Some(word) if *word & 15 == op(kind) => *word += 16,
            _ => self.cigar.push(16 | op(kind)),
        }
    }
}

/// Compares both programs over random reads; gives how many qualities changed, so that a test knows it tested something.
fn compare(seed: u64, contigs: usize, contig_len: usize, reads: usize, len: usize) -> usize {
    let mut random = Random(seed);
    let mut changed = 0;
    for _ in 0..contigs {
        let size = 1 + random.below(contig_len);
        let contig = random.contig(size);
        let common = 1 + random.below(len);
        let reads: Vec<Read> = (0..reads)
            .map(|_| {
                let len = if random.one_in(2) { common } else { 1 + random.below(len) };
                random.read(&contig, len)
            })
            .collect();
        let slow: Vec<_> = reads.iter().map(|read| naive(read, &contig)).collect();
        changed += reads.iter().zip(&slow).map(|(read, slow)| read.qual.iter().zip(slow).filter(|(a, b)| a != b).count()).sum::<usize>();
        for width in [Width::One, Width::Two, Width::Four, Width::Eight] {
            for (i, (fast, slow)) in adjusted(&reads, &contig, width).iter().zip(&slow).enumerate() {
                assert_eq!(fast, slow, "seed {seed:#x}, {width:?}, read {i}: {:?}", Record::trusted(&reads[i].bytes()).cigar());
            }
        }
    }
    changed
}

#[test]
fn lanes_give_the_bits_of_the_slow_twin() {
    assert!(compare(0x1234_5678_9abc_def1, 12, 900, 24, 400) > 1000);
    assert!(compare(0x0fed_cba9_8765_4321, 60, 120, 12, 60) > 1000);
}

#[test]
fn short_contigs_and_short_reads() {
    assert!(compare(0x5151_5151_0000_0001, 150, 25, 6, 12) > 100);
    assert!(compare(0x5151_5151_0000_0002, 30, 30, 4, 200) > 10);
}

#[test]
fn long_reads_and_the_rare_gap_setting() {
    assert!(compare(0x77aa_0000_0000_0003, 2, 6000, 4, 1600) > 100);
}

#[test]
#[ignore = "a minute even when optimised; run it after every change of the kernel"]
fn many_more_reads() {
    for seed in 1..=200 {
        compare(0xabcd_0000_0000_0000 | seed, 40, 900, 24, 400);
        compare(0xdcba_0000_0000_0000 | seed, 40, 60, 24, 80);
    }
}

#[test]
fn known_answers() {
    let mismatch_end = [36, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 32, 16, 0, 0];
    assert_eq!(one(&Read::new(20, "20M", b"ATTGCATCGGCGGGATTACC", 40), CHR_T), mismatch_end);
    let mismatch_start = [0, 0, 3, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 36, 33, 31];
    assert_eq!(one(&Read::new(20, "20M", b"AATGCATCGGCGGGATTAAA", 40), CHR_T), mismatch_start);
    let deletion = [36, 40, 40, 40, 40, 40, 40, 6, 3, 0, 40, 40, 40, 40, 40, 40, 40, 40, 40, 36];
    let read = one(&Read::new(20, "10M3D10M", b"ATTGCATCGGGATTAAATGA", 40), CHR_T);
    assert_eq!(read[..10], deletion[..10]);
    assert_eq!(read[10], 22);
    assert_eq!(read[19], 36);
    assert_eq!(one(&Read::new(195, "5M", b"ACAGG", 40), CHR_T), [20; 5]);
    let edge = [0, 17, 33, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 29];
    assert_eq!(one(&Read::new(0, "20M", b"CGAGTCGGCCCTGGCGCGGA", 40), CHR_T), edge);
}

#[test]
fn insertion_is_no_part_of_a_block() {
    let read = one(&Read::new(20, "25M2I3M", b"ATTGCATCGGCGGGATTAAATGACGGAGGA", 40), CHR_T);
    let mut expected = vec![36];
    expected.extend([40; 23]);
    expected.extend([23, 40, 40]);
    assert_eq!(read[..24], expected[..24]);
    assert_eq!(read[25..27], [40, 40]);
    assert_eq!(read[27..], [3, 22, 26][..]);
}

#[test]
fn adjacent_operations_are_one_block() {
    let seq = b"TCGGCGGGAAAAAATTACGG";
    let expected = [36, 40, 40, 40, 40, 40, 40, 40, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 28, 26];
    for text in ["20M", "11M9M", "11M0M9M", "8=3X9="] {
        assert_eq!(one(&Read::new(26, text, seq, 40), CHR_T), expected, "{text}");
    }
    assert_ne!(one(&Read::new(26, "11M0I9M", seq, 40), CHR_T), expected);
}

#[test]
fn tags_stand_for_the_model() {
    let seq = b"CGAGTCGGCC";
    let read = Read::new(0, "10M", seq, 40);
    let with_model = one(&read, CHR_T);
    assert_ne!(with_model, [40; 10]);
    let offsets = b"@@JzzA@@@@\0";
    let applied = [40, 40, 30, 0, 0, 39, 40, 40, 40, 40];
    let short = b"@@@\0";
    let bq = read.clone().tag(*b"BQ", b'Z', offsets);
    assert_eq!(one(&bq, CHR_T), applied);
    assert_eq!(one(&bq.clone().tag(*b"ZQ", b'Z', offsets), CHR_T), applied);
    assert_eq!(one(&bq.tag(*b"ZQ", b'Z', short), CHR_T), [40; 10]);
    assert_eq!(one(&read.clone().tag(*b"ZQ", b'Z', offsets), CHR_T), [40; 10]);
    assert_eq!(one(&read.clone().tag(*b"ZQ", b'C', b"x"), CHR_T), [40; 10]);
    assert_eq!(one(&read.clone().tag(*b"BQ", b'Z', short), CHR_T), with_model);
    assert_eq!(one(&read.clone().tag(*b"BQ", b'C', b"x"), CHR_T), with_model);
    assert_eq!(one(&read.clone().tag(*b"BQ", b'Z', short).tag(*b"ZQ", b'Z', offsets), CHR_T), with_model);
    assert_eq!(one(&read.tag(*b"XX", b'?', b"broken"), CHR_T), with_model);
}

#[test]
fn reads_without_a_model_keep_their_qualities() {
    let seq = b"CGAGTCGGCC";
    let read = Read::new(0, "10M", seq, 40);
    let window = |read: &Read, len| Baq::window(Record::trusted(&read.bytes()), len);
    assert_eq!(window(&read, 200), Some(Interval::new(0, 13)));
    assert_eq!(window(&read, 5), Some(Interval::new(0, 5)));
    let unmapped = Read { flags: 4, ..read.clone() };
    let mut no_qualities = read.clone();
    no_qualities.qual[0] = 255;
    let beyond = Read { pos: 500, ..read.clone() };
    let skip = Read { cigar: cigar("5M20N5M"), ..read.clone() };
    for read in [unmapped, no_qualities, beyond, skip, Read { cigar: cigar("10S"), ..read.clone() }, Read { cigar: vec![], ..read }] {
        assert_eq!(window(&read, 200), None);
        assert_eq!(one(&read, CHR_T), read.qual);
    }
}

#[test]
fn impossible_reads_keep_their_qualities() {
    // Matches of quality 0 have probability 0, and nothing else is in the band for so long.
    let read = Read::new(0, "40M", &[b'A'; 40], 0);
    let contig = [b'A'; 60];
    assert_eq!(one(&read, &contig), [0; 40]);
    let mut read = Read::new(0, "60M", &[b'A'; 60], 0);
    read.qual[59] = 40;
    assert_eq!(one(&read, &contig), naive(&read, &contig));
}

#[test]
fn wide_bands_run_in_pieces() {
    let mut random = Random(0x9999_0001);
    let contig: Vec<u8> = (0..3000).map(|_| random.base(b"ACGT")).collect();
    let mut seq = contig[100..400].to_vec();
    seq.extend_from_slice(&contig[550..1150]);
    let mut reads = vec![Read::new(100, "300M150D600M", &seq, 35)];
    reads.push(Read { qual: vec![93; seq.len()], ..reads[0].clone() });
    reads.push(Read { pos: 101, ..reads[0].clone() });
    reads.push(Read::new(1500, "500M", &contig[1500..2000], 20));
    let slow: Vec<_> = reads.iter().map(|read| naive(read, &contig)).collect();
    for width in [Width::Eight, Width::One] {
        assert_eq!(adjusted(&reads, &contig, width), slow);
    }
}

#[test]
fn cancelling_stops_early_and_a_window_may_start_anywhere() {
    let mut random = Random(0x4242);
    let contig: Vec<u8> = (0..600).map(|_| random.base(b"ACGT")).collect();
    let mut read = Read::new(300, "50M", &contig[300..350], 40);
    read.seq[2] = if read.seq[2] == b'A' { b'C' } else { b'A' };
    let mut buffer = read.bytes();
    let whole = 0..buffer.len();
    let ranges = std::slice::from_ref(&whole);
    let asked = Baq::window(Record::trusted(&buffer), 600).unwrap();
    assert_eq!(asked, Interval::new(297, 353));
    let window = Window { start: 290, bases: &contig[290..360], contig_len: 600 };
    let mut baq = Baq::default();
    let mut standings = Standings::default();
    assert!(!baq.adjust(&mut buffer, ranges, &window, Exactness::Every, &mut standings, &|| true));
    assert_eq!(Record::trusted(&buffer).qual(), read.qual);
    assert!(baq.adjust(&mut buffer, ranges, &window, Exactness::Every, &mut standings, &|| false));
    assert_eq!(Record::trusted(&buffer).qual(), naive(&read, &contig));
    assert_ne!(Record::trusted(&buffer).qual(), read.qual);
}
