//! What the tests stand on: a plain model of a BAM file, a writer that puts it on disk, a seeded generator of odd files,
//! and the slow twin that says what the depth must be.
//!
//! Nothing here uses `src/`: the twin reads like `docs/semantics.md`, and a mistake made in both would have to be made twice.
#![allow(dead_code, reason = "several test binaries and an example share this module, and none uses all of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken test file or disk must stop the test, loudly")]
#![allow(clippy::missing_panics_doc, clippy::missing_errors_doc, reason = "test code: a panic is the failing test")]

pub mod bam;
pub mod generate;
pub mod generate_read;
pub mod index;
pub mod model;
pub mod naive;
pub mod naive_baq;
pub mod naive_mates;
pub mod naive_templates;
pub mod record;
