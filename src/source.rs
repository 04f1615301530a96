//! Files: opening them, knowing what they are, and reading frames, records, indexes and references out of them.

pub mod bam;
pub mod bgzf;
pub mod fasta;
pub mod file;
pub mod header;
pub mod index;
pub mod record;
pub mod records;
