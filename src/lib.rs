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
//! | [`table`] | columns |
//! | [`summary`] | folds over depth |
//! | [`plan`], [`rules`] | the file in spans; what counts |
//! | [`source`] | formats: records, indexes, references |
//! | [`coords`], [`memory`] | positions, with every ±1; memory that may be refused |
//! | [`error`] | the one error type |
//!
//! Only `pass` knows threads, only `py` knows Python.

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

/// What the tests of several rooms share with those in `tests/`.
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
