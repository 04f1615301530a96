//! The workers of a pass.

use std::sync::{Condvar, Mutex, PoisonError};

use super::order::{Job, Order, PartHead, PartId, Retake};
use super::pool::in_parallel;
use super::watch::{Control, POLL, Watch};
use super::{Consumer, Flow, PartStart, lock};
use crate::error::{Error, Kind, Result};
use crate::plan::{Origin, Plan, Section, Span};
use crate::source::alignments::{Alignments, Place};
use crate::source::records::{Limits, RecordReader};

/// Spans a worker may be ahead of the last part joined, per worker.
const AHEAD: usize = 4;
/// Inflated bytes of a batch, as a rule a frame, so that it is consumed while it is still in the first caches.
const BATCH_BYTES: usize = 32 << 10;

/// Feeds `consumer` with all records of `plan`, `part_bytes` inflated bytes to a part; `joined` is the result of no part.
///
/// # Errors
///
/// The first error in the order of the file, that of the watch, or [`Kind::Internal`] for a panic.
pub fn run<C: Consumer>(
    alignments: &Alignments,
    plan: &Plan,
    consumer: &C,
    joined: C::Joined,
    (workers, part_bytes): (usize, usize),
    watch: &Watch<'_>,
) -> Result<C::Joined> {
    let order = Order::new(consumer, alignments, &plan.spans, joined, AHEAD * workers);
    let pass = Pass {
        alignments,
        spans: &plan.spans,
        consumer,
        part_bytes,
        control: watch.control(),
        order: Mutex::new(order),
        changed: Condvar::new(),
        failed: Mutex::new(None),
    };
    in_parallel(workers.min(plan.spans.len()).max(1), watch, |_| pass.work())?;
    if let Some(error) = lock(&pass.failed).take() {
        return Err(error);
    }
    watch.control().go_on().map_err(|e| e.path(alignments.path()))?;
    let mut joined = pass.order.into_inner().unwrap_or_else(PoisonError::into_inner).joined;
    let mut ready = Vec::new();
    consumer.end(&mut joined, &mut ready)?;
    let mut worker = consumer.worker();
    ready.into_iter().try_for_each(|ready| consumer.settle(&mut worker, ready))?;
    // Memory can run short at any time, and the worker that saw it has skipped work.
    watch.control().go_on().map_err(|e| e.path(alignments.path()))?;
    Ok(joined)
}

struct Pass<'a, 'c, C: Consumer> {
    alignments: &'a Alignments,
    spans: &'a [Span],
    consumer: &'a C,
    part_bytes: usize,
    control: &'c Control,
    order: Mutex<Order<'a, C>>,
    changed: Condvar,
    failed: Mutex<Option<Error>>,
}

impl<'a, C: Consumer> Pass<'a, '_, C> {
    /// One worker: does what is next until there is nothing left to do.
    fn work(&self) {
        let mut taker = Taker::new(self);
        // For parts that are taken again while a span is open.
        let mut spare = None;
        while let Some(job) = self.wait_for_job() {
            match job {
                Job::Read(span, start) => self.read_span(&mut taker, &mut spare, span, start),
                Job::Retake(retake) => self.take_again(&mut taker, *retake),
                Job::Wait | Job::End => return,
            }
        }
    }

    fn wait_for_job(&self) -> Option<Job<C>> {
        let mut order = lock(&self.order);
        loop {
            if self.control.stopped() {
                return None;
            }
            match order.job() {
                Job::Wait => order = self.changed.wait_timeout(order, POLL).unwrap_or_else(PoisonError::into_inner).0,
                Job::End => return None,
                job => return Some(job),
            }
        }
    }

    fn read_span(&self, taker: &mut Taker<'a, C>, spare: &mut Option<Taker<'a, C>>, id: usize, start: Place) {
        let span = Span { start, ..self.spans[id] };
        let mut sought = taker.reader.go_to(span.start, span.end);
        let (mut read_to, mut origin) = (span.start.file_offset(), span.origin);
        for index in 0.. {
            let id = PartId { span: id, index };
            let part = sought.and_then(|()| taker.take_part(PartStart { section: span.section, origin }, self.part_bytes, None));
            let last = part.as_ref().map_or(true, |(head, _)| head.last);
            self.control.add_done(taker.reader.read_to().saturating_sub(read_to));
            read_to = taker.reader.read_to();
            let goes_on = self.deposit(taker, |order, ready| {
                order.deposit(id, start, part, ready)?;
                Ok(order.is_wanted(id.span, start))
            });
            while let Some(retake) = self.retake() {
                if retake.id == id && taker.keeps_part {
                    // Its records still lie in the buffer.
                    self.take_from_buffer(taker, retake);
                } else {
                    self.take_again(spare.get_or_insert_with(|| Taker::new(self)), retake);
                }
            }
            if last || goes_on != Some(true) || self.control.stopped() {
                return;
            }
            (sought, origin) = (Ok(()), Origin::Index);
        }
    }

    fn retake(&self) -> Option<Retake<C>> {
        if self.control.stopped() { None } else { lock(&self.order).retake() }
    }

    /// Takes a part again that the reader still holds.
    fn take_from_buffer(&self, taker: &mut Taker<'a, C>, mut retake: Retake<C>) {
        let new = taker.take_buffer(&mut retake);
        self.deposit(taker, |order, ready| order.deposit_again(retake, new, ready));
    }

    /// Reads a part once more and takes it again.
    fn take_again(&self, taker: &mut Taker<'a, C>, mut retake: Retake<C>) {
        let (head, again) = (retake.head, retake.take_again());
        let part = PartStart { section: head.section, origin: Origin::Index };
        let sought = taker.reader.go_to(head.from, head.to);
        let new = sought.and_then(|()| taker.take_part(part, usize::MAX, again)).map(|(_, part)| part);
        self.deposit(taker, |order, ready| order.deposit_again(retake, new, ready));
    }

    /// Changes the order of parts under its lock, and does outside of it what the joins leave. `None` when the pass is to end.
    fn deposit<R>(&self, taker: &mut Taker<'a, C>, change: impl FnOnce(&mut Order<'a, C>, &mut Vec<C::Ready>) -> Result<R>) -> Option<R> {
        let mut ready = Vec::new();
        let mut order = lock(&self.order);
        let changed = self.control.go_on().and_then(|()| change(&mut order, &mut ready));
        drop(order);
        self.changed.notify_all();
        let settled = changed.and_then(|result| {
            ready.into_iter().try_for_each(|ready| self.consumer.settle(&mut taker.worker, ready))?;
            Ok(result)
        });
        settled.map_err(|error| self.fail(error)).ok()
    }

    fn fail(&self, error: Error) {
        // Work that was broken off says that it was cancelled, not why.
        let why = if error.kind() == Kind::Cancelled { self.control.go_on().err() } else { None };
        lock(&self.failed).get_or_insert(why.unwrap_or(error).path(self.alignments.path()));
        self.control.stop();
    }
}

/// A reader and the consumer's buffers: what it takes to make a part of records.
struct Taker<'a, C: Consumer + 'a> {
    consumer: &'a C,
    reader: RecordReader<'a>,
    worker: C::Worker<'a>,
    one_contig: bool,
    whole_parts: bool,
    /// A part that is taken again can be taken from the buffer.
    keeps_part: bool,
}

impl<'a, C: Consumer> Taker<'a, C> {
    fn new(pass: &Pass<'a, '_, C>) -> Self {
        let reads = pass.consumer.reads();
        Self {
            consumer: pass.consumer,
            reader: pass.alignments.reader(),
            worker: pass.consumer.worker(),
            one_contig: reads.one_contig,
            whole_parts: reads.whole_parts,
            keeps_part: reads.whole_parts && !reads.edits,
        }
    }

    /// Reads the next part of the span, of `part_bytes` at most or little more.
    fn take_part(&mut self, part: PartStart, part_bytes: usize, again: Option<C::Again>) -> Result<(PartHead, C::Part)> {
        self.reader.begin_part();
        let from = self.reader.next_position();
        self.consumer.begin(&mut self.worker, part, again);
        let one_contig = self.one_contig && part.section == Section::File;
        let (mut released, mut records) = (0, 0);
        // The first batch is what the first frame holds: a small target may end in it.
        let mut batch_bytes = 1;
        let enough = loop {
            let most_bytes = part_bytes.saturating_sub(released + self.reader.given_bytes());
            let more = self.reader.read_batch(Limits { batch_bytes, most_bytes, one_contig })?;
            batch_bytes = BATCH_BYTES;
            let mut batch = self.reader.batch();
            records += batch.records.len() as u64;
            let enough = self.consumer.take(&mut self.worker, &mut batch)? == Flow::Enough;
            // An error that waits belongs to this part.
            let is_full = released + self.reader.given_bytes() >= part_bytes && !self.reader.is_faulty();
            if !more || enough || is_full {
                break enough;
            }
            if !self.whole_parts {
                // The next frame is read to where this one was, which is in the caches.
                released += self.reader.given_bytes();
                self.reader.release();
            }
        };
        let mut batch = if self.whole_parts { self.reader.part() } else { self.reader.batch() };
        let made = self.consumer.finish(&mut self.worker, &mut batch)?;
        let head = PartHead {
            from,
            to: self.reader.next_position(),
            section: part.section,
            records,
            last: enough || self.reader.is_done(),
            enough,
            ended_on_boundary: enough || self.reader.ended_on_boundary(),
        };
        Ok((head, made))
    }

    /// Takes the part again that the reader holds.
    fn take_buffer(&mut self, retake: &mut Retake<C>) -> Result<C::Part> {
        let part = PartStart { section: retake.head.section, origin: Origin::Index };
        self.consumer.begin(&mut self.worker, part, retake.take_again());
        self.consumer.take(&mut self.worker, &mut self.reader.part())?;
        self.consumer.finish(&mut self.worker, &mut self.reader.part())
    }
}
