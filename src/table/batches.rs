//! Tables too large for memory: batches of equal size, made while the counting goes on.

use std::iter::Peekable;
use std::sync::mpsc::SyncSender;
use std::vec::IntoIter;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;

use super::batch::names;
use super::{Codes, Dense, Runs};
use crate::coords::Interval;
use crate::error::Result;
use crate::pass::{Control, Stream};
use crate::plan::Target;
use crate::request::{Outcome, Request};
use crate::summary::runs::{Run, RunsOf, push};
use crate::summary::{Chunk, Depths, Summary};

/// Batches there are at once: one the caller has, those that wait, one that is sent and one that is filled.
const AT_ONCE: u64 = 3 + crate::pass::WAITING as u64;

/// A batch, and the positions it is about, in its order.
#[derive(Debug)]
pub struct Batch {
    /// The columns of [`super::dense`] or [`super::runs()`].
    pub columns: RecordBatch,
    /// Neighbouring positions of one region are one target.
    pub positions: Vec<Target>,
}

/// Batches of depth, and in the end the request with what there is to say.
pub type Batches = Stream<Batch, (Request, Outcome)>;

/// What all batches are made of, for a caller whose memory has room for them.
///
/// # Errors
///
/// [`crate::error::Kind::ResourceLimit`] when a few batches would take too much memory.
pub fn batch_schema(request: &Request, targets: &[Target], rows: usize, runs: bool) -> Result<SchemaRef> {
    let contigs = &request.bam.header.contigs;
    let positions: i64 = targets.iter().map(|t| t.interval.len()).sum();
    let row = Codes::width(contigs.len()) + if runs { 20 } else { 12 + u64::from(request.reference.is_some()) };
    request.check_memory((rows as u64).min(positions as u64).saturating_mul(AT_ONCE * row))?;
    let names = names(contigs);
    let none = if runs {
        Runs::of(&[], targets, contigs.len()).into_batch(&names)
    } else {
        Dense::of(request, &[], Vec::new())?.into_batch(&names)
    };
    Ok(none?.schema())
}

/// Starts to count the targets. Batches have `rows` rows each, but for the last one.
///
/// # Errors
///
/// [`crate::error::Kind::ResourceLimit`] when no thread can be started; what counting gives comes with the batches.
pub fn batches(request: Request, targets: Vec<Target>, rows: usize, runs: bool) -> Result<Batches> {
    Stream::start(request.workers, move |control, sender| {
        let names = names(&request.bam.header.contigs);
        let call = Call { request: &request, targets: &targets, names, rows, control, sender };
        let outcome = if runs { call.count(RunRows)? } else { call.count(DepthRows)? };
        drop(call);
        Ok((request, outcome))
    })
}

struct Call<'r> {
    request: &'r Request,
    targets: &'r [Target],
    names: ArrayRef,
    rows: usize,
    control: &'r Control,
    sender: SyncSender<Result<Batch>>,
}

impl Call<'_> {
    fn count<R: Rows>(&self, rows: R) -> Result<Outcome> {
        let summary = Sent { call: self, rows };
        let (mut open, outcome) = self.request.stream(self.targets, &summary, self.control)?;
        if !summary.rows.is_empty(&open) {
            self.send(summary.rows.take(&mut open, self));
        }
        Ok(outcome)
    }

    /// Waits until there is room. Nobody may be there any more: then the workers have been told to stop.
    fn send(&self, batch: Result<Batch>) {
        let _ = self.sender.send(batch);
    }
}

/// How rows are made of depths, and batches of rows.
trait Rows: Sync {
    /// What one piece comes to.
    type Part: Send;
    /// Rows that wait for their batch to be full.
    type Open: Default + Send;

    fn digest(&self, target: usize, depths: &Depths) -> Self::Part;

    /// Adds as many rows of a part as there is room for up to `most`; what is left of it.
    fn add(&self, open: &mut Self::Open, target: Target, part: Self::Part, most: usize) -> Option<Self::Part>;

    fn is_empty(&self, open: &Self::Open) -> bool;

    /// Makes a batch of the rows that wait.
    fn take(&self, open: &mut Self::Open, call: &Call<'_>) -> Result<Batch>;
}

/// A summary that sends what it has joined.
struct Sent<'c, R> {
    call: &'c Call<'c>,
    rows: R,
}

impl<R: Rows> Summary for Sent<'_, R> {
    type Part = R::Part;
    type Whole = R::Open;

    fn digest(&self, target: usize, depths: &Depths) -> R::Part {
        self.rows.digest(target, depths)
    }

    fn join(&self, open: &mut R::Open, target: usize, part: R::Part) {
        let mut rest = Some(part);
        while let Some(part) = rest.filter(|_| !self.call.control.stopped()) {
            rest = self.rows.add(open, self.call.targets[target], part, self.call.rows);
            if rest.is_some() {
                self.call.send(self.rows.take(open, self.call));
            }
        }
    }
}

/// A row per position.
struct DepthRows;

#[derive(Default)]
struct OpenDepths {
    positions: Vec<Target>,
    depth: Vec<i32>,
}

impl Rows for DepthRows {
    /// Depths, and from where on they are still to be added.
    type Part = (Depths, i64);
    type Open = OpenDepths;

    fn digest(&self, _: usize, depths: &Depths) -> (Depths, i64) {
        (depths.clone(), depths.positions.start)
    }

    fn add(&self, open: &mut OpenDepths, target: Target, (depths, from): (Depths, i64), most: usize) -> Option<(Depths, i64)> {
        let room = (most - open.depth.len()) as i64;
        let here = Interval::new(from, depths.positions.end.min(from.saturating_add(room)));
        if !here.is_empty() {
            match open.positions.last_mut() {
                Some(last) if last.contig == target.contig && last.interval.end == here.start => last.interval.end = here.end,
                _ => open.positions.push(Target { contig: target.contig, interval: here }),
            }
        }
        for chunk in depths.over(here) {
            match chunk {
                Chunk::Run(n, depth) => open.depth.resize(open.depth.len() + n as usize, depth),
                Chunk::Dense(depths) => open.depth.extend_from_slice(depths),
            }
        }
        (here.end < depths.positions.end).then_some((depths, here.end))
    }

    fn is_empty(&self, open: &OpenDepths) -> bool {
        open.depth.is_empty()
    }

    fn take(&self, open: &mut OpenDepths, call: &Call<'_>) -> Result<Batch> {
        let OpenDepths { positions, depth } = std::mem::take(open);
        let dense = Dense::of(call.request, &positions, depth)?;
        Ok(Batch { columns: dense.into_batch(&call.names)?, positions })
    }
}

/// A row per run of equal depth.
struct RunRows;

impl Rows for RunRows {
    type Part = Peekable<IntoIter<Run>>;
    type Open = Vec<Run>;

    fn digest(&self, target: usize, depths: &Depths) -> Peekable<IntoIter<Run>> {
        RunsOf::new(Some).digest(target, depths).into_iter().peekable()
    }

    fn add(&self, open: &mut Vec<Run>, _: Target, mut part: Self::Part, most: usize) -> Option<Self::Part> {
        while let Some(run) = part.peek() {
            // The last row is only whole when one comes that does not go on with it.
            if open.len() == most && !open.last().is_some_and(|last| last.goes_on_with(run)) {
                return Some(part);
            }
            push(open, *run);
            part.next();
        }
        None
    }

    fn is_empty(&self, open: &Vec<Run>) -> bool {
        open.is_empty()
    }

    fn take(&self, open: &mut Vec<Run>, call: &Call<'_>) -> Result<Batch> {
        let runs = std::mem::take(open);
        let mut positions: Vec<Target> = Vec::new();
        for same in runs.chunk_by(|a, b| a.target == b.target) {
            let interval = Interval::new(same[0].positions.start, same[same.len() - 1].positions.end);
            positions.push(Target { contig: call.targets[same[0].target].contig, interval });
        }
        let columns = Runs::of(&runs, call.targets, call.request.bam.header.contigs.len()).into_batch(&call.names)?;
        Ok(Batch { columns, positions })
    }
}
