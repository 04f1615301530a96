//! One worker's tools: a part of a span, from frames to depth.

use super::bases::BaseFilter;
use super::cap::ActiveReads;
use super::mates::{Arrival, Carry, Held, KeptRecords, Outcome, Seam, Table, hash_name};
use super::pair::Pair;
use super::realign::Realigner;
use super::slab::Slab;
use super::walk::{KeptRecord, Tally, Walked, Walker, starts_of};
use super::{CarryIn, Job, Part};
use crate::coords::Interval;
use crate::error::Result;
use crate::plan::{Origin, Span};
use crate::rules::MateOverlap;
use crate::source::bgzf::VirtualOffset;
use crate::source::record::Record;
use crate::source::records::RecordReader;

/// A slab reaches so far beyond the last start even when records are few.
const SLAB_MARGIN: i64 = 1 << 18;
/// The same where a position has many lanes.
const SLAB_MARGIN_OF_LANES: i64 = 1 << 16;
/// Positions a slab may take per record; sparser parts are booked as events.
const SLAB_SPARSENESS: i64 = 64;
/// Inflated bytes that are counted at once, as a rule a frame, while they are still in the first caches. BAQ takes whole parts: its lanes want many reads.
const BATCH_BYTES: usize = 32 << 10;

/// What a part's batches hand from one to the next.
#[derive(Debug, Default)]
struct Progress {
    /// The part is counted with all names in front of it known.
    exact: bool,
    /// Those names.
    carried: Carry,
    /// Start of the last survivor in front of the part, where that is known.
    front: Option<i64>,
    /// Start of the survivor before; unknown at the head of a part that is counted on its own.
    before: Option<i64>,
    /// The part cannot be right on its own.
    needs_carry: bool,
    /// Starts of the first and the last survivor.
    starts: Option<Interval>,
    /// KeptRecords, and bytes of all records, that were counted and let go.
    released: u32,
    released_bytes: usize,
}

impl Progress {
    /// Takes note of a batch of survivors.
    fn note(&mut self, batch: &[KeptRecord]) {
        if let Some(starts) = starts_of(batch) {
            let first = self.starts.map_or(starts.start, |s| s.start);
            self.starts = Some(Interval::new(first, starts.end));
        }
    }
}

/// One worker's tools.
pub struct Counter<'a, const L: usize = 1> {
    job: &'a Job<'a>,
    once: MateOverlap,
    counting: BaseFilter,
    reader: RecordReader<'a>,
    realigner: Realigner<'a>,
    survivors: Vec<KeptRecord>,
    table: Table,
    /// Hash of the name of every survivor.
    hashes: Vec<u64>,
    crowd: ActiveReads,
    edits: (Vec<u8>, Vec<u8>),
    /// Whom the depth cap drops of the span, by their number in it.
    drops: Vec<u32>,
    span: Span,
    counted: u32,
    first: bool,
}

impl<'a, const L: usize> Counter<'a, L> {
    /// A worker's tools for `job`.
    pub fn new(job: &'a Job<'a>) -> Self {
        Self {
            job,
            once: job.rules.once(),
            counting: BaseFilter::new(&job.rules),
            reader: RecordReader::new(job.bam, job.allow_truncated),
            realigner: Realigner::new(job, L > 1),
            survivors: Vec::new(),
            table: Table::default(),
            hashes: Vec::new(),
            crowd: ActiveReads::default(),
            edits: Default::default(),
            drops: Vec::new(),
            span: Span { target: 0, start: VirtualOffset(0), end: VirtualOffset(0), origin: Origin::Guess },
            counted: 0,
            first: true,
        }
    }

    /// Goes to span number `id`, or to a piece of it; `counted` survivors of it lie before its start (not 0 only where a part is counted
    /// again).
    ///
    /// # Errors
    ///
    /// What reading its first frame gives.
    pub fn seek(&mut self, id: usize, span: Span, counted: u32) -> Result<()> {
        (self.span, self.counted, self.first) = (span, counted, true);
        self.drops.clear();
        self.drops.extend_from_slice(self.job.drops.and_then(|drops| drops.get(id)).map_or(&[], Vec::as_slice));
        self.reader.seek(span.start, span.end)
    }

    /// The depth cap drops these survivors of the span, besides those a survey found: their numbers, in order.
    pub fn drop_survivors(&mut self, numbers: &[u32]) {
        self.drops.extend_from_slice(numbers);
    }

    /// Counts the next part of the span. `slab` is one to reuse. Without `carry` the part is counted as if no name came over the seam in
    /// front of it.
    ///
    /// # Errors
    ///
    /// What reading and checking the records gives; [`crate::error::Kind::Cancelled`].
    pub fn next_part(&mut self, mut slab: Slab<L>, carry: Option<CarryIn>) -> Result<Part<L>> {
        let target = self.job.targets[self.span.target];
        let begins_chunk = self.first && self.span.origin == Origin::Chunk;
        let walker = Walker::new(self.job.bam, self.job.rules, self.job.read_groups, target, begins_chunk);
        self.first = false;
        self.reader.begin_part();
        self.reader.number_from_here();
        self.survivors.clear();
        self.realigner.begin();
        slab.reset(target.interval);
        let mut progress = self.begin(carry);
        let from = self.reader.next_position();
        let mut walked = Walked::default();
        let batch_bytes = if self.job.baq_reference.is_some() { self.job.part_bytes } else { BATCH_BYTES };
        let keeps = self.keeps_records();
        loop {
            let batch = self.survivors.len();
            let left = self.job.part_bytes.saturating_sub(progress.released_bytes + self.reader.given_bytes());
            let more = walker.walk(&mut self.reader, (batch_bytes, left), &mut walked, &mut self.survivors)?;
            progress.note(&self.survivors[batch..]);
            if !self.job.survey {
                self.realigner.realign(self.reader.buffer_mut(), &self.survivors, batch, target.contig)?;
                self.cover(&mut slab, batch, &progress);
                self.count(&mut slab, batch, &mut progress, &mut walked.tally)?;
            }
            if !more || progress.released_bytes + self.reader.given_bytes() >= self.job.part_bytes {
                break;
            }
            if !keeps {
                // The next frame goes where this one was, which is in the caches.
                progress.released_bytes += self.reader.given_bytes();
                progress.released += self.survivors.len() as u32;
                self.reader.begin_part();
                self.survivors.clear();
            }
        }
        self.end_part(from, slab, walked, &progress)
    }

    /// Whether anything asks for a part's records after their batch: mates, the depth cap.
    fn keeps_records(&self) -> bool {
        self.once != MateOverlap::Never || self.job.rules.max_depth > 0 || self.job.survey
    }

    /// Makes the tables ready for a part.
    fn begin(&mut self, carry: Option<CarryIn>) -> Progress {
        let exact = carry.is_some();
        let CarryIn { names: mut carried, last_start } = carry.unwrap_or_default();
        self.table.begin(&mut carried);
        Progress { exact, carried, front: last_start, before: last_start, ..Progress::default() }
    }

    fn end_part(&mut self, from: VirtualOffset, mut slab: Slab<L>, walked: Walked, progress: &Progress) -> Result<Part<L>> {
        let starts = progress.starts;
        let survivors = progress.released + self.survivors.len() as u32;
        let last_start = starts.map(|s| s.end).or(progress.before);
        let seam = self.seam(last_start, progress)?;
        let crowd = self.crowd(starts);
        let extents =
            if self.job.has_open_cap() { self.survivors.iter().map(|s| Interval::new(s.start, s.end)).collect() } else { Vec::new() };
        if let Some(starts) = starts {
            slab.cut(starts.end);
        }
        let first_survivor = self.counted;
        self.counted += survivors;
        Ok(Part {
            from,
            to: self.reader.next_position(),
            first_survivor,
            walked,
            starts,
            slab_sums: slab.sums(),
            slab,
            seam,
            crowd,
            extents,
            last: walked.past_target || self.reader.is_done(),
            ended_on_boundary: walked.past_target || self.reader.ended_on_boundary(),
            read_to: self.reader.read_to(),
        })
    }

    /// Makes the slab reach over a batch that begins with survivor `batch`, unless records are few and far between.
    fn cover(&self, slab: &mut Slab<L>, batch: usize, progress: &Progress) {
        let Some(starts) = progress.starts.filter(|_| batch < self.survivors.len()) else { return };
        let margin = if L == 1 { SLAB_MARGIN } else { SLAB_MARGIN_OF_LANES };
        let extent = starts.end - starts.start;
        let survivors = i64::from(progress.released) + self.survivors.len() as i64;
        if extent > SLAB_SPARSENESS * survivors + margin {
            return;
        }
        let reach = self.survivors[batch..].iter().map(|s| s.end).max().unwrap_or(starts.end);
        slab.cover(starts.start, reach.min(starts.end + 4096.max(margin - extent)) + 1);
    }

    /// Books the survivors from number `batch` on, mates put together.
    fn count(&mut self, slab: &mut Slab<L>, batch: usize, progress: &mut Progress, tally: &mut Tally) -> Result<()> {
        let buffer = self.reader.buffer();
        if self.once == MateOverlap::Never && self.drops.is_empty() {
            for s in &self.survivors[batch..] {
                self.count_alone(s, buffer, slab);
            }
            progress.before = self.survivors.last().map_or(progress.before, |s| Some(s.start));
            return Ok(());
        }
        // The engine starts at column 0 of the first contig, and before column 0 of any other.
        let first_column = if self.job.targets[self.span.target].contig == 0 { 0 } else { -1 };
        let mut pair = Pair { once: self.once, counting: self.counting, edits: &mut self.edits };
        let first_start = self.survivors.first().map_or(0, |s| s.start);
        let text = |held| match held {
            Held::Here(i) => self.survivors[i as usize].record(buffer).name(),
            Held::Carried(i) => progress.carried.texts.get(i),
        };
        self.hashes.truncate(batch);
        self.hashes.extend(self.survivors[batch..].iter().map(|s| hash_name(s.record(buffer).name())));
        std::hint::black_box(self.hashes[batch..].iter().fold(0, |all, &hash| all ^ self.table.peek(hash)));
        for (i, s) in self.survivors.iter().enumerate().skip(batch) {
            let i = i as u32;
            let record = s.record(buffer);
            let whole = Interval::new(s.start, s.end);
            let clock = clock_after(progress.before);
            let takes_part = Arrival::of(self.once, record, s.end, clock);
            if self.drops.binary_search(&(self.counted + i)).is_ok() {
                tally.capped += 1;
                tally.used -= 1;
                if takes_part.is_some() && self.once == MateOverlap::Edit {
                    self.table.forget((self.hashes[i as usize], record.name()), i, text);
                }
                continue;
            }
            // A record that covers nothing enters the pileup buffer only when it is the first at its start.
            let column = progress.before.unwrap_or(first_column);
            let enters = s.end > s.start || self.once != MateOverlap::Edit || column < s.start;
            progress.needs_carry |= s.end == s.start && progress.before.is_none() && !progress.exact && takes_part.is_some();
            progress.before = Some(s.start);
            let outcome = match takes_part {
                Some(arrival) if enters => {
                    let before = i64::from(record.mate_pos()) <= first_start;
                    self.table.arrive(self.once, (self.hashes[i as usize], record.name()), (i, arrival), before, text)
                }
                _ => Outcome::Alone,
            };
            match outcome {
                Outcome::Alone => self.counting.count(record, record.qual(), whole, 1, slab),
                Outcome::CountsFrom(from) => {
                    self.counting.count(record, record.qual(), Interval::new(from.max(s.start), s.end.max(from)), 1, slab);
                }
                Outcome::Joins(earlier) => {
                    let record_of = |&held: &u32| match Held::of(held) {
                        Held::Here(j) => self.survivors[j as usize].record(buffer),
                        Held::Carried(j) => Record::trusted(progress.carried.texts.get(j)),
                    };
                    let earlier: Vec<_> = earlier.iter().map(record_of).collect();
                    pair.join(&earlier, record, false, slab);
                }
                Outcome::Meets(earlier) => {
                    let (earlier, at) = match Held::of(earlier) {
                        Held::Here(j) => (self.survivors[j as usize].record(buffer), Some(j)),
                        Held::Carried(j) => (Record::trusted(progress.carried.texts.get(j)), None),
                    };
                    let exact = self.realigner.for_edit((earlier, at), (record, Some(i)))?;
                    let a = exact[0].as_deref().map_or(earlier, Record::trusted);
                    let b = exact[1].as_deref().map_or(record, Record::trusted);
                    pair.meet(a, b, clock, false, slab);
                }
            }
        }
        Ok(())
    }

    /// For [`Realigner::for_edit`] of two copies.
    ///
    /// # Errors
    ///
    /// What reading the reference gives; [`crate::error::Kind::Cancelled`].
    pub fn copies_for_edit(&mut self, a: Record<'_>, b: Record<'_>) -> Result<[Option<Box<[u8]>>; 2]> {
        self.realigner.for_edit((a, None), (b, None))
    }

    /// Books a survivor that has no mate to look for.
    #[inline]
    fn count_alone(&self, s: &KeptRecord, buffer: &[u8], slab: &mut Slab<L>) {
        if L == 1 && s.single && self.counting.counts_single() {
            // Nothing in the record matters any more, so its bytes are left where they are.
            return slab.add(s.start, s.end, 1);
        }
        let record = s.record(buffer);
        let qual = if self.counting.needs_qualities() { record.qual() } else { &[] };
        self.book_empty_blocks(record, slab);
        self.counting.count(record, qual, Interval::new(s.start, s.end), 1, slab);
    }

    fn book_empty_blocks(&self, record: Record<'_>, slab: &mut Slab<L>) {
        let empty = self.counting.empty_blocks(record);
        if empty > 0 {
            slab.add(0, i64::MAX, empty);
        }
    }

    /// What the part tells of names. `last_start` is the start of the last survivor so far.
    fn seam(&mut self, last_start: Option<i64>, progress: &Progress) -> Result<Seam> {
        if self.once == MateOverlap::Never || self.job.survey {
            return Ok(Seam::default());
        }
        let mut part = Names {
            buffer: self.reader.buffer(),
            survivors: &self.survivors,
            front: progress.front,
            once: self.once,
            bases: L > 1 || self.once == MateOverlap::Edit || self.counting.needs_qualities(),
            realigner: &mut self.realigner,
        };
        let last_start = last_start.unwrap_or(i64::MIN + 1);
        let mut seam = self.table.finish(self.once, last_start, progress.exact, &mut part, &progress.carried)?;
        seam.needs_carry = progress.needs_carry;
        Ok(seam)
    }

    fn crowd(&mut self, starts: Option<Interval>) -> Vec<(i64, i32)> {
        let asked = self.job.has_open_cap() && !self.job.survey;
        let Some(starts) = starts.filter(|_| asked) else { return Vec::new() };
        self.crowd.reset(starts);
        for s in &self.survivors {
            self.crowd.add(s.start, s.end);
        }
        self.crowd.changes()
    }
}

/// The survivors of a part, as far as names go.
struct Names<'p, 'a> {
    buffer: &'p [u8],
    survivors: &'p [KeptRecord],
    /// Start of the last survivor in front of the part, where that is known.
    front: Option<i64>,
    once: MateOverlap,
    /// Whether copies need SEQ and QUAL.
    bases: bool,
    realigner: &'p mut Realigner<'a>,
}

impl Names<'_, '_> {
    fn record(&self, index: u32) -> Record<'_> {
        self.survivors[index as usize].record(self.buffer)
    }
}

impl KeptRecords for Names<'_, '_> {
    fn name(&self, index: u32) -> &[u8] {
        self.record(index).name()
    }

    fn arrival(&self, index: u32) -> Option<Arrival> {
        let i = index as usize;
        let before = if i == 0 { self.front } else { Some(self.survivors[i - 1].start) };
        Arrival::of(self.once, self.record(index), self.survivors[i].end, clock_after(before))
    }

    fn copy(&mut self, index: u32, out: &mut Vec<u8>) -> Result<()> {
        let record = self.survivors[index as usize].record(self.buffer);
        self.realigner.copy(record, index, self.bases, out)
    }
}

/// The pileup engine's clock when the record before starts at `before`.
fn clock_after(before: Option<i64>) -> i64 {
    before.map_or(i64::MIN, |b| b - 1)
}
