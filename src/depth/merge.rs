//! Parts put together in the order of the file.
//!
//! Workers deposit parts in any order. The merge takes them in order, carries over each seam what reaches across it (counts behind the
//! last start, names of mates), and gives back pieces whose counts are final, to be written by whoever has time. Everything it does per
//! part is small; the work on positions is in [`Piece`].

mod pending;
mod piece;

use std::collections::BTreeMap;

use crate::coords::Interval;
use crate::depth::bases::BaseFilter;
use crate::depth::cap::{Dropped, Drops, PileupCap, window_of};
use crate::depth::mates::{Carry, Outcome};
use crate::depth::pair::Pair;
use crate::depth::slab::{Change, Slab};
use crate::depth::walk::Tally;
use crate::depth::{CarryIn, Counter, Job, Part};
use crate::error::{Error, Kind, Result};
use crate::plan::{Origin, Span};
use crate::rules::MateOverlap;
use crate::source::bgzf::VirtualOffset;
use crate::source::record::Record;
use crate::source::records::unsorted;
pub use piece::{Lanes, Piece};

use pending::Pending;
use piece::{empty, take};

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
    /// The depth cap acts in more parts than are to be counted again one by one: the pass is void and has to be made again with a survey's
    /// [`Drops`].
    pub crowded: bool,
    /// A survey's result.
    pub drops: Drops,
    /// What the depth cap dropped, per target.
    pub dropped: Vec<Dropped>,
    /// Changes to positions that had been written.
    pub late: Vec<Correction>,
    /// Records on each target's contig that were read, filters or not.
    pub records: Vec<u64>,
}

/// A carried name that comes in the next part, by their indices.
struct Hit {
    carried: usize,
    copy: u32,
    open: Option<u32>,
}

/// The state behind the last part taken.
pub struct Merge<'a, 'o, const L: usize = 1> {
    job: &'a Job<'a>,
    spans: &'a [Span],
    once: MateOverlap,
    waiting: BTreeMap<(usize, usize), Result<Part<L>>>,
    next: (usize, usize),
    /// The rest of the output; empty where counts are not kept.
    out: Lanes<'o, L>,
    keeps: bool,
    pieces: usize,
    /// Number of targets begun.
    targets_begun: usize,
    /// Nothing more is to come for the current target.
    target_done: bool,
    /// Where the last span's last record ended, and whether that is where the span was to end.
    landing: VirtualOffset,
    ended_on_boundary: bool,
    last_record: i64,
    last_start: Option<i64>,
    frontier: i64,
    counts: [i64; L],
    pending: Pending,
    names: Carry,
    crowd: BTreeMap<i64, i64>,
    crowd_now: i64,
    engine: PileupCap,
    /// Compressed bytes counted again because of the cap.
    recounted: u64,
    /// Records of the file that lie before the next one, while none has been left out.
    records_before: Option<u64>,
    counter: Option<Box<Counter<'a, L>>>,
    edits: (Vec<u8>, Vec<u8>),
    /// What the pass comes to.
    pub totals: Totals,
}

impl<'a, 'o, const L: usize> Merge<'a, 'o, L> {
    /// Nothing taken yet. `out` holds one zero per position of all targets, in their order, for each lane; `None` where counts are not kept.
    pub fn new(job: &'a Job<'a>, spans: &'a [Span], out: Option<Lanes<'o, L>>) -> Self {
        let mut totals = Totals::default();
        if job.survey {
            totals.drops = vec![Vec::new(); spans.len()];
        }
        totals.dropped = vec![Dropped::default(); job.targets.len()];
        totals.records = vec![0; job.targets.len()];
        Self {
            job,
            spans,
            once: job.rules.once(),
            waiting: BTreeMap::new(),
            next: (0, 0),
            keeps: out.is_some(),
            out: out.unwrap_or_else(empty),
            pieces: 0,
            targets_begun: 0,
            target_done: false,
            landing: VirtualOffset(0),
            ended_on_boundary: true,
            last_record: -1,
            last_start: None,
            frontier: 0,
            counts: [0; L],
            pending: Pending::default(),
            names: Carry::default(),
            crowd: BTreeMap::new(),
            crowd_now: 0,
            engine: PileupCap::new(job.rules.max_depth, 0),
            recounted: 0,
            records_before: spans.first().filter(|span| span.start == job.bam.first_record).map(|_| 0),
            counter: None,
            edits: Default::default(),
            totals,
        }
    }

    /// What is counted by.
    pub fn job(&self) -> &'a Job<'a> {
        self.job
    }

    /// All spans, in order.
    pub fn spans(&self) -> &'a [Span] {
        self.spans
    }

    /// Index of the first span that is not merged completely.
    pub fn next_span(&self) -> usize {
        self.next.0
    }

    /// Takes part `key.1` of span `key.0`, and every part that was waiting for it; the pieces that are final now go to `ready`.
    ///
    /// # Errors
    ///
    /// The first error in the order of the file.
    pub fn deposit(&mut self, key: (usize, usize), part: Result<Part<L>>, ready: &mut Vec<Piece<'o, L>>) -> Result<()> {
        // Parts of a span that was counted again from its true start come late and are nobody's.
        if key >= self.next {
            self.waiting.insert(key, part);
        }
        while let Some(part) = self.waiting.remove(&self.next) {
            self.take(part, ready).map_err(|e| e.renumber_record(self.records_before))?;
        }
        Ok(())
    }

    /// Ends every target.
    pub fn finish(&mut self, ready: &mut Vec<Piece<'o, L>>) {
        self.begin_targets(self.job.targets.len(), ready);
        if !self.job.targets.is_empty() {
            self.end_target(ready);
        }
    }

    fn take(&mut self, part: Result<Part<L>>, ready: &mut Vec<Piece<'o, L>>) -> Result<()> {
        let (id, index) = self.next;
        let span = self.spans[id];
        if index == 0 {
            self.begin_targets(span.target + 1, ready);
            if !self.target_done && span.origin == Origin::Guess && !self.ended_on_boundary {
                return self.redo(Span { start: self.landing, ..span }, ready);
            }
        }
        if self.target_done {
            self.records_before = None;
            self.skip_span();
            return Ok(());
        }
        let part = part?;
        let (last, to, ended_on_boundary, past) = (part.last, part.to, part.ended_on_boundary, part.walked.past_target);
        self.fit(part, ready)?;
        if last {
            self.end_span(to, ended_on_boundary, past)?;
        } else {
            self.next.1 += 1;
        }
        Ok(())
    }

    /// Takes a part that was counted on its own, or counts it again where that is not enough.
    fn fit(&mut self, part: Part<L>, ready: &mut Vec<Piece<'o, L>>) -> Result<()> {
        let dropped = self.dropped(&part);
        match self.hits(&part).filter(|_| dropped.is_empty()) {
            Some(hits) => self.accept(part, Some(&hits), ready),
            None => self.recount(&part, &dropped, ready),
        }
    }

    fn skip_span(&mut self) {
        self.next = (self.next.0 + 1, 0);
        self.waiting = self.waiting.split_off(&self.next);
    }

    fn end_span(&mut self, to: VirtualOffset, ended_on_boundary: bool, past: bool) -> Result<()> {
        (self.landing, self.ended_on_boundary) = (to, ended_on_boundary);
        self.target_done = past;
        let next = self.spans.get(self.next.0 + 1);
        let joined = next.is_some_and(|s| s.origin == Origin::Guess);
        if next.is_some_and(|s| s.origin == Origin::Chunk && s.start != to) {
            self.records_before = None;
        }
        if !ended_on_boundary && !joined {
            return Err(self.misplaced("an offset in the index is not the end of a record"));
        }
        self.skip_span();
        Ok(())
    }

    fn misplaced(&self, what: &str) -> Error {
        Error::new(Kind::IndexMismatch, what)
            .path(self.job.bam.file.path())
            .offset(self.landing.frame())
            .hint("the index is of another file or older: run 'samtools index'")
    }

    /// Counts a span whose workers began at a wrong place.
    fn redo(&mut self, span: Span, ready: &mut Vec<Piece<'o, L>>) -> Result<()> {
        let mut counter = Counter::new(self.job);
        counter.seek(self.next.0, span, 0)?;
        loop {
            let part = counter.next_part(Slab::default(), None)?;
            let (last, to, ended_on_boundary, past) = (part.last, part.to, part.ended_on_boundary, part.walked.past_target);
            self.fit(part, ready)?;
            if last {
                return self.end_span(to, ended_on_boundary, past);
            }
        }
    }

    /// Counts a part once more with everything known that lies before it, and without the survivors `dropped`.
    fn recount(&mut self, part: &Part<L>, dropped: &[u32], ready: &mut Vec<Piece<'o, L>>) -> Result<()> {
        let piece = Span { start: part.from, end: part.to, origin: Origin::Index, ..self.spans[self.next.0] };
        let mut counter = self.counter.take().unwrap_or_else(|| Box::new(Counter::new(self.job)));
        counter.seek(self.next.0, piece, part.first_survivor)?;
        counter.drop_survivors(dropped);
        loop {
            let carry = CarryIn { names: std::mem::take(&mut self.names), last_start: self.last_start };
            let part = counter.next_part(Slab::default(), Some(carry))?;
            let last = part.last;
            self.accept(part, None, ready)?;
            if last {
                self.counter = Some(counter);
                return Ok(());
            }
        }
    }

    /// The carried names that come in a part that was counted on its own; `None` when it cannot be joined to what lies before it.
    fn hits(&self, part: &Part<L>) -> Option<Vec<Hit>> {
        if part.seam.needs_carry {
            return None;
        }
        let mut hits = Vec::new();
        for (carried, name) in self.names.names.iter().enumerate() {
            let Some(head) = part.seam.heads.get(name.hash) else { continue };
            let copy = head.copy()?;
            if Record::trusted(part.seam.copies.get(copy)).name() != self.names.texts.get(name.name) {
                return None;
            }
            hits.push(Hit { carried, copy, open: head.open() });
        }
        Some(hits)
    }

    /// Takes a part in; `hits` when it was counted without the names before it.
    fn accept(&mut self, mut part: Part<L>, hits: Option<&[Hit]>, ready: &mut Vec<Piece<'o, L>>) -> Result<()> {
        let target = self.spans[self.next.0].target;
        if let Some((first, last)) = part.walked.starts {
            if first < self.last_record {
                return Err(unsorted().path(self.job.bam.file.path()).offset(part.from.frame()).record(1, b""));
            }
            self.last_record = last;
        }
        self.totals.tally.add(&part.walked.tally);
        self.totals.records[target] += part.walked.records - u64::from(part.walked.past_target);
        self.records_before = self.records_before.map(|before| before + part.walked.records);
        if self.job.survey {
            let dropped = self.replay(&part);
            self.totals.drops[self.next.0].extend(dropped);
            return Ok(());
        }
        match hits {
            None => self.names = std::mem::take(&mut part.seam.open),
            Some(hits) if self.once != MateOverlap::Never => self.join_names(&mut part, hits, target)?,
            Some(_) => {}
        }
        let mut changes = std::mem::take(&mut part.slab.events);
        for Change { at, by, lane } in changes.iter_mut().filter(|change| change.at < self.frontier) {
            // Only mosdepth, where a name is used again, changes what lies before the last start.
            if self.job.patches.is_empty() {
                self.totals.late.push(Correction { target, positions: Interval::new(*at, self.frontier), lane: *lane, by: *by });
            }
            *at = self.frontier;
        }
        self.pending.add(changes);
        if let Some(starts) = part.starts {
            self.last_start = Some(starts.end);
            self.advance(starts.end, part.slab, part.slab_sums, ready);
        }
        Ok(())
    }

    /// Puts names that were carried to the part's edge together with their next record in it.
    fn join_names(&mut self, part: &mut Part<L>, hits: &[Hit], target: usize) -> Result<()> {
        let Some(starts) = part.starts else { return Ok(()) };
        let mut slab = Slab::<L>::default();
        let clip = self.job.targets[target].interval;
        slab.reset(clip);
        let mut pair = Pair { once: self.once, counting: BaseFilter::new(&self.job.rules), edits: &mut self.edits };
        let mut met = Vec::new();
        for hit in hits {
            let name = &mut self.names.names[hit.carried];
            let mut arrival = part.seam.arrivals[hit.copy as usize];
            if arrival.clock == i64::MIN {
                arrival.clock = self.last_start.map_or(i64::MIN, |s| s - 1);
            }
            let record = Record::trusted(part.seam.copies.get(hit.copy));
            let handle = self.names.texts.push(record.bytes());
            match name.state.arrive(self.once, arrival, handle) {
                Outcome::Alone => {}
                Outcome::Meets(earlier) => {
                    let earlier = Record::trusted(self.names.texts.get(earlier));
                    let exact = if self.job.baq_reference.is_some() {
                        let counter = self.counter.get_or_insert_with(|| Box::new(Counter::new(self.job)));
                        counter.copies_for_edit(earlier, record)?
                    } else {
                        [None, None]
                    };
                    let [a, b] =
                        [(&exact[0], earlier), (&exact[1], record)].map(|(exact, own)| exact.as_deref().map_or(own, Record::trusted));
                    pair.meet(a, b, arrival.clock, true, &mut slab);
                }
                Outcome::Joins(earlier) => {
                    let earlier: Vec<_> = earlier.iter().map(|&e| Record::trusted(self.names.texts.get(e))).collect();
                    pair.join(&earlier, record, true, &mut slab);
                }
                Outcome::CountsFrom(from) => {
                    let end = from.min(i64::from(record.pos()) + record.cigar().reference_len());
                    pair.counting.count(record, record.qual(), Interval::new(i64::from(record.pos()), end), -1, &mut slab);
                }
            }
            met.extend(hit.open);
        }
        part.slab.events.append(&mut slab.events);
        self.names.keep_open(self.once, starts.end);
        self.names.join(std::mem::take(&mut part.seam.open), met);
        Ok(())
    }

    /// Everything before `frontier` is final: makes it a piece.
    fn advance(&mut self, frontier: i64, slab: Slab<L>, slab_sums: [i64; L], ready: &mut Vec<Piece<'o, L>>) {
        let target = self.job.targets[self.targets_begun - 1].interval;
        let frontier = frontier.clamp(self.frontier, target.end);
        let events = self.pending.take_before(frontier);
        let range = Interval::new(self.frontier, frontier);
        let out = take(&mut self.out, if self.keeps { range.len() as usize } else { 0 });
        let counts_before = self.counts;
        for (count, sum) in self.counts.iter_mut().zip(slab_sums) {
            *count += sum;
        }
        for change in &events {
            self.counts[change.lane as usize] += i64::from(change.by);
        }
        self.frontier = frontier;
        ready.push(Piece { number: self.pieces, target: self.targets_begun - 1, counts_before, range, slab, events, out });
        self.pieces += 1;
    }

    fn begin_targets(&mut self, upto: usize, ready: &mut Vec<Piece<'o, L>>) {
        while self.targets_begun < upto {
            if self.targets_begun > 0 {
                self.end_target(ready);
            }
            let target = self.job.targets[self.targets_begun];
            self.targets_begun += 1;
            self.target_done = false;
            self.last_record = -1;
            self.last_start = None;
            self.frontier = target.interval.start;
            self.counts = [0; L];
            self.counts[0] = self.job.initial[self.targets_begun - 1];
            self.pending.clear();
            let patches = self.job.patches.iter().filter(|late| late.target + 1 == self.targets_begun);
            let change = |late: &Correction, at, by| Change { at, by, lane: late.lane };
            let changes = patches.flat_map(|p| [change(p, p.positions.start, p.by), change(p, p.positions.end, -p.by)]);
            self.pending.add(changes.collect());
            self.names.clear();
            (self.crowd_now, self.engine) = (0, PileupCap::new(self.job.rules.max_depth, target.contig));
            self.crowd.clear();
        }
    }

    fn end_target(&mut self, ready: &mut Vec<Piece<'o, L>>) {
        if !self.job.survey {
            let end = self.job.targets[self.targets_begun - 1].interval.end;
            self.advance(end, Slab::default(), [0; L], ready);
        }
    }

    /// Whom the depth cap drops of a part: their numbers in its span.
    fn dropped(&mut self, part: &Part<L>) -> Vec<u32> {
        if self.job.survey || !self.job.has_open_cap() {
            return Vec::new();
        }
        if part.starts.is_none_or(|starts| !self.is_crowded(&part.crowd, window_of(starts.end))) {
            self.engine.take(&part.extents);
            return Vec::new();
        }
        let dropped = self.replay(part);
        if !dropped.is_empty() {
            self.recounted += part.to.frame().saturating_sub(part.from.frame());
            self.totals.crowded |= self.recounted > self.job.recount_bytes;
        }
        dropped
    }

    /// Books how many records touch each window; whether they are more than the cap in a window that `last` is not in front of, by the
    /// records so far.
    fn is_crowded(&mut self, changes: &[(i64, i32)], last: i64) -> bool {
        for &(window, by) in changes {
            *self.crowd.entry(window).or_default() += i64::from(by);
        }
        let mut most = self.crowd_now;
        while let Some(entry) = self.crowd.first_entry()
            && *entry.key() < last
        {
            self.crowd_now += entry.remove();
            most = most.max(self.crowd_now);
        }
        let here = self.crowd.get(&last).copied().unwrap_or(0);
        most.max(self.crowd_now + here) > i64::from(self.job.rules.max_depth)
    }

    /// Runs the records of a part through the engine's buffer.
    fn replay(&mut self, part: &Part<L>) -> Vec<u32> {
        let target = self.spans[self.next.0].target;
        let mut dropped = self.engine.drops(&part.extents);
        for number in &mut dropped {
            self.totals.dropped[target].add(part.extents[*number as usize]);
            *number += part.first_survivor;
        }
        dropped
    }
}
