//! Whole calls on files of which one call of the operating system, each in turn, fails.

use super::{Request, Settings, Tuning};
use crate::error::{Kind, Result};
use crate::pass::Watch;
use crate::rules::{Preset, Rules};
use crate::source::file::faults::{Fault, Faults};

use crate::support::bam::{self, FileShape, Files, IndexKind};
use crate::support::generate;

fn settings(files: &Files, reference: bool) -> Settings {
    Settings {
        bam: files.bam.clone(),
        index: None,
        reference: reference.then(|| files.fasta.clone()),
        rules: Rules::new(if reference { Preset::Mpileup } else { Preset::Depth }),
        read_groups: None,
        n_cores: Some(2),
        allow_truncated: false,
        max_memory: None,
        tuning: Tuning { span_bytes: 700, part_bytes: 300 },
    }
}

/// Depths of all contigs, and their letters.
fn count(files: &Files, reference: bool) -> Result<(Vec<i32>, Vec<u8>)> {
    let request = Request::open(settings(files, reference), None)?;
    let mut depths = vec![0; request.targets().iter().map(|t| t.interval.len() as usize).sum()];
    request.count(&mut depths, &Watch::unattended())?;
    let mut letters = Vec::new();
    if let Some(reference) = request.reference() {
        for target in request.targets() {
            reference.fetch(&request.header().contigs[target.contig].name, target.interval, &mut letters)?;
        }
    }
    Ok((depths, letters))
}

/// Every call on the files fails once, in turn; returns how many there are.
fn fail_each(files: &Files, folder: &std::path::Path, errno: i32, reference: bool, expected: &(Vec<i32>, Vec<u8>)) -> usize {
    for at in 0.. {
        let plan = Faults::new(folder, Fault::Errno { errno, at });
        match count(files, reference) {
            // That call was none of its own, or only helped to guess where work could be cut.
            Ok(got) => assert!(got == *expected, "call {at}"),
            Err(e) => {
                assert_eq!((e.kind(), e.errno()), (Kind::Os, Some(errno)), "call {at}: {e}");
                assert!(e.file().is_some_and(|path| path.starts_with(folder)), "call {at}: {e}");
            }
        }
        if plan.calls() <= at {
            return at;
        }
    }
    0
}

fn files(folder: &std::path::Path, index: IndexKind) -> Files {
    let shape = FileShape { frame_payload: 900, index, ..FileShape::default() };
    bam::write(&generate::sample(7, false), folder, &shape)
}

#[test]
fn an_error_of_any_call_is_the_error_of_the_whole() {
    for (index, reference) in [(IndexKind::Bai, true), (IndexKind::Csi { min_shift: 14, depth: 5 }, false), (IndexKind::None, false)] {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), index);
        let expected = count(&files, reference).unwrap();
        assert!(expected.0.iter().any(|&depth| depth > 0));
        for errno in [libc::EIO, libc::ESTALE, libc::ENOSPC, libc::EMFILE] {
            let calls = fail_each(&files, folder.path(), errno, reference, &expected);
            assert!(calls > 6, "{calls}");
        }
    }
}

#[test]
fn short_reads_and_interrupts_change_nothing() {
    for (index, reference) in [(IndexKind::Bai, true), (IndexKind::None, false)] {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), index);
        let expected = count(&files, reference).unwrap();
        for most in [1, 7, 1000] {
            let plan = Faults::new(folder.path(), Fault::Short { most });
            assert_eq!(count(&files, reference).unwrap(), expected, "{most}");
            assert!(plan.calls() > 10, "{}", plan.calls());
        }
    }
}

#[test]
fn without_an_index_the_whole_file_gives_the_same() {
    for seed in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let shape = FileShape { index: IndexKind::Bai, ..generate::shape(seed) };
        let files = bam::write(&generate::sample(seed, false), folder.path(), &shape);
        let expected = count(&files, false).unwrap();
        std::fs::remove_file(files.bai.as_ref().unwrap()).unwrap();
        assert_eq!(count(&files, false).unwrap(), expected, "seed {seed}");
        let error = Request::open(settings(&files, false), Some(&[])).unwrap_err();
        assert_eq!(error.kind(), Kind::IndexMissing);
    }
}
