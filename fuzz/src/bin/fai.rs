//! A FASTA, plain or in BGZF frames, with a `.fai` and a `.gzi` that may have nothing to do with it. Letters of a whole contig are the
//! file's letters under that name or an error.
#![no_main]

use std::cell::RefCell;

use fastcov::coords::Interval;
use fastcov::source::bgzf::EOF_FRAME;
use fastcov::source::fasta::Reference;
use fastcov_fuzz::scratch::Scratch;
use fastcov_fuzz::{refused, stored_frame, take};

struct Files {
    fasta: Scratch,
    fai: Scratch,
    gzi: Scratch,
}

thread_local! {
    static FILES: RefCell<Files> =
        RefCell::new(Files { fasta: Scratch::new(".fasta"), fai: Scratch::new(".fasta.fai"), gzi: Scratch::new(".fasta.gzi") });
}

/// Names and letters, line by line.
fn contigs(text: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let mut contigs: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for line in text.split(|&b| b == b'\n') {
        if let Some(name) = line.strip_prefix(b">") {
            contigs.push((name.split(u8::is_ascii_whitespace).next().unwrap_or_default(), Vec::new()));
        } else if let Some(last) = contigs.last_mut() {
            last.1.extend(line.trim_ascii_end());
        }
    }
    contigs
}

/// One of the three files, its length in front.
fn part<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let len = usize::from(u16::from_le_bytes(take(data)));
    let (part, rest) = data.split_at(len.min(data.len()));
    *data = rest;
    part
}

fn put(file: &mut Scratch, bytes: &[u8], wanted: bool) {
    if wanted {
        file.write(bytes);
    } else {
        file.remove();
    }
}

fn check(mut data: &[u8]) {
    let [mode, frame, from, to] = take(&mut data);
    let (fai, gzi) = (part(&mut data), part(&mut data));
    let text = &data[..data.len().min(50_000)];
    let mut bytes = text.to_vec();
    if mode & 1 > 0 {
        bytes = text.chunks(usize::from(frame).max(1) * 16).flat_map(stored_frame).chain(EOF_FRAME).collect();
    }
    FILES.with_borrow_mut(|files| {
        files.fasta.write(&bytes);
        put(&mut files.fai, fai, mode & 2 > 0);
        put(&mut files.gzi, gzi, mode & 4 > 0);
        let reference = match Reference::open(files.fasta.path()) {
            Ok(reference) => reference,
            Err(error) => return refused(&error),
        };
        let contigs = contigs(text);
        for (name, _) in &contigs {
            // A `.fai` may say that there are no bases: no letter is given then, and no BAM with bases goes with it.
            let Some(len) = reference.contig_len(name).filter(|&len| len > 0) else { continue };
            let mut letters = b"before".to_vec();
            let whole = reference.fetch(name, Interval::new(0, len), &mut letters);
            match &whole {
                Ok(()) => {
                    let same = contigs.iter().any(|c| c.0 == *name && c.1 == letters[6..]);
                    assert!(same, "{:?} of {:?}", String::from_utf8_lossy(&letters[6..]), String::from_utf8_lossy(text));
                }
                Err(error) => {
                    refused(error);
                    assert_eq!(letters, b"before");
                }
            }
            let (start, end) = (i64::from(from).min(len), (i64::from(from) + i64::from(to)).min(len));
            let mut piece = Vec::new();
            match reference.fetch(name, Interval::new(start, end), &mut piece) {
                Ok(()) => assert!(whole.is_err() || piece == letters[6 + start as usize..6 + end as usize]),
                Err(error) => {
                    refused(&error);
                    assert!(whole.is_err());
                }
            }
            if let Err(error) = reference.check_contig(name, len + 1) {
                refused(&error);
            }
        }
        refused(&reference.fetch(b"none of these", Interval::new(0, 1), &mut Vec::new()).expect_err("there is no such contig"));
    });
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
