//! Per-base depth of BAM files: any tool's numbers, by name, at the speed the file can be inflated.

pub mod coords;
pub mod error;
pub mod source;
