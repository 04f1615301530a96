//! Writes random samples and the depths the slow twin expects of them, for comparisons from outside.
//!
//! `cargo run --example generate -- --dir D --seed S --count N [--queries Q] [--safe]` writes, for each seed S, S+1, …: `D/<seed>.bam` with
//! its index, `D/<seed>.fa` with its own, and `D/<seed>.json` with Q random queries and their depths as `[length, depth]` runs. With
//! `--safe` everything in it can be asked of samtools 1.24 too. Options are named as in `fastcov.Rules`; positions are 1-based and inclusive.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[path = "../tests/support/mod.rs"]
mod support;

use support::bam;
use support::generate::{self, Rng};
use support::model::Sample;
use support::naive::{self, Options, Rule};

struct Arguments {
    dir: PathBuf,
    seed: u64,
    count: u64,
    queries: u64,
    safe: bool,
}

fn arguments() -> Option<Arguments> {
    let mut found = Arguments { dir: PathBuf::new(), seed: 1, count: 1, queries: 6, safe: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--dir" => found.dir = words.next()?.into(),
            "--seed" => found.seed = words.next()?.parse().ok()?,
            "--count" => found.count = words.next()?.parse().ok()?,
            "--queries" => found.queries = words.next()?.parse().ok()?,
            "--safe" => found.safe = true,
            _ => return None,
        }
    }
    (!found.dir.as_os_str().is_empty()).then_some(found)
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("usage: generate --dir D [--seed S] [--count N] [--queries Q] [--safe]");
        return ExitCode::from(2);
    };
    for seed in arguments.seed..arguments.seed + arguments.count {
        let sample = generate::sample(seed, arguments.safe);
        bam::write_as(&sample, &arguments.dir, &seed.to_string(), &generate::shape(seed));
        let mut rng = Rng::new(seed ^ 0x7175_6572_7900);
        let queries: Vec<_> = (0..arguments.queries).map(|_| Query::random(&mut rng, &sample, arguments.safe).to_json(&sample)).collect();
        let json = format!("{{\"seed\": {seed}, \"queries\": [\n{}\n]}}\n", queries.join(",\n"));
        if let Err(error) = std::fs::write(arguments.dir.join(format!("{seed}.json")), json) {
            eprintln!("{}: {error}", arguments.dir.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// One question to a depth tool.
struct Query {
    options: Options,
    reference: bool,
    contig: usize,
    /// 0-based, half-open.
    start: i64,
    end: i64,
}

impl Query {
    fn random(rng: &mut Rng, sample: &Sample, safe: bool) -> Self {
        let contig = rng.below(sample.contigs.len() as u64) as usize;
        let len = sample.contig_len(contig);
        let (start, end) = match rng.below(10) {
            0..=4 => (0, len),
            5 => {
                let start = rng.between(0, len - 1);
                (start, start + 1)
            }
            _ => {
                let start = rng.between(0, len - 1);
                (start, rng.between(start + 1, len))
            }
        };
        let mut options = if rng.chance(65) { mpileup(rng) } else { depth(rng) };
        if safe && options.rule == Rule::Depth && generate::has_no_seq(sample) {
            options.min_baseq = 0;
        }
        if !safe && rng.chance(15) {
            options.deletions = rng.chance(50);
            options.skips = rng.chance(50);
        }
        Self { reference: rng.chance(75), options, contig, start, end }
    }

    fn to_json(&self, sample: &Sample) -> String {
        let depths = naive::depth(sample, self.contig, self.start, self.end, self.reference, &self.options);
        let mut runs = String::new();
        for run in depths.chunk_by(|a, b| a == b) {
            let comma = if runs.is_empty() { "" } else { "," };
            let _ = write!(runs, "{comma}[{},{}]", run.len(), run[0]);
        }
        let o = &self.options;
        let rule = if o.rule == Rule::Mpileup { "mpileup" } else { "depth" };
        let mates = if o.mates_once { "once" } else { "both" };
        format!(
            "{{\"rule\": \"{rule}\", \"options\": {{\"min_mapq\": {}, \"min_baseq\": {}, \"exclude_flags\": {}, \"require_flags\": {}, \
             \"baq\": {}, \"orphans\": {}, \"mates\": \"{mates}\", \"deletions\": {}, \"skips\": {}, \"max_depth\": {}}}, \
             \"reference\": {}, \"contig\": \"{}\", \"start\": {}, \"end\": {}, \"runs\": [{runs}]}}",
            o.min_mapq,
            o.min_baseq,
            o.exclude_flags,
            o.require_flags,
            o.baq,
            o.orphans,
            o.deletions,
            o.skips,
            o.max_depth,
            self.reference,
            sample.contigs[self.contig].0,
            self.start + 1,
            self.end,
        )
    }
}

/// Flags both tools may be told to drop; 0x704 most of the time.
fn exclude_flags(rng: &mut Rng) -> u16 {
    rng.choose(&[0x704, 0x704, 0x704, 0x704, 0x704, 0x704, 0xf04, 0x504, 0x4, 0x714])
}

fn mpileup(rng: &mut Rng) -> Options {
    let first = Options { min_mapq: 10, ..Options::mpileup() };
    if rng.chance(30) {
        return first;
    }
    Options {
        min_mapq: rng.choose(&[10, 10, 10, 0, 20]),
        min_baseq: if rng.chance(60) { rng.choose(&[13, 13, 0, 60, 180, 201]) } else { rng.between(1, 45) as u8 },
        exclude_flags: exclude_flags(rng),
        require_flags: rng.choose(&[0, 0, 0, 0, 0, 0, 0, 2, 16]),
        baq: rng.chance(70),
        orphans: rng.chance(25),
        mates_once: rng.chance(80),
        max_depth: rng.choose(&[8000, 8000, 8000, 8000, 0, 20, 5, 5, 2, 1]),
        ..Options::mpileup()
    }
}

fn depth(rng: &mut Rng) -> Options {
    Options {
        min_mapq: rng.choose(&[0, 0, 10, 20]),
        min_baseq: rng.choose(&[0, 0, 13, 10, 40]),
        exclude_flags: exclude_flags(rng),
        deletions: rng.chance(40),
        mates_once: rng.chance(50),
        ..Options::depth()
    }
}
