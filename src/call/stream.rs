//! Tables too large for memory: batches of equal size, made while the counting goes on.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::vec::IntoIter;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;

use super::axis::axis_of;
use super::region::Region;
use super::report::{Answer, Report, named};
use super::request::{Request, Settings};
use crate::coords::{Interval, Target};
use crate::depth::walk::Tally;
use crate::error::Result;
use crate::pass::{Control, Stream, WAITING, Watch};
use crate::summary::runs::{Run, RunsOf, push};
use crate::summary::{Depths, Stretch, Summary};
use crate::table::{Codes, Dense, Runs, names};

/// Batches there are at once: one the caller has, those that wait, one that is sent and one that is filled.
const AT_ONCE: u64 = 3 + WAITING as u64;

/// A batch, and the positions it is about, in its order.
#[derive(Debug)]
pub struct Batch {
    /// The columns of [`super::coverage()`].
    pub columns: RecordBatch,
    /// Contig, first and last position (1-based, inclusive); neighbouring positions of one region are one entry.
    pub regions: Vec<(String, i64, i64)>,
}

/// What is left when all batches were given: the request keeps the files open until then.
pub type StreamEnd = Report;

/// Depth that is being counted.
pub struct DepthStream {
    /// The batches, and the report at their end.
    pub batches: Stream<Batch, StreamEnd>,
    /// Names and types of the columns.
    pub schema: SchemaRef,
    /// Compressed bytes to read, for progress.
    pub bytes: u64,
}

/// Starts to count `regions`, or every contig; depth comes in batches of `rows` rows, but for the last one. The report is what can be said
/// before anything is counted.
///
/// # Errors
///
/// As for [`super::coverage()`]; [`crate::error::Kind::ResourceLimit`] when a few batches would take too much memory or no thread can be
/// started. What counting gives comes with the batches.
pub fn stream_coverage(settings: Settings, regions: Option<&[Region]>, rows: usize, runs: bool) -> Result<Answer<DepthStream>> {
    let request = Request::open(settings, regions)?;
    let schema = batch_schema(&request, rows, runs)?;
    let report = Report::of(&request, Tally::default(), Vec::new());
    let bytes = request.bytes() * request.stream_passes();
    Ok(Answer { value: DepthStream { batches: batches(request, rows, runs)?, schema, bytes }, report })
}

/// The columns of all batches, for a caller whose memory has room for them.
fn batch_schema(request: &Request, rows: usize, runs: bool) -> Result<SchemaRef> {
    let contigs = &request.header().contigs;
    let positions: i64 = request.targets().iter().map(|t| t.interval.len()).sum();
    let row = Codes::width(contigs.len()) + if runs { 20 } else { 12 + u64::from(request.reference().is_some()) };
    request.check_memory((rows as u64).min(positions as u64).saturating_mul(AT_ONCE * row))?;
    let names = names(contigs);
    let none = if runs {
        Runs::of(&[], request.targets(), contigs.len()).into_batch(&names)
    } else {
        Dense { axis: axis_of(request, &[])?, depth: Vec::new() }.into_batch(&names)
    };
    Ok(none?.schema())
}

/// Starts to count the targets.
fn batches(request: Request, rows: usize, runs: bool) -> Result<Stream<Batch, StreamEnd>> {
    Stream::start(request.workers(), move |control, sender| {
        let names = names(&request.header().contigs);
        let call = Call { request: &request, names, rows, control, sender };
        if runs { call.count(RunRows) } else { call.count(DepthRows) }
    })
}

struct Call<'r> {
    request: &'r Request,
    names: ArrayRef,
    rows: usize,
    control: &'r Arc<Control>,
    sender: SyncSender<Result<Batch>>,
}

impl Call<'_> {
    fn count<R: Rows>(&self, rows: R) -> Result<Report> {
        let summary = Sent { call: self, rows };
        let Answer { value: mut open, report } = self.request.stream(&summary, &Watch::over(Arc::clone(self.control)))?;
        if !summary.rows.is_empty(&open) {
            self.send(summary.rows.take(&mut open, self));
        }
        Ok(report)
    }

    fn batch(&self, columns: RecordBatch, positions: &[Target]) -> Batch {
        Batch { columns, regions: positions.iter().map(|target| named(self.request, target)).collect() }
    }

    /// Waits until there is room. If the receiver is gone, the workers have been told to stop.
    fn send(&self, batch: Result<Batch>) {
        let _ = self.sender.send(batch);
    }
}

/// How rows are made of depths, and batches of rows.
trait Rows: Sync {
    /// What one piece comes to.
    type Digest: Send;
    /// Rows that wait for their batch to be full.
    type Open: Default + Send;

    fn digest(&self, target: usize, depths: &Depths) -> Self::Digest;

    /// Adds as many rows of a piece as there is room for up to `most`; what is left of it.
    fn add(&self, open: &mut Self::Open, target: Target, piece: Self::Digest, most: usize) -> Option<Self::Digest>;

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
    type Digest = R::Digest;
    type Total = R::Open;

    fn digest(&self, target: usize, depths: &Depths) -> R::Digest {
        self.rows.digest(target, depths)
    }

    fn join(&self, open: &mut R::Open, target: usize, piece: R::Digest) -> Result<()> {
        let mut rest = Some(piece);
        while let Some(piece) = rest.filter(|_| !self.call.control.stopped()) {
            rest = self.rows.add(open, self.call.request.targets()[target], piece, self.call.rows);
            if rest.is_some() {
                self.call.send(self.rows.take(open, self.call));
            }
        }
        Ok(())
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
    type Digest = (Depths, i64);
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
                Stretch::Run(n, depth) => open.depth.resize(open.depth.len() + n as usize, depth),
                Stretch::Dense(depths) => open.depth.extend_from_slice(depths),
            }
        }
        (here.end < depths.positions.end).then_some((depths, here.end))
    }

    fn is_empty(&self, open: &OpenDepths) -> bool {
        open.depth.is_empty()
    }

    fn take(&self, open: &mut OpenDepths, call: &Call<'_>) -> Result<Batch> {
        let OpenDepths { positions, depth } = std::mem::take(open);
        let dense = Dense { axis: axis_of(call.request, &positions)?, depth };
        Ok(call.batch(dense.into_batch(&call.names)?, &positions))
    }
}

/// A row per run of equal depth.
struct RunRows;

impl Rows for RunRows {
    type Digest = Peekable<IntoIter<Run>>;
    type Open = Vec<Run>;

    fn digest(&self, target: usize, depths: &Depths) -> Peekable<IntoIter<Run>> {
        RunsOf::new(Some).digest(target, depths).into_iter().peekable()
    }

    fn add(&self, open: &mut Vec<Run>, _: Target, mut piece: Self::Digest, most: usize) -> Option<Self::Digest> {
        while let Some(run) = piece.peek() {
            // The last row is only whole when one comes that does not go on with it.
            if open.len() == most && !open.last().is_some_and(|last| last.goes_on_with(run)) {
                return Some(piece);
            }
            push(open, *run);
            piece.next();
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
            positions.push(Target { contig: call.request.targets()[same[0].target].contig, interval });
        }
        let request = call.request;
        let columns = Runs::of(&runs, request.targets(), request.header().contigs.len()).into_batch(&call.names)?;
        Ok(call.batch(columns, &positions))
    }
}
