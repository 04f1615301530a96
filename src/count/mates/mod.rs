//! Overlapping mates: who meets whom, in the order of the file.
//!
//! For each read name there is a [`State`], moved on by every record of that name that takes part. Within a part the states live in a
//! [`Table`]; between parts only the names that can still meet something are handed on, with a copy of the record they wait with. All
//! of a state's future depends on the state and the records to come, so it does not matter where a part ends.
//!
//! A part can be counted before the parts in front of it are known. Its names are then taken to be new; when it is merged, a name that
//! was carried over the seam is found by its hash. Where that name has just one record in the part and a copy of it was kept, the two
//! are put together then and there; anything else (a third record of a name) makes the part be counted again, with the carried names
//! known. See `docs/design/001-spans-and-seams.md`.

mod table;

pub use table::{Carried, Head, Held, Seam, Table};

use crate::error::Result;
use crate::rules::Once;
use crate::source::record::{FIRST, LAST, MATE_UNMAPPED, PAIRED, PROPER_PAIR, Record, SECONDARY, SUPPLEMENTARY};

/// One record of a name, as far as its name's state goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Records that end at or before this position are forgotten: for the pileup engine, one below the start of the record before.
    pub clock: i64,
    /// One past its last position, taken from the CIGAR alone.
    pub end: i64,
    /// Whether it looks for an earlier record of its name.
    pub looks: bool,
    /// Whether it waits for a later one when it finds none.
    pub waits: bool,
    /// Which record it is: READ1 or READ2 (`Once::Template`), its own position or its mate's (`Once::Megadepth`).
    pub key: i64,
}

impl Arrival {
    /// How `record` takes part, `None` when it does not. `clock` is that of the pileup engine.
    pub fn of(once: Once, record: Record<'_>, end: i64, clock: i64) -> Option<Self> {
        let flags = record.flags();
        let start = i64::from(record.pos());
        let mate = i64::from(record.mate_pos());
        let with_mate = record.mate_contig_id() == record.contig_id();
        match once {
            Once::Never => None,
            Once::Edit if flags & PROPER_PAIR == 0 => None,
            Once::Edit => {
                let elsewhere = record.mate_contig_id() >= 0 && !with_mate;
                let apart = i64::from(record.template_len()).abs() >= 2 * record.seq_len() as i64 && mate >= end;
                let looks = flags & MATE_UNMAPPED == 0 && !elsewhere && !apart;
                let waits = looks && (mate >= start || (flags & PAIRED != 0 && mate == -1));
                Some(Self { clock, end, looks, waits, key: 0 })
            }
            Once::Clip if flags & PAIRED == 0 || flags & MATE_UNMAPPED != 0 => None,
            Once::Clip => {
                let end = end.max(start + 1);
                let waits = mate == -1 || (with_mate && mate <= end);
                Some(Self { clock, end, looks: true, waits, key: 0 })
            }
            Once::Mosdepth if flags & PROPER_PAIR == 0 || flags & SUPPLEMENTARY != 0 => None,
            Once::Mosdepth => {
                let reaches = with_mate && end.max(start + 1) > mate;
                // A record that starts before its mate waits without looking; one that starts with it does whichever is called for.
                let looks = !(reaches && start < mate);
                Some(Self { clock, end, looks, waits: reaches && start <= mate, key: 0 })
            }
            Once::Megadepth if flags & PROPER_PAIR == 0 || !with_mate || end.max(start + 1) <= mate => None,
            Once::Megadepth => {
                let key = if start >= mate { start } else { mate };
                Some(Self { clock: start - 1, end, looks: start >= mate, waits: start <= mate, key })
            }
            Once::Template => {
                let primary = flags & (SECONDARY | SUPPLEMENTARY) == 0;
                let paired = flags & PAIRED != 0 && flags & MATE_UNMAPPED == 0 && with_mate;
                let one = (flags & FIRST != 0) != (flags & LAST != 0);
                let key = i64::from(flags & FIRST != 0);
                (primary && paired && one).then_some(Self { clock: start, end, looks: true, waits: true, key })
            }
        }
    }
}

/// What an arrival comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<R> {
    /// It counts by itself.
    Alone,
    /// It meets this earlier record.
    Meets(R),
    /// It counts only from this position on.
    CountsFrom(i64),
}

/// The state of one name. `R` is how a waiting record is held: an index within a part, a copy between parts.
#[derive(Clone, Debug)]
pub struct State<R> {
    /// Ends of the name's records that are still remembered.
    live: Live,
    /// Records that wait.
    waiting: Waiting<R>,
    /// Where the record that waits ends (`Once::Clip`).
    clip: Option<i64>,
    /// Which of READ1 (bit 1) and READ2 (bit 0) have come (`Once::Template`).
    come: u8,
}

impl<R> Default for State<R> {
    fn default() -> Self {
        Self { live: Live::default(), waiting: Waiting::default(), clip: None, come: 0 }
    }
}

impl<R> State<R> {
    /// Moves on by one record; `me` is that record.
    pub fn arrive(&mut self, once: Once, arrival: Arrival, me: R) -> Outcome<R> {
        match once {
            Once::Never => Outcome::Alone,
            Once::Edit => self.arrive_in_buffer(arrival, me),
            Once::Clip => {
                if let Some(end) = self.clip.take() {
                    return Outcome::CountsFrom(end);
                }
                self.clip = arrival.waits.then_some(arrival.end);
                Outcome::Alone
            }
            Once::Mosdepth => {
                if arrival.looks
                    && let Some(earlier) = self.waiting.pop()
                {
                    return Outcome::Meets(earlier);
                }
                if arrival.waits {
                    self.waiting.clear();
                    self.waiting.push(0, me);
                }
                Outcome::Alone
            }
            Once::Megadepth => {
                self.waiting.drop_before(arrival.clock + 1);
                if arrival.looks
                    && let Some(earlier) = self.waiting.take(arrival.key)
                {
                    return Outcome::Meets(earlier);
                }
                if arrival.waits && !self.waiting.has(arrival.key) {
                    self.waiting.push(arrival.key, me);
                }
                Outcome::Alone
            }
            Once::Template => self.arrive_in_template(arrival, me),
        }
    }

    fn arrive_in_buffer(&mut self, arrival: Arrival, me: R) -> Outcome<R> {
        self.leave(arrival.clock);
        self.live.push(arrival.end);
        if arrival.looks {
            if let Some(earlier) = self.waiting.pop() {
                return Outcome::Meets(earlier);
            }
            if arrival.waits {
                self.waiting.push(0, me);
            }
        }
        Outcome::Alone
    }

    fn arrive_in_template(&mut self, arrival: Arrival, me: R) -> Outcome<R> {
        self.live.drop_up_to(arrival.clock);
        if self.live.is_empty() {
            self.waiting.clear();
            self.come = 0;
        }
        let (mine, both) = (1 << arrival.key, 3);
        if self.come & mine != 0 {
            return Outcome::Alone;
        }
        self.come |= mine;
        self.live.push(arrival.end);
        if self.come != both {
            self.waiting.push(arrival.key, me);
            return Outcome::Alone;
        }
        self.waiting.pop().map_or(Outcome::Alone, Outcome::Meets)
    }

    /// Lets the records leave the buffer that end at or before `clock`. The first of them to go takes the name off the engine's
    /// table, whichever record had put it there.
    fn leave(&mut self, clock: i64) {
        if self.live.drop_up_to(clock) {
            self.waiting.clear();
        }
    }

    /// A record of this name was dropped by the depth cap; that, too, takes the name off the table.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Whether anything to come can depend on this state, when the last record so far starts at `start`.
    pub fn is_open(&mut self, once: Once, start: i64) -> bool {
        match once {
            Once::Never => false,
            Once::Edit => {
                self.leave(start - 1);
                !self.live.is_empty()
            }
            Once::Clip => self.clip.is_some(),
            Once::Mosdepth => !self.waiting.is_empty(),
            Once::Megadepth => {
                self.waiting.drop_before(start);
                !self.waiting.is_empty()
            }
            Once::Template => {
                self.live.drop_up_to(start);
                !self.live.is_empty()
            }
        }
    }

    /// The same state, holding its records another way.
    pub fn map<S>(self, f: impl FnMut(R) -> S) -> State<S> {
        State { live: self.live, waiting: self.waiting.map(f), clip: self.clip, come: self.come }
    }

    /// The same where holding can fail.
    ///
    /// # Errors
    ///
    /// What `f` gives.
    pub fn try_map<S>(self, f: impl FnMut(R) -> Result<S>) -> Result<State<S>> {
        Ok(State { live: self.live, waiting: self.waiting.try_map(f)?, clip: self.clip, come: self.come })
    }
}

/// Records that wait, each with its key, the first without an allocation: all tools but megadepth let one wait at a time.
#[derive(Clone, Debug)]
struct Waiting<R> {
    one: Option<(i64, R)>,
    more: Vec<(i64, R)>,
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self { one: None, more: Vec::new() }
    }
}

impl<R> Waiting<R> {
    fn is_empty(&self) -> bool {
        self.one.is_none()
    }

    fn clear(&mut self) {
        self.one = None;
        self.more.clear();
    }

    fn push(&mut self, key: i64, record: R) {
        match self.one {
            None => self.one = Some((key, record)),
            Some(_) => self.more.push((key, record)),
        }
    }

    fn pop(&mut self) -> Option<R> {
        let record = self.one.take()?.1;
        self.one = self.more.pop();
        Some(record)
    }

    fn has(&self, key: i64) -> bool {
        self.one.iter().chain(&self.more).any(|w| w.0 == key)
    }

    fn take(&mut self, key: i64) -> Option<R> {
        if self.one.as_ref().is_some_and(|w| w.0 == key) {
            return self.pop();
        }
        let at = self.more.iter().position(|w| w.0 == key)?;
        Some(self.more.swap_remove(at).1)
    }

    fn drop_before(&mut self, key: i64) {
        self.more.retain(|w| w.0 >= key);
        if self.one.as_ref().is_some_and(|w| w.0 < key) {
            self.one = self.more.pop();
        }
    }

    fn try_map<S>(self, mut f: impl FnMut(R) -> Result<S>) -> Result<Waiting<S>> {
        let mut hold = |(key, r): (i64, R)| Ok((key, f(r)?));
        Ok(Waiting { one: self.one.map(&mut hold).transpose()?, more: self.more.into_iter().map(hold).collect::<Result<_>>()? })
    }

    fn map<S>(self, mut f: impl FnMut(R) -> S) -> Waiting<S> {
        let one = self.one.map(|(key, r)| (key, f(r)));
        Waiting { one, more: self.more.into_iter().map(|(key, r)| (key, f(r))).collect() }
    }
}

/// A few ends, the first two without an allocation.
#[derive(Clone, Debug, Default)]
struct Live {
    few: [i64; 2],
    n: u8,
    more: Vec<i64>,
}

impl Live {
    fn push(&mut self, end: i64) {
        match self.few.get_mut(usize::from(self.n)) {
            Some(slot) => {
                *slot = end;
                self.n += 1;
            }
            None => self.more.push(end),
        }
    }

    /// Drops the ends up to `clock`; whether there was one.
    fn drop_up_to(&mut self, clock: i64) -> bool {
        let before = self.len();
        let kept = self.few;
        let n = usize::from(self.n);
        self.n = 0;
        for &end in &kept[..n] {
            if end > clock {
                self.few[usize::from(self.n)] = end;
                self.n += 1;
            }
        }
        self.more.retain(|&end| end > clock);
        while self.n < 2
            && let Some(end) = self.more.pop()
        {
            self.few[usize::from(self.n)] = end;
            self.n += 1;
        }
        self.len() < before
    }

    fn len(&self) -> usize {
        usize::from(self.n) + self.more.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(clock: i64, end: i64) -> Arrival {
        Arrival { clock, end, looks: true, waits: true, key: 0 }
    }

    #[test]
    fn a_mate_in_the_buffer_is_met_once() {
        let mut state = State::default();
        assert_eq!(state.arrive(Once::Edit, at(0, 30), 'a'), Outcome::Alone);
        assert_eq!(state.arrive(Once::Edit, at(20, 40), 'b'), Outcome::Meets('a'));
        assert_eq!(state.arrive(Once::Edit, at(25, 50), 'c'), Outcome::Alone);
        assert_eq!(state.arrive(Once::Edit, at(26, 50), 'd'), Outcome::Meets('c'));
    }

    #[test]
    fn any_record_that_leaves_takes_the_name_with_it() {
        // s 10-20, a 15-40, b arrives when 20 has passed: s has left and a is no longer waited with.
        let mut state = State::default();
        let alone = Arrival { looks: false, waits: false, ..at(0, 20) };
        assert_eq!(state.arrive(Once::Edit, alone, 's'), Outcome::Alone);
        assert_eq!(state.arrive(Once::Edit, at(5, 40), 'a'), Outcome::Alone);
        assert_eq!(state.arrive(Once::Edit, at(20, 50), 'b'), Outcome::Alone);
        assert_eq!(state.arrive(Once::Edit, at(21, 60), 'c'), Outcome::Meets('b'));
    }

    #[test]
    fn the_first_read1_and_the_first_read2_are_a_template() {
        let read = |key, start, end| Arrival { key, ..at(start, end) };
        let mut state = State::default();
        assert_eq!(state.arrive(Once::Template, read(1, 20, 40), 'a'), Outcome::Alone);
        assert_eq!(state.arrive(Once::Template, read(1, 22, 42), 'b'), Outcome::Alone);
        assert_eq!(state.arrive(Once::Template, read(0, 30, 50), 'c'), Outcome::Meets('a'));
        assert_eq!(state.arrive(Once::Template, read(0, 32, 52), 'd'), Outcome::Alone);
    }

    #[test]
    fn depth_clips_the_later_record() {
        let mut state = State::default();
        assert_eq!(state.arrive(Once::Clip, at(0, 30), ()), Outcome::Alone);
        assert_eq!(state.arrive(Once::Clip, at(90, 40), ()), Outcome::CountsFrom(30));
        assert_eq!(state.arrive(Once::Clip, at(95, 50), ()), Outcome::Alone);
    }
}
