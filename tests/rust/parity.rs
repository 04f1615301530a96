//! The engine equals the slow twin: any file, any rule, any region, any number of workers, any size of the units of work.

#![allow(clippy::unwrap_used, reason = "an error where there should be none is the failing test")]

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use fastcov::call::{Request, Settings, Tuning};
use fastcov::coords::{Interval, Target};
use fastcov::pass::Watch;
use fastcov::rules::{CountUnit, Library, Mates, Preset, Rules, Select, Strand};
use fastcov::summary::{Depths, Summary};
use proptest::prelude::*;
use support::bam::{self, FileShape, Files};
use support::generate::{self, Rng};
use support::model::{Read, Sample};
use support::naive::{self, Options, Rule};

fn rules_of(options: &Options, reference: bool) -> Rules {
    let preset = match options.rule {
        Rule::Mpileup => Preset::Mpileup,
        Rule::Depth => Preset::Depth,
        Rule::Bases => Preset::Bases,
    };
    Rules {
        preset,
        min_mapq: options.min_mapq,
        min_baseq: options.min_baseq,
        exclude_flags: options.exclude_flags,
        require_flags: options.require_flags,
        baq: Some(options.baq && reference),
        orphans: options.orphans,
        mates: if options.mates_once { Mates::Once } else { Mates::Both },
        deletions: options.deletions,
        skips: options.skips,
        max_depth: options.max_depth,
        select: Select {
            strand: options.strand.map(|s| if s == '+' { Strand::Forward } else { Strand::Reverse }),
            library: options.forward_library.map(|forward| if forward { Library::Forward } else { Library::Reverse }),
            min_length: options.length.0 as u32,
            max_length: u32::try_from(options.length.1).ok(),
            min_fragment: options.template.0 as u32,
            max_fragment: u32::try_from(options.template.1).ok(),
            what: match options.what {
                naive::CountUnit::Read => CountUnit::Read,
                naive::CountUnit::Fragment => CountUnit::Fragment,
                naive::CountUnit::FivePrime => CountUnit::FivePrime,
                naive::CountUnit::ThreePrime => CountUnit::ThreePrime,
            },
        },
    }
}

fn random_options(rng: &mut Rng) -> Options {
    let mut options = match rng.below(10) {
        0..=4 => Options::mpileup(),
        5..=6 => Options::depth(),
        _ => Options::bases(),
    };
    let mpileup = options.rule == Rule::Mpileup;
    if rng.chance(50) {
        options.min_mapq = rng.choose(&[1, 10, 20]);
    }
    if rng.chance(40) {
        options.min_baseq = rng.choose(&[0, 1, 10, 13, 20, 40]);
    }
    if rng.chance(15) {
        options.exclude_flags = rng.choose(&[0, 0x4, 0x400, 0xf04]);
    }
    if rng.chance(15) {
        options.require_flags = rng.choose(&[0x1, 0x2, 0x10]);
        options.exclude_flags &= !options.require_flags;
    }
    if rng.chance(30) {
        options.orphans = !options.orphans;
    }
    if rng.chance(if mpileup { 20 } else { 50 }) {
        options.mates_once = !options.mates_once;
    }
    if rng.chance(20) {
        options.deletions = !options.deletions;
    }
    if rng.chance(20) {
        options.skips = !options.skips;
    }
    if mpileup && rng.chance(40) {
        options.max_depth = rng.choose(&[0, 1, 2, 5, 20]);
    }
    if rng.chance(20) {
        options.strand = Some(rng.choose(&['+', '-']));
        options.forward_library = rng.choose(&[None, None, Some(true), Some(false)]);
    }
    if rng.chance(20) {
        options.length = rng.choose(&[(0, 30), (20, i64::MAX), (25, 60)]);
    }
    if rng.chance(20) {
        options.template = rng.choose(&[(0, 100), (1, i64::MAX), (50, 300)]);
    }
    if !mpileup && options.min_baseq == 0 && rng.chance(40) {
        options.what = rng.choose(&[naive::CountUnit::Fragment, naive::CountUnit::FivePrime, naive::CountUnit::ThreePrime]);
    }
    if options.rule == Rule::Bases && options.what == naive::CountUnit::Read {
        (options.deletions, options.skips) = (false, false);
    }
    options
}

fn random_tuning(rng: &mut Rng) -> Tuning {
    let span_bytes = rng.choose(&[1, 100, 1000, 20_000, 1 << 20]);
    let part_bytes = rng.choose(&[1, 1, 500, 5000, 1 << 20]);
    Tuning { span_bytes, part_bytes }
}

/// Depths as they are given away, one by one.
struct Given;

impl Summary for Given {
    type Digest = Vec<i64>;
    type Total = Vec<i64>;

    fn digest(&self, _: usize, depths: &Depths) -> Vec<i64> {
        depths.runs().flat_map(|(n, depth)| vec![i64::from(depth); n as usize]).collect()
    }

    fn join(&self, total: &mut Vec<i64>, _: usize, digest: Vec<i64>) -> fastcov::error::Result<()> {
        total.extend(digest);
        Ok(())
    }
}

fn count(files: &Files, rules: Rules, reference: bool, target: Target, tuning: Tuning, n_cores: usize) -> Vec<i64> {
    let settings = Settings {
        bam: files.bam.clone(),
        index: None,
        reference: reference.then(|| files.fasta.clone()),
        rules,
        read_groups: None,
        n_cores: Some(n_cores),
        allow_truncated: false,
        max_memory: None,
        tuning,
    };
    let request = Request::open(settings, Some(&[])).unwrap().with_targets(vec![target]);
    if tuning.part_bytes == 500 {
        return request.stream(&Given, &Watch::unattended()).unwrap().value;
    }
    let mut out = vec![0; target.interval.len() as usize];
    request.count(&mut out, &Watch::unattended()).unwrap();
    out.into_iter().map(i64::from).collect()
}

fn compare(sample: &Sample, files: &Files, rng: &mut Rng, seed: u64) -> Result<(), TestCaseError> {
    for _ in 0..6 {
        let options = random_options(rng);
        let reference = rng.chance(60);
        compare_options(sample, files, rng, seed, &options, reference)?;
    }
    Ok(())
}

/// A contig or a part of one, by these options.
fn compare_options(
    sample: &Sample,
    files: &Files,
    rng: &mut Rng,
    seed: u64,
    options: &Options,
    reference: bool,
) -> Result<(), TestCaseError> {
    let contig = rng.below(sample.contigs.len() as u64) as usize;
    let len = sample.contig_len(contig);
    let whole = rng.chance(40);
    let start = if whole { 0 } else { rng.between(0, len - 1) };
    let end = if whole { len } else { rng.between(start + 1, len) };
    let expected = naive::depth(sample, contig, start, end, reference, options);
    let target = Target { contig, interval: Interval::new(start, end) };
    for _ in 0..3 {
        let tuning = random_tuning(rng);
        let n_cores = rng.choose(&[1, 2, 3, 5]);
        let found = count(files, rules_of(options, reference), reference, target, tuning, n_cores);
        let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
        if let Some(at) = differs {
            return Err(TestCaseError::fail(format!(
                "seed {seed}, contig {contig}, {start}..{end} 0-based, {options:?}, reference {reference}, {tuning:?}, n_cores {n_cores}: \
                     position {} is {}, the twin says {}",
                start + at as i64,
                found[at],
                expected[at],
            )));
        }
        prop_assert_eq!(found.len(), expected.len());
    }
    Ok(())
}

fn compare_seed(seed: u64, dir: &Path) -> Result<(), TestCaseError> {
    let sample = generate::sample(seed, false);
    let files = bam::write(&sample, dir, &generate::shape(seed));
    compare(&sample, &files, &mut Rng::new(seed ^ 0x5eed), seed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random CIGARs, flags, mates, qualities, caps, files cut into frames in any way, BAI and CSI.
    #[test]
    fn the_engine_equals_the_twin(seed in any::<u64>()) {
        let dir = tempfile::tempdir().unwrap();
        compare_seed(seed, dir.path())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("FASTCOV_TEMPLATES").ok().and_then(|n| n.parse().ok()).unwrap_or(400),
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Reused and missing names, mate fields that name another record or none, read groups: `bases`, and fragments.
    #[test]
    fn templates_are_those_of_the_twin(seed in any::<u64>()) {
        let dir = tempfile::tempdir().unwrap();
        let sample = generate::with_hostile_templates(generate::sample(seed, false), seed);
        let files = bam::write(&sample, dir.path(), &generate::shape(seed));
        let mut rng = Rng::new(seed);
        for _ in 0..4 {
            let mut options = Options { min_mapq: rng.choose(&[0, 0, 20]), ..Options::bases() };
            match rng.below(3) {
                0 => options.min_baseq = rng.choose(&[0, 13, 20]),
                1 => {}
                _ => {
                    options.what = naive::CountUnit::Fragment;
                    options.skips = rng.chance(50);
                    options.template = rng.choose(&[(0, i64::MAX), (0, i64::MAX), (0, 100), (50, 300)]);
                }
            }
            compare_options(&sample, &files, &mut rng, seed, &options, false)?;
        }
    }
}

/// Frames cut through records and an index whose offsets another indexer has chosen.
#[test]
fn files_that_noodles_writes_are_read() {
    for seed in 0..40 {
        let mut sample = generate::sample(seed, false);
        // A frame holds more than the reads of most samples.
        let reads = sample.reads.clone();
        for copy in 0..5 {
            sample.reads.extend(reads.iter().cloned().map(|read| Read { name: [&read.name[..], &[b'a' + copy]].concat(), ..read }));
        }
        let dir = tempfile::tempdir().unwrap();
        let sample = sample.sort();
        let files = bam::write_by_noodles(&sample, dir.path());
        compare(&sample, &files, &mut Rng::new(seed), seed).unwrap();
    }
}

/// A sample about which engine and twin once differed: a placed read without CIGAR, at the cap and at a limit of the read length.
#[test]
fn a_sample_that_differed_once() {
    let dir = tempfile::tempdir().unwrap();
    compare_seed(7_919_374_232_488_552_640, dir.path()).unwrap();
}

/// A header of any share of the file, in frames smaller than itself.
#[test]
fn a_header_of_many_contigs_is_read() {
    for n_contigs in 1..80 {
        let dir = tempfile::tempdir().unwrap();
        let contigs = (0..n_contigs).fold(Sample::new(), |sample, i| sample.contig(&format!("scaffold_{i}"), b"ACGTACGTAC"));
        let sample = contigs.read(Read::new("a").at(0, 2).cigar("5M").seq("GTACG").quality(40));
        let shape = FileShape { frame_payload: 100, ..generate::shape(1) };
        let files = bam::write(&sample, dir.path(), &shape);
        let target = Target { contig: 0, interval: Interval::new(0, 10) };
        let found = count(&files, Rules::new(Preset::Depth), false, target, Tuning::default(), 1);
        assert_eq!(found, [0, 0, 1, 1, 1, 1, 1, 0, 0, 0], "{n_contigs} contigs");
    }
}

/// Many regions in one call are the regions one by one.
#[test]
fn several_targets_are_counted_each_for_itself() {
    for seed in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        let sample = generate::sample(seed, false);
        let files = bam::write(&sample, dir.path(), &generate::shape(seed));
        let mut rng = Rng::new(seed);
        let targets: Vec<_> = (0..5)
            .map(|_| {
                let contig = rng.below(sample.contigs.len() as u64) as usize;
                let start = rng.between(0, sample.contig_len(contig) - 1);
                Target { contig, interval: Interval::new(start, rng.between(start + 1, sample.contig_len(contig))) }
            })
            .collect();
        let rules = Rules { max_depth: 10, baq: Some(false), ..Rules::new(Preset::Mpileup) };
        let tuning = random_tuning(&mut rng);
        let each: Vec<_> = targets.iter().flat_map(|&t| count(&files, rules, false, t, tuning, 2)).collect();
        let settings = Settings {
            bam: files.bam.clone(),
            index: None,
            reference: None,
            rules,
            read_groups: None,
            n_cores: Some(3),
            allow_truncated: false,
            max_memory: None,
            tuning: random_tuning(&mut rng),
        };
        let mut together = vec![0; each.len()];
        let request = Request::open(settings, Some(&[])).unwrap().with_targets(targets);
        request.count(&mut together, &Watch::unattended()).unwrap();
        assert_eq!(together.into_iter().map(i64::from).collect::<Vec<_>>(), each, "seed {seed}");
    }
}
