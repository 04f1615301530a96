//! The least any reader of a BAM must do: libdeflate over every frame, each CRC checked, on N threads. The denominator of `make bench`.
//!
//! `cargo run --release --example floor -- FILE.bam THREADS` prints `{"seconds": …, "inflated": …, "frames": …}`. Pieces of the file begin
//! where its index says that a record starts, and go to whichever thread is free. The loop shares nothing with the library but the parser of
//! the index, so that whatever the library does slower than this shows.

#![expect(clippy::disallowed_methods, reason = "the floor shares nothing with the library")]

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use fastcov::source::alignments::Alignments;
use libdeflater::Decompressor;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Bytes of a frame in front of its deflate data and behind it.
const HEAD: usize = 18;
const TAIL: usize = 8;
const MAX_INFLATED: usize = 1 << 16;

#[derive(Default)]
struct Done {
    inflated: u64,
    frames: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, threads] = words.as_slice() else {
        eprintln!("usage: floor FILE.bam THREADS");
        return ExitCode::from(2);
    };
    let outcome = threads.parse().map_err(Into::into).and_then(|threads| run(Path::new(path), threads));
    match outcome {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("floor: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path, threads: usize) -> Outcome<String> {
    let began = Instant::now();
    let pieces = pieces(path)?;
    let next = AtomicUsize::new(0);
    let done = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(|| work(path, &pieces, &next))).collect();
        let mut all = Done::default();
        for worker in workers {
            let one = worker.join().map_err(|_| "a worker panicked")??;
            all = Done { inflated: all.inflated + one.inflated, frames: all.frames + one.frames };
        }
        Outcome::Ok(all)
    })?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(format!("{{\"seconds\": {seconds:.6}, \"inflated\": {}, \"frames\": {}}}", done.inflated, done.frames))
}

/// File offsets at which pieces begin, and the end of the file.
fn pieces(path: &Path) -> Outcome<Vec<u64>> {
    let (alignments, _) = Alignments::open_indexed(path, None, false)?;
    let least = (alignments.len() / 64).clamp(256 << 10, 4 << 20);
    let mut pieces = vec![0];
    for start in (0..alignments.header().contigs.len()).flat_map(|contig| alignments.record_starts(contig)) {
        let frame = start.file_offset();
        if pieces.last().is_some_and(|last| frame >= last + least) {
            pieces.push(frame);
        }
    }
    pieces.push(alignments.len());
    Ok(pieces)
}

fn work(path: &Path, pieces: &[u64], next: &AtomicUsize) -> Outcome<Done> {
    let mut file = File::open(path)?;
    let mut decompressor = Decompressor::new();
    let mut compressed = Vec::new();
    let mut inflated = vec![0; MAX_INFLATED];
    let mut done = Done::default();
    while let Some(&[from, to]) = pieces.get(next.fetch_add(1, Ordering::Relaxed)..).and_then(|rest| rest.first_chunk()) {
        compressed.resize((to - from) as usize, 0);
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut compressed)?;
        let mut rest = compressed.as_slice();
        while !rest.is_empty() {
            let (frame, behind) = split_frame(rest).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no frame begins here"))?;
            done.inflated += inflate(&mut decompressor, frame, &mut inflated)?;
            done.frames += 1;
            rest = behind;
        }
    }
    Ok(done)
}

/// The first frame of `bytes`, and what follows it.
fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let len = usize::from(u16::from_le_bytes([head[16], head[17]])) + 1;
    (head.starts_with(&[0x1f, 0x8b]) && len >= HEAD + TAIL).then(|| bytes.split_at_checked(len))?
}

/// Inflates a frame, checks its CRC and gives its length.
fn inflate(decompressor: &mut Decompressor, frame: &[u8], out: &mut [u8]) -> Outcome<u64> {
    let (body, tail) = frame[HEAD..].split_last_chunk::<TAIL>().ok_or("a frame without an end")?;
    let [crc @ .., a, b, c, d] = *tail;
    let out = out.get_mut(..u32::from_le_bytes([a, b, c, d]) as usize).ok_or("a frame states more than it may hold")?;
    if decompressor.deflate_decompress(body, out)? != out.len() || libdeflater::crc32(out) != u32::from_le_bytes(crc) {
        return Err("a frame is damaged".into());
    }
    Ok(out.len() as u64)
}
