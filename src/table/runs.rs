//! Runs of equal depth.

use super::Codes;
use crate::error::Result;
use crate::plan::Target;
use crate::request::{Outcome, Request};
use crate::run::{Control, Poll};

/// The longest runs of equal depth inside each target, zeros included, in the order of the targets.
#[derive(Debug)]
pub struct Runs {
    /// Index of the contig in the header.
    pub chrom: Codes,
    /// First position, 0-based.
    pub start: Vec<i64>,
    /// One past the last position, 0-based.
    pub end: Vec<i64>,
    /// Depth.
    pub depth: Vec<i32>,
    /// What else there is to say.
    pub outcome: Outcome,
}

/// Counts the targets and builds their runs.
///
/// This is not streaming: the depth of every position is held (4 bytes each) until its runs are written.
///
/// # Errors
///
/// What counting gives; [`crate::error::Kind::ResourceLimit`] before memory is asked for, for the depths and then for the runs.
pub fn runs(request: &Request, targets: &[Target], control: &Control, poll: Poll<'_>) -> Result<Runs> {
    let positions: usize = targets.iter().map(|t| t.interval.len() as usize).sum();
    let contigs = request.bam.header.contigs.len();
    request.check_memory(positions as u64 * 4)?;
    let mut dense = vec![0; positions];
    let outcome = request.count(targets, &mut dense, control, &mut *poll)?;
    let mut lengths = Vec::with_capacity(targets.len());
    let mut rest = dense.as_slice();
    for target in targets {
        poll(u64::MAX)?;
        let (depths, others) = rest.split_at(target.interval.len() as usize);
        rest = others;
        lengths.push((target.contig, number_of_runs(depths)));
    }
    let rows = lengths.iter().map(|l| l.1).sum::<usize>();
    request.check_memory(positions as u64 * 4 + rows as u64 * (8 + 8 + 4 + Codes::width(contigs)))?;
    let mut table = Runs {
        chrom: Codes::repeated(contigs, &lengths),
        start: Vec::with_capacity(rows),
        end: Vec::with_capacity(rows),
        depth: Vec::with_capacity(rows),
        outcome,
    };
    let mut rest = dense.as_slice();
    for target in targets {
        poll(u64::MAX)?;
        let (depths, others) = rest.split_at(target.interval.len() as usize);
        rest = others;
        table.append(target.interval.start, depths);
    }
    Ok(table)
}

fn number_of_runs(depths: &[i32]) -> usize {
    usize::from(!depths.is_empty()) + depths.iter().zip(depths.iter().skip(1)).filter(|(a, b)| a != b).count()
}

impl Runs {
    fn append(&mut self, first: i64, depths: &[i32]) {
        let mut at = first;
        for run in depths.chunk_by(|a, b| a == b) {
            self.start.push(at);
            at += run.len() as i64;
            self.end.push(at);
            self.depth.push(run[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_as_long_as_they_can_be() {
        for depths in [&[][..], &[0], &[3, 3], &[0, 0, 1, 1, 1, 0, 2]] {
            let mut runs =
                Runs { chrom: Codes::I8(Vec::new()), start: Vec::new(), end: Vec::new(), depth: Vec::new(), outcome: Outcome::default() };
            runs.append(10, depths);
            assert_eq!(runs.start.len(), number_of_runs(depths));
            assert!(runs.depth.windows(2).all(|w| w[0] != w[1]));
            let back: Vec<_> = (0..runs.start.len()).flat_map(|i| (runs.start[i]..runs.end[i]).map(move |p| (p, i))).collect();
            let wanted: Vec<_> = (10..).zip(depths.iter().copied()).collect();
            assert_eq!(back.into_iter().map(|(p, i)| (p, runs.depth[i])).collect::<Vec<_>>(), wanted);
        }
    }
}
