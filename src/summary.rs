//! From depth to answers: what a table of every position is too large for.
//!
//! Depth becomes final in pieces, in the order of the file. The worker that holds a piece digests it into a [`Summary::Part`], which is
//! small; parts are joined in order. So memory follows the answer, not the genome, and the work is spread over the workers.

pub mod histogram;
pub mod narrow;
pub mod runs;
pub mod series;
pub mod stats;

use crate::coords::Interval;
use crate::error::Result;

/// What is made of the depth.
pub trait Summary: Sync {
    /// What one piece comes to.
    type Digest: Send;
    /// What all pieces come to.
    type Total: Default + Send;

    /// What a piece of target number `target` comes to.
    fn digest(&self, target: usize, depths: &Depths) -> Self::Digest;

    /// Adds the digest of the next piece, in the order of the targets and their positions.
    ///
    /// # Errors
    ///
    /// That of a summary that hands its results on, for example to a file.
    fn join(&self, total: &mut Self::Total, target: usize, digest: Self::Digest) -> Result<()>;
}

/// Two summaries of one depth.
impl<A: Summary, B: Summary> Summary for (A, B) {
    type Digest = (A::Digest, B::Digest);
    type Total = (A::Total, B::Total);

    fn digest(&self, target: usize, depths: &Depths) -> Self::Digest {
        (self.0.digest(target, depths), self.1.digest(target, depths))
    }

    fn join(&self, total: &mut Self::Total, target: usize, digest: Self::Digest) -> Result<()> {
        self.0.join(&mut total.0, target, digest.0)?;
        self.1.join(&mut total.1, target, digest.1)
    }
}

/// A summary that was not requested does nothing.
impl<S: Summary> Summary for Option<S> {
    type Digest = Option<S::Digest>;
    type Total = S::Total;

    fn digest(&self, target: usize, depths: &Depths) -> Self::Digest {
        self.as_ref().map(|summary| summary.digest(target, depths))
    }

    fn join(&self, total: &mut S::Total, target: usize, digest: Self::Digest) -> Result<()> {
        match (self, digest) {
            (Some(summary), Some(digest)) => summary.join(total, target, digest),
            _ => Ok(()),
        }
    }
}

/// Nothing: for what a pass finds besides the depth.
pub struct NoSummary;

impl Summary for NoSummary {
    type Digest = ();
    type Total = ();

    fn digest(&self, _: usize, _: &Depths) {}

    fn join(&self, (): &mut (), _: usize, (): ()) -> Result<()> {
        Ok(())
    }
}

/// The depth of a stretch of positions: where it changes all the time one number each, elsewhere runs.
#[derive(Clone, Debug, Default)]
pub struct Depths {
    /// The positions.
    pub positions: Interval,
    stretches: Vec<Segment>,
    dense: Vec<i32>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    positions: Interval,
    content: Content,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    /// All of this depth.
    Run(i32),
    /// The first one's index in `dense`.
    Dense(usize),
}

/// A part of [`Depths`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch<'d> {
    /// So many positions of one depth.
    Run(u64, i32),
    /// One depth per position.
    Dense(&'d [i32]),
}

impl Depths {
    /// Empties it; what is added next begins at `start`.
    pub fn reset(&mut self, start: i64) {
        self.positions = Interval::new(start, start);
        self.stretches.clear();
        self.dense.clear();
    }

    /// Adds `len` positions of one depth.
    pub fn push_run(&mut self, len: usize, depth: i32) {
        if len == 0 {
            return;
        }
        let positions = Interval::new(self.positions.end, self.positions.end + len as i64);
        self.positions.end = positions.end;
        match self.stretches.last_mut() {
            Some(Segment { positions: before, content: Content::Run(same) }) if *same == depth => before.end = positions.end,
            _ => self.stretches.push(Segment { positions, content: Content::Run(depth) }),
        }
    }

    /// Adds `len` positions; the slice that is to be filled with their depths.
    pub fn push_dense(&mut self, len: usize) -> &mut [i32] {
        let at = self.dense.len();
        if len > 0 {
            let positions = Interval::new(self.positions.end, self.positions.end + len as i64);
            self.positions.end = positions.end;
            self.stretches.push(Segment { positions, content: Content::Dense(at) });
            self.dense.resize(at + len, 0);
        }
        &mut self.dense[at..]
    }

    /// The depths over `within`, from left to right; where it reaches past what is there, only that.
    pub fn over(&self, within: Interval) -> impl Iterator<Item = Stretch<'_>> {
        let first = self.stretches.partition_point(|s| s.positions.end <= within.start);
        self.stretches[first..].iter().take_while(move |s| s.positions.start < within.end).map(move |s| {
            let here = s.positions.intersect(within);
            match s.content {
                Content::Run(depth) => Stretch::Run(here.len() as u64, depth),
                Content::Dense(at) => {
                    let from = at + (here.start - s.positions.start) as usize;
                    Stretch::Dense(&self.dense[from..from + here.len() as usize])
                }
            }
        })
    }

    /// The longest runs of equal depth, from left to right.
    pub fn runs(&self) -> impl Iterator<Item = (u64, i32)> + '_ {
        let mut chunks = self.over(self.positions);
        let mut dense: &[i32] = &[];
        let mut open: Option<(u64, i32)> = None;
        std::iter::from_fn(move || {
            loop {
                let next = if let Some(&depth) = dense.first() {
                    let n = dense.iter().position(|&d| d != depth).unwrap_or(dense.len());
                    dense = &dense[n..];
                    Some((n as u64, depth))
                } else {
                    match chunks.next() {
                        Some(Stretch::Dense(more)) => {
                            dense = more;
                            continue;
                        }
                        Some(Stretch::Run(n, depth)) => Some((n, depth)),
                        None => None,
                    }
                };
                match (open, next) {
                    (Some((n, depth)), Some((more, same))) if depth == same => open = Some((n + more, depth)),
                    _ => {
                        let done = std::mem::replace(&mut open, next);
                        if done.is_some() || next.is_none() {
                            return done;
                        }
                    }
                }
            }
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `depths` from position 10 on, cut into runs and dense stretches in a way that `seed` decides.
    pub(crate) fn cut(depths: &[i32], seed: u64) -> Depths {
        let mut out = Depths::default();
        out.reset(10);
        let mut state = seed;
        let mut at = 0;
        while at < depths.len() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let same = depths[at..].iter().take_while(|&&d| d == depths[at]).count();
            let n = 1 + (state >> 40) as usize % 7;
            if state >> 33 & 1 == 0 {
                let n = n.min(same);
                out.push_run(n, depths[at]);
                at += n;
            } else {
                let n = n.min(depths.len() - at);
                out.push_dense(n).copy_from_slice(&depths[at..at + n]);
                at += n;
            }
        }
        out
    }

    fn expand<'d>(chunks: impl Iterator<Item = Stretch<'d>>) -> Vec<i32> {
        chunks
            .flat_map(|chunk| match chunk {
                Stretch::Run(n, depth) => vec![depth; n as usize],
                Stretch::Dense(depths) => depths.to_vec(),
            })
            .collect()
    }

    #[test]
    fn chunks_and_runs_give_the_depths_back_however_they_are_cut() {
        let depths: Vec<i32> = (0..60).map(|i: i32| (i / 5 % 3) * (i % 2).max(i32::from(i > 30))).collect();
        for seed in 0..200 {
            let cut = cut(&depths, seed);
            assert_eq!(cut.positions, Interval::new(10, 70));
            for (start, end) in [(10, 70), (0, 100), (17, 18), (23, 41), (69, 80), (70, 90), (0, 10)] {
                let wanted = &depths[(start.max(10) - 10).min(60) as usize..(end.clamp(10, 70) - 10) as usize];
                assert_eq!(expand(cut.over(Interval::new(start, end))), wanted, "seed {seed}, {start}..{end}");
            }
            let runs: Vec<_> = cut.runs().collect();
            assert!(runs.windows(2).all(|w| w[0].1 != w[1].1), "seed {seed}: {runs:?}");
            assert_eq!(runs.iter().flat_map(|&(n, d)| vec![d; n as usize]).collect::<Vec<_>>(), depths, "seed {seed}");
        }
    }
}
