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

mod carry;
mod table;

pub use carry::{Arena, Carried, Carry};
pub use table::{Heads, Held, KeptRecords, Seam, Table, hash_name};

use crate::rules::MateOverlap;
use crate::source::record::{FIRST, LAST, MATE_UNMAPPED, PAIRED, PROPER_PAIR, Record, SECONDARY, SUPPLEMENTARY, UNMAPPED};

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
    /// Which record it is: READ1 or READ2 (`MateOverlap::Template`), its own position or its mate's (`MateOverlap::Megadepth`); its end
    /// (`MateOverlap::Union`, `MateOverlap::Best`).
    pub key: i64,
}

impl Arrival {
    /// How `record` takes part, `None` when it does not. `clock` is that of the pileup engine.
    pub fn of(once: MateOverlap, record: Record<'_>, end: i64, clock: i64) -> Option<Self> {
        let flags = record.flags();
        let start = i64::from(record.pos());
        let mate = i64::from(record.mate_pos());
        let with_mate = record.mate_contig_id() == record.contig_id();
        match once {
            MateOverlap::Never => None,
            MateOverlap::Edit if flags & PROPER_PAIR == 0 => None,
            MateOverlap::Edit => {
                let elsewhere = record.mate_contig_id() >= 0 && !with_mate;
                let apart = i64::from(record.template_len()).abs() >= 2 * record.seq_len() as i64 && mate >= end;
                let looks = flags & MATE_UNMAPPED == 0 && !elsewhere && !apart;
                let waits = looks && (mate >= start || (flags & PAIRED != 0 && mate == -1));
                Some(Self { clock, end, looks, waits, key: 0 })
            }
            MateOverlap::Clip if flags & PAIRED == 0 || flags & MATE_UNMAPPED != 0 => None,
            MateOverlap::Clip => {
                let end = end.max(start + 1);
                let waits = mate == -1 || (with_mate && mate <= end);
                Some(Self { clock, end, looks: true, waits, key: 0 })
            }
            MateOverlap::Mosdepth if flags & PROPER_PAIR == 0 || flags & SUPPLEMENTARY != 0 => None,
            MateOverlap::Mosdepth => {
                let reaches = with_mate && end.max(start + 1) > mate;
                // A record that starts before its mate waits without looking; one that starts with it does whichever is called for.
                let looks = !(reaches && start < mate);
                Some(Self { clock, end, looks, waits: reaches && start <= mate, key: 0 })
            }
            MateOverlap::Megadepth if flags & PROPER_PAIR == 0 || !with_mate || end.max(start + 1) <= mate => None,
            MateOverlap::Megadepth => {
                let key = if start >= mate { start } else { mate };
                Some(Self { clock: start - 1, end, looks: start >= mate, waits: start <= mate, key })
            }
            MateOverlap::Template => {
                let primary = flags & (SECONDARY | SUPPLEMENTARY) == 0;
                let paired = flags & PAIRED != 0 && flags & MATE_UNMAPPED == 0 && with_mate;
                let one = (flags & FIRST != 0) != (flags & LAST != 0);
                let key = i64::from(flags & FIRST != 0);
                (primary && paired && one).then_some(Self { clock: start, end, looks: true, waits: true, key })
            }
            MateOverlap::Union | MateOverlap::Best => {
                let end = end.max(start + 1);
                let len = if flags & UNMAPPED == 0 { end - start } else { 1 };
                // perbase's guess whether the mate may be in reach.
                let near = i64::from(record.template_len()).abs() / 2 < len || (mate - start).abs() < len;
                let joins = once == MateOverlap::Best || (flags & PAIRED != 0 && with_mate && near);
                joins.then_some(Self { clock: start, end, looks: true, waits: true, key: end })
            }
        }
    }
}

/// What an arrival comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It counts by itself.
    Alone,
    /// It meets the earlier record of this handle.
    Meets(u32),
    /// It counts only from this position on.
    CountsFrom(i64),
    /// It joins the earlier records of these handles, in the order of the file.
    Joins(Vec<u32>),
}

/// No position: below every clock and every end.
const NOWHERE: i32 = i32::MIN;
/// No record.
const NOBODY: u32 = u32::MAX;

/// The state of one name. Records that wait are known by a handle, of which only the holder of the state knows what it stands for.
///
/// There is one of these per name of a part, and they are to stay in cache: what nearly every name needs is inline and small, the rest
/// is in [`More`]. Positions are 32 bits wide: an end beyond that is as good as the largest one, since no record starts there.
#[derive(Clone, Debug)]
pub struct State {
    /// Ends of the name's records that are still remembered; for `MateOverlap::Clip` the end of the record that waits.
    live: [i32; 2],
    /// The record that waits.
    waiting: u32,
    /// Its key.
    key: i32,
    /// Which of READ1 (bit 1) and READ2 (bit 0) have come (`MateOverlap::Template`).
    come: u8,
    more: Option<Box<More>>,
}

/// What few names have: a third record that is remembered, several that wait (megadepth, perbase).
#[derive(Clone, Debug, Default)]
struct More {
    live: Vec<i32>,
    waiting: Vec<(i32, u32)>,
}

impl Default for State {
    fn default() -> Self {
        Self { live: [NOWHERE; 2], waiting: NOBODY, key: 0, come: 0, more: None }
    }
}

impl State {
    /// Moves on by one record; `me` is that record's handle.
    #[inline]
    pub fn arrive(&mut self, once: MateOverlap, arrival: Arrival, me: u32) -> Outcome {
        match once {
            MateOverlap::Never => Outcome::Alone,
            MateOverlap::Edit => self.arrive_in_buffer(arrival, me),
            MateOverlap::Clip => {
                let before = self.live[0];
                if before != NOWHERE {
                    self.live[0] = NOWHERE;
                    return Outcome::CountsFrom(i64::from(before));
                }
                if arrival.waits {
                    self.live[0] = narrow(arrival.end);
                }
                Outcome::Alone
            }
            MateOverlap::Mosdepth => {
                if arrival.looks
                    && let Some(earlier) = self.pop()
                {
                    return Outcome::Meets(earlier);
                }
                if arrival.waits {
                    self.waiting = me;
                }
                Outcome::Alone
            }
            MateOverlap::Megadepth => self.arrive_at_position(arrival, me),
            MateOverlap::Template => self.arrive_in_template(arrival, me),
            MateOverlap::Union | MateOverlap::Best => self.arrive_in_group(arrival, me),
        }
    }

    #[inline]
    fn arrive_in_buffer(&mut self, arrival: Arrival, me: u32) -> Outcome {
        self.leave(narrow(arrival.clock));
        self.remember(narrow(arrival.end));
        if arrival.looks {
            if let Some(earlier) = self.pop() {
                return Outcome::Meets(earlier);
            }
            if arrival.waits {
                self.waiting = me;
            }
        }
        Outcome::Alone
    }

    fn arrive_at_position(&mut self, arrival: Arrival, me: u32) -> Outcome {
        self.drop_waiting_before(narrow(arrival.clock + 1));
        let key = narrow(arrival.key);
        if arrival.looks
            && let Some(earlier) = self.take(key)
        {
            return Outcome::Meets(earlier);
        }
        if arrival.waits && !self.has(key) {
            if self.waiting == NOBODY {
                (self.waiting, self.key) = (me, key);
            } else {
                self.more.get_or_insert_default().waiting.push((key, me));
            }
        }
        Outcome::Alone
    }

    #[inline]
    fn arrive_in_template(&mut self, arrival: Arrival, me: u32) -> Outcome {
        self.forget_ends(narrow(arrival.clock));
        if self.is_forgotten() {
            (self.waiting, self.come) = (NOBODY, 0);
        }
        let (mine, both) = (1 << arrival.key, 3);
        if self.come & mine != 0 {
            return Outcome::Alone;
        }
        self.come |= mine;
        self.remember(narrow(arrival.end));
        if self.come != both {
            self.waiting = me;
            return Outcome::Alone;
        }
        self.pop().map_or(Outcome::Alone, Outcome::Meets)
    }

    /// All records that wait are in [`More`] here, which keeps their order.
    fn arrive_in_group(&mut self, arrival: Arrival, me: u32) -> Outcome {
        self.drop_waiting_before(narrow(arrival.clock + 1));
        let group = &mut self.more.get_or_insert_default().waiting;
        let earlier: Vec<_> = group.iter().map(|&(_, handle)| handle).collect();
        group.push((narrow(arrival.key), me));
        if earlier.is_empty() { Outcome::Alone } else { Outcome::Joins(earlier) }
    }

    /// Lets the records leave the buffer that end at or before `clock`. The first of them to go takes the name off the engine's
    /// table, whichever record had put it there.
    #[inline]
    fn leave(&mut self, clock: i32) {
        if self.forget_ends(clock) {
            self.waiting = NOBODY;
        }
    }

    /// A record of this name was dropped by the depth cap; that, too, takes the name off the table.
    pub fn forget(&mut self) {
        self.waiting = NOBODY;
    }

    /// Whether anything to come can depend on this state, when the last record so far starts at `start`.
    pub fn is_open(&mut self, once: MateOverlap, start: i64) -> bool {
        match once {
            MateOverlap::Never => false,
            MateOverlap::Edit => {
                self.leave(narrow(start - 1));
                !self.is_forgotten()
            }
            MateOverlap::Clip => self.live[0] != NOWHERE,
            MateOverlap::Mosdepth => self.waiting != NOBODY,
            MateOverlap::Megadepth => {
                self.drop_waiting_before(narrow(start));
                self.waiting != NOBODY
            }
            MateOverlap::Template => {
                self.forget_ends(narrow(start));
                !self.is_forgotten()
            }
            MateOverlap::Union | MateOverlap::Best => {
                self.drop_waiting_before(narrow(start + 1));
                self.more.as_ref().is_some_and(|more| !more.waiting.is_empty())
            }
        }
    }

    /// Gives every record that waits another handle.
    ///
    /// # Errors
    ///
    /// What `f` gives.
    pub fn rename<E>(&mut self, mut f: impl FnMut(u32) -> Result<u32, E>) -> Result<(), E> {
        if self.waiting != NOBODY {
            self.waiting = f(self.waiting)?;
        }
        for (_, handle) in self.more.iter_mut().flat_map(|more| &mut more.waiting) {
            *handle = f(*handle)?;
        }
        Ok(())
    }

    #[inline]
    fn remember(&mut self, end: i32) {
        match self.live.iter_mut().find(|e| **e == NOWHERE) {
            Some(free) => *free = end,
            None => self.more.get_or_insert_default().live.push(end),
        }
    }

    /// Drops the ends up to `clock`; whether there was one.
    #[inline]
    fn forget_ends(&mut self, clock: i32) -> bool {
        let mut some = false;
        for end in &mut self.live {
            if *end != NOWHERE && *end <= clock {
                (*end, some) = (NOWHERE, true);
            }
        }
        if let Some(more) = &mut self.more {
            let before = more.live.len();
            more.live.retain(|&end| end > clock);
            some |= more.live.len() < before;
        }
        some
    }

    /// Whether no end is remembered.
    #[inline]
    fn is_forgotten(&self) -> bool {
        self.live == [NOWHERE; 2] && self.more.as_ref().is_none_or(|more| more.live.is_empty())
    }

    #[inline]
    fn pop(&mut self) -> Option<u32> {
        let record = std::mem::replace(&mut self.waiting, NOBODY);
        if let Some(more) = &mut self.more
            && let Some((key, next)) = more.waiting.pop()
        {
            (self.waiting, self.key) = (next, key);
        }
        (record != NOBODY).then_some(record)
    }

    fn has(&self, key: i32) -> bool {
        let more = self.more.iter().flat_map(|more| &more.waiting);
        (self.waiting != NOBODY && self.key == key) || more.into_iter().any(|w| w.0 == key)
    }

    fn take(&mut self, key: i32) -> Option<u32> {
        if self.waiting != NOBODY && self.key == key {
            return self.pop();
        }
        let more = &mut self.more.as_mut()?.waiting;
        let at = more.iter().position(|w| w.0 == key)?;
        Some(more.swap_remove(at).1)
    }

    fn drop_waiting_before(&mut self, key: i32) {
        if let Some(more) = &mut self.more {
            more.waiting.retain(|w| w.0 >= key);
        }
        if self.waiting != NOBODY && self.key < key {
            self.pop();
        }
    }
}

/// A position in 32 bits, the nearest there is.
#[inline]
fn narrow(position: i64) -> i32 {
    position.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
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
        assert_eq!(state.arrive(MateOverlap::Edit, at(0, 30), 0), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Edit, at(20, 40), 1), Outcome::Meets(0));
        assert_eq!(state.arrive(MateOverlap::Edit, at(25, 50), 2), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Edit, at(26, 50), 3), Outcome::Meets(2));
    }

    #[test]
    fn any_record_that_leaves_takes_the_name_with_it() {
        // s 10-20, a 15-40, b arrives when 20 has passed: s has left and a is no longer waited with.
        let mut state = State::default();
        let alone = Arrival { looks: false, waits: false, ..at(0, 20) };
        assert_eq!(state.arrive(MateOverlap::Edit, alone, 5), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Edit, at(5, 40), 0), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Edit, at(20, 50), 1), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Edit, at(21, 60), 2), Outcome::Meets(1));
    }

    #[test]
    fn the_first_read1_and_the_first_read2_are_a_template() {
        let read = |key, start, end| Arrival { key, ..at(start, end) };
        let mut state = State::default();
        assert_eq!(state.arrive(MateOverlap::Template, read(1, 20, 40), 0), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Template, read(1, 22, 42), 1), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Template, read(0, 30, 50), 2), Outcome::Meets(0));
        assert_eq!(state.arrive(MateOverlap::Template, read(0, 32, 52), 3), Outcome::Alone);
    }

    #[test]
    fn records_of_a_name_join_those_that_reach_over_their_start() {
        let read = |start, end| Arrival { key: end, ..at(start, end) };
        let mut state = State::default();
        assert_eq!(state.arrive(MateOverlap::Union, read(20, 40), 0), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Union, read(25, 60), 1), Outcome::Joins(vec![0]));
        assert_eq!(state.arrive(MateOverlap::Union, read(30, 50), 2), Outcome::Joins(vec![0, 1]));
        assert_eq!(state.arrive(MateOverlap::Union, read(40, 70), 3), Outcome::Joins(vec![1, 2]));
        assert_eq!(state.arrive(MateOverlap::Union, read(70, 80), 4), Outcome::Alone);
    }

    #[test]
    fn depth_clips_the_later_record() {
        let mut state = State::default();
        assert_eq!(state.arrive(MateOverlap::Clip, at(0, 30), 0), Outcome::Alone);
        assert_eq!(state.arrive(MateOverlap::Clip, at(90, 40), 1), Outcome::CountsFrom(30));
        assert_eq!(state.arrive(MateOverlap::Clip, at(95, 50), 2), Outcome::Alone);
    }
}
