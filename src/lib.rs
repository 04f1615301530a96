//! Per-base depth of BAM files: any tool's numbers, by name, at the speed the file can be inflated.
//!
//! ```text
//! call ──> Request ──> Plan ──> [ inflate ─> records ─> count ] per span, in parallel ──> Merge in order ──> table
//!          request     plan       source                count      run                    merge              table
//! ```
//!
//! Data goes one way. A stage knows the type it takes and the type it gives, never the stage before or after it: only `run` knows
//! threads, only `py` knows Python, `count` knows neither files' formats nor tables, `coords` owns every ±1.

pub mod coords;
pub mod depth;
pub mod error;
pub mod memory;
pub mod pass;
pub mod plan;
#[cfg(feature = "python")]
mod py;
pub mod request;
pub mod rules;
pub mod source;
pub mod summary;
pub mod table;
