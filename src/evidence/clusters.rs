//! Events of several reads that lie at one place.
//!
//! Events of one type, on the same contigs and sides, are cut where neighbours lie too far apart: by start, by the other breakpoint, by size,
//! and again until nothing is cut. So the order in which they come plays no part, and each cut costs a sort.

use std::collections::BTreeSet;

/// How near events of one cluster lie.
#[derive(Clone, Copy, Debug)]
pub struct ClusterQuery {
    /// Neighbours by start, and by the other breakpoint, are no further apart.
    pub max_distance: i64,
    /// The larger of two neighbours by size is larger by no more than this part of itself.
    pub max_size_ratio: f64,
    /// Clusters of fewer reads are left out.
    pub min_support: usize,
}

/// What has to be equal in a cluster: type, contig, contig of the other breakpoint, and the sides. The numbers are the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterKey {
    /// The contig.
    pub contig: usize,
    /// What the events are.
    pub kind: usize,
    /// The contig of the other breakpoint.
    pub mate_contig: Option<usize>,
    /// The side of the first breakpoint.
    pub side: usize,
    /// The side of the other one.
    pub mate_side: Option<usize>,
}

/// An event of a read.
#[derive(Clone, Copy, Debug)]
pub struct ClusterEvent<'e> {
    /// What has to be equal.
    pub key: ClusterKey,
    /// First position.
    pub start: i64,
    /// Behind the last position.
    pub end: i64,
    /// Bases.
    pub size: i64,
    /// Position of the other breakpoint.
    pub mate_pos: Option<i64>,
    /// Mapping quality.
    pub mapq: Option<u8>,
    /// Name of the read.
    pub name: &'e str,
}

/// Events at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// What they have in common.
    pub key: ClusterKey,
    /// The median of the starts; of two that are in the middle, the mean, rounded down.
    pub start: i64,
    /// The same of the ends.
    pub end: i64,
    /// The same of the sizes.
    pub size: i64,
    /// The same of the other breakpoints.
    pub mate_pos: Option<i64>,
    /// The mean of the mapping qualities that are known.
    pub mean_mapq: Option<f64>,
    /// The names of the reads, each once, sorted.
    pub reads: Vec<String>,
}

/// The clusters of `events`, sorted by contig, start, end and type.
pub fn clusters(mut events: Vec<ClusterEvent<'_>>, query: &ClusterQuery) -> Vec<Cluster> {
    events.sort_unstable_by(|a, b| a.key.cmp(&b.key).then_with(|| a.start.cmp(&b.start)));
    let mut found: Vec<Cluster> = Vec::new();
    for same in events.chunk_by_mut(|a, b| a.key == b.key) {
        let mut open = vec![same];
        while let Some(events) = open.pop() {
            match cut(events, query) {
                Cut::Whole(events) => found.extend(cluster(events, query)),
                Cut::Pieces(pieces) => open.extend(pieces),
            }
        }
    }
    found.sort_by(|a, b| {
        let place = |c: &Cluster| (c.key.contig, c.start, c.end, c.key, c.mate_pos, c.size);
        place(a).cmp(&place(b)).then_with(|| a.reads.cmp(&b.reads))
    });
    found
}

/// A number of an event.
type Value = fn(&ClusterEvent<'_>) -> i64;

/// Whether two neighbours by such a number belong together.
type Near<'n> = &'n dyn Fn(i64, i64) -> bool;

enum Cut<'c, 'e> {
    /// No two neighbours lie too far apart.
    Whole(&'c mut [ClusterEvent<'e>]),
    Pieces(Vec<&'c mut [ClusterEvent<'e>]>),
}

fn cut<'c, 'e>(events: &'c mut [ClusterEvent<'e>], query: &ClusterQuery) -> Cut<'c, 'e> {
    let near = |a: i64, b: i64| b - a <= query.max_distance;
    let alike = |a: i64, b: i64| (b - a) as f64 <= query.max_size_ratio * b as f64;
    let by: [(Value, Near<'_>); 3] =
        [(|event| event.start, &near), (|event| event.mate_pos.unwrap_or(event.end), &near), (|event| event.size, &alike)];
    for (value, belong_together) in by {
        events.sort_unstable_by_key(|event| value(event));
        let is_whole = events.windows(2).all(|pair| belong_together(value(&pair[0]), value(&pair[1])));
        if !is_whole {
            return Cut::Pieces(events.chunk_by_mut(|a, b| belong_together(value(a), value(b))).collect());
        }
    }
    Cut::Whole(events)
}

fn cluster(events: &[ClusterEvent<'_>], query: &ClusterQuery) -> Option<Cluster> {
    let reads: BTreeSet<&str> = events.iter().map(|event| event.name).collect();
    if reads.len() < query.min_support {
        return None;
    }
    let known: Vec<u64> = events.iter().filter_map(|event| event.mapq).map(u64::from).collect();
    let mate_positions: Vec<i64> = events.iter().filter_map(|event| event.mate_pos).collect();
    Some(Cluster {
        key: events.first()?.key,
        start: median(events.iter().map(|event| event.start).collect())?,
        end: median(events.iter().map(|event| event.end).collect())?,
        size: median(events.iter().map(|event| event.size).collect())?,
        mate_pos: median(mate_positions),
        mean_mapq: (!known.is_empty()).then(|| known.iter().sum::<u64>() as f64 / known.len() as f64),
        reads: reads.into_iter().map(str::to_owned).collect(),
    })
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    let n = values.len();
    let (low, high) = (*values.get(n.checked_sub(1)? / 2)?, *values.get(n / 2)?);
    Some(low + (high - low).div_euclid(2))
}
