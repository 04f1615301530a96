//! How many positions have which depth, and stretches of positions whose depths are alike.

use std::collections::HashMap;

use super::region::Region;
use super::report::Answer;
use super::request::{Request, Settings};
use crate::coords::Target;
use crate::error::Result;
use crate::pass::Watch;
use crate::summary::histogram::{Distribution, Histogram};
use crate::summary::runs::{Run, RunsOf};
use crate::summary::series::union;

/// How many positions of each target have which depth.
#[derive(Debug)]
pub struct Histograms {
    /// The targets.
    pub targets: Vec<Target>,
    /// One for each target, as far as there are positions.
    pub histograms: Vec<Histogram>,
    /// Names of all contigs of the header.
    pub contigs: Vec<String>,
}

/// Stretches of positions whose depths lie in one bin.
#[derive(Debug)]
pub struct Binned {
    /// The targets.
    pub targets: Vec<Target>,
    /// The stretches, in the order of the targets.
    pub runs: Vec<Run>,
    /// Names of all contigs of the header.
    pub contigs: Vec<String>,
}

/// How many positions of `regions`, or of every contig, have which depth. A position counts once: regions that overlap or touch are merged
/// into one target.
///
/// # Errors
///
/// As for [`super::coverage()`].
pub fn depth_histograms(settings: Settings, regions: Option<&[Region]>, watch: &Watch<'_>) -> Result<Answer<Histograms>> {
    let request = Request::open(settings, regions)?;
    let targets = merged(request.targets());
    let request = request.with_targets(targets);
    let answer = request.summarize(&Distribution, watch)?;
    watch.finish()?;
    Ok(answer.map(|histograms| Histograms::of(&request, histograms)))
}

/// The longest stretches whose depths lie in one bin: bin i holds the depths from `edges[i]` up to, without, `edges[i + 1]`; the last one
/// has no upper end. Positions below the first edge are left out.
///
/// # Errors
///
/// As for [`super::coverage()`].
pub fn binned_runs(settings: Settings, regions: Option<&[Region]>, edges: &[i32], watch: &Watch<'_>) -> Result<Answer<Binned>> {
    let request = Request::open(settings, regions)?;
    let bin = |depth| (edges.partition_point(|&edge| edge <= depth) as i32).checked_sub(1).filter(|&bin| bin >= 0);
    let answer = request.summarize(&RunsOf::new(bin), watch)?;
    watch.finish()?;
    Ok(answer.map(|runs| Binned { targets: request.targets().to_vec(), runs, contigs: names(&request) }))
}

impl Histograms {
    /// Those of the request's targets.
    pub(super) fn of(request: &Request, histograms: Vec<Histogram>) -> Self {
        Self { targets: request.targets().to_vec(), histograms, contigs: names(request) }
    }
}

/// Targets without shared positions: by contig in the order in which contigs first occur, then by position.
fn merged(targets: &[Target]) -> Vec<Target> {
    let mut rank = HashMap::new();
    for target in targets {
        let next = rank.len();
        rank.entry(target.contig).or_insert(next);
    }
    let mut sorted = targets.to_vec();
    sorted.sort_by_key(|target| (rank[&target.contig], target.interval.start));
    let contigs = sorted.chunk_by(|a, b| a.contig == b.contig);
    let disjoint = contigs.flat_map(|same| {
        let contig = same[0].contig;
        union(same.iter().map(|target| target.interval)).into_iter().map(move |interval| Target { contig, interval })
    });
    disjoint.collect()
}

fn names(request: &Request) -> Vec<String> {
    request.header().contigs.iter().map(|contig| contig.text().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coords::Interval;

    #[test]
    fn merged_targets_share_no_position_and_keep_the_order_of_contigs() {
        let target = |(contig, start, end)| Target { contig, interval: Interval::new(start, end) };
        let targets = [(2, 50, 60), (0, 5, 9), (2, 10, 20), (2, 15, 55), (0, 9, 12), (0, 20, 21), (2, 50, 60)].map(target);
        assert_eq!(merged(&targets), [(2, 10, 60), (0, 5, 12), (0, 20, 21)].map(target));
        assert_eq!(merged(&[]), []);
    }
}
