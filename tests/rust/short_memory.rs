//! Every allocation fails once: a call gives its numbers all the same, or says that it has no memory.

// The module has an allocator of its own.
#![cfg(not(feature = "python"))]
#![allow(clippy::unwrap_used, reason = "an error where there should be none is the failing test")]
#![allow(unsafe_code)] // An allocator is one by contract.

#[path = "../support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use fastcov::call::{Region, Request, Settings, Tuning, stream_coverage};
use fastcov::error::{Kind, Result};
use fastcov::memory::{self, Reserve};
use fastcov::pass::{Next, Watch};
use fastcov::rules::{Preset, Rules};
use support::bam::{self, Files};
use support::generate;

/// Gives nothing from the moment [`LEFT`] allocations have been made until the reserve has been given back.
struct Failing;

static ARMED: AtomicBool = AtomicBool::new(false);
static LEFT: AtomicI64 = AtomicI64::new(0);
static SPENT_BEFORE: AtomicI64 = AtomicI64::new(0);

fn fails() -> bool {
    ARMED.load(Ordering::SeqCst)
        && LEFT.fetch_sub(1, Ordering::SeqCst) <= 0
        && memory::spent() as i64 == SPENT_BEFORE.load(Ordering::SeqCst)
}

// SAFETY: it gives what the system gives, or null.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        if fails() { null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        if fails() { null_mut() } else { unsafe { System.realloc(at, layout, size) } }
    }
}

#[global_allocator]
static ALLOCATOR: Reserve<Failing> = Reserve(Failing);

fn settings(files: &Files, seed: u64) -> Settings {
    let presets = [Preset::Mpileup, Preset::Bases, Preset::Depth, Preset::MosdepthFast];
    let rules = Rules::new(presets[seed as usize % presets.len()]);
    Settings {
        bam: files.bam.clone(),
        index: None,
        reference: seed.is_multiple_of(2).then(|| files.fasta.clone()),
        rules,
        read_groups: None,
        n_cores: Some(2),
        allow_truncated: false,
        max_memory: None,
        tuning: Tuning { part_bytes: 4096, span_bytes: 2048 },
    }
}

fn count(files: &Files, seed: u64, region: &Region) -> Result<Vec<i32>> {
    let request = Request::open(settings(files, seed), Some(std::slice::from_ref(region)))?;
    let mut out = vec![0; request.targets()[0].interval.len() as usize];
    request.count(&mut out, &Watch::unattended())?;
    Ok(out)
}

fn stream(files: &Files, seed: u64, region: &Region) -> Result<Vec<i32>> {
    use arrow_array::{Array, Int32Array};
    let mut out = Vec::new();
    let mut stream = stream_coverage(settings(files, seed), Some(std::slice::from_ref(region)), 100, false)?.value.batches;
    while let Next::Item(batch) = stream.next(&mut |_| Ok(()))? {
        let depth = batch.columns.column_by_name("depth").unwrap();
        out.extend(depth.as_any().downcast_ref::<Int32Array>().unwrap().values());
    }
    Ok(out)
}

/// How a call went whose `n`th allocation, and those behind it until the reserve was there, got nothing; `None` when it has fewer.
fn armed<T>(n: i64, call: impl FnOnce() -> T) -> Option<T> {
    SPENT_BEFORE.store(memory::spent() as i64, Ordering::SeqCst);
    LEFT.store(n, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
    let result = call();
    ARMED.store(false, Ordering::SeqCst);
    (LEFT.load(Ordering::SeqCst) < 0).then_some(result)
}

#[test]
fn an_allocation_that_fails_is_an_error_and_no_end() {
    let files = std::env::var("FASTCOV_SHORT_MEMORY_FILES").map_or(4, |text| text.parse().unwrap());
    for seed in 0..files {
        let dir = tempfile::tempdir().unwrap();
        let sample = generate::sample(seed, false);
        let files = bam::write(&sample, dir.path(), &generate::shape(seed));
        let region = Region::Text(sample.contigs[0].0.clone());
        for call in [count, stream] {
            let (mut failed, mut good) = (0, 0);
            let expected = call(&files, seed, &region).unwrap();
            for n in 0.. {
                let Some(result) = armed(n, || call(&files, seed, &region)) else { break };
                match result {
                    Ok(depth) => {
                        assert!(depth == expected, "seed {seed}, allocation {n}");
                        good += 1;
                    }
                    Err(error) => {
                        assert!(error.kind() == Kind::ResourceLimit && error.remedy().is_some(), "seed {seed}, allocation {n}: {error}");
                        failed += 1;
                    }
                }
            }
            println!("file {seed}: {failed} calls failed, {good} gave their numbers");
            assert!(failed > 0, "{good} calls gave their numbers, none failed");
        }
    }
}
