//! The columns of a region's table.

use crate::coords::Interval;
use crate::error::{Error, Kind, Result};
use crate::plan::Target;
use crate::request::{Outcome, Request};
use crate::run::{self, Control, Poll};

/// The categories of the column `base`, in the order of their codes: the IUPAC letters and gaps, both cases, always the same.
pub const BASES: &[u8] = b"ACGTNURYSWKMBDHVacgtnuryswkmbdhv.-*Xx";

/// A column of small codes, in the smallest integer that holds them.
#[derive(Debug)]
pub enum Codes {
    /// Up to 127.
    I8(Vec<i8>),
    /// Up to 32,767.
    I16(Vec<i16>),
    /// More.
    I32(Vec<i32>),
}

impl Codes {
    /// Bytes per code when there are `n` categories.
    pub const fn width(n: usize) -> u64 {
        match n {
            0..=0x7f => 1,
            0x80..=0x7fff => 2,
            _ => 4,
        }
    }

    fn constant(code: usize, n: usize, rows: usize) -> Self {
        match Self::width(n) {
            1 => Self::I8(vec![code as i8; rows]),
            2 => Self::I16(vec![code as i16; rows]),
            _ => Self::I32(vec![code as i32; rows]),
        }
    }
}

/// One row per position of one region.
#[derive(Debug)]
pub struct RegionTable {
    /// 1-based positions.
    pub pos: Vec<i64>,
    /// Index of the contig in the header.
    pub chrom: Codes,
    /// Index of the reference letter in [`BASES`]; N without a reference.
    pub base: Vec<i8>,
    /// Depth.
    pub depth: Vec<i32>,
    /// What else there is to say.
    pub outcome: Outcome,
}

/// Counts one region and builds its table.
///
/// # Errors
///
/// What counting gives; [`Kind::ResourceLimit`] before any memory is asked for; [`Kind::CorruptFile`] for a letter in the reference that
/// is none.
pub fn region(request: &Request, target: Target, control: &Control, poll: Poll<'_>) -> Result<RegionTable> {
    let rows = target.interval.len() as usize;
    let contigs = request.bam.header.contigs.len();
    request.check_memory(rows as u64 * (8 + Codes::width(contigs) + 1 + 4))?;
    let mut depth = vec![0; rows];
    let outcome = request.count(&[target], &mut depth, control, &mut *poll)?;
    let mut pos = vec![0; rows];
    let first = target.interval.one_based().0;
    run::fill(&mut pos, request.workers, control, &mut *poll, |at, piece: &mut [i64]| {
        for (p, n) in piece.iter_mut().zip(first + at as i64..) {
            *p = n;
        }
        Ok(())
    })?;
    let base = letters(request, target, control, poll)?;
    Ok(RegionTable { pos, chrom: Codes::constant(target.contig, contigs, rows), base, depth, outcome })
}

fn letters(request: &Request, target: Target, control: &Control, poll: Poll<'_>) -> Result<Vec<i8>> {
    let rows = target.interval.len() as usize;
    let codes = code_table();
    let unknown = codes[usize::from(b'N')];
    let Some(reference) = &request.reference else { return Ok(vec![unknown; rows]) };
    let name = &request.bam.header.contigs[target.contig].name;
    let mut out = vec![0; rows];
    run::fill(&mut out, request.workers, control, poll, |at, piece: &mut [i8]| {
        let start = target.interval.start + at as i64;
        let mut bytes = Vec::with_capacity(piece.len());
        reference.fetch(name, Interval::new(start, start + piece.len() as i64), &mut bytes)?;
        for (i, (code, &byte)) in piece.iter_mut().zip(&bytes).enumerate() {
            *code = codes[usize::from(byte)];
            if *code < 0 {
                let place = start + i as i64 + 1;
                return Err(Error::new(Kind::CorruptFile, format!("{:?} at position {place} is no base", char::from(byte)))
                    .contig(name)
                    .hint("give a FASTA of nucleotides")
                    .path(reference.path()));
            }
        }
        Ok(())
    })?;
    Ok(out)
}

fn code_table() -> [i8; 256] {
    let mut table = [-1; 256];
    for (code, &letter) in BASES.iter().enumerate() {
        table[usize::from(letter)] = code as i8;
    }
    table
}
