//! Random small samples: few contigs, few reads, everything that makes counting hard. The same seed gives the same sample.

use super::bam::{FileShape, IndexKind};
use super::generate_read::{self as reads, Wishes};
use super::model::{Read, Sample};

/// Splitmix64: small, seeded, good enough to pick test cases.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A stream of numbers that depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(0x2545_f491_4f6c_dd1d))
    }

    /// Any 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these bytes.
    pub fn pick(&mut self, from: &[u8]) -> u8 {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of these values.
    pub fn choose<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

/// What a sample is mostly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A bit of everything.
    Mixed,
    /// Many reads at few starts, for small caps.
    Deep,
    /// Introns.
    Spliced,
    /// Some reads above 1,000 bases, where BAQ changes its parameters.
    LongRead,
    /// Whole-read matches, ordinary pairs.
    Plain,
}

impl Profile {
    /// The profile a seed stands for.
    pub fn of(seed: u64) -> Self {
        match Rng::new(seed ^ 0x70_726f).below(20) {
            0..=7 => Self::Mixed,
            8..=11 => Self::Deep,
            12..=16 => Self::Spliced,
            17..=18 => Self::LongRead,
            _ => Self::Plain,
        }
    }
}

/// The sample of a seed. With `samtools_safe` it holds nothing samtools 1.24 stops at or miscounts: no proper pair without SEQ, no
/// empty match operation. (`depth -q` on a sample that holds reads without SEQ stays undefined there; [`has_no_seq`] tells.)
pub fn sample(seed: u64, samtools_safe: bool) -> Sample {
    let profile = Profile::of(seed);
    let mut rng = Rng::new(seed);
    let no_seq = rng.chance(25);
    let wishes = Wishes { profile, safe: samtools_safe, no_seq };
    let mut sample = Sample::new();
    for number in 1..=rng.choose(&[1, 1, 2, 3]) {
        sample = sample.contig(&format!("c{number}"), &contig(&mut rng, profile));
    }
    let wanted = match profile {
        Profile::Deep => rng.between(60, 300),
        Profile::LongRead => rng.between(5, 25),
        _ => rng.choose(&[5, 12, 30, 60, 120, 300]),
    };
    // Fewer names than templates make third records and strangers of the same name.
    let names = if rng.chance(30) { 1 + wanted / 6 } else { 4 * wanted };
    let spots = [rng.next(), rng.next(), rng.next()];
    while (sample.reads.len() as i64) < wanted {
        let name = name(&mut rng, names);
        let contig = rng.below(sample.contigs.len() as u64) as usize;
        let len = sample.contig_len(contig);
        let start = start(&mut rng, profile, &spots, len);
        let mut template = Template { rng: &mut rng, wishes, sample: &sample, contig, name };
        let new = if template.rng.chance(70) { template.pair(start) } else { template.single(start) };
        sample.reads.extend(new);
    }
    for read in &mut sample.reads {
        last_touches(&mut rng, read, samtools_safe);
    }
    unplaced(&mut rng, &mut sample);
    sample.sort()
}

/// The same with names used again or missing, mate fields that are lost or name another record, and read groups.
pub fn with_hostile_templates(mut sample: Sample, seed: u64) -> Sample {
    let mut rng = Rng::new(seed ^ 0x7465_6d70);
    let names = rng.choose(&[1, 3, 10, 1000]);
    let lost = rng.choose(&[0, 10, 50, 100]);
    let groups = rng.chance(50);
    let places: Vec<_> = sample.reads.iter().map(|read| (read.contig, read.pos)).collect();
    let copies: Vec<_> = sample.reads.iter().filter(|_| rng.chance(10)).cloned().collect();
    sample.reads.extend(copies);
    for read in &mut sample.reads {
        // The two of a pair keep one name, most of the time.
        let number = read.name.iter().fold(0u64, |sum, &byte| 31 * sum + u64::from(byte)) % names;
        read.name = if names == 1 && rng.chance(50) { b"*".to_vec() } else { format!("t{number}").into_bytes() };
        if rng.chance(lost) {
            (read.mate_contig, read.mate_pos) = rng.choose(&[(-1, -1), (-1, -1), (read.mate_contig, -1), (-1, read.mate_pos)]);
        } else if rng.chance(10) && !places.is_empty() {
            (read.mate_contig, read.mate_pos) = rng.choose(&places);
        }
        if rng.chance(5) {
            read.flags ^= rng.choose(&[0x40, 0x80, 0xc0, 0x1, 0x2, 0x8, 0x20]);
        }
        if rng.chance(5) {
            read.tlen = rng.choose(&[0, 1, -1, 50, -50, 400, -400]);
        }
        if groups && rng.chance(80) {
            let group = if rng.chance(95) { number % 2 } else { 2 };
            *read = read.clone().tag(*b"RG", format!("g{group}").as_bytes());
        }
    }
    sample.sort()
}

/// The file layout of a seed: frames of many sizes, cut at records or through them, either index.
pub fn shape(seed: u64) -> FileShape {
    let mut rng = Rng::new(seed ^ 0x0073_6861_7065);
    let csi = [(14, 5), (14, 6), (12, 5), (10, 4), (8, 5)];
    FileShape {
        frame_payload: rng.choose(&[100, 150, 333, 1000, 4096, 20_000, 65_280, 65_280]),
        aligned: rng.chance(50),
        empty_every: rng.choose(&[0, 0, 0, 1, 2, 7]),
        level: rng.choose(&[0, 1, 6, 6, 12]),
        eof: true,
        index: if rng.chance(50) {
            IndexKind::Bai
        } else {
            let (min_shift, depth) = rng.choose(&csi);
            IndexKind::Csi { min_shift, depth }
        },
        fasta_width: rng.choose(&[1, 7, 50, 60, 60, 61, 100_000]),
    }
}

/// Whether a mapped read lacks SEQ.
pub fn has_no_seq(sample: &Sample) -> bool {
    sample.reads.iter().any(|read| read.contig >= 0 && read.seq.is_empty())
}

fn contig(rng: &mut Rng, profile: Profile) -> Vec<u8> {
    let len = match profile {
        Profile::LongRead => rng.between(1800, 3000),
        Profile::Deep => rng.between(100, 600),
        _ => rng.choose(&[100, 180, 300, 700, 1500, 3000]) - rng.between(0, 50).min(rng.between(0, 50)),
    }
    .max(100) as usize;
    let mut letters = Vec::new();
    while letters.len() < len {
        let run = rng.between(2, 14) as usize;
        match rng.below(40) {
            0..=2 => letters.extend(vec![rng.pick(b"ACGT"); if rng.chance(20) { 5 * run } else { run }]),
            3..=4 => letters.extend([rng.pick(b"ACGT"), rng.pick(b"ACGT"), rng.pick(b"ACGT")].repeat(run)),
            5 => letters.extend(vec![b'N'; run]),
            6 => letters.push(rng.pick(b"RYMKSWBDHVrn")),
            7..=10 => letters.extend((0..5 * run).map(|_| rng.pick(b"acgt"))),
            _ => letters.extend((0..5 * run).map(|_| rng.pick(b"ACGT"))),
        }
    }
    letters.truncate(len);
    letters
}

fn name(rng: &mut Rng, names: i64) -> Vec<u8> {
    let number = rng.below(names as u64);
    match rng.below(30) {
        0 => format!("{}{number}", "long/".repeat(40)).into_bytes(),
        1..=5 => vec![b'a' + (number % 26) as u8],
        _ => format!("r{number}").into_bytes(),
    }
}

fn start(rng: &mut Rng, profile: Profile, spots: &[u64], len: i64) -> i64 {
    let spot = (rng.choose(spots) % len as u64) as i64;
    match (profile, rng.below(20)) {
        (_, 0) => 0,
        (Profile::Deep, 1..=12) => spot,
        (Profile::Deep, _) => (spot + rng.between(0, 30)).min(len - 1),
        (_, 1..=3) => spot,
        (_, 4..=5) => (spot + rng.between(0, 5)).min(len - 1),
        (_, 6) => rng.between(0, 20).min(len - 1),
        _ => rng.between(0, len - 1),
    }
}

/// Reads of one name.
struct Template<'a> {
    rng: &'a mut Rng,
    wishes: Wishes,
    sample: &'a Sample,
    contig: usize,
    name: Vec<u8>,
}

impl Template<'_> {
    fn span(&mut self) -> i64 {
        match (self.wishes.profile, self.rng.below(10)) {
            (Profile::LongRead, 0..=4) => self.rng.between(980, 1500),
            (Profile::Deep, _) => self.rng.between(5, 60),
            (_, 0) => self.rng.between(1, 12),
            (_, 1) => self.rng.between(100, 250),
            _ => self.rng.between(15, 110),
        }
    }

    fn read(&mut self, start: i64, span: i64) -> Option<Read> {
        let letters = &self.sample.contigs[self.contig].1;
        reads::placed(self.rng, &self.name, self.contig, letters, start, span, self.wishes)
    }

    fn single(&mut self, start: i64) -> Vec<Read> {
        let span = self.span();
        let Some(read) = self.read(start, span) else { return Vec::new() };
        let flags = self.rng.choose(&[0, 0, 0, 0, 16, 16, 2, 65, 73, 67, 0x800, 0x100]);
        let other = self.rng.between(-1, self.sample.contigs.len() as i64 - 1) as i32;
        let mate_pos = if flags & 1 != 0 { self.rng.between(-1, 2 * span) } else { -1 };
        vec![read.flags(flags).mate(if flags & 1 != 0 { other } else { -1 }, mate_pos, 0)]
    }

    /// Two mates, now and then with a third record or an unmapped mate.
    fn pair(&mut self, start: i64) -> Vec<Read> {
        let span = self.span();
        let Some(mut left) = self.read(start, span) else { return Vec::new() };
        let len = left.reference_len().max(1);
        let other_span = self.span();
        let (offset, other_span) = match self.rng.below(16) {
            0 => (0, other_span),
            1 => (0, span),
            2 => (len, other_span),
            3 => (len - 1, other_span),
            4 => (len + self.rng.between(1, 80), other_span),
            5 => (self.rng.between(300, 1500), other_span),
            6..=7 => {
                let inside = self.rng.between(1, len);
                (len - inside, self.rng.between(1, inside))
            }
            8 => (-self.rng.between(0, 40), other_span),
            _ => (self.rng.between(0, len), other_span),
        };
        let right = self.read((left.pos + offset).max(0), other_span);
        let Some(mut right) = right else {
            left.flags = 0x1 | self.rng.choose(&[0, 2, 8, 10]);
            return vec![left];
        };
        if self.rng.chance(8) {
            // The same alignment twice, or shifted: indels at the same place.
            let letters = &self.sample.contigs[self.contig].1;
            right.pos = (left.pos + self.rng.between(0, 3)).min(letters.len() as i64 - left.reference_len().max(1));
            right.cigar.clone_from(&left.cigar);
            reads::fill(self.rng, &mut right, letters, self.wishes);
        }
        if self.rng.chance(15) && left.seq.len() == right.seq.len() {
            right.qual.clone_from(&left.qual);
        }
        if self.rng.chance(10) {
            right.mapq = left.mapq;
        }
        let tlen = left.end().max(right.end()) - left.pos.min(right.pos);
        self.pair_up(&mut left, &right.clone(), tlen, 99);
        self.pair_up(&mut right, &left, -tlen, 147);
        let mut all = vec![left, right];
        if self.rng.chance(12) {
            all.extend(self.third(&all[0].clone()));
        }
        if self.rng.chance(3) {
            all[1].flags = (all[1].flags | 0x4) & !0x2;
            all[0].flags = (all[0].flags | 0x8) & !0x2;
            all[1].cigar.clear();
            all[1].pos = all[0].pos;
        }
        all
    }

    /// Flags and mate fields: right most of the time.
    fn pair_up(&mut self, read: &mut Read, mate: &Read, tlen: i64, flags: u16) {
        let rng = &mut *self.rng;
        let usually = if self.wishes.profile == Profile::Plain { 97 } else { 75 };
        read.flags = flags;
        (read.mate_contig, read.mate_pos, read.tlen) = (mate.contig, mate.pos, tlen);
        if rng.chance(usually) {
            return;
        }
        match rng.below(10) {
            0..=1 => read.flags &= !0x2,
            2 => read.flags |= 0x8,
            3 => read.mate_pos = -1,
            4 => (read.mate_contig, read.mate_pos) = (-1, -1),
            5 => read.mate_pos = rng.between(0, 300),
            6 => read.mate_contig = rng.between(-1, self.sample.contigs.len() as i64 - 1) as i32,
            7 => read.tlen = rng.choose(&[0, 1000, -1000]),
            8 => {
                read.tlen = 2 * read.seq.len() as i64 - rng.between(0, 1);
                read.mate_pos = read.end() - rng.between(0, 1);
            }
            _ => read.flags &= !0x1,
        }
    }

    /// A supplementary or secondary record of the same template.
    fn third(&mut self, first: &Read) -> Option<Read> {
        let span = self.span();
        let start = (first.pos + self.rng.between(-30, 60)).max(0);
        let mut read = self.read(start, span)?;
        read.flags = first.flags | self.rng.choose(&[0x800, 0x800, 0x800, 0x100, 0]);
        (read.mate_contig, read.mate_pos, read.tlen) = (first.mate_contig, first.mate_pos, first.tlen);
        if self.rng.chance(20) {
            read.mate_pos = read.pos + self.rng.between(0, 50);
        }
        Some(read)
    }
}

/// Flags and tags that any read may carry.
fn last_touches(rng: &mut Rng, read: &mut Read, safe: bool) {
    match rng.below(60) {
        0..=1 => read.flags |= 0x400,
        2 => read.flags |= 0x200,
        3 => read.flags |= 0x100,
        4 => read.flags ^= 0x10,
        _ => {}
    }
    let len = read.seq.len();
    if rng.chance(2) && len > 0 {
        let len = if rng.chance(15) { len + 1 } else { len };
        let text: Vec<_> = (0..len).map(|_| rng.pick(b"@@@@@ABCDEHT^h<")).collect();
        let name = rng.choose(&[*b"BQ", *b"BQ", *b"ZQ"]);
        *read = read.clone().tag(name, &text);
        if rng.chance(10) {
            *read = read.clone().tag(*b"ZQ", &text);
        }
    }
    if safe && read.seq.is_empty() {
        read.flags &= !0x2;
    }
}

/// Reads without a place come last.
fn unplaced(rng: &mut Rng, sample: &mut Sample) {
    for number in 0..rng.choose(&[0, 0, 1, 3]) {
        let mut read = Read::new(&format!("u{number}")).flags(rng.choose(&[4, 77, 141]));
        read.seq = (0..rng.between(0, 30)).map(|_| rng.pick(b"ACGTN")).collect();
        read.qual = if read.seq.is_empty() { None } else { reads::qualities(rng, read.seq.len()) };
        read.mapq = 0;
        sample.reads.push(read);
    }
}
