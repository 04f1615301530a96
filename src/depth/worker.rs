//! One worker's tools: from the records of a part to its counts.

use super::bases::BaseFilter;
use super::cap::ActiveReads;
use super::mates::{Booking, Carry, Entry, Held, KeptRecords, MateRule, Met, Outcome, Seam, Table, Texts, hash_name, with_mate_rule};
use super::realign::Realigner;
use super::slab::Slab;
use super::walk::{KeptRecord, Walked, Walker, starts_of};
use super::{Again, CarryIn, Query};
use crate::coords::Interval;
use crate::error::Result;
use crate::pass::{Flow, PartStart};
use crate::plan::{Origin, Section};
use crate::rules::MateOverlap;
use crate::source::record::{Record, Tag};
use crate::source::records::Batch;

/// A slab reaches so far beyond the last start even when records are few.
const SLAB_MARGIN: i64 = 1 << 18;
/// The same where a position has many lanes.
const SLAB_MARGIN_OF_LANES: i64 = 1 << 16;
/// Positions a slab may take per record; sparser parts are booked as events.
const SLAB_SPARSENESS: i64 = 64;
/// Slabs a worker keeps for its next parts.
const SLABS: usize = 4;

/// The counts of one part, and what it takes to fit it to the others.
#[derive(Debug)]
pub struct Part<const L: usize = 1> {
    /// The target its records count for; none for records of no target.
    pub target: Option<usize>,
    /// The contig of its records, in a pass over the whole file; -1 for records without one.
    pub contig: Option<i32>,
    /// What the walk found.
    pub walked: Walked,
    /// Starts of its first and last record kept.
    pub starts: Option<Interval>,
    /// Counts, up to the start of the last record kept dense, behind it as events.
    pub slab: Slab<L>,
    /// Sums of the dense differences.
    pub slab_sums: [i64; L],
    /// Names at its edges.
    pub seam: Seam,
    /// Records per window, when there is a cap.
    pub active: Vec<(i64, i32)>,
    /// Extents of the records kept, when there is a cap.
    pub extents: Vec<Interval>,
    /// The records that the depth cap dropped: their numbers among those kept.
    pub drops: Vec<u32>,
    /// It was counted with the names before it.
    pub exact: bool,
}

/// What a part's batches hand from one to the next.
#[derive(Debug, Default)]
struct Progress {
    /// The part is counted with all names in front of it known.
    exact: bool,
    /// Those names.
    carried: Carry,
    /// Start of the last record kept in front of the part, where that is known.
    front: Option<i64>,
    /// Start of the record kept before; unknown at the head of a part that is counted on its own.
    before: Option<i64>,
    /// The part cannot be right on its own.
    needs_carry: bool,
    /// Starts of the first and the last record kept.
    starts: Option<Interval>,
    /// Records kept that were counted and dropped from the buffer.
    released: u32,
}

impl Progress {
    /// Takes note of the records kept of a batch.
    fn note(&mut self, batch: &[KeptRecord]) {
        if let Some(starts) = starts_of(batch) {
            let first = self.starts.map_or(starts.start, |s| s.start);
            self.starts = Some(Interval::new(first, starts.end));
        }
    }
}

/// One worker's tools.
pub struct Worker<'a, const L: usize = 1> {
    query: &'a Query<'a>,
    once: MateOverlap,
    filter: BaseFilter,
    realigner: Realigner<'a>,
    /// Records kept of the part, in the buffer.
    kept: Vec<KeptRecord>,
    table: Table,
    /// Hash of the name of every record kept.
    hashes: Vec<u64>,
    active: ActiveReads,
    edits: (Vec<u8>, Vec<u8>),
    slabs: Vec<Slab<L>>,
    // What follows is of the current part.
    slab: Slab<L>,
    walker: Option<Walker<'a>>,
    target: Option<usize>,
    contig: Option<i32>,
    begins_chunk: bool,
    walked: Walked,
    progress: Progress,
    /// The records that the depth cap drops, by their number among those kept.
    drops: Vec<u32>,
}

impl<'a, const L: usize> Worker<'a, L> {
    /// A worker's tools for `query`.
    pub(super) fn new(query: &'a Query<'a>) -> Self {
        Self {
            query,
            once: query.rules.once(),
            filter: BaseFilter::new(&query.rules),
            realigner: Realigner::new(query, L > 1),
            kept: Vec::new(),
            table: Table::default(),
            hashes: Vec::new(),
            active: ActiveReads::default(),
            edits: Default::default(),
            slabs: Vec::new(),
            slab: Slab::default(),
            walker: None,
            target: None,
            contig: None,
            begins_chunk: false,
            walked: Walked::default(),
            progress: Progress::default(),
            drops: Vec::new(),
        }
    }

    /// Begins a part.
    pub(super) fn begin(&mut self, part: PartStart, again: Option<Again>) {
        let Again { drops, carry } = again.unwrap_or_default();
        self.drops = drops;
        (self.target, self.contig, self.walker) = (None, None, None);
        self.walked = Walked::default();
        self.kept.clear();
        self.hashes.clear();
        self.realigner.begin();
        self.slab = self.slabs.pop().unwrap_or_default();
        let exact = carry.is_some();
        let CarryIn { names: mut carried, last_start } = carry.unwrap_or_default();
        self.table.begin(&mut carried);
        self.progress = Progress { exact, carried, front: last_start, before: last_start, ..Progress::default() };
        self.begins_chunk = part.origin == Origin::Stretch;
        if let Section::Target(target) = part.section {
            self.enter(Some(target));
        }
    }

    /// The records that come are of this target.
    fn enter(&mut self, target: Option<usize>) {
        let Query { header, rules, read_groups, targets, .. } = *self.query;
        self.target = target;
        if let Some(target) = target.map(|i| targets[i]) {
            self.slab.reset(target.interval);
            let begins_chunk = self.begins_chunk && self.contig.is_none();
            self.walker = Some(Walker::new(header, rules, read_groups, target, begins_chunk));
        }
    }

    /// Counts the records of a batch. In a pass over the whole file `target_of` has the target of each contig.
    pub(super) fn take(&mut self, batch: &mut Batch<'_>, target_of: &[Option<usize>]) -> Result<Flow> {
        if self.target.is_none() && self.contig.is_none() {
            let Some(first) = batch.records.first().map(|_| batch.record(0)) else { return Ok(Flow::More) };
            self.query.header.check_place(first).map_err(|e| batch.at_record(e, 0))?;
            let contig = first.contig_id();
            self.contig = Some(contig);
            self.enter(usize::try_from(contig).ok().and_then(|contig| target_of[contig]));
        }
        let Some(walker) = &self.walker else { return self.pass_over(batch) };
        if !self.keeps_records() {
            self.progress.released += self.kept.len() as u32;
            self.kept.clear();
        }
        let first = self.kept.len();
        let more = walker.walk(batch, &mut self.walked, &mut self.kept)?;
        self.progress.note(&self.kept[first..]);
        // The lanes of BAQ want many reads, so that they wait for the end of the part.
        if self.query.baq_reference.is_none() {
            self.cover(first);
            self.count(batch.bytes, first)?;
        }
        Ok(if more { Flow::More } else { Flow::Enough })
    }

    /// Checks records of no target.
    fn pass_over(&mut self, batch: &Batch<'_>) -> Result<Flow> {
        for i in 0..batch.records.len() {
            self.query.header.check_place(batch.record(i)).map_err(|e| batch.at_record(e, i))?;
        }
        Ok(Flow::More)
    }

    /// Whether records of a part are needed after their batch: by mates, by the depth cap, by BAQ.
    fn keeps_records(&self) -> bool {
        self.once != MateOverlap::Never || self.query.rules.max_depth > 0 || self.query.baq_reference.is_some()
    }

    /// Whether the depth cap can drop a record, and what it drops is not known yet.
    fn has_open_cap(&self) -> bool {
        self.query.rules.max_depth > 0
    }

    /// Ends the part, whose records are in `buffer`.
    pub(super) fn finish(&mut self, buffer: &mut [u8]) -> Result<Part<L>> {
        if let Some(target) = self.target.filter(|_| self.query.baq_reference.is_some()) {
            self.realigner.realign(buffer, &self.kept, self.query.targets[target].contig)?;
            self.cover(0);
            self.count(buffer, 0)?;
        }
        let starts = self.progress.starts;
        let last_start = starts.map(|s| s.end).or(self.progress.before);
        let seam = self.seam(buffer, last_start)?;
        let active = self.active(starts);
        let extents =
            if self.has_open_cap() { self.kept.iter().map(|kept| Interval::new(kept.start, kept.end)).collect() } else { Vec::new() };
        let mut slab = std::mem::take(&mut self.slab);
        if let Some(starts) = starts {
            slab.cut(starts.end);
        }
        Ok(Part {
            target: self.target,
            contig: self.contig,
            walked: self.walked,
            starts,
            slab_sums: slab.sums(),
            slab,
            seam,
            active,
            extents,
            drops: std::mem::take(&mut self.drops),
            exact: self.progress.exact,
        })
    }

    /// Takes back a slab that was used up.
    pub(super) fn reuse(&mut self, slab: Slab<L>) {
        if self.slabs.len() < SLABS {
            self.slabs.push(slab);
        }
    }

    /// Makes the slab reach over a batch that begins with record `first` of those kept, unless records are few and far between.
    fn cover(&mut self, first: usize) {
        let Some(starts) = self.progress.starts.filter(|_| first < self.kept.len()) else { return };
        let margin = if L == 1 { SLAB_MARGIN } else { SLAB_MARGIN_OF_LANES };
        let extent = starts.end - starts.start;
        let records = i64::from(self.progress.released) + self.kept.len() as i64;
        if extent > SLAB_SPARSENESS * records + margin {
            return;
        }
        let reach = self.kept[first..].iter().map(|kept| kept.end).max().unwrap_or(starts.end);
        self.slab.cover(starts.start, reach.min(starts.end + 4096.max(margin - extent)) + 1);
    }

    /// Books the records kept from number `first` on, mates put together.
    fn count(&mut self, buffer: &[u8], first: usize) -> Result<()> {
        if self.once == MateOverlap::Never && self.drops.is_empty() {
            let mut slab = std::mem::take(&mut self.slab);
            for kept in &self.kept[first..] {
                self.count_alone(kept, buffer, &mut slab);
            }
            self.slab = slab;
            self.progress.before = self.kept.last().map_or(self.progress.before, |kept| Some(kept.start));
            return Ok(());
        }
        self.hashes.truncate(first);
        self.hashes.extend(self.kept[first..].iter().map(|kept| hash_name(kept.record(buffer).name())));
        std::hint::black_box(self.hashes[first..].iter().fold(0, |all, &hash| all ^ self.table.peek(hash)));
        with_mate_rule!(self.once, M => self.count_with_mates::<M>(buffer, first), never => {
            self.count_without_dropped(buffer, first);
            Ok(())
        })
    }

    /// The same where mates are not put together: every record but those that the depth cap drops.
    fn count_without_dropped(&mut self, buffer: &[u8], first: usize) {
        let mut slab = std::mem::take(&mut self.slab);
        for (i, kept) in self.kept.iter().enumerate().skip(first) {
            if self.drops.binary_search(&(i as u32)).is_ok() {
                self.walked.tally.drop_capped();
            } else {
                self.count_alone(kept, buffer, &mut slab);
            }
        }
        self.slab = slab;
    }

    /// The same one after the other, each beside the names that came before it.
    fn count_with_mates<M: MateRule>(&mut self, buffer: &[u8], first: usize) -> Result<()> {
        let Self { query, realigner, kept, table, hashes, edits, slab, target, walked, progress, drops, .. } = self;
        // The engine starts at column 0 of the first contig, and before column 0 of any other.
        let first_column = if query.targets.get(target.unwrap_or(0)).is_some_and(|target| target.contig == 0) { 0 } else { -1 };
        let mut booking = Booking::new(&query.rules, edits);
        let first_start = kept.first().map_or(0, |first| first.start);
        let texts = Known { kept, buffer, carried: &progress.carried };
        for (i, each) in kept.iter().enumerate().skip(first) {
            let i = i as u32;
            let (record, hash) = (each.record(buffer), hashes[i as usize]);
            let whole = Interval::new(each.start, each.end);
            let clock = clock_after(progress.before);
            let takes_part = M::arrival(record, each.end, clock);
            if drops.binary_search(&i).is_ok() {
                walked.tally.drop_capped();
                if takes_part.is_some() && M::BUFFERED {
                    table.forget(hash, i, texts);
                }
                continue;
            }
            // A record that covers nothing enters the pileup buffer only when it is the first at its start.
            let column = progress.before.unwrap_or(first_column);
            let enters = each.end > each.start || !M::BUFFERED || column < each.start;
            progress.needs_carry |= each.end == each.start && progress.before.is_none() && !progress.exact && takes_part.is_some();
            progress.before = Some(each.start);
            let outcome = match takes_part {
                Some(arrival) if enters => {
                    let before = i64::from(record.mate_pos()) <= first_start;
                    table.arrive::<M>(hash, (i, arrival), before, texts)
                }
                _ => Outcome::Alone,
            };
            match outcome {
                Outcome::Alone => M::alone(&mut booking, record, whole, slab),
                Outcome::CountsFrom(from) => {
                    booking.count(record, Interval::new(from.max(each.start), each.end.max(from)), 1, slab);
                }
                Outcome::Joins(earlier) => {
                    let earlier: Vec<_> = earlier.iter().map(|&held| texts.record(Held::of(held))).collect();
                    M::join(&mut booking, &earlier, record, false, slab);
                }
                Outcome::Meets(earlier) => {
                    let held = Held::of(earlier);
                    let exact = realigner.for_edit((texts.record(held), held.index()), (record, Some(i)))?;
                    let a = exact[0].as_deref().map_or_else(|| texts.record(held), Record::trusted);
                    let b = exact[1].as_deref().map_or(record, Record::trusted);
                    M::meet(&mut booking, Met { a, b, clock, b_is_booked: false }, slab);
                }
            }
        }
        walked.left_out += booking.left_out;
        Ok(())
    }

    /// Books a record that has no mate to look for.
    #[inline]
    fn count_alone(&self, kept: &KeptRecord, buffer: &[u8], slab: &mut Slab<L>) {
        if L == 1 && kept.single && self.filter.counts_single() {
            // Nothing in the record matters any more, so its bytes are left where they are.
            return slab.add(kept.start, kept.end, 1);
        }
        let record = kept.record(buffer);
        let qual = if self.filter.needs_qualities() { record.qual() } else { &[] };
        self.book_empty_blocks(record, slab);
        self.filter.count(record, qual, Interval::new(kept.start, kept.end), 1, slab);
    }

    fn book_empty_blocks(&self, record: Record<'_>, slab: &mut Slab<L>) {
        let empty = self.filter.empty_blocks(record);
        if empty > 0 {
            slab.add(0, i64::MAX, empty);
        }
    }

    /// What the part tells of names. `last_start` is the start of the last record kept so far.
    fn seam(&mut self, buffer: &[u8], last_start: Option<i64>) -> Result<Seam> {
        if self.once == MateOverlap::Never {
            return Ok(Seam::default());
        }
        let progress = &self.progress;
        let mut part = Names {
            buffer,
            kept: &self.kept,
            front: progress.front,
            bases: L > 1 || self.once == MateOverlap::Edit || self.filter.needs_qualities(),
            tag: with_mate_rule!(self.once, M => M::TAG, never => None),
            drops: &self.drops,
            realigner: &mut self.realigner,
        };
        let last_start = last_start.unwrap_or(i64::MIN + 1);
        let mut seam = with_mate_rule!(
            self.once,
            M => self.table.finish::<M>(last_start, progress.exact, &mut part, &progress.carried)?,
            never => Seam::default()
        );
        seam.needs_carry = progress.needs_carry;
        Ok(seam)
    }

    /// How many records touch each window.
    fn active(&mut self, starts: Option<Interval>) -> Vec<(i64, i32)> {
        let Some(starts) = starts.filter(|_| self.has_open_cap()) else { return Vec::new() };
        self.active.reset(starts);
        for kept in &self.kept {
            self.active.add(kept.start, kept.end);
        }
        self.active.changes()
    }
}

/// The records and names that the table of a part holds.
#[derive(Clone, Copy)]
struct Known<'t> {
    kept: &'t [KeptRecord],
    buffer: &'t [u8],
    carried: &'t Carry,
}

impl<'t> Texts<'t> for Known<'t> {
    #[inline]
    fn record(self, held: Held) -> Record<'t> {
        match held {
            Held::Here(i) => self.kept[i as usize].record(self.buffer),
            Held::Carried(i) => Record::trusted(self.carried.texts.get(i)),
        }
    }

    #[inline]
    fn name(self, held: Held) -> &'t [u8] {
        match held {
            Held::Here(_) => self.record(held).name(),
            Held::Carried(i) => self.carried.texts.get(i),
        }
    }
}

/// The records kept of a part, as far as names go.
struct Names<'p, 'a> {
    buffer: &'p [u8],
    kept: &'p [KeptRecord],
    /// Start of the last record kept in front of the part, where that is known.
    front: Option<i64>,
    /// Whether copies need SEQ and QUAL.
    bases: bool,
    /// The tag that copies need.
    tag: Option<Tag>,
    /// The records among them that the depth cap drops.
    drops: &'p [u32],
    realigner: &'p mut Realigner<'a>,
}

impl KeptRecords for Names<'_, '_> {
    fn record(&self, index: u32) -> Record<'_> {
        self.kept[index as usize].record(self.buffer)
    }

    fn entry(&self, index: u32) -> Entry {
        let before = (0..index).rev().find(|j| self.drops.binary_search(j).is_err());
        let before = before.map_or(self.front, |j| Some(self.kept[j as usize].start));
        Entry { end: self.kept[index as usize].end, clock: clock_after(before) }
    }

    fn copy(&mut self, index: u32, out: &mut Vec<u8>) -> Result<()> {
        let record = self.kept[index as usize].record(self.buffer);
        self.realigner.copy(record, index, self.bases, self.tag, out)
    }
}

/// The pileup engine's clock when the record before starts at `before`.
fn clock_after(before: Option<i64>) -> i64 {
    before.map_or(i64::MIN, |b| b - 1)
}
