//! Runs of positions that are alike: of one depth, or of depths of one bin.

use super::{Depths, Summary};
use crate::coords::Interval;
use crate::error::Result;

/// Stretches of positions whose depths have one class, each as long as it can be.
pub struct RunsOf<C> {
    class: C,
}

impl<C: Fn(i32) -> Option<i32> + Sync> RunsOf<C> {
    /// `class` says which class a depth is of; positions of none are left out.
    pub fn new(class: C) -> Self {
        Self { class }
    }
}

/// A run: number of its target, its positions, its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The target it lies in.
    pub target: usize,
    /// Its positions.
    pub positions: Interval,
    /// Depth, or number of the bin.
    pub class: i32,
}

impl Run {
    /// Whether the two are one.
    pub fn goes_on_with(&self, next: &Self) -> bool {
        self.target == next.target && self.class == next.class && self.positions.end == next.positions.start
    }
}

/// Adds the run that comes after all others.
pub fn push(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        Some(last) if last.goes_on_with(&run) => last.positions.end = run.positions.end,
        _ => runs.push(run),
    }
}

impl<C: Fn(i32) -> Option<i32> + Sync> Summary for RunsOf<C> {
    type Digest = Vec<Run>;
    type Total = Vec<Run>;

    fn digest(&self, target: usize, depths: &Depths) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut at = depths.positions.start;
        for (n, depth) in depths.runs() {
            let positions = Interval::new(at, at + n as i64);
            at = positions.end;
            if let Some(class) = (self.class)(depth) {
                push(&mut runs, Run { target, positions, class });
            }
        }
        runs
    }

    fn join(&self, total: &mut Vec<Run>, _: usize, digest: Vec<Run>) -> Result<()> {
        let mut runs = digest.into_iter();
        if let Some(first) = runs.next() {
            push(total, first);
        }
        total.extend(runs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::cut;
    use super::*;

    #[test]
    fn runs_are_as_long_as_they_can_be_across_pieces() {
        let depths = [0, 0, 3, 3, 4, 4, 4, 0, 9, 9];
        let summary = RunsOf::new(|d| (d != 9).then_some(d.min(3)));
        for seed in 0..50 {
            let mut whole = Vec::new();
            summary.join(&mut whole, 0, summary.digest(0, &cut(&depths[..5], seed))).unwrap();
            let mut rest = Depths::default();
            rest.reset(15);
            rest.push_dense(5).copy_from_slice(&depths[5..]);
            summary.join(&mut whole, 0, summary.digest(0, &rest)).unwrap();
            summary.join(&mut whole, 1, summary.digest(1, &rest)).unwrap();
            let runs: Vec<_> = whole.iter().map(|r| (r.target, r.positions.start, r.positions.end, r.class)).collect();
            assert_eq!(runs, [(0, 10, 12, 0), (0, 12, 17, 3), (0, 17, 18, 0), (1, 15, 17, 3), (1, 17, 18, 0)], "seed {seed}");
        }
    }
}
