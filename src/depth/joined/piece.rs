//! From differences to counts: stretches of positions that are final.

use crate::coords::Interval;
use crate::depth::slab::{Change, Slab};
use crate::error::{Error, Kind, Result};
use crate::summary::Depths;

/// Counts that are final, not yet written.
pub struct Piece<'o, const L: usize = 1> {
    /// Its number in the order of the targets and their positions.
    pub number: usize,
    /// Index of its target.
    pub target: usize,
    pub(super) counts_before: [i64; L],
    pub(super) range: Interval,
    pub(super) slab: Slab<L>,
    /// Changes in `range` besides the slab's, sorted.
    pub(super) events: Vec<Change>,
    /// Where the counts belong, lane by lane, if they are to be kept.
    pub(super) out: Lanes<'o, L>,
}

/// A column for each lane, one row per position.
pub type Lanes<'o, const L: usize> = [&'o mut [i32]; L];

/// The first `len` rows; `lanes` are the others afterwards.
pub(super) fn take<'o, const L: usize>(lanes: &mut Lanes<'o, L>, len: usize) -> Lanes<'o, L> {
    lanes.each_mut().map(|lane| {
        let (head, rest) = std::mem::take(lane).split_at_mut(len);
        *lane = rest;
        head
    })
}

/// Where the counts of a piece go, from left to right.
trait Rows<const L: usize> {
    /// `len` positions of equal counts.
    fn run(&mut self, len: usize, counts: &[i64; L]);
    /// `len` positions to be written one by one.
    fn dense(&mut self, len: usize) -> Lanes<'_, L>;
}

/// The rest of columns of zeros. Pages without reads are never touched.
struct Rest<'o, const L: usize>(Lanes<'o, L>);

impl<const L: usize> Rows<L> for Rest<'_, L> {
    fn run(&mut self, len: usize, counts: &[i64; L]) {
        for (lane, &count) in take(&mut self.0, len).into_iter().zip(counts) {
            if count != 0 {
                lane.fill(count as i32);
            }
        }
    }

    fn dense(&mut self, len: usize) -> Lanes<'_, L> {
        take(&mut self.0, len)
    }
}

impl Rows<1> for Depths {
    fn run(&mut self, len: usize, &[depth]: &[i64; 1]) {
        self.push_run(len, depth as i32);
    }

    fn dense(&mut self, len: usize) -> Lanes<'_, 1> {
        [self.push_dense(len)]
    }
}

impl Piece<'_> {
    /// Writes the depths into `depths`; gives the slab back for reuse.
    ///
    /// # Errors
    ///
    /// As for [`Piece::write`].
    pub fn read(self, depths: &mut Depths) -> Result<Slab> {
        depths.reset(self.range.start);
        self.write_to(depths)
    }
}

impl<const L: usize> Piece<'_, L> {
    /// Writes the counts where they belong; gives the slab back for reuse.
    ///
    /// # Errors
    ///
    /// [`Kind::ResourceLimit`] when a count is beyond 32 bits.
    pub fn write(mut self) -> Result<Slab<L>> {
        let out = std::mem::replace(&mut self.out, empty());
        self.write_to(&mut Rest(out))
    }

    fn write_to(self, rows: &mut impl Rows<L>) -> Result<Slab<L>> {
        let Self { counts_before, range, mut slab, events, .. } = self;
        let dense = Interval::new(slab.start, slab.start + slab.diff.len() as i64);
        let most = counts_before.into_iter().max().unwrap_or(0);
        let mut writer = Writer { counts: counts_before, most, at: range.start, rows };
        let mut rest = events.as_slice();
        if !dense.is_empty() {
            let inside = rest.partition_point(|e| e.at < dense.start)..rest.partition_point(|e| e.at < dense.end);
            writer.runs(&rest[..inside.start], dense.start);
            for &Change { at, by, lane } in &rest[inside.clone()] {
                slab.diff[(at - dense.start) as usize][lane as usize] += by;
            }
            writer.dense(&slab.diff);
            rest = &rest[inside.end..];
        }
        writer.runs(rest, range.end);
        if writer.most > i64::from(i32::MAX) {
            return Err(Error::new(Kind::ResourceLimit, format!("a count of {} does not fit 32 bits", writer.most))
                .hint("filter the reads, for example with min_mapq or exclude_flags"));
        }
        Ok(slab)
    }
}

/// No columns.
pub(super) fn empty<'o, const L: usize>() -> Lanes<'o, L> {
    std::array::from_fn(|_| Default::default())
}

/// What is written of a count. Below 0 it is only under mosdepth, which subtracts mates that cover nothing and then has no row there.
fn written(count: i64) -> i64 {
    count.max(0)
}

struct Writer<'p, P, const L: usize> {
    counts: [i64; L],
    most: i64,
    at: i64,
    rows: &'p mut P,
}

impl<P: Rows<L>, const L: usize> Writer<'_, P, L> {
    /// Writes up to `end`, counts changing only at `events`.
    fn runs(&mut self, events: &[Change], end: i64) {
        for &Change { at, by, lane } in events.iter().chain(std::iter::once(&Change { at: end, by: 0, lane: 0 })) {
            if at > self.at {
                self.rows.run((at - self.at) as usize, &self.counts.map(written));
                self.at = at;
            }
            let count = &mut self.counts[lane as usize];
            *count += i64::from(by);
            self.most = self.most.max(*count);
        }
    }

    fn dense(&mut self, mut diff: &[[i32; L]]) {
        // Lane by lane over so many rows that the second look still finds them in the first cache.
        let stretch = if L == 1 { diff.len() } else { 256 };
        while let (here, rest) = diff.split_at(stretch.min(diff.len()))
            && !here.is_empty()
        {
            for (lane, out) in self.rows.dense(here.len()).into_iter().enumerate() {
                let (mut count, mut most) = (self.counts[lane], self.most);
                for (out, d) in out.iter_mut().zip(here) {
                    count += i64::from(d[lane]);
                    most = most.max(count);
                    *out = written(count) as i32;
                }
                (self.counts[lane], self.most) = (count, most);
            }
            self.at += here.len() as i64;
            diff = rest;
        }
    }
}
