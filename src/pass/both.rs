//! Two consumers in one pass.

use super::{Consumer, Flow, PartStart, Reads};
use crate::error::Result;
use crate::source::records::Batch;

/// Feeds two consumers with the same records.
///
/// The first must not edit base qualities in place, since the second would see the edited ones; the second may.
#[derive(Debug)]
pub struct Both<A, B>(pub A, pub B);

/// What is left to do of one of the two.
#[derive(Debug)]
pub enum BothReady<A, B> {
    /// Of the first.
    First(A),
    /// Of the second.
    Second(B),
}

/// Which of the two takes a part again.
#[derive(Debug)]
pub struct BothAgain<A, B>(Option<A>, Option<B>);

/// The buffers of both, and which of them takes part in the current part.
#[derive(Debug)]
pub struct BothWorker<A, B> {
    first: (A, Turn),
    second: (B, Turn),
}

/// Whether a consumer takes the records of the current part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It takes them.
    Takes,
    /// It has had enough of them, and still finishes the part.
    HasEnough,
    /// It has a result for the part from before.
    Sits,
}

impl<A, B> BothAgain<A, B> {
    fn of(first: Option<A>, second: Option<B>) -> Option<Self> {
        (first.is_some() || second.is_some()).then_some(Self(first, second))
    }
}

/// Gives a batch to one consumer, if it still takes records.
fn take<C: Consumer>(consumer: &C, (worker, turn): &mut (C::Worker<'_>, Turn), batch: &mut Batch<'_>) -> Result<()> {
    if *turn == Turn::Takes && consumer.take(worker, batch)? == Flow::Enough {
        *turn = Turn::HasEnough;
    }
    Ok(())
}

fn finish<C: Consumer>(consumer: &C, (worker, turn): &mut (C::Worker<'_>, Turn), batch: &mut Batch<'_>) -> Result<Option<C::Part>> {
    if *turn == Turn::Sits { Ok(None) } else { consumer.finish(worker, batch).map(Some) }
}

/// Begins a part of one consumer, unless it is taken again for the other one alone.
fn begin<C: Consumer>(consumer: &C, (worker, turn): &mut (C::Worker<'_>, Turn), part: PartStart, again: Option<C::Again>, sits: bool) {
    *turn = if sits { Turn::Sits } else { Turn::Takes };
    if !sits {
        consumer.begin(worker, part, again);
    }
}

/// Joins the part of one consumer, unless that was done before.
fn join<C: Consumer>(
    consumer: &C,
    joined: &mut C::Joined,
    part: &mut Option<C::Part>,
    ready: &mut Vec<C::Ready>,
) -> Result<Option<C::Again>> {
    let Some(mine) = part else { return Ok(None) };
    let again = consumer.join(joined, mine, ready)?;
    if again.is_none() {
        *part = None;
    }
    Ok(again)
}

fn screen<C: Consumer>(consumer: &C, joined: &mut C::Joined, part: Option<&C::Part>) -> Result<Option<C::Again>> {
    part.map_or(Ok(None), |part| consumer.screen(joined, part))
}

fn replace<C: Consumer>(consumer: &C, old: &mut Option<C::Part>, new: Option<C::Part>) {
    match (old, new) {
        (Some(old), Some(new)) => consumer.replace(old, new),
        (old, new @ Some(_)) => *old = new,
        (_, None) => {}
    }
}

impl<A: Consumer, B: Consumer> Consumer for Both<A, B> {
    type Worker<'w>
        = BothWorker<A::Worker<'w>, B::Worker<'w>>
    where
        Self: 'w;
    type Part = (Option<A::Part>, Option<B::Part>);
    type Joined = (A::Joined, B::Joined);
    type Ready = BothReady<A::Ready, B::Ready>;
    type Again = BothAgain<A::Again, B::Again>;

    fn reads(&self) -> Reads {
        debug_assert!(!self.0.reads().edits, "the second consumer would see what the first has edited");
        self.0.reads().and(self.1.reads())
    }

    fn worker(&self) -> Self::Worker<'_> {
        BothWorker { first: (self.0.worker(), Turn::Sits), second: (self.1.worker(), Turn::Sits) }
    }

    fn begin(&self, worker: &mut Self::Worker<'_>, part: PartStart, again: Option<Self::Again>) {
        let is_first_time = again.is_none();
        let BothAgain(first, second) = again.unwrap_or(BothAgain(None, None));
        let (first_sits, second_sits) = (!is_first_time && first.is_none(), !is_first_time && second.is_none());
        begin(&self.0, &mut worker.first, part, first, first_sits);
        begin(&self.1, &mut worker.second, part, second, second_sits);
    }

    fn take(&self, worker: &mut Self::Worker<'_>, batch: &mut Batch<'_>) -> Result<Flow> {
        take(&self.0, &mut worker.first, batch)?;
        take(&self.1, &mut worker.second, batch)?;
        Ok(if worker.first.1 == Turn::Takes || worker.second.1 == Turn::Takes { Flow::More } else { Flow::Enough })
    }

    fn finish(&self, worker: &mut Self::Worker<'_>, batch: &mut Batch<'_>) -> Result<Self::Part> {
        Ok((finish(&self.0, &mut worker.first, batch)?, finish(&self.1, &mut worker.second, batch)?))
    }

    fn screen(&self, joined: &mut Self::Joined, part: &Self::Part) -> Result<Option<Self::Again>> {
        let first = screen(&self.0, &mut joined.0, part.0.as_ref())?;
        let second = screen(&self.1, &mut joined.1, part.1.as_ref())?;
        Ok(BothAgain::of(first, second))
    }

    fn join(&self, joined: &mut Self::Joined, part: &mut Self::Part, ready: &mut Vec<Self::Ready>) -> Result<Option<Self::Again>> {
        let (mut first_ready, mut second_ready) = (Vec::new(), Vec::new());
        let first = join(&self.0, &mut joined.0, &mut part.0, &mut first_ready)?;
        let second = join(&self.1, &mut joined.1, &mut part.1, &mut second_ready)?;
        ready.extend(first_ready.into_iter().map(BothReady::First));
        ready.extend(second_ready.into_iter().map(BothReady::Second));
        Ok(BothAgain::of(first, second))
    }

    fn replace(&self, old: &mut Self::Part, new: Self::Part) {
        replace(&self.0, &mut old.0, new.0);
        replace(&self.1, &mut old.1, new.1);
    }

    fn end(&self, joined: &mut Self::Joined, ready: &mut Vec<Self::Ready>) -> Result<()> {
        let (mut first_ready, mut second_ready) = (Vec::new(), Vec::new());
        self.0.end(&mut joined.0, &mut first_ready)?;
        self.1.end(&mut joined.1, &mut second_ready)?;
        ready.extend(first_ready.into_iter().map(BothReady::First));
        ready.extend(second_ready.into_iter().map(BothReady::Second));
        Ok(())
    }

    fn settle(&self, worker: &mut Self::Worker<'_>, ready: Self::Ready) -> Result<()> {
        match ready {
            BothReady::First(ready) => self.0.settle(&mut worker.first.0, ready),
            BothReady::Second(ready) => self.1.settle(&mut worker.second.0, ready),
        }
    }
}
