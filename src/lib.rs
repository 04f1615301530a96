//! Per-base depth of BAM files: any tool's numbers, by name, at the speed the file can be inflated.
//!
//! ```text
//! call ──> Request ──> Plan ──> pass( source ──> Consumer ) in parallel ──> joined in order ──> columns | summary
//!          checked,    spans    one loop for every question
//!          immutable            depth · evidence
//! ```
//!
//! Data goes one way. A room imports only rooms below it in this list (`tests/python/test_sources.py` checks it):
//!
//! | room | holds |
//! |---|---|
//! | `py` | the Python edge |
//! | [`call`] | the verbs: what a question opens, which passes it takes |
//! | [`depth`], [`evidence`] | consumers of records: depth by a rule, counts over all records |
//! | [`pass`] | threads, order, back-pressure, cancelling, progress |
//! | [`write`](mod@write) | files that tables are written to |
//! | [`table`] | columns |
//! | [`summary`] | folds over depth |
//! | [`plan`], [`rules`] | the file in spans; what counts |
//! | [`source`] | formats: records, indexes, references |
//! | [`coords`], [`memory`] | positions, with every ±1; memory that may be refused |
//! | [`error`] | the one error type |
//!
//! Only `pass` knows threads, only `py` knows Python.
//!
//! # Examples
//!
//! A BAM with one read, written by noodles, and its depth by the rule of `samtools depth`:
//!
//! ```
//! use arrow_array::cast::AsArray;
//! use arrow_array::types::{Int32Type, Int64Type};
//! use fastcov::call::{Settings, coverage};
//! use fastcov::pass::Watch;
//! use fastcov::rules::{Preset, Rules};
//! use noodles_sam::alignment::io::Write;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("one.bam");
//! let sam = b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:20\nr\t0\tchr1\t5\t60\t4M2D4M\t*\t0\t0\tACGTACGT\t*\n";
//! let mut reader = noodles_sam::io::Reader::new(&sam[..]);
//! let header = reader.read_header()?;
//! let mut writer = noodles_bam::io::Writer::new(std::fs::File::create(&path)?);
//! writer.write_header(&header)?;
//! for record in reader.records() {
//!     writer.write_alignment_record(&header, &record?)?;
//! }
//! writer.try_finish()?;
//!
//! let answer = coverage(Settings::new(&path, Rules::new(Preset::Depth)), None, true, &Watch::unattended())?;
//! let runs = answer.value;
//! // 0-based and half open: a row for each run of equal depth.
//! assert_eq!(runs["start"].as_primitive::<Int64Type>().values(), &[0, 4, 8, 10, 14]);
//! assert_eq!(runs["end"].as_primitive::<Int64Type>().values(), &[4, 8, 10, 14, 20]);
//! assert_eq!(runs["depth"].as_primitive::<Int32Type>().values(), &[0, 1, 0, 1, 0]);
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! Every function that can fail gives an [`error::Error`]: what is wrong, in which file and where, and what to do.
//!
//! # Panics
//!
//! No function of [`call`] panics on any input; a worker that does ends the call with [`error::Kind::Internal`].

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests have threads and files of their own"))]

pub mod call;
pub mod coords;
pub mod depth;
pub mod error;
pub mod evidence;
pub mod memory;
pub mod pass;
pub mod plan;
#[cfg(feature = "python")]
mod py;
pub mod rules;
pub mod source;
pub mod summary;
pub mod table;
pub mod write;

/// What the tests of several rooms share with those in `tests/`.
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
