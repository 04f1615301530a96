//! BAQ: base qualities lowered by the chance that the base is aligned to the wrong place.
//!
//! A small pair model of read and reference says how sure it is of each aligned base, in the extended form `samtools mpileup` uses
//! by default. The numbers are those of samtools 1.18 and later, bit for bit: the model is run in full, in double precision and in
//! the same order of operations, only for several reads at once.
//!
//! [`params`] decides whether and with which window a read is modelled, [`fill`] lays reads side by side, [`kernel`] runs the model
//! compiled by [`simd`] for the processor at hand, [`quality`] and [`apply`] turn its result into qualities. Where a caller only needs
//! to know which qualities stay above a threshold, [`certificate`] spares most reads the model.

mod apply;
mod certificate;
mod fill;
mod kernel;
mod lanes;
mod likelihood;
mod need;
mod params;
mod posterior;
mod quality;
mod simd;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::coords::Interval;
use crate::source::record::Record;
use certificate::Certificate;
pub use certificate::SETTLED_QUALITY;
use kernel::{Batch, Work};
use need::Need;
use params::{Shape, Treatment};
use quality::Tables;
use simd::Width;

/// A stretch of one contig's reference sequence.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Position of the first letter, 0-based.
    pub start: i64,
    /// The letters as they stand in the FASTA.
    pub bases: &'a [u8],
    /// Length of the contig's sequence in the FASTA.
    pub contig_len: i64,
}

impl<'a> Window<'a> {
    /// The letters of an interval, if they are all there.
    fn slice(&self, of: Interval) -> Option<&'a [u8]> {
        let from = usize::try_from(of.start - self.start).ok()?;
        let to = usize::try_from(of.end - self.start).ok()?;
        self.bases.get(from..to)
    }
}

/// How exact the qualities have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Every quality as samtools has it.
    Every,
    /// Instead of an adjusted quality of [`SETTLED_QUALITY`] or more a base may keep its old one.
    AtLeast17,
}

/// What the qualities of a record are after [`Baq::adjust`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// What samtools has.
    Exact,
    /// The record's own: samtools' are the same or at least [`SETTLED_QUALITY`].
    Kept,
    /// Some are lowered, to what samtools has; of the others the same holds. The record's own begin here in [`Standings::originals`].
    Lowered(usize),
}

/// What the qualities of a list of records are.
#[derive(Debug, Default)]
pub struct Standings {
    all: Vec<Standing>,
    originals: Vec<u8>,
}

impl Standings {
    /// Forgets all records.
    pub fn clear(&mut self) {
        self.all.clear();
        self.originals.clear();
    }

    /// Whether record number `index` has kept its own qualities without their being exact.
    pub fn is_kept(&self, index: usize) -> bool {
        self.all.get(index) == Some(&Standing::Kept)
    }

    /// The `len` original qualities of record number `index`, if they were replaced by inexact ones.
    pub fn original(&self, index: usize, len: usize) -> Option<&[u8]> {
        match self.all.get(index) {
            Some(&Standing::Lowered(at)) => self.originals.get(at..at + len),
            _ => None,
        }
    }
}

/// A read whose qualities wait for the model.
#[derive(Clone, Copy, Debug)]
struct ModelRun {
    /// Index in the list of records.
    record: usize,
    shape: Shape,
    need: Need,
}

/// Reads side by side should need no more than this; where they would, they are run one by one.
const SIDE_BY_SIDE: usize = 64 << 20;
/// Above this, a read keeps its qualities: a deletion of millions of bases in a single read. (Samtools needs several times as much
/// for the same read and does the same when it does not get it.)
const LIMIT: usize = 2 << 30;
/// Scratch above this is given back after each call.
const KEPT: usize = 64 << 20;
/// Cells of the model between two questions whether to stop: about a thousand short reads.
const CELLS_BETWEEN_QUESTIONS: usize = 1000 * 150 * 15;

/// One per worker: tables and scratch, used again from call to call.
pub struct Baq {
    tables: Tables,
    input: fill::Input,
    work: Work,
    certificate: Certificate,
    jobs: Vec<ModelRun>,
    offsets: Vec<u8>,
    width: Width,
}

impl Default for Baq {
    fn default() -> Self {
        Self {
            tables: Tables::default(),
            input: fill::Input::default(),
            work: Work::default(),
            certificate: Certificate::default(),
            jobs: Vec::new(),
            offsets: Vec::new(),
            width: Width::of_processor(),
        }
    }
}

impl Baq {
    /// The reference positions the model of this record looks at, cut to the contig. `None` when BAQ leaves its qualities alone or
    /// only applies a BQ tag.
    pub fn window(record: Record<'_>, contig_len: i64) -> Option<Interval> {
        match Treatment::of(record, contig_len) {
            Treatment::Model(shape) => Some(shape.window),
            Treatment::Leave | Treatment::Apply(_) => None,
        }
    }

    /// Replaces the base qualities of every record by its extended BAQ, in place.
    ///
    /// `records` are the records' bytes in `buffer`, without their `block_size`, accepted by [`Record::check`] and all on the contig
    /// of `window`; `window` covers the result of [`Baq::window`] (a read it does not cover keeps its qualities). False when
    /// `cancelled` said so, which is asked about every thousand reads; the records are then partly done.
    ///
    /// What the qualities then are is added to `standings`. Where they are not exact, another call with the record as it came and
    /// [`Exactness::Every`] makes them so.
    pub fn adjust(
        &mut self,
        buffer: &mut [u8],
        records: &[Range<usize>],
        window: &Window<'_>,
        exactness: Exactness,
        standings: &mut Standings,
        cancelled: &dyn Fn() -> bool,
    ) -> bool {
        self.plan(buffer, records, window, exactness, standings);
        let jobs = std::mem::take(&mut self.jobs);
        let finished = self.run(&jobs, buffer, records, window, cancelled);
        self.jobs = jobs;
        if self.work.size() + self.input.size() + self.certificate.size() > KEPT {
            self.work = Work::default();
            self.input = fill::Input::default();
            self.certificate = Certificate::default();
        }
        finished
    }

    /// Applies tags at once and lists the reads that need the model, those of like shape side by side.
    fn plan(&mut self, buffer: &mut [u8], records: &[Range<usize>], window: &Window<'_>, exactness: Exactness, standings: &mut Standings) {
        self.jobs.clear();
        self.certificate.begin();
        for (index, range) in records.iter().enumerate() {
            let mut standing = Standing::Exact;
            let Some(bytes) = buffer.get_mut(range.clone()) else {
                standings.all.push(standing);
                continue;
            };
            let record = Record::trusted(bytes);
            let qualities = record.qual_range();
            match Treatment::of(record, window.contig_len) {
                Treatment::Leave => {}
                Treatment::Apply(offsets) => {
                    self.offsets.clear();
                    self.offsets.extend_from_slice(offsets);
                    apply::subtract(&mut bytes[qualities], &self.offsets);
                }
                Treatment::Model(shape) => {
                    let need = match exactness {
                        Exactness::Every => Some(Need::Every),
                        Exactness::AtLeast17 => self.certificate.need(record, &shape, window, &self.tables),
                    };
                    standing = match need {
                        None => Standing::Kept,
                        Some(Need::Every) => Standing::Exact,
                        Some(_) => {
                            standings.originals.extend_from_slice(record.qual());
                            Standing::Lowered(standings.originals.len() - shape.len)
                        }
                    };
                    self.jobs.extend(need.map(|need| ModelRun { record: index, shape, need }));
                }
            }
            standings.all.push(standing);
        }
        self.jobs.sort_unstable_by_key(|job| (job.shape.band, job.need, job.shape.len, job.record));
    }

    /// Runs the model over all jobs, as many at once as memory and likeness allow.
    fn run(
        &mut self,
        mut jobs: &[ModelRun],
        buffer: &mut [u8],
        records: &[Range<usize>],
        window: &Window<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> bool {
        let mut cells = CELLS_BETWEEN_QUESTIONS;
        while let [first, ..] = jobs {
            if cells >= CELLS_BETWEEN_QUESTIONS {
                cells = 0;
                if cancelled() {
                    return false;
                }
            }
            let band = first.shape.band;
            let alike = jobs.iter().take(self.width.lanes()).take_while(|job| (job.shape.band, job.need) == (band, first.need)).count();
            let longest = jobs[alike - 1].shape.len;
            let width = self.width.for_reads(alike, |lanes| kernel::footprint(lanes, longest, band) <= SIDE_BY_SIDE);
            let (now, later) = jobs.split_at(alike.min(width.lanes()));
            let mut task = Task { tables: &self.tables, input: &mut self.input, work: &mut self.work, jobs: now, records, window };
            match width {
                Width::Eight => task.run(buffer, simd::run8),
                Width::Four => task.run(buffer, simd::run4),
                Width::Two => task.run(buffer, simd::run2),
                Width::One if kernel::footprint(1, first.shape.len, band) > LIMIT => {}
                Width::One => task.run(buffer, simd::run1),
            }
            cells += now.len() * longest * (2 * band + 1);
            jobs = later;
        }
        true
    }
}

/// One batch, from bytes to bytes.
struct Task<'a, 'w> {
    tables: &'a Tables,
    input: &'a mut fill::Input,
    work: &'a mut Work,
    jobs: &'a [ModelRun],
    records: &'a [Range<usize>],
    window: &'a Window<'w>,
}

impl Task<'_, '_> {
    fn run<const N: usize>(&mut self, buffer: &mut [u8], kernel: impl Fn(&Batch<'_, N>, &mut Work) -> [bool; N]) {
        let Some(last) = self.jobs.len().checked_sub(1) else { return };
        // Lanes left over repeat the last read.
        let reads: [_; N] = std::array::from_fn(|lane| {
            let job = &self.jobs[lane.min(last)];
            (Record::trusted(&buffer[self.records[job.record].clone()]), job.shape)
        });
        let Some(mut batch) = self.input.batch(&reads, self.window, self.tables) else { return };
        batch.need = self.jobs[0].need;
        let finite = kernel(&batch, self.work);
        let error = self.work.error.take::<N>(batch.read.len());
        for (lane, job) in self.jobs.iter().enumerate() {
            if !finite[lane] {
                continue;
            }
            let bytes = &mut buffer[self.records[job.record].clone()];
            let qualities = Record::trusted(bytes).qual_range();
            for &block in batch.blocks[lane] {
                apply::smooth(&mut bytes[qualities.clone()], block, self.tables, batch.need, |i| error[i][lane]);
            }
        }
    }
}
