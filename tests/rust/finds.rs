//! What fuzzing found, one test each: the smallest file that shows it.

#![allow(clippy::unwrap_used, reason = "an error where there should be none is the failing test")]

#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use fastcov::call::{Request, Settings, Tuning};
use fastcov::coords::{Interval, Target};
use fastcov::error::{Kind, Result};
use fastcov::pass::Watch;
use fastcov::rules::{Mates, Preset, Rules};
use support::bam::{self, FileShape};
use support::model::{Read, Sample};

const LEN: i64 = 50;

/// Depth of a contig of 50 bases.
fn depth(reads: Vec<Read>, shape: &FileShape, rules: Rules, part_bytes: usize) -> Result<Vec<i32>> {
    let dir = tempfile::tempdir().unwrap();
    let mut sample = Sample::new().contig("c", &[b'A'; LEN as usize]);
    sample.reads = reads;
    let files = bam::write(&sample, dir.path(), shape);
    let settings = Settings {
        bam: files.bam,
        index: None,
        reference: None,
        rules,
        read_groups: None,
        n_cores: Some(1),
        allow_truncated: false,
        max_memory: None,
        tuning: Tuning { part_bytes, ..Tuning::default() },
    };
    let target = Target { contig: 0, interval: Interval::new(0, LEN) };
    let request = Request::open(settings, Some(&[]))?.with_targets(vec![target]);
    let mut out = vec![0; LEN as usize];
    request.count(&mut out, &Watch::unattended())?;
    Ok(out)
}

/// Under the rule of `count_coverage` such reads were walked base by base, 2^28 of them, though none has a letter.
#[test]
fn a_cigar_of_any_length_takes_no_time_without_seq() {
    let reads: Vec<_> = (0..40).map(|i| Read::new(&format!("r{i}")).at(0, 3).cigar("268435455M268435455D268435455M")).collect();
    for preset in Preset::ALL {
        for mates in [Mates::Both, Mates::Once] {
            let mut rules = Rules { mates, max_depth: 0, ..Rules::new(preset) };
            if preset.traits().has_baseq {
                rules.min_baseq = 0;
            }
            if rules.validate().is_err() {
                continue;
            }
            let began = Instant::now();
            let found = depth(reads.clone(), &FileShape::default(), rules, 1 << 20).unwrap();
            assert!(began.elapsed() < Duration::from_secs(3), "{rules:?} took {:?}", began.elapsed());
            // Only letters count there, and there are none.
            let covered = if preset.traits().only_acgt { 0 } else { 40 };
            assert!(found[..3].iter().all(|&d| d == 0) && found[3..].iter().all(|&d| d == covered), "{rules:?}: {found:?}");
        }
    }
}

/// Where a record's length lies in another frame than the record, the place of a fault depended on how the span was cut.
#[test]
fn a_fault_is_at_the_frame_its_record_begins_in_however_it_is_found() {
    let reads = vec![Read::new("a").at(0, 20).cigar("5M"), Read::new("b").at(0, 3).cigar("5M")];
    let shape = FileShape { frame_payload: 1, aligned: false, ..FileShape::default() };
    let found = [1, 1 << 20].map(|part_bytes| depth(reads.clone(), &shape, Rules::new(Preset::Depth), part_bytes).unwrap_err());
    assert!(found.iter().all(|error| error.kind() == Kind::CorruptFile && error.to_string().contains("not sorted")), "{found:?}");
    assert_eq!(found[0].at_offset(), found[1].at_offset());
}

/// A pass in which the cap acts may end before a fault; the pass that counts must come to it, whatever the parts.
#[test]
fn a_fault_behind_the_place_where_the_cap_acts_is_an_error() {
    let mut reads: Vec<_> = (0..6).map(|i| Read::new(&format!("r{i}")).at(0, 3).cigar("10M").seq("ACGTACGTAC").quality(30)).collect();
    reads.extend([Read::new("a").at(0, 20).cigar("5M"), Read::new("b").at(0, 4).cigar("5M")]);
    let rules = Rules { max_depth: 2, orphans: true, ..Rules::new(Preset::Mpileup) };
    let found = [1, 40, 200, 1 << 20].map(|part_bytes| depth(reads.clone(), &FileShape::default(), rules, part_bytes).unwrap_err());
    assert!(found.iter().all(|error| error.kind() == Kind::CorruptFile && error.to_string().contains("not sorted")), "{found:?}");
    assert!(found.iter().all(|error| error.at_record() == Some(8)), "{found:?}");
    // Without the fault the cap does act: two of the six reads count.
    reads.truncate(6);
    assert_eq!(depth(reads, &FileShape::default(), rules, 1).unwrap()[3..13], [2; 10]);
}
