//! Per-base depth of BAM files: any tool's numbers, by name, at the speed the file can be inflated.
//!
//! ```text
//! call ──> Request ──> Plan ──> pass( source ──> Consumer ) in parallel ──> joined in order ──> columns | summary
//!          checked,    spans    one loop for every question
//!          immutable            depth · evidence
//! ```
//!
//! Data goes one way. A room knows the rooms below it in this list, never one above:
//!
//! | room | holds | knows |
//! |---|---|---|
//! | `py` | the Python edge | `call` |
//! | [`call`] | the verbs: what a question opens, which passes it takes | all below |
//! | [`depth`], [`evidence`] | consumers of records | `pass`, records, rules |
//! | [`pass`] | threads, order, back-pressure, cancelling | `plan`, `source` |
//! | [`plan`] | the file in spans | `source` |
//! | [`source`] | formats: records, indexes, references | files |
//! | [`table`] | columns | `summary`, Arrow |
//! | [`summary`] | folds over depth | `coords` |
//! | [`rules`], [`coords`], [`memory`], [`error`] | vocabulary | nothing above |
//!
//! Only `pass` knows threads, only `py` knows Python, `coords` owns every ±1.

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
