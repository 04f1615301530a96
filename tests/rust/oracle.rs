//! The slow twin's BAQ against the qualities that samtools 1.24 prints for the cases of `tests/oracle`.
#![allow(clippy::unwrap_used, reason = "a wrong test must fail")]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use support::model::{Read, takes_read, takes_reference};
use support::naive_baq;

/// 1-based positions and their qualities.
type Qualities = BTreeMap<i64, u8>;

fn oracle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}

/// `21-23=36 40 40,30-30=40`.
fn parse(text: &str) -> Qualities {
    let mut out = Qualities::new();
    for stretch in text.split(',') {
        let (range, values) = stretch.split_once('=').unwrap();
        let first: i64 = range.split_once('-').unwrap().0.parse().unwrap();
        out.extend((first..).zip(values.split(' ').map(|value| value.parse().unwrap())));
    }
    out
}

fn reads(case: &str) -> Vec<Read> {
    let sam = fs::read_to_string(oracle().join(format!("cases/{case}.sam"))).unwrap();
    sam.lines().filter(|line| !line.starts_with('@')).map(read).collect()
}

/// A read of contig 0, from a line of SAM; its mate does not matter to BAQ.
fn read(line: &str) -> Read {
    let field: Vec<&str> = line.split('\t').collect();
    let mut read = Read::new(field[0]).at(0, field[3].parse::<i64>().unwrap() - 1).cigar(field[5]);
    read.seq = field[9].replace('*', "").into_bytes();
    read.flags = field[1].parse().unwrap();
    read.qual = (field[10] != "*").then(|| field[10].bytes().map(|symbol| symbol - 33).collect());
    for tag in &field[11..] {
        let (name, text) = tag.split_once(":Z:").unwrap();
        read = read.tag(name.as_bytes().try_into().unwrap(), text.as_bytes());
    }
    read
}

/// The letters of contig 0, the first of the FASTA file.
fn reference(case: &str) -> Vec<u8> {
    let own = oracle().join(format!("cases/{case}.fa"));
    let text = fs::read_to_string(if own.exists() { own } else { oracle().join("cases/reference.fa") }).unwrap();
    text.lines().skip(1).take_while(|line| !line.starts_with('>')).flat_map(str::bytes).collect()
}

/// What a pileup prints: a deletion or a skip has the quality of the next base, 0 where the read ends. It has no letter for more than 93.
fn pileup(read: &Read, qualities: &[u8]) -> Qualities {
    let mut out = Qualities::new();
    let (mut x, mut y) = (read.pos + 1, 0);
    for &(op, len) in &read.cigar {
        for _ in 0..len {
            if takes_reference(op) {
                out.insert(x, qualities.get(y).map_or(0, |&quality| quality.min(93)));
                x += 1;
            }
            y += usize::from(takes_read(op));
        }
    }
    out
}

#[test]
fn baq_equals_samtools() {
    let column = fs::read_to_string(oracle().join("outputs/samtools-1.24/mpileup_qualities.tsv")).unwrap();
    let (mut changed, mut cases) = (0, 0);
    for line in column.lines().skip(3) {
        let (case, wanted) = line.split_once('\t').unwrap();
        let contig = reference(case);
        let mut got = Qualities::new();
        for read in reads(case) {
            let adjusted = naive_baq::adjusted(&read, &contig);
            changed += usize::from(adjusted.is_some());
            let qualities = adjusted.or_else(|| read.qual.clone()).unwrap_or_else(|| vec![255; read.seq.len()]);
            got.append(&mut pileup(&read, &qualities));
        }
        assert_eq!(got, parse(wanted), "{case}");
        cases += 1;
    }
    assert!(cases >= 43 && changed >= 35, "{changed} reads of {cases} cases");
}
