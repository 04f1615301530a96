//! Contigs as a table, and regions cut into blocks of equal work.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use super::region::Region;
use super::report::named;
use super::request::{Access, Request, Settings};
use crate::coords::{Interval, Target};
use crate::error::Result;
use crate::pass::Watch;
use crate::source::header::Contig;

/// What a compressed byte weighs where a position weighs 1. Positions without a record take time as well, to be written; without their
/// weight, contigs without records would never be cut.
const BYTE: u64 = 8;

/// Bytes that a block takes, with its name, here and as a tuple of Python.
const BLOCK_BYTES: u64 = 256;

/// What is known of a contig without reading a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContigRow {
    /// Its name.
    pub name: String,
    /// Its length.
    pub length: i64,
    /// Mapped records on it, and unmapped records placed on it; `None` where no index tells.
    pub counts: Option<(u64, u64)>,
}

/// The contigs of the header in its order, with the counts of the index if there is one.
///
/// # Errors
///
/// What opening the file and its index gives.
pub fn contigs(settings: Settings, watch: &Watch<'_>) -> Result<(Vec<ContigRow>, Vec<String>)> {
    let request = Request::with_access(settings, Access::IndexOrFile)?;
    watch.poll()?;
    let index = request.alignments().index();
    let row = |(id, contig): (usize, &Contig)| {
        let counts = index.and_then(|index| match index.counts(id) {
            Some(counts) => Some((counts.mapped, counts.unmapped)),
            // An index has no counts of a contig without records.
            None => index.contigs.get(id).filter(|contig| contig.is_empty()).map(|_| (0, 0)),
        });
        ContigRow { name: contig.text().into_owned(), length: contig.len, counts }
    };
    let rows = request.header().contigs.iter().enumerate().map(row).collect();
    request.alignments().check_unchanged()?;
    Ok((rows, request.warnings().to_vec()))
}

/// Blocks of a call: name, first and last position (1-based, inclusive).
pub type Blocks = Vec<(String, i64, i64)>;

/// `regions`, or every contig, cut into `n` blocks of about equal work, in their order: each position of each region lies in exactly one
/// block of this region. There are more than `n` where there are more regions, as no block joins two, and fewer where there are fewer positions.
/// The work of positions is their compressed bytes, as far as the index tells, and an eighth of a byte for each.
///
/// # Errors
///
/// As for [`super::coverage()`]; [`crate::error::Kind::IndexMissing`] also where no region is given.
pub fn blocks(settings: Settings, n: u64, regions: Option<&[Region]>, watch: &Watch<'_>) -> Result<(Blocks, Vec<String>)> {
    let request = Request::with_access(settings, Access::Index)?.with_regions(regions)?;
    watch.poll()?;
    let targets = request.targets();
    let positions: u64 = targets.iter().map(|target| target.interval.len() as u64).sum();
    let most = n.min(positions).max(targets.len() as u64);
    request.check_memory(most * BLOCK_BYTES)?;
    let mut profiles = BTreeMap::new();
    for target in targets {
        profiles.entry(target.contig).or_insert_with(|| Profile::of(&request, target.contig));
    }
    let works: Vec<_> = targets.iter().map(|target| profiles[&target.contig].work(target.interval)).collect();
    let mut blocks = Vec::with_capacity(most as usize);
    for (target, share) in targets.iter().zip(shares(targets, &works, most)) {
        let pieces = profiles[&target.contig].cut(target.interval, share);
        blocks.extend(pieces.map(|interval| named(&request, &Target { contig: target.contig, interval })));
    }
    request.alignments().check_unchanged()?;
    Ok((blocks, request.warnings().to_vec()))
}

/// A target whose pieces are the largest of all.
#[derive(Debug, PartialEq, Eq)]
struct Largest {
    work: u64,
    pieces: u64,
    id: usize,
}

impl Ord for Largest {
    fn cmp(&self, other: &Self) -> Ordering {
        let [mine, theirs] = [(self, other), (other, self)].map(|(a, b)| u128::from(a.work) * u128::from(b.pieces));
        mine.cmp(&theirs).then(other.id.cmp(&self.id))
    }
}

impl PartialOrd for Largest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How many blocks each target is cut into, `most` together: again and again the target with the largest pieces gets one more.
fn shares(targets: &[Target], works: &[u64], most: u64) -> Vec<u64> {
    let mut shares = vec![1; targets.len()];
    let mut heap: BinaryHeap<_> = works.iter().enumerate().map(|(id, &work)| Largest { work, pieces: 1, id }).collect();
    let mut left = most.saturating_sub(targets.len() as u64);
    while left > 0 {
        let Some(Largest { work, pieces, id }) = heap.pop() else { break };
        if pieces < targets[id].interval.len() as u64 {
            shares[id] = pieces + 1;
            left -= 1;
            heap.push(Largest { work, pieces: pieces + 1, id });
        }
    }
    shares
}

/// The work in front of positions of a contig: pairs of a position and the work in front of it, both strictly increasing, from 0 to the end
/// of the contig. Between them it grows evenly.
#[derive(Debug)]
struct Profile(Vec<(i64, u64)>);

impl Profile {
    fn of(request: &Request, contig: usize) -> Self {
        Self::new(&request.alignments().offsets(contig), request.header().contigs[contig].len)
    }

    /// From positions and the bytes of the file in front of their records.
    fn new(offsets: &[(i64, u64)], len: i64) -> Self {
        let first = offsets.first().map_or(0, |&(_, offset)| offset);
        let mut knots = vec![(0, 0)];
        for &(position, offset) in offsets {
            let position = position.min(len);
            let work = BYTE * offset.saturating_sub(first) + position as u64;
            match knots.last_mut() {
                // Bytes behind the last window belong to it.
                Some(last) if last.0 == position => last.1 = last.1.max(if position == 0 { 0 } else { work }),
                Some(last) if last.1 < work && last.0 < position => knots.push((position, work)),
                _ => {}
            }
        }
        if let Some(&(position, work)) = knots.last().filter(|last| last.0 < len) {
            knots.push((len, work + (len - position) as u64));
        }
        Self(knots)
    }

    /// The work in front of `position`.
    fn before(&self, position: i64) -> u64 {
        let Self(knots) = self;
        let i = knots.partition_point(|knot| knot.0 <= position).clamp(1, knots.len().saturating_sub(1).max(1));
        let ((p0, w0), Some(&(p1, w1))) = (knots[i - 1], knots.get(i)) else { return knots[i - 1].1 };
        w0 + (u128::from(w1 - w0) * (position - p0) as u128 / (p1 - p0) as u128) as u64
    }

    /// The first position in front of which is so much work.
    fn position(&self, work: u64) -> i64 {
        let Self(knots) = self;
        let i = knots.partition_point(|knot| knot.1 < work).max(1);
        let ((p0, w0), Some(&(p1, w1))) = (knots[i - 1], knots.get(i)) else { return knots[i - 1].0 };
        p0 + (u128::from(work.saturating_sub(w0)) * (p1 - p0) as u128).div_ceil(u128::from(w1 - w0)) as i64
    }

    fn work(&self, interval: Interval) -> u64 {
        self.before(interval.end) - self.before(interval.start)
    }

    /// `interval` in so many pieces of equal work, each of a position or more.
    fn cut(&self, interval: Interval, pieces: u64) -> impl Iterator<Item = Interval> {
        let (base, work) = (self.before(interval.start), self.work(interval));
        let mut start = interval.start;
        (1..=pieces).map(move |piece| {
            let share = (u128::from(work) * u128::from(piece) / u128::from(pieces)) as u64;
            let last = interval.end - (pieces - piece) as i64;
            let end = if piece == pieces { interval.end } else { self.position(base + share).clamp(start + 1, last) };
            let block = Interval::new(start, end);
            start = end;
            block
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval(start: i64, end: i64) -> Interval {
        Interval::new(start, end)
    }

    #[test]
    fn a_deep_window_gets_more_blocks() {
        // 1,000 positions; half of the bytes lie in 100 of them.
        let profile = Profile::new(&[(0, 50), (500, 1_050), (600, 2_050), (1_000, 2_050)], 1_000);
        let blocks: Vec<_> = profile.cut(interval(0, 1_000), 4).collect();
        let works: Vec<_> = blocks.iter().map(|&b| profile.work(b)).collect();
        assert!(works.iter().all(|w| w.abs_diff(17_000 / 4) <= 100), "{works:?}");
        assert!(blocks.iter().filter(|b| b.start >= 490 && b.end <= 610).count() >= 1, "{blocks:?}");
    }

    #[test]
    fn a_contig_without_records_is_cut_by_length() {
        let profile = Profile::new(&[], 90);
        let blocks: Vec<_> = profile.cut(interval(0, 90), 3).collect();
        assert_eq!(blocks, [interval(0, 30), interval(30, 60), interval(60, 90)]);
    }

    #[test]
    fn bytes_in_one_window_count_although_it_is_the_last() {
        let profile = Profile::new(&[(0, 100), (10, 1_100)], 10);
        assert_eq!(profile.work(interval(0, 10)), 8_010);
    }

    proptest! {
        #[test]
        fn pieces_tile_the_interval_once(
            steps in prop::collection::vec((1i64..50, 0u64..1_000), 0..20), bounds in (0i64..400, 1i64..400), pieces in 1u64..500,
        ) {
            let mut at = (0, 7);
            let offsets: Vec<_> = steps.iter().map(|&(p, o)| { at = (at.0 + p, at.1 + o); at }).collect();
            let profile = Profile::new(&offsets, 800);
            let whole = interval(bounds.0, bounds.0 + bounds.1);
            let pieces = pieces.min(whole.len() as u64);
            let blocks: Vec<_> = profile.cut(whole, pieces).collect();
            prop_assert_eq!(blocks.len() as u64, pieces);
            prop_assert!(blocks.iter().all(|b| !b.is_empty()));
            prop_assert!(blocks.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert_eq!((blocks[0].start, blocks[blocks.len() - 1].end), (whole.start, whole.end));
            // No piece has more than its share and the work of the position that goes over it.
            let heaviest = (whole.start..whole.end).map(|p| profile.work(interval(p, p + 1))).max().unwrap();
            let most = blocks.iter().map(|&b| profile.work(b)).max().unwrap();
            prop_assert!(most <= profile.work(whole).div_ceil(pieces) + 2 * heaviest + 2, "{most}");
        }

        #[test]
        fn shares_are_as_many_as_said_and_even(lens in prop::collection::vec((1i64..100, 0u64..10_000), 1..20), n in 1u64..600) {
            let targets: Vec<_> = lens.iter().map(|&(len, _)| Target { contig: 0, interval: interval(0, len) }).collect();
            let works: Vec<_> = lens.iter().map(|&(len, bytes)| bytes + len as u64).collect();
            let positions = lens.iter().map(|&(len, _)| len as u64).sum();
            let most = n.min(positions).max(lens.len() as u64);
            let shares = shares(&targets, &works, most);
            prop_assert_eq!(shares.iter().sum::<u64>(), most);
            for i in 0..lens.len() {
                for j in 0..lens.len() {
                    // Another division between two targets would not make the larger of their pieces smaller.
                    if shares[i] > 1 && shares[j] < lens[j].0 as u64 {
                        prop_assert!(works[j] as f64 / shares[j] as f64 <= works[i] as f64 / (shares[i] - 1) as f64 + 1e-9);
                    }
                }
            }
        }
    }
}
