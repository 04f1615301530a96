//! The order of parts: which come next, which are taken again, what the pass has come to.
//!
//! Workers deposit parts in any order. Parts are *admitted* in the order of the file: their place is checked and the consumer screens them.
//! Behind that they are joined, again in order. A part between the two that has to be taken again holds up joining, not admitting.

use std::collections::{BTreeMap, VecDeque};

use super::Consumer;
use crate::error::{Error, Kind, Result};
use crate::plan::{Origin, Section, Span};
use crate::source::alignments::{Alignments, Place};

/// Which part: its span, and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartId {
    pub(super) span: usize,
    pub(super) index: usize,
}

/// What is known of a part besides the consumer's result.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartHead {
    /// Where its first record starts.
    pub(super) from: Place,
    /// Where its last record ends.
    pub(super) to: Place,
    pub(super) section: Section,
    /// Number of its records.
    pub(super) records: u64,
    /// No part of its span follows.
    pub(super) last: bool,
    /// The consumer needs no further record of the section.
    pub(super) enough: bool,
    /// The span's last record ended exactly where the plan said.
    pub(super) ended_on_boundary: bool,
}

/// A part that was admitted.
struct Admitted<C: Consumer> {
    id: PartId,
    head: PartHead,
    /// Records of the file in front of it, as long as all of them were read.
    records_before: Option<u64>,
    state: PartState<C>,
}

/// How far an admitted part is.
enum PartState<C: Consumer> {
    /// It can be joined when its turn comes.
    Ready(C::Part),
    /// It waits for a worker that takes it again.
    Wanted(C::Part, C::Again),
    /// A worker takes it again, and has the part.
    Taken,
    /// It is an error, to be given when its turn comes.
    Failed(Error),
}

/// A part to be taken again.
pub(super) struct Retake<C: Consumer> {
    pub(super) id: PartId,
    pub(super) head: PartHead,
    /// Its number among all parts admitted.
    number: usize,
    old: C::Part,
    again: Option<C::Again>,
}

impl<C: Consumer> Retake<C> {
    /// Takes out what the part has to know.
    pub(super) fn take_again(&mut self) -> Option<C::Again> {
        self.again.take()
    }
}

/// What a worker does next.
pub(super) enum Job<C: Consumer> {
    /// Reads a span from this place on.
    Read(usize, Place),
    /// Takes a part again.
    Retake(Box<Retake<C>>),
    /// Waits until another worker has done something.
    Wait,
    /// Ends: everything is read and joined.
    End,
}

/// The state behind the last part admitted, and behind the last part joined.
pub(super) struct Order<'a, C: Consumer> {
    consumer: &'a C,
    alignments: &'a Alignments,
    spans: &'a [Span],
    /// Spans a worker may be ahead of the last part joined.
    ahead: usize,
    /// The next span to be read.
    to_read: usize,
    waiting: BTreeMap<PartId, Result<(PartHead, C::Part)>>,
    /// The next part to be admitted.
    next: PartId,
    /// Where the span of `next` is read from, where that is not the place the plan has.
    true_start: Option<Place>,
    /// That span has still to be read from there.
    to_restart: bool,
    /// Where the last record of the span before ended, and whether the plan had said so.
    boundary: Place,
    on_boundary: bool,
    /// A section of which no further record matters.
    over: Option<Section>,
    records_before: Option<u64>,
    admitted: VecDeque<Admitted<C>>,
    /// Number of parts joined.
    n_joined: usize,
    /// Nothing more is admitted behind an error.
    failed: bool,
    pub(super) joined: C::Joined,
}

impl<'a, C: Consumer> Order<'a, C> {
    pub(super) fn new(consumer: &'a C, alignments: &'a Alignments, spans: &'a [Span], joined: C::Joined, ahead: usize) -> Self {
        Self {
            consumer,
            alignments,
            spans,
            ahead,
            to_read: 0,
            waiting: BTreeMap::new(),
            next: PartId { span: 0, index: 0 },
            true_start: None,
            to_restart: false,
            boundary: Place::default(),
            on_boundary: true,
            over: None,
            records_before: spans.first().filter(|span| span.start == alignments.first_record()).map(|_| 0),
            admitted: VecDeque::new(),
            n_joined: 0,
            failed: false,
            joined,
        }
    }

    /// What a worker without work does next.
    pub(super) fn job(&mut self) -> Job<C> {
        if let Some(retake) = self.retake() {
            return Job::Retake(Box::new(retake));
        }
        if std::mem::take(&mut self.to_restart) {
            return Job::Read(self.next.span, self.true_start.unwrap_or(self.spans[self.next.span].start));
        }
        self.to_read = self.to_read.max(self.next.span);
        let Some(span) = self.spans.get(self.to_read) else {
            return if self.is_complete() { Job::End } else { Job::Wait };
        };
        let front = self.admitted.front().map_or(self.next.span, |part| part.id.span);
        if self.failed || self.to_read >= front + self.ahead {
            return Job::Wait;
        }
        self.to_read += 1;
        Job::Read(self.to_read - 1, span.start)
    }

    /// The first part that waits to be taken again.
    pub(super) fn retake(&mut self) -> Option<Retake<C>> {
        let at = self.admitted.iter().position(|part| matches!(part.state, PartState::Wanted(..)))?;
        let part = &mut self.admitted[at];
        match std::mem::replace(&mut part.state, PartState::Taken) {
            PartState::Wanted(old, again) => {
                Some(Retake { id: part.id, head: part.head, number: self.n_joined + at, old, again: Some(again) })
            }
            other => {
                part.state = other;
                None
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.next.span >= self.spans.len() && self.admitted.is_empty()
    }

    /// Whether a worker that reads span `id` from `start` on still does what is needed.
    pub(super) fn is_wanted(&self, id: usize, start: Place) -> bool {
        id > self.next.span || id == self.next.span && start == self.true_start.unwrap_or(self.spans[id].start)
    }

    /// Takes a part of a span that was read from `start` on, and every part that was waiting for it.
    ///
    /// # Errors
    ///
    /// The first error in the order of the file.
    pub(super) fn deposit(&mut self, id: PartId, start: Place, part: Result<(PartHead, C::Part)>, ready: &mut Vec<C::Ready>) -> Result<()> {
        // Parts of a span that is read again from its true start, or that is not needed, come late.
        if self.is_wanted(id.span, start) {
            self.waiting.insert(id, part);
        }
        self.admit();
        self.join(ready)
    }

    /// Takes a part that was taken again.
    ///
    /// # Errors
    ///
    /// As for [`Order::deposit`].
    pub(super) fn deposit_again(&mut self, retake: Retake<C>, new: Result<C::Part>, ready: &mut Vec<C::Ready>) -> Result<()> {
        let Retake { number, mut old, .. } = retake;
        let state = match new {
            Ok(new) => {
                self.consumer.replace(&mut old, new);
                PartState::Ready(old)
            }
            Err(error) => PartState::Failed(error),
        };
        if let Some(part) = number.checked_sub(self.n_joined).and_then(|at| self.admitted.get_mut(at)) {
            part.state = state;
        }
        self.join(ready)
    }

    /// Admits parts as far as they are there.
    fn admit(&mut self) {
        while !self.failed {
            let Some(&span) = self.spans.get(self.next.span) else { return };
            if self.over.is_some_and(|over| over == span.section) {
                self.records_before = None;
                self.next_span();
                continue;
            }
            self.over = None;
            let Some(part) = self.waiting.remove(&self.next) else { return };
            if self.next.index == 0 && self.true_start.is_none() && span.origin == Origin::Guess && !self.on_boundary {
                // The guess was wrong: no record starts there.
                self.waiting = self.waiting.split_off(&PartId { span: self.next.span + 1, index: 0 });
                (self.true_start, self.to_restart) = (Some(self.boundary), true);
                return;
            }
            self.admit_part(span, part);
        }
    }

    fn admit_part(&mut self, span: Span, part: Result<(PartHead, C::Part)>) {
        let (id, records_before) = (self.next, self.records_before);
        let nowhere = PartHead {
            from: span.start,
            to: span.start,
            section: span.section,
            records: 0,
            last: true,
            enough: false,
            ended_on_boundary: true,
        };
        let (head, state) = match part {
            Err(error) => (nowhere, PartState::Failed(error)),
            Ok((head, part)) => {
                let state = match self.consumer.screen(&mut self.joined, &part) {
                    Err(error) => PartState::Failed(error.path(self.alignments.path()).offset(head.from.file_offset()).record(1, b"")),
                    Ok(Some(again)) => PartState::Wanted(part, again),
                    Ok(None) => PartState::Ready(part),
                };
                (head, state)
            }
        };
        self.failed = matches!(state, PartState::Failed(_));
        self.records_before = records_before.map(|before| before + head.records);
        self.admitted.push_back(Admitted { id, head, records_before, state });
        if head.last && !self.failed {
            self.end_span(&head);
        } else {
            self.next.index += 1;
        }
    }

    fn end_span(&mut self, head: &PartHead) {
        (self.boundary, self.on_boundary) = (head.to, head.ended_on_boundary);
        if head.enough {
            self.over = Some(head.section);
        }
        let next = self.spans.get(self.next.span + 1);
        if next.is_some_and(|span| span.origin == Origin::Stretch && span.start != head.to) {
            self.records_before = None;
        }
        let is_joined = next.is_some_and(|span| span.origin == Origin::Guess);
        if !head.ended_on_boundary && !is_joined && !head.enough {
            self.fail(misplaced(self.alignments, head.to));
        }
        self.next_span();
    }

    /// An error behind everything that was admitted.
    fn fail(&mut self, error: Error) {
        if let Some(last) = self.admitted.back() {
            let (id, head) = (last.id, last.head);
            self.admitted.push_back(Admitted { id, head, records_before: None, state: PartState::Failed(error) });
        }
        self.failed = true;
    }

    fn next_span(&mut self) {
        self.next = PartId { span: self.next.span + 1, index: 0 };
        self.waiting = self.waiting.split_off(&self.next);
        (self.true_start, self.to_restart) = (None, false);
    }

    /// Joins parts as far as they can be joined.
    fn join(&mut self, ready: &mut Vec<C::Ready>) -> Result<()> {
        while let Some(Admitted { records_before, state, .. }) = self.admitted.front_mut() {
            match std::mem::replace(state, PartState::Taken) {
                PartState::Ready(mut part) => {
                    let again = self.consumer.join(&mut self.joined, &mut part, ready);
                    if let Some(again) = again.map_err(|e| e.renumber_record(*records_before))? {
                        *state = PartState::Wanted(part, again);
                        return Ok(());
                    }
                    self.admitted.pop_front();
                    self.n_joined += 1;
                }
                PartState::Failed(error) => return Err(error.renumber_record(*records_before)),
                other => {
                    *state = other;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn misplaced(alignments: &Alignments, at: Place) -> Error {
    Error::new(Kind::IndexMismatch, "an offset in the index is not the end of a record")
        .path(alignments.path())
        .offset(at.file_offset())
        .hint("the index is of another file or older: run 'samtools index'")
}
