//! Simulated reads for the benchmarks, as unsorted SAM: `reads REF.fa short|rna|long DEPTH SEED nova|hiseq|ont PLOIDY`.
//!
//! Pairs of 2 x 150 bases from a donor (`short`) or from spliced transcripts of very unequal expression (`rna`), or nanopore reads (`long`),
//! with duplicates, unmapped mates, secondary and supplementary records, clips and mapping qualities as aligners give them.

mod model;
mod rng;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use model::{Alignment, Donor, Qualities, Wear, read};
use rng::Rng;

const READ_LEN: usize = 150;
/// A split read's second part.
const SPLIT_LEN: usize = 60;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Short,
    Rna,
    Long,
}

struct Settings {
    kind: Kind,
    depth: f64,
    seed: u64,
    qualities: Qualities,
    ploidy: usize,
}

struct Contig {
    name: String,
    seq: Vec<u8>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((path, settings)) = settings(&words) else {
        eprintln!("usage: reads REF.fa short|rna|long DEPTH SEED nova|hiseq|ont PLOIDY");
        return ExitCode::from(2);
    };
    let written = std::fs::read(path).and_then(|fasta| write(&contigs(&fasta), &settings, io::stdout().lock()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reads: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn settings(words: &[String]) -> Option<(&str, Settings)> {
    let [path, kind, depth, seed, qualities, ploidy] = words else { return None };
    let kind = match kind.as_str() {
        "short" => Kind::Short,
        "rna" => Kind::Rna,
        "long" => Kind::Long,
        _ => return None,
    };
    let (depth, seed) = (depth.parse().ok()?, seed.parse().ok()?);
    Some((path, Settings { kind, depth, seed, qualities: Qualities::named(qualities)?, ploidy: ploidy.parse().ok()? }))
}

fn contigs(fasta: &[u8]) -> Vec<Contig> {
    let mut contigs: Vec<Contig> = Vec::new();
    for line in fasta.split(|&b| b == b'\n') {
        if let Some(name) = line.strip_prefix(b">") {
            contigs.push(Contig { name: String::from_utf8_lossy(name).into_owned(), seq: Vec::new() });
        } else if let Some(contig) = contigs.last_mut() {
            contig.seq.extend_from_slice(line);
        }
    }
    contigs
}

fn write(contigs: &[Contig], settings: &Settings, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, out);
    writeln!(out, "@HD\tVN:1.6\tSO:unsorted")?;
    for contig in contigs {
        writeln!(out, "@SQ\tSN:{}\tLN:{}", contig.name, contig.seq.len())?;
    }
    writeln!(out, "@RG\tID:lib1.L1\tSM:sample1\tPL:ILLUMINA\tLB:lib1")?;
    let mut rng = Rng::new(settings.seed);
    let mut pairs = Pairs { id: 0 };
    for contig in contigs {
        let donors: Vec<_> = (0..settings.ploidy).map(|_| Donor::of(&contig.seq, &mut rng, settings.ploidy > 1)).collect();
        if settings.kind == Kind::Long {
            write_long(contig, &donors, settings, &mut rng, &mut out)?;
        } else {
            pairs.write(contig, &donors, settings, &mut rng, &mut out)?;
        }
    }
    out.flush()
}

/// Most reads have 60; some places have none, or any.
fn mapq(pos: u32, rng: &mut Rng) -> u64 {
    match (u64::from(pos / 700).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 100 {
        0 | 1 => 0,
        2 | 3 => rng.below(40),
        _ if rng.chance(0.01) => rng.below(60),
        _ => 60,
    }
}

fn write_long(contig: &Contig, donors: &[Donor], settings: &Settings, rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
    let n = contig.seq.len();
    let mut covered = 0.0;
    while covered < settings.depth * n as f64 {
        let len = ((9.05 + 0.55 * rng.normal()).exp() as usize).clamp(300, 80_000);
        let start = rng.below(n as u64 - 200) as usize;
        let reverse = rng.chance(0.5);
        let qual = settings.qualities.make(len, reverse, rng);
        let clips = (5 + rng.below(60) as usize, 5 + rng.below(60) as usize);
        let wear = Wear { insertion: 0.015, deletion: 0.02, clips, spliced: false };
        let Some(a) = read(&donors[0], &contig.seq, start, qual, wear, rng) else { continue };
        covered += f64::from(a.span);
        let mapq = mapq(a.pos, rng);
        let kind = if rng.chance(0.04) { 0x800 } else { 0x100 * u16::from(rng.chance(0.03)) };
        let flags = (0x10 * u16::from(reverse)) | kind;
        let words = (rng.bits() >> 32, rng.below(65_536), rng.below(4096), rng.below(4096), rng.bits() >> 16);
        let (seq, qual) = a.text();
        write!(out, "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}\t{flags}\t", words.0, words.1, words.2, words.3, words.4)?;
        write!(out, "{}\t{}\t{mapq}\t{}\t*\t0\t0\t{seq}\t{qual}\t", contig.name, a.pos + 1, a.cigar)?;
        writeln!(out, "NM:i:{}\tms:i:{}\tAS:i:{}\ttp:A:P\tcm:i:{}", a.edits, a.span, a.span, a.span / 10)?;
    }
    Ok(())
}

/// Transcripts of a contig, and the sum of the expression of each and those before it.
fn transcripts(contig: &Contig, rng: &mut Rng) -> (Vec<Donor>, Vec<f64>) {
    let (mut donors, mut sums) = (Vec::new(), Vec::new());
    let (mut start, mut sum) = (20_000, 0.0);
    while start + 60_000 < contig.seq.len() {
        let (donor, end) = Donor::transcript(&contig.seq, start, rng);
        sum += (2.2 * rng.normal()).exp() * donor.len() as f64;
        sums.push(sum);
        donors.push(donor);
        start = end + 3000 + rng.below(30_000) as usize;
    }
    (donors, sums)
}

/// A mate as it is written.
struct Mate<'a> {
    flags: u16,
    mapq: u64,
    alignment: &'a Alignment,
}

struct Pairs {
    /// Pairs so far.
    id: u64,
}

impl Pairs {
    fn write(&mut self, contig: &Contig, donors: &[Donor], settings: &Settings, rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
        let spliced = settings.kind == Kind::Rna;
        let (transcripts, sums) = if spliced { transcripts(contig, rng) } else { (Vec::new(), Vec::new()) };
        for _ in 0..(settings.depth * contig.seq.len() as f64 / 300.0) as u64 {
            let donor = if let Some(all) = sums.last() {
                let x = rng.unit() * all;
                &transcripts[sums.partition_point(|&sum| sum < x).min(sums.len() - 1)]
            } else {
                &donors[rng.below(donors.len() as u64) as usize]
            };
            let mut insert = (350.0 + 60.0 * rng.normal()).max(90.0) as usize;
            if insert + 5 >= donor.len() {
                insert = donor.len().saturating_sub(6);
            }
            if insert < 90 {
                continue;
            }
            let start = rng.below((donor.len() - insert - 1) as u64) as usize;
            let copies = 1 + u16::from(rng.chance(0.08));
            let swapped = rng.chance(0.5);
            for copy in 0..copies {
                let Some((a, b)) = mates(donor, contig, (start, insert), settings.qualities, spliced, rng) else { continue };
                self.id += 1;
                let (tile, x, y) = (1101 + rng.below(578), 1000 + rng.below(31_000), 1000 + rng.below(36_000));
                let name = format!("A00741:212:HGW5KDSX7:{}:{tile}:{x}:{y}", 1 + self.id % 4);
                let marks = (0x400 * copy) | (0x200 * u16::from(rng.chance(0.0005)));
                let (lone, lost) = (rng.chance(0.005), copy == 0 && rng.chance(0.008));
                let (flags_a, flags_b) = if swapped { (0xa3, 0x53) } else { (0x63, 0x93) };
                let a = Mate { flags: flags_a | marks, mapq: mapq(a.pos, rng), alignment: &a };
                let b = Mate { flags: flags_b | marks, mapq: mapq(b.pos, rng), alignment: &b };
                if lost {
                    write_lost(&name, &a, &b, out)?;
                } else if lone {
                    write_lone(&name, &contig.name, &a, &b, out)?;
                } else {
                    let elsewhere = (!spliced).then_some(&donors[0]);
                    write_pair(&name, contig, &a, &b, elsewhere, rng, out)?;
                }
            }
        }
        Ok(())
    }
}

/// Both reads of a fragment (start, length), clipped where they run past each other's start.
fn mates(
    donor: &Donor,
    contig: &Contig,
    (start, insert): (usize, usize),
    qualities: Qualities,
    spliced: bool,
    rng: &mut Rng,
) -> Option<(Alignment, Alignment)> {
    let clip = |rng: &mut Rng| if rng.chance(0.02) { 5 + rng.below(40) as usize } else { 0 };
    let (qual_a, qual_b) = (qualities.make(READ_LEN, false, rng), qualities.make(READ_LEN, true, rng));
    let over = READ_LEN.saturating_sub(insert);
    let (clip_a, clip_b) = (over.max(clip(rng)), over.max(clip(rng)));
    let wear = |clips| Wear { insertion: 0.000_05, deletion: 0.000_05, clips, spliced };
    let a = read(donor, &contig.seq, start, qual_a, wear((0, clip_a)), rng);
    let start_b = (start + insert).saturating_sub(READ_LEN.min(insert)) + clip_b - over;
    let b = read(donor, &contig.seq, start_b, qual_b, wear((clip_b, 0)), rng);
    a.zip(b)
}

/// Neither mate is mapped.
fn write_lost(name: &str, a: &Mate<'_>, b: &Mate<'_>, out: &mut impl Write) -> io::Result<()> {
    for (flags, mate) in [(77, a), (141, b)] {
        let (seq, qual) = mate.alignment.text();
        writeln!(out, "{name}\t{flags}\t*\t0\t0\t*\t*\t0\t0\t{seq}\t{qual}\tRG:Z:lib1.L1")?;
    }
    Ok(())
}

/// The second mate is not mapped and lies where the first one is.
fn write_lone(name: &str, contig: &str, a: &Mate<'_>, b: &Mate<'_>, out: &mut impl Write) -> io::Result<()> {
    let (x, pos) = (a.alignment, a.alignment.pos + 1);
    let (seq, qual) = x.text();
    let flags = a.flags & !0x22 | 0x8;
    write!(out, "{name}\t{flags}\t{contig}\t{pos}\t{}\t{}\t=\t{pos}\t0\t{seq}\t{qual}\t", a.mapq, x.cigar)?;
    writeln!(out, "NM:i:{}\tMD:Z:{}\tAS:i:150\tXS:i:0\tRG:Z:lib1.L1", x.edits, x.md)?;
    let (seq, qual) = b.alignment.text();
    let flags = b.flags & !0x12 | 0x4;
    writeln!(out, "{name}\t{flags}\t{contig}\t{pos}\t0\t*\t=\t{pos}\t0\t{seq}\t{qual}\tRG:Z:lib1.L1")
}

/// Both mates are mapped; now and then a piece of one lies elsewhere, too, somewhere on `elsewhere`.
fn write_pair(
    name: &str,
    contig: &Contig,
    a: &Mate<'_>,
    b: &Mate<'_>,
    elsewhere: Option<&Donor>,
    rng: &mut Rng,
    out: &mut impl Write,
) -> io::Result<()> {
    let template = i64::from(b.alignment.pos + b.alignment.span) - i64::from(a.alignment.pos);
    for (mate, other, template) in [(a, b, template), (b, a, -template)] {
        let (x, mate_pos) = (mate.alignment, other.alignment.pos + 1);
        let flags = if rng.chance(0.01) { mate.flags & !0x2 } else { mate.flags };
        let second_best = if mate.mapq == 0 { 140 } else { rng.below(40) };
        let (seq, qual) = x.text();
        write!(out, "{name}\t{flags}\t{}\t{}\t{}\t{}\t=\t{}\t{template}\t", contig.name, x.pos + 1, mate.mapq, x.cigar, mate_pos)?;
        write!(out, "{seq}\t{qual}\tNM:i:{}\tMD:Z:{}\tMC:Z:{}\tMQ:i:{}\t", x.edits, x.md, other.alignment.cigar, other.mapq)?;
        writeln!(out, "AS:i:{}\tXS:i:{second_best}\tRG:Z:lib1.L1", 150 - 5 * i64::from(x.edits))?;
        // Such a record is not marked as a duplicate or as of low quality.
        if let Some(donor) = elsewhere.filter(|_| rng.chance(0.008)) {
            let secondary = rng.chance(0.5);
            let start = rng.below(donor.len() as u64 - 300) as usize;
            let Some(split) = read(donor, &contig.seq, start, x.qual[..SPLIT_LEN].to_vec(), Wear::default(), rng) else { continue };
            let flags = flags & !0x602 | if secondary { 0x100 } else { 0x800 };
            write!(out, "{name}\t{flags}\t{}\t{}\t", contig.name, split.pos + 1)?;
            if secondary {
                writeln!(out, "0\t{}90H\t=\t{}\t0\t*\t*\tNM:i:{}\tRG:Z:lib1.L1", split.cigar, mate_pos, split.edits)?;
                continue;
            }
            let (seq, qual) = split.text();
            write!(out, "{}\t{}90H\t=\t{}\t0\t{seq}\t{qual}\t", 20 + rng.below(40), split.cigar, mate_pos)?;
            write!(out, "NM:i:{}\tMD:Z:{}\t", split.edits, split.md)?;
            writeln!(out, "SA:Z:{},{},+,{},{},{};\tRG:Z:lib1.L1", contig.name, x.pos + 1, x.cigar, mate.mapq, x.edits)?;
        }
    }
    Ok(())
}
