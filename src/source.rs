//! Files: opening them, knowing what they are, and reading frames, records, indexes and references out of them.

#![cfg_attr(
    not(test),
    warn(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::cast_precision_loss)
)]

pub mod alignments;
mod bam;
pub mod bed;
pub mod bgzf;
pub mod fasta;
pub mod file;
mod guess;
pub mod gzip;
pub mod header;
mod in_memory;
pub mod index;
pub mod record;
pub mod records;
pub mod stream;
