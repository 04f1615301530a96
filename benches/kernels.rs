//! The kernels one by one, on pairs built in memory; each gives its result to a check before it is timed.
//!
//! `cargo bench --bench kernels`. What a whole file costs beside its floor is `make bench`.
#![allow(clippy::unwrap_used, reason = "a bench that cannot build its data must stop")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::ops::Range;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fastcov::call::{Request, Settings, Tuning};
use fastcov::coords::{Interval, Target};
use fastcov::depth::baq::{Baq, Exactness, SETTLED_QUALITY, Standings, Window};
use fastcov::depth::slab::Slab;
use fastcov::pass::Watch;
use fastcov::plan::Plan;
use fastcov::rules::{Mates, Preset, Rules};
use fastcov::source::bgzf::FrameReader;
use fastcov::source::record::Record;
use support::bam::{self, FileShape, Files};
use support::generate::Rng;
use support::model::{Read, Sample};
use support::naive::{self, Options};
use support::naive_baq;

const CONTIG: usize = 20_000;
const PAIRS: usize = 2_000;
const READ: i64 = 150;

/// Proper pairs at about 30x: quality dips, mismatches, now and then a deletion; one in five of them overlaps.
fn sample() -> Sample {
    let mut rng = Rng::new(7);
    let reference: Vec<u8> = (0..CONTIG).map(|_| rng.pick(b"ACGT")).collect();
    let mut sample = Sample::new().contig("chr1", &reference);
    for i in 0..PAIRS {
        let start = rng.between(0, CONTIG as i64 - 600);
        let template = rng.between(250, 500);
        let mate = start + template - READ;
        for (flags, pos, mate_pos, tlen) in [(99, start, mate, template), (147, mate, start, -template)] {
            let cigar = if rng.chance(3) { "70M2D80M" } else { "150M" };
            let mut read = Read::new(&format!("pair{i}")).flags(flags).at(0, pos).cigar(cigar).seq_of(&reference).mate(0, mate_pos, tlen);
            for base in 0..READ as usize {
                if rng.chance(1) {
                    read = read.base(base, rng.pick(b"ACGT"));
                }
            }
            let qualities: Vec<u8> = (0..READ).map(|_| rng.choose(&[37, 37, 37, 37, 37, 37, 23, 12])).collect();
            sample = sample.read(read.qualities(&qualities));
        }
    }
    sample.sort()
}

fn target() -> Target {
    Target { contig: 0, interval: Interval::new(0, CONTIG as i64) }
}

fn request(files: &Files, rules: Rules) -> Request {
    let (bam, reference) = (files.bam.clone(), Some(files.fasta.clone()));
    let tuning = Tuning::default();
    let settings = Settings {
        bam,
        index: None,
        reference,
        rules,
        read_groups: None,
        n_cores: Some(1),
        allow_truncated: false,
        max_memory: None,
        tuning,
    };
    Request::open(settings, Some(&[])).unwrap().with_targets(vec![target()])
}

/// Frames, and frames with the walk over their records.
fn reading(c: &mut Criterion, sample: &Sample, files: &Files) {
    let request = request(files, Rules::new(Preset::Depth));
    let alignments = request.alignments();
    let first = alignments.first_record().virtual_position();
    let bytes: usize = sample.reads.iter().map(|read| bam::encode(read).len()).sum();
    let mut group = c.benchmark_group("reading");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("inflate", |b| {
        b.iter(|| {
            let mut frames = FrameReader::new(alignments.file().unwrap());
            frames.seek(first.compressed());
            let mut out = Vec::new();
            let mut inflated = 0;
            while let Some(n) = frames.read(&mut out, 0).unwrap() {
                inflated += n;
            }
            // The frame of the first record may begin with the end of the header.
            assert_eq!(inflated - usize::from(first.uncompressed()), bytes);
        });
    });
    let spans = Plan::of_targets(alignments, &[target()], 0, u64::MAX).unwrap().spans;
    group.bench_function("inflate and walk", |b| {
        b.iter(|| {
            let mut reader = alignments.reader();
            let mut found = 0;
            for span in &spans {
                reader.go_to(span.start, span.end).unwrap();
                while reader.next_record().unwrap().is_some() {
                    found += 1;
                    if reader.given_bytes() > 1 << 15 {
                        reader.release();
                    }
                }
            }
            assert_eq!(found, sample.reads.len());
        });
    });
    group.finish();
}

/// From the file to depth with one worker, rule by rule; depth is what the slow twin says.
fn counting(c: &mut Criterion, sample: &Sample, files: &Files) {
    let (depth, pileup) = (Rules::new(Preset::Depth), Rules::new(Preset::Mpileup));
    let (twin, twin_pileup) = (Options::depth, Options::mpileup);
    let rules = [
        ("depth", depth, twin()),
        ("quality runs", Rules { min_baseq: 13, ..depth }, Options { min_baseq: 13, ..twin() }),
        ("mates once", Rules { mates: Mates::Once, ..depth }, Options { mates_once: true, ..twin() }),
        ("mpileup without BAQ", Rules { baq: Some(false), ..pileup }, Options { baq: false, ..twin_pileup() }),
        ("mpileup", pileup, twin_pileup()),
    ];
    let mut group = c.benchmark_group("counting");
    group.throughput(Throughput::Elements(sample.reads.len() as u64));
    for (name, rules, options) in rules {
        let expected = naive::depth(sample, 0, 0, CONTIG as i64, true, &options);
        let request = request(files, rules);
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut out = vec![0; CONTIG];
                request.count(&mut out, &Watch::unattended()).unwrap();
                assert!(out.iter().map(|&depth| i64::from(depth)).eq(expected.iter().copied()), "{name}");
            });
        });
    }
    group.finish();
}

/// BAQ of every read, and of those only that the certificate does not settle.
fn baq(c: &mut Criterion, sample: &Sample) {
    let reference = &sample.contigs[0].1;
    let window = Window { start: 0, bases: reference, contig_len: CONTIG as i64 };
    let (mut buffer, mut records): (Vec<u8>, Vec<Range<usize>>) = Default::default();
    for read in &sample.reads {
        let start = buffer.len();
        buffer.extend(bam::encode(read));
        // Without `block_size`.
        records.push(start + 4..buffer.len());
    }
    let expected: Vec<_> = sample.reads.iter().map(|read| naive_baq::adjusted(read, reference).unwrap()).collect();
    let mut group = c.benchmark_group("baq");
    group.throughput(Throughput::Elements(records.len() as u64));
    for (name, exactness) in [("lanes", Exactness::Every), ("certificate and lanes", Exactness::AtLeast17)] {
        let (mut tool, mut standings) = (Baq::default(), Standings::default());
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut copy = buffer.clone();
                standings.clear();
                assert!(tool.adjust(&mut copy, &records, &window, exactness, &mut standings, &|| false));
                black_box(copy)
            });
        });
        let mut copy = buffer.clone();
        assert!(tool.adjust(&mut copy, &records, &window, exactness, &mut standings, &|| false));
        let enough = if exactness == Exactness::Every { u8::MAX } else { SETTLED_QUALITY };
        for (range, expected) in records.iter().zip(&expected) {
            let found = Record::trusted(&copy[range.clone()]).qual();
            assert!(found.iter().zip(expected).all(|(&a, &b)| a == b || a.min(b) >= enough), "{name}");
        }
    }
    group.finish();
}

/// The difference array: events in, and the sum the merge asks for.
fn slab(c: &mut Criterion, sample: &Sample) {
    let events: Vec<(i64, i64)> = sample.reads.iter().map(|read| (read.pos, read.end())).collect();
    let whole = Interval::new(0, CONTIG as i64);
    let mut slab: Slab = Slab::default();
    c.bench_function("slab, add and cut", |b| {
        b.iter(|| {
            slab.reset(whole);
            slab.cover(0, whole.end);
            for &(start, end) in &events {
                slab.add(start, end, 1);
            }
            slab.cut(whole.end / 2);
            let behind: i64 = slab.events.iter().map(|change| i64::from(change.by)).sum();
            assert_eq!(slab.sums(), [-behind]);
        });
    });
}

fn kernels(c: &mut Criterion) {
    let sample = sample();
    let folder = tempfile::tempdir().unwrap();
    let files = bam::write(&sample, Path::new(folder.path()), &FileShape::default());
    reading(c, &sample, &files);
    counting(c, &sample, &files);
    baq(c, &sample);
    slab(c, &sample);
}

criterion_group!(benches, kernels);
criterion_main!(benches);
