//! Parts of depth put together in the order of the file.
//!
//! [`Joined::screen`] sees each part once, in order, long before it may be joined: it checks the order of the records and replays the depth
//! cap ([`Cap`]). [`Joined::join`] carries over each seam what reaches across it, names of mates ([`Names`]) and changes behind the last
//! start ([`Frontier`]), and gives pieces whose counts are final, which any worker can write. What it does per part is small; the
//! work on positions is in [`Piece`].

mod cap;
mod frontier;
mod names;
mod pending;
mod piece;

use super::slab::Change;
use super::walk::Tally;
use super::worker::Part;
use super::{Again, CarryIn, Query};
use crate::coords::Interval;
use crate::depth::cap::Dropped;
use crate::error::Result;
use crate::rules::MateOverlap;
use crate::source::records::unsorted;
use cap::Cap;
use frontier::Frontier;
use names::Names;
pub use piece::{Lanes, Piece};

/// A change to positions that had been written.
#[derive(Clone, Copy, Debug)]
pub struct Correction {
    /// Index of the target.
    pub target: usize,
    /// Its positions.
    pub positions: Interval,
    /// Which lane.
    pub lane: u32,
    /// What its counts change by.
    pub by: i32,
}

/// What a whole pass came to.
#[derive(Debug, Default)]
pub struct Totals {
    /// Records by what became of them.
    pub tally: Tally,
    /// What the depth cap dropped, per target.
    pub dropped: Vec<Dropped>,
    /// Changes to positions that had been written.
    pub corrections: Vec<Correction>,
    /// Records on each target's contig that were read, filters or not.
    pub records: Vec<u64>,
}

/// The order of the records that were screened.
#[derive(Debug, Default)]
struct Screened {
    /// The current target, and the contig of the current part.
    target: Option<usize>,
    contig: Option<i32>,
    /// Start of the last record on the contig.
    last_record: Option<i64>,
}

/// The state behind the last part screened and the last part joined.
pub struct Joined<'a, 'o, const L: usize = 1> {
    query: &'a Query<'a>,
    once: MateOverlap,
    screened: Screened,
    cap: Cap,
    frontier: Frontier<'o, L>,
    names: Names<'a>,
    /// Start of the last record kept of the target.
    last_start: Option<i64>,
    /// Used records whose fragment is too short or too long.
    left_out: i64,
    /// What the pass comes to.
    totals: Totals,
}

impl<'a, 'o, const L: usize> Joined<'a, 'o, L> {
    /// Nothing joined; counts are written to the columns `out`, which hold one zero per position of all targets, in their order.
    pub fn into_columns(query: &'a Query<'a>, out: Lanes<'o, L>) -> Self {
        Self::new(query, Some(out))
    }

    /// Nothing joined; counts are not kept.
    pub fn passing(query: &'a Query<'a>) -> Self {
        Self::new(query, None)
    }

    fn new(query: &'a Query<'a>, out: Option<Lanes<'o, L>>) -> Self {
        let n = query.targets.len();
        let totals = Totals { dropped: vec![Dropped::default(); n], records: vec![0; n], ..Totals::default() };
        Self {
            query,
            once: query.rules.once(),
            screened: Screened::default(),
            cap: Cap::new(query.rules.max_depth),
            frontier: Frontier::new(out),
            names: Names::new(query),
            last_start: None,
            left_out: 0,
            totals,
        }
    }

    /// What the pass came to.
    pub fn into_totals(mut self) -> Totals {
        self.totals.tally.leave_out(self.left_out);
        self.totals
    }

    /// Checks that the records of a part come behind those before it, and has the cap drop some of them.
    pub(super) fn screen(&mut self, part: &Part<L>) -> Result<Option<Again>> {
        self.check_order(part)?;
        let Some(target) = part.target else { return Ok(None) };
        if self.screened.target != Some(target) {
            self.screened.target = Some(target);
            self.cap.begin(self.query.targets[target].contig);
        }
        let dropped = self.cap.drops(part, &mut self.totals.dropped[target]);
        Ok((!dropped.is_empty()).then_some(Again { drops: dropped, carry: None }))
    }

    fn check_order(&mut self, part: &Part<L>) -> Result<()> {
        let before = &mut self.screened;
        // Records without a contig come last.
        let rank = |contig: i32| contig as u32;
        if let (Some(last), Some(contig)) = (before.contig, part.contig)
            && rank(contig) < rank(last)
        {
            return Err(unsorted());
        }
        if before.contig != part.contig && part.contig.is_some() || before.target != part.target {
            before.last_record = None;
        }
        before.contig = part.contig.or(before.contig);
        if let Some((first, last)) = part.walked.starts {
            if before.last_record.is_some_and(|before| first < before) {
                return Err(unsorted());
            }
            before.last_record = Some(last);
        }
        Ok(())
    }

    /// Takes a part in, and gives the pieces that are final with it.
    pub(super) fn join(&mut self, part: &mut Part<L>, ready: &mut Vec<Piece<'o, L>>) -> Result<Option<Again>> {
        let Some(target) = part.target else { return Ok(None) };
        self.begin_targets(target + 1, ready);
        if part.exact {
            self.names.replace(std::mem::take(&mut part.seam.open));
        } else {
            let Some(hits) = self.names.hits(part) else {
                let carry = CarryIn { names: self.names.take(), last_start: self.last_start };
                return Ok(Some(Again { drops: std::mem::take(&mut part.drops), carry: Some(carry) }));
            };
            if self.once != MateOverlap::Never {
                let changes = self.names.join(part, &hits, self.query.targets[target].interval, self.last_start)?;
                part.slab.events.extend(changes);
            }
        }
        self.totals.tally.add(&part.walked.tally);
        self.left_out += part.walked.left_out;
        self.totals.records[target] += part.walked.records - u64::from(part.walked.past_target);
        let mut changes = std::mem::take(&mut part.slab.events);
        self.correct(target, &mut changes);
        self.frontier.add(changes);
        if let Some(starts) = part.starts {
            self.last_start = Some(starts.end);
            self.frontier.advance(starts.end, std::mem::take(&mut part.slab), part.slab_sums, ready);
        }
        Ok(None)
    }

    /// Notes changes to positions that were written: mosdepth makes them where a name is used again, fragments where the record that came
    /// first did not say how far they reach.
    fn correct(&mut self, target: usize, changes: &mut [Change]) {
        let frontier = self.frontier.position();
        let mut late = Vec::new();
        for change in changes.iter_mut().filter(|change| change.at < frontier) {
            late.push(*change);
            change.at = frontier;
        }
        if !self.query.corrections.is_empty() {
            return;
        }
        // What a part booked for a record is taken back where its mate is found in front of the part.
        late.sort_unstable_by_key(|change| (change.lane, change.at));
        for same in late.chunk_by(|a, b| (a.lane, a.at) == (b.lane, b.at)) {
            let (first, by) = (same[0], same.iter().map(|change| change.by).sum());
            if by != 0 {
                let positions = Interval::new(first.at, frontier);
                self.totals.corrections.push(Correction { target, positions, lane: first.lane, by });
            }
        }
    }

    /// Ends every target.
    pub(super) fn end(&mut self, ready: &mut Vec<Piece<'o, L>>) {
        self.begin_targets(self.query.targets.len(), ready);
        self.frontier.end_target(ready);
    }

    fn begin_targets(&mut self, upto: usize, ready: &mut Vec<Piece<'o, L>>) {
        while self.frontier.targets_begun() < upto {
            self.frontier.end_target(ready);
            let number = self.frontier.targets_begun();
            self.frontier.begin_target(self.query.targets[number].interval, self.query.initial[number]);
            self.last_start = None;
            self.names.clear();
            let corrections = self.query.corrections.iter().filter(|c| c.target == number);
            let change = |c: &Correction, at, by| Change { at, by, lane: c.lane };
            let changes = corrections.flat_map(|c| [change(c, c.positions.start, c.by), change(c, c.positions.end, -c.by)]);
            self.frontier.add(changes.collect());
        }
    }
}
