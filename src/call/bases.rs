//! Letters, insertions, deletions and skips of every position, by strand.

use arrow_array::RecordBatch;

use super::axis::{Letters, RowMap, axis, row_bytes};
use super::pages::zeros;
use super::region::Region;
use super::report::Answer;
use super::request::{Request, Settings};
use crate::depth::bases::{LANES, Lane};
use crate::error::{Error, Kind, Result};
use crate::pass::{self, Watch};
use crate::table::{self, BASES, BaseCounts};

/// Names of three columns: both strands together, forward, reverse.
type Names = [&'static str; 3];

const READS: Names = ["reads_all", "reads_fwd", "reads_rev"];
const MATCHES: Names = ["matches", "matches_fwd", "matches_rev"];
const MISMATCHES: Names = ["mismatches", "mismatches_fwd", "mismatches_rev"];
/// The lanes in the order of their columns; [`Lane::Equal`] has none.
const COUNTED: [(Lane, Names); LANES / 2 - 1] = [
    (Lane::Deletion, ["deletions", "deletions_fwd", "deletions_rev"]),
    (Lane::Insertion, ["insertions", "insertions_fwd", "insertions_rev"]),
    (Lane::Skip, ["skips", "skips_fwd", "skips_rev"]),
    (Lane::A, ["A", "A_fwd", "A_rev"]),
    (Lane::C, ["C", "C_fwd", "C_rev"]),
    (Lane::G, ["G", "G_fwd", "G_rev"]),
    (Lane::T, ["T", "T_fwd", "T_rev"]),
    (Lane::N, ["N", "N_fwd", "N_rev"]),
];
const LETTERS: [Lane; 5] = [Lane::A, Lane::C, Lane::G, Lane::T, Lane::N];

/// Letters, insertions, deletions and skips at every position of `regions`, or of every contig: the columns `chrom, pos`, `ref` where a
/// reference is given, and the counts.
///
/// # Errors
///
/// As for [`super::coverage()`]; [`Kind::InvalidArgument`] for a rule that does not say whose letter counts; [`Kind::ResourceLimit`] where a
/// sum is beyond 32 bits.
pub fn base_counts(settings: Settings, regions: Option<&[Region]>, watch: &Watch<'_>) -> Result<Answer<RecordBatch>> {
    let request = Request::open(settings, regions)?;
    let Answer { value, report } = counts_of(&request, watch)?;
    let value = value.into_batch(&table::names(&request.header().contigs))?;
    watch.finish()?;
    Ok(Answer { value, report })
}

fn counts_of(request: &Request, watch: &Watch<'_>) -> Result<Answer<BaseCounts>> {
    request.rules().validate_letters()?;
    let map = RowMap::new(request.targets());
    let kinds = COUNTED.len() + 1 + if request.reference().is_some() { 2 } else { 0 };
    let row = row_bytes(request, Letters::WithReference) + 4 * 3 * kinds as u64;
    request.check_memory(map.rows as u64 * row)?;
    let mut lanes: [Vec<i32>; LANES] = std::array::from_fn(|_| zeros(map.rows));
    let report = request.count_letters(lanes.each_mut().map(Vec::as_mut_slice), watch)?;
    let axis = axis(request, &map, Letters::WithReference, watch)?;
    resolve_equal(&mut lanes, axis.base.as_deref());
    let mut sums = Sums { request, lanes, rows: map.rows, watch };
    let mut counts = sums.reads()?;
    if let Some(reference) = &axis.base {
        counts.extend(sums.matches(reference)?);
    }
    counts.extend(sums.counted()?);
    Ok(Answer { value: BaseCounts { axis, counts }, report })
}

/// Moves the counts of `=` to the letters that the reference has there; to N without a reference.
fn resolve_equal(lanes: &mut [Vec<i32>; LANES], reference: Option<&[i8]>) {
    for strand in [0, 1] {
        let equal = std::mem::take(&mut lanes[Lane::Equal.index() + strand]);
        for (row, count) in equal.into_iter().enumerate().filter(|&(_, count)| count != 0) {
            let letter = reference.map_or(Lane::N, |codes| LETTERS[letter_of(codes[row])]);
            let sum = &mut lanes[letter.index() + strand][row];
            // Counts that do not fit are found where both strands are summed.
            *sum = sum.saturating_add(count);
        }
    }
}

/// The columns in the making.
struct Sums<'r, 'w, 'p> {
    request: &'r Request,
    lanes: [Vec<i32>; LANES],
    rows: usize,
    watch: &'w Watch<'p>,
}

impl Sums<'_, '_, '_> {
    /// What the rule counts at each position: its depth.
    fn reads(&mut self) -> Result<Vec<(&'static str, Vec<i32>)>> {
        let rules = self.request.rules();
        let gaps = [(Lane::Deletion, rules.deletions), (Lane::Skip, rules.skips)];
        let counted: Vec<_> = LETTERS.into_iter().chain(gaps.into_iter().filter(|g| g.1).map(|g| g.0)).collect();
        let [forward, reverse] = [0, 1].map(|strand| {
            let lanes: Vec<_> = counted.iter().map(|lane| &self.lanes[lane.index() + strand]).collect();
            sum(self.request, &lanes, self.rows, self.watch)
        });
        self.both(READS, forward?, reverse?)
    }

    /// How many letters are those of the reference, and how many are not.
    fn matches(&mut self, reference: &[i8]) -> Result<Vec<(&'static str, Vec<i32>)>> {
        let mut columns = Vec::new();
        for matching in [true, false] {
            let [forward, reverse] = [0, 1].map(|strand| {
                let lanes = LETTERS.map(|lane| &self.lanes[lane.index() + strand][..]);
                let mut out = zeros(self.rows);
                pass::fill(&mut out, self.request.workers(), self.watch, |at, piece: &mut [i32]| {
                    for (row, out) in (at..).zip(piece) {
                        let same = letter_of(reference[row]);
                        let counts = lanes.iter().enumerate().filter(|lane| (lane.0 == same) == matching);
                        // Not more than `reads`, whose sum fits.
                        *out = counts.map(|lane| lane.1[row]).sum();
                    }
                    Ok(())
                })?;
                Ok(out)
            });
            columns.extend(self.both(if matching { MATCHES } else { MISMATCHES }, forward?, reverse?)?);
        }
        Ok(columns)
    }

    /// The lanes themselves.
    fn counted(mut self) -> Result<Vec<(&'static str, Vec<i32>)>> {
        let mut columns = Vec::new();
        for (lane, names) in COUNTED {
            let [forward, reverse] = [0, 1].map(|strand| std::mem::take(&mut self.lanes[lane.index() + strand]));
            columns.extend(self.both(names, forward, reverse)?);
        }
        Ok(columns)
    }

    fn both(&mut self, names: Names, forward: Vec<i32>, reverse: Vec<i32>) -> Result<Vec<(&'static str, Vec<i32>)>> {
        let all = sum(self.request, &[&forward, &reverse], self.rows, self.watch)?;
        Ok(names.into_iter().zip([all, forward, reverse]).collect())
    }
}

/// Row by row the sum of columns.
fn sum(request: &Request, columns: &[&Vec<i32>], rows: usize, watch: &Watch<'_>) -> Result<Vec<i32>> {
    let mut out = zeros(rows);
    pass::fill(&mut out, request.workers(), watch, |at, piece: &mut [i32]| {
        for column in columns {
            for (out, &count) in piece.iter_mut().zip(&column[at..]) {
                *out = out.saturating_add(count);
            }
        }
        if piece.contains(&i32::MAX) {
            return Err(Error::new(Kind::ResourceLimit, "the counts of a position do not fit 32 bits")
                .hint("filter the reads, for example with min_mapq or exclude_flags"));
        }
        Ok(())
    })?;
    Ok(out)
}

/// Index in [`LETTERS`] of a letter of the reference.
fn letter_of(code: i8) -> usize {
    let letter = BASES.get(code as usize).map_or(b'N', u8::to_ascii_uppercase);
    b"ACGT".iter().position(|&l| l == letter).unwrap_or(LETTERS.len() - 1)
}
