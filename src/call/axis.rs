//! The place of each row of a table with a row per position.

use std::ops::Range;

use super::pages::zeros;
use super::request::Request;
use crate::coords::{Interval, Target};
use crate::error::{Error, Kind, Result};
use crate::pass::{self, Watch};
use crate::table::{Axis, BASES, Codes};

/// Whether the table has a column `base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// Yes; full of N without a reference.
    Always,
    /// Where a reference is given.
    WithReference,
}

/// Bytes of a row.
pub(super) fn row_bytes(request: &Request, letters: Letters) -> u64 {
    8 + Codes::width(request.header().contigs.len()) + u64::from(letters.wanted(request))
}

impl Letters {
    fn wanted(self, request: &Request) -> bool {
        self == Self::Always || request.reference().is_some()
    }
}

/// The places of all rows.
pub(super) fn axis(request: &Request, map: &RowMap<'_>, letters: Letters, watch: &Watch<'_>) -> Result<Axis> {
    let contigs = request.header().contigs.len();
    let mut pos = zeros(map.rows);
    pass::fill(&mut pos, request.workers(), watch, |at, piece: &mut [i64]| {
        for (_, positions, rows) in map.parts(at, piece.len()) {
            for (p, n) in piece[rows].iter_mut().zip(positions.one_based().0..) {
                *p = n;
            }
        }
        Ok(())
    })?;
    let base = letters.wanted(request).then(|| bases(request, map, watch)).transpose()?;
    let chrom = match Codes::width(contigs) {
        1 => Codes::I8(codes(request, map, |c| c as i8, watch)?),
        2 => Codes::I16(codes(request, map, |c| c as i16, watch)?),
        _ => Codes::I32(codes(request, map, |c| c as i32, watch)?),
    };
    Ok(Axis { pos, chrom, base })
}

/// The contig of every row, as a code.
fn codes<T: Clone + Default + Send>(
    request: &Request,
    map: &RowMap<'_>,
    narrow: impl Fn(usize) -> T + Sync,
    watch: &Watch<'_>,
) -> Result<Vec<T>> {
    let mut out = zeros(map.rows);
    if map.targets.iter().any(|t| t.contig != 0) {
        pass::fill(&mut out, request.workers(), watch, |at, piece: &mut [T]| {
            for (contig, _, rows) in map.parts(at, piece.len()) {
                piece[rows].fill(narrow(contig));
            }
            Ok(())
        })?;
    }
    Ok(out)
}

/// Which rows belong to which target.
pub(super) struct RowMap<'a> {
    targets: &'a [Target],
    /// First row of every target.
    firsts: Vec<usize>,
    /// How many there are.
    pub(super) rows: usize,
}

impl<'a> RowMap<'a> {
    pub(super) fn new(targets: &'a [Target]) -> Self {
        let mut rows = 0;
        let mut firsts = Vec::with_capacity(targets.len());
        for target in targets {
            firsts.push(rows);
            rows += target.interval.len() as usize;
        }
        Self { targets, firsts, rows }
    }

    /// The rows `at..at + len`, target by target: contig, positions, and the rows counted from `at`.
    fn parts(&self, at: usize, len: usize) -> impl Iterator<Item = (usize, Interval, Range<usize>)> + '_ {
        let first = self.firsts.partition_point(|&f| f <= at).saturating_sub(1);
        self.targets.iter().zip(&self.firsts).skip(first).take_while(move |&(_, &f)| f < at + len).map(move |(target, &f)| {
            let rows = f.max(at)..(f + target.interval.len() as usize).min(at + len);
            let start = target.interval.start + (rows.start - f) as i64;
            (target.contig, Interval::new(start, start + rows.len() as i64), rows.start - at..rows.end - at)
        })
    }
}

fn bases(request: &Request, map: &RowMap<'_>, watch: &Watch<'_>) -> Result<Vec<i8>> {
    let codes = code_table();
    if request.reference().is_none() {
        return Ok(vec![codes[usize::from(b'N')]; map.rows]);
    }
    let mut out = zeros(map.rows);
    pass::fill(&mut out, request.workers(), watch, |at, piece: &mut [i8]| {
        let mut bytes = Vec::new();
        for (contig, positions, rows) in map.parts(at, piece.len()) {
            fetch_codes(request, &Target { contig, interval: positions }, &codes, &mut bytes, &mut piece[rows])?;
        }
        Ok(())
    })?;
    Ok(out)
}

/// The letters of a target, as codes; `bytes` is scratch.
fn fetch_codes(request: &Request, target: &Target, codes: &[i8; 256], bytes: &mut Vec<u8>, out: &mut [i8]) -> Result<()> {
    let Some(reference) = request.reference() else { return Ok(()) };
    let name = &request.header().contigs[target.contig].name;
    bytes.clear();
    reference.fetch(name, target.interval, bytes)?;
    for (i, (code, &byte)) in out.iter_mut().zip(bytes.iter()).enumerate() {
        *code = codes[usize::from(byte)];
        if *code < 0 {
            let place = target.interval.one_based().0 + i as i64;
            return Err(Error::new(Kind::CorruptFile, format!("{:?} at position {place} is not a base", char::from(byte)))
                .contig(name)
                .hint("give a FASTA of nucleotides")
                .path(reference.path()));
        }
    }
    Ok(())
}

/// The places of `positions`, one row each.
///
/// # Errors
///
/// What reading the reference gives; [`Kind::CorruptFile`] for a letter that is not a base.
pub(super) fn axis_of(request: &Request, positions: &[Target]) -> Result<Axis> {
    let rows: Vec<_> = positions.iter().map(|t| (t.contig, t.interval.len() as usize)).collect();
    let n = rows.iter().map(|r| r.1).sum();
    let mut pos = Vec::with_capacity(n);
    let mut base = request.reference().map(|_| vec![0; n]);
    let (codes, mut bytes, mut at) = (code_table(), Vec::new(), 0);
    for target in positions {
        let (first, last) = target.interval.one_based();
        pos.extend(first..=last);
        let n = target.interval.len() as usize;
        if let Some(base) = &mut base {
            fetch_codes(request, target, &codes, &mut bytes, &mut base[at..at + n])?;
        }
        at += n;
    }
    Ok(Axis { pos, chrom: Codes::repeated(request.header().contigs.len(), &rows), base })
}

fn code_table() -> [i8; 256] {
    let mut table = [-1; 256];
    for (code, &letter) in BASES.iter().enumerate() {
        table[usize::from(letter)] = code as i8;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_find_their_targets_however_they_are_cut() {
        let target = |contig, start, end| Target { contig, interval: Interval::new(start, end) };
        let targets = [target(0, 5, 9), target(2, 0, 1), target(1, 7, 7), target(1, 100, 103)];
        let map = RowMap::new(&targets);
        let wanted: Vec<_> = targets.iter().flat_map(|t| (t.interval.start..t.interval.end).map(|p| (t.contig, p))).collect();
        for size in 1..=wanted.len() {
            let mut got = vec![(9, -1); map.rows];
            for (i, piece) in got.chunks_mut(size).enumerate() {
                for (contig, positions, rows) in map.parts(i * size, piece.len()) {
                    for (row, p) in rows.zip(positions.start..positions.end) {
                        piece[row] = (contig, p);
                    }
                }
            }
            assert_eq!(got, wanted, "pieces of {size}");
        }
    }
}
