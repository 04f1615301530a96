//! The state of one read name.

/// The position that stands for none: below every position and every end.
const NOWHERE: i32 = i32::MIN;
/// The handle that stands for no record.
const NO_RECORD: u32 = u32::MAX;

/// A record that waits for a later one of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The position whose passing ends the wait: a record waits while the clock of its rule is below it.
    pub until: i32,
    /// Where its mate starts, as far as the rule says.
    pub mate: i32,
    /// Its handle; only the holder of the state knows which record it stands for.
    pub handle: u32,
}

impl Waiting {
    /// No record.
    const NONE: Self = Self { until: NOWHERE, mate: NOWHERE, handle: NO_RECORD };
}

/// What is remembered of one read name: the ends of records, and records that wait.
///
/// A part has a state for each of its names, and they are to stay in cache: what most names need is inline, the rest is in [`More`].
/// Positions have 32 bits. No record starts beyond the largest of them, so a larger end behaves as that one.
#[derive(Clone, Debug)]
pub struct State {
    /// Ends of records.
    ends: [i32; 2],
    /// The record that has waited longest.
    first: Waiting,
    more: Option<Box<More>>,
}

/// What few names have: a third end, a second record that waits.
#[derive(Clone, Debug, Default)]
struct More {
    ends: Vec<i32>,
    /// In the order they came.
    waiting: Vec<Waiting>,
}

impl Default for State {
    fn default() -> Self {
        Self { ends: [NOWHERE; 2], first: Waiting::NONE, more: None }
    }
}

impl State {
    /// Remembers the end of a record.
    #[inline]
    pub fn remember(&mut self, end: i64) {
        let end = narrow(end);
        match self.ends.iter_mut().find(|e| **e == NOWHERE) {
            Some(free) => *free = end,
            None => self.more.get_or_insert_default().ends.push(end),
        }
    }

    /// Forgets the ends up to `clock`, and says whether there were any.
    #[inline]
    pub fn forget_ends(&mut self, clock: i64) -> bool {
        let clock = narrow(clock);
        let mut some = false;
        for end in &mut self.ends {
            if *end != NOWHERE && *end <= clock {
                (*end, some) = (NOWHERE, true);
            }
        }
        if let Some(more) = &mut self.more {
            let before = more.ends.len();
            more.ends.retain(|&end| end > clock);
            some |= more.ends.len() < before;
        }
        some
    }

    /// Forgets one remembered end, and gives it.
    #[inline]
    pub fn take_end(&mut self) -> Option<i64> {
        let end = std::mem::replace(&mut self.ends[0], NOWHERE);
        (end != NOWHERE).then_some(i64::from(end))
    }

    /// Whether an end is remembered.
    #[inline]
    pub fn has_ends(&self) -> bool {
        self.ends != [NOWHERE; 2] || self.more.as_ref().is_some_and(|more| !more.ends.is_empty())
    }

    /// Adds a record that waits while the clock is below `until`; `mate` is where its mate starts.
    #[inline]
    pub fn wait(&mut self, until: i64, mate: i64, handle: u32) {
        let waiting = Waiting { until: narrow(until), mate: narrow(mate), handle };
        if self.first.handle == NO_RECORD {
            self.first = waiting;
        } else {
            self.more.get_or_insert_default().waiting.push(waiting);
        }
    }

    /// Makes `handle` the only record that waits.
    #[inline]
    pub fn wait_alone(&mut self, handle: u32) {
        self.stop_waiting();
        self.first.handle = handle;
    }

    /// No record waits any more.
    #[inline]
    pub fn stop_waiting(&mut self) {
        self.first = Waiting::NONE;
        if let Some(more) = &mut self.more {
            more.waiting.clear();
        }
    }

    /// Ends the wait of the records whose `until` the clock has reached.
    #[inline]
    pub fn end_waits(&mut self, clock: i64) {
        let clock = narrow(clock);
        if let Some(more) = &mut self.more {
            more.waiting.retain(|waiting| waiting.until > clock);
        }
        if self.first.handle != NO_RECORD && self.first.until <= clock {
            self.take_first();
        }
    }

    /// Whether a record waits.
    #[inline]
    pub fn waits(&self) -> bool {
        self.first.handle != NO_RECORD
    }

    /// The records that wait, in the order they came.
    #[inline]
    pub fn waiting(&self) -> impl Iterator<Item = Waiting> + '_ {
        let first = (self.first.handle != NO_RECORD).then_some(self.first);
        first.into_iter().chain(self.more.iter().flat_map(|more| more.waiting.iter().copied()))
    }

    /// Takes out the record that has waited longest.
    #[inline]
    pub fn take_first(&mut self) -> Option<u32> {
        let taken = std::mem::replace(&mut self.first, Waiting::NONE);
        if let Some(more) = self.more.as_mut().filter(|more| !more.waiting.is_empty()) {
            self.first = more.waiting.remove(0);
        }
        (taken.handle != NO_RECORD).then_some(taken.handle)
    }

    /// Takes out a record that waits.
    #[inline]
    pub fn take(&mut self, handle: u32) {
        if self.first.handle == handle {
            self.take_first();
        } else if let Some(more) = &mut self.more {
            more.waiting.retain(|waiting| waiting.handle != handle);
        }
    }

    /// Gives every record that waits another handle.
    ///
    /// # Errors
    ///
    /// What `f` gives.
    pub fn rename<E>(&mut self, mut f: impl FnMut(u32) -> Result<u32, E>) -> Result<(), E> {
        if self.waits() {
            self.first.handle = f(self.first.handle)?;
        }
        for waiting in self.more.iter_mut().flat_map(|more| &mut more.waiting) {
            waiting.handle = f(waiting.handle)?;
        }
        Ok(())
    }
}

/// A position in 32 bits, the nearest there is.
#[inline]
fn narrow(position: i64) -> i32 {
    position.clamp(i64::from(i32::MIN) + 1, i64::from(i32::MAX)) as i32
}
