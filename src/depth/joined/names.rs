//! Names of mates between two parts.

use crate::coords::Interval;
use crate::depth::Query;
use crate::depth::mates::{Booking, Carry, MateRule, Met, Outcome, with_mate_rule};
use crate::depth::realign::Realigner;
use crate::depth::slab::{Change, Slab};
use crate::depth::worker::Part;
use crate::error::Result;
use crate::rules::MateOverlap;
use crate::source::record::Record;

/// A carried name that comes in the next part, by their indices.
#[derive(Debug)]
pub(super) struct Hit {
    carried: usize,
    copy: u32,
    open: Option<u32>,
}

/// The names that can still meet a record behind the last part joined.
pub(super) struct Names<'a> {
    query: &'a Query<'a>,
    once: MateOverlap,
    carry: Carry,
    /// For copies of records whose qualities must be exact; made when one is met.
    realigner: Option<Box<Realigner<'a>>>,
    edits: (Vec<u8>, Vec<u8>),
}

impl<'a> Names<'a> {
    pub(super) fn new(query: &'a Query<'a>) -> Self {
        Self { query, once: query.rules.once(), carry: Carry::default(), realigner: None, edits: Default::default() }
    }

    /// Drops all names.
    pub(super) fn clear(&mut self) {
        self.carry.clear();
    }

    /// Takes the names out.
    pub(super) fn take(&mut self) -> Carry {
        std::mem::take(&mut self.carry)
    }

    /// The names behind a part that was counted with those before it.
    pub(super) fn replace(&mut self, carry: Carry) {
        self.carry = carry;
    }

    /// The carried names that come in a part that was counted without them; `None` when it cannot be joined to what lies before it.
    pub(super) fn hits<const L: usize>(&self, part: &Part<L>) -> Option<Vec<Hit>> {
        if part.seam.needs_carry {
            return None;
        }
        let mut hits = Vec::new();
        for (carried, name) in self.carry.names.iter().enumerate() {
            let Some(head) = part.seam.heads.get(name.hash) else { continue };
            let copy = head.copy()?;
            let bytes = part.seam.copies.get(copy);
            let found = if part.seam.entries[copy as usize].is_some() { Record::trusted(bytes).name() } else { bytes };
            if found != self.carry.texts.get(name.name) {
                return None;
            }
            hits.push(Hit { carried, copy, open: head.open() });
        }
        Some(hits)
    }

    /// Puts names that were carried to the part's edge together with their next record in it; what that changes. `clip` are the positions
    /// of the target, `last_start` is the start of the last record kept before the part.
    pub(super) fn join<const L: usize>(
        &mut self,
        part: &mut Part<L>,
        hits: &[Hit],
        clip: Interval,
        last_start: Option<i64>,
    ) -> Result<Vec<Change>> {
        with_mate_rule!(self.once, M => self.join_by::<M, L>(part, hits, clip, last_start), never => Ok(Vec::new()))
    }

    fn join_by<M: MateRule, const L: usize>(
        &mut self,
        part: &mut Part<L>,
        hits: &[Hit],
        clip: Interval,
        last_start: Option<i64>,
    ) -> Result<Vec<Change>> {
        let Some(starts) = part.starts else { return Ok(Vec::new()) };
        let mut slab = Slab::<L>::default();
        slab.reset(clip);
        let mut met = Vec::new();
        for hit in hits {
            self.meet::<M, L>(part, hit, last_start, &mut slab)?;
            met.extend(hit.open);
        }
        self.carry.keep_open::<M>(starts.end);
        self.carry.join(std::mem::take(&mut part.seam.open), met);
        Ok(slab.events)
    }

    fn meet<M: MateRule, const L: usize>(
        &mut self,
        part: &mut Part<L>,
        hit: &Hit,
        last_start: Option<i64>,
        slab: &mut Slab<L>,
    ) -> Result<()> {
        let Carry { names, texts, .. } = &mut self.carry;
        let state = &mut names[hit.carried].state;
        let Some(entry) = part.seam.entries[hit.copy as usize] else {
            state.stop_waiting();
            return Ok(());
        };
        let clock = if entry.clock == i64::MIN { last_start.map_or(i64::MIN, |s| s - 1) } else { entry.clock };
        let mut booking = Booking::new(&self.query.rules, &mut self.edits);
        let record = Record::trusted(part.seam.copies.get(hit.copy));
        let Some(arrival) = M::arrival(record, entry.end, clock) else { return Ok(()) };
        let handle = texts.push(record.bytes());
        match M::arrive(state, arrival, handle, |held| Record::trusted(texts.get(held))) {
            Outcome::Alone => {}
            Outcome::Meets(earlier) => {
                let earlier = Record::trusted(texts.get(earlier));
                let exact = if self.query.baq_reference.is_some() {
                    let realigner = self.realigner.get_or_insert_with(|| Box::new(Realigner::new(self.query, L > 1)));
                    realigner.for_edit((earlier, None), (record, None))?
                } else {
                    [None, None]
                };
                let [a, b] = [(&exact[0], earlier), (&exact[1], record)].map(|(exact, own)| exact.as_deref().map_or(own, Record::trusted));
                M::meet(&mut booking, Met { a, b, clock, b_is_booked: true }, slab);
            }
            Outcome::Joins(earlier) => {
                let earlier: Vec<_> = earlier.iter().map(|&e| Record::trusted(texts.get(e))).collect();
                M::join(&mut booking, &earlier, record, true, slab);
            }
            Outcome::CountsFrom(from) => {
                let start = i64::from(record.pos());
                let end = from.min(start + record.cigar().reference_len());
                booking.count(record, Interval::new(start, end), -1, slab);
            }
        }
        part.walked.left_out += booking.left_out;
        Ok(())
    }
}
