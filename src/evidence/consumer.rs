//! A fold over all records of a pass.

use super::{FlagSummary, InsertSizes, RecordStats};
use crate::error::Result;
use crate::pass::{Consumer, Flow, PartStart};
use crate::source::record::Record;
use crate::source::records::Batch;

/// Sums over records: the same whatever order the records come in and however they are cut into parts.
pub trait Fold: Clone + Send + Sync {
    /// Counts a record.
    fn add(&mut self, record: Record<'_>);

    /// Takes out the counts so far, and keeps the buffers.
    #[must_use]
    fn split_off(&mut self) -> Self;

    /// Adds the counts of another part of the file.
    fn merge(&mut self, other: &Self);
}

/// Feeds a fold with every record, whatever its flags and its place.
#[derive(Clone, Debug)]
pub struct Folding<F>(pub F);

impl<F: Fold> Consumer for Folding<F> {
    type Worker<'w>
        = F
    where
        Self: 'w;
    type Part = F;
    type Joined = F;
    type Ready = ();
    type Again = ();

    fn worker(&self) -> F {
        self.0.clone()
    }

    fn begin(&self, worker: &mut F, _: PartStart, _: Option<()>) {
        // What a part left behind that ended in an error.
        let _ = worker.split_off();
    }

    fn take(&self, worker: &mut F, batch: &mut Batch<'_>) -> Result<Flow> {
        for i in 0..batch.records.len() {
            worker.add(batch.record(i));
        }
        Ok(Flow::More)
    }

    fn finish(&self, worker: &mut F, _: &mut Batch<'_>) -> Result<F> {
        Ok(worker.split_off())
    }

    fn join(&self, joined: &mut F, part: &mut F, _: &mut Vec<()>) -> Result<Option<()>> {
        joined.merge(part);
        Ok(None)
    }

    fn settle(&self, _: &mut F, (): ()) -> Result<()> {
        Ok(())
    }
}

/// A fold by its own methods of these names.
macro_rules! fold {
    ($($type:ty),*) => {$(
        impl Fold for $type {
            #[inline]
            fn add(&mut self, record: Record<'_>) {
                Self::add(self, record);
            }

            fn split_off(&mut self) -> Self {
                Self::split_off(self)
            }

            fn merge(&mut self, other: &Self) {
                Self::merge(self, other);
            }
        }
    )*};
}

fold!(FlagSummary, InsertSizes, RecordStats);
