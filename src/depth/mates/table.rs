//! The names of one part, and what it tells the merge about them.

use super::{Arena, Carried, Carry, MateRule, Outcome, State};
use crate::error::Result;
use crate::source::record::Record;

/// No index.
const NONE: u32 = u32::MAX;

/// What a part tells the merge about names.
#[derive(Debug, Default)]
pub struct Seam {
    /// Every name of the part.
    pub heads: Heads,
    /// Copies of records an earlier part's record may be looking for.
    pub copies: Arena,
    /// How each of them came. `None` where the depth cap dropped it: the copy is its name alone.
    pub entries: Vec<Option<Entry>>,
    /// Names that can still meet something behind this part.
    pub open: Carry,
    /// The part cannot be right without the names before it.
    pub needs_carry: bool,
}

/// What of a record's arrival cannot be told from its copy.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// One past its last position.
    pub end: i64,
    /// The pileup engine's clock; `i64::MIN` where it is the first record of the whole part.
    pub clock: i64,
}

/// What is known of each name that came in a part.
#[derive(Debug, Default)]
pub struct Heads {
    slots: Slots,
    heads: Vec<Head>,
}

/// A name that came in a part.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    hash: u64,
    copy: u32,
    open: u32,
}

impl Heads {
    /// The first name with this hash.
    pub fn get(&self, hash: u64) -> Option<Head> {
        self.slots.find(hash, |id| self.heads[id as usize].hash == hash).ok().map(|id| self.heads[id as usize])
    }
}

impl Head {
    /// Which of [`Seam::copies`] is its first record; none unless that is also the name's only record, and looks for an earlier one or was
    /// dropped.
    pub fn copy(self) -> Option<u32> {
        (self.copy != NONE).then_some(self.copy)
    }

    /// Which of the names in [`Seam::open`] it is.
    pub fn open(self) -> Option<u32> {
        (self.open != NONE).then_some(self.open)
    }
}

/// A waiting record, or the letters of a name, within a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Index of a record kept of this part.
    Here(u32),
    /// One of the texts that were carried into the part.
    Carried(u32),
}

impl Held {
    /// The top bit tells the two apart: neither records kept nor carried texts are ever two billion.
    const CARRIED: u32 = 1 << 31;

    const fn pack(self) -> u32 {
        match self {
            Self::Here(i) => i,
            Self::Carried(i) => i | Self::CARRIED,
        }
    }

    /// The index of a record of this part.
    pub const fn index(self) -> Option<u32> {
        match self {
            Self::Here(i) => Some(i),
            Self::Carried(_) => None,
        }
    }

    /// What a handle in the table stands for.
    pub const fn of(handle: u32) -> Self {
        if handle & Self::CARRIED == 0 { Self::Here(handle) } else { Self::Carried(handle & !Self::CARRIED) }
    }
}

/// The records kept of a part, by their number.
pub trait KeptRecords {
    /// The record.
    fn record(&self, index: u32) -> Record<'_>;

    /// How it came.
    fn entry(&self, index: u32) -> Entry;

    /// Appends a copy to `out`, base qualities as they are after BAQ.
    ///
    /// # Errors
    ///
    /// What computing them gives.
    fn copy(&mut self, index: u32, out: &mut Vec<u8>) -> Result<()>;
}

/// The records and names that a table holds.
pub trait Texts<'t>: Copy {
    /// A record.
    fn record(self, held: Held) -> Record<'t>;
    /// The letters of a name.
    fn name(self, held: Held) -> &'t [u8];
}

/// The names of one part.
#[derive(Debug, Default)]
pub struct Table {
    slots: Slots,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    state: State,
    hash: u64,
    /// Where its letters are.
    text: u32,
    /// More than one record of it came.
    several: bool,
    /// The depth cap dropped its first record.
    dropped: bool,
    /// Its first record's mate lies in front of the part, or where the part begins.
    before: bool,
}

impl Table {
    /// Empties the table; `carried` are the names that come over the seam before the part. Their states are moved into the table.
    pub fn begin(&mut self, carried: &mut Carry) {
        self.slots.clear();
        self.names.clear();
        for name in &mut carried.names {
            let mut state = std::mem::take(&mut name.state);
            let Ok(()) = state.rename(|copy| Ok::<_, std::convert::Infallible>(Held::Carried(copy).pack()));
            if let Err(slot) = self.slots.find(name.hash, |_| false) {
                self.slots.enter(slot, name.hash, self.names.len() as u32);
            }
            self.names.push(Name {
                state,
                hash: name.hash,
                text: Held::Carried(name.name).pack(),
                several: false,
                dropped: false,
                before: false,
            });
        }
    }

    /// Moves the name of record `index`, of this hash, on by `arrival`; it is entered when it is new, `before` saying whether its mate may
    /// lie in front of the part.
    #[inline]
    pub fn arrive<'t, M: MateRule>(
        &mut self,
        hash: u64,
        (index, arrival): (u32, M::Arrival),
        before: bool,
        texts: impl Texts<'t>,
    ) -> Outcome {
        let name = (hash, texts.record(Held::Here(index)).name());
        let state = &mut self.find(name, index, before, |held| texts.name(held)).state;
        M::arrive(state, arrival, Held::Here(index).pack(), |handle| texts.record(Held::of(handle)))
    }

    /// Looks where a name with this hash would be. Asked for many names at once, the processor fetches all of those places together; one
    /// after the other each is waited for.
    #[inline]
    pub fn peek(&self, hash: u64) -> u64 {
        self.slots.peek(hash)
    }

    /// Record `index`, whose name has this hash, was dropped by the depth cap; that takes the name off the table.
    pub fn forget<'t>(&mut self, hash: u64, index: u32, texts: impl Texts<'t>) {
        let name = (hash, texts.record(Held::Here(index)).name());
        let name = self.find(name, index, false, |held| texts.name(held));
        // Whatever the name waited with in front of this part is gone as well: the join has to see that this name was here.
        name.dropped |= !name.several;
        name.state.stop_waiting();
    }

    #[inline]
    fn find<'t>(&mut self, (hash, name): (u64, &[u8]), index: u32, before: bool, text: impl Fn(Held) -> &'t [u8]) -> &mut Name {
        let names = &self.names;
        let same = |id: u32| {
            let known = &names[id as usize];
            known.hash == hash && text(Held::of(known.text)) == name
        };
        let id = match self.slots.find(hash, same) {
            Ok(id) => {
                self.names[id as usize].several = true;
                id
            }
            Err(slot) => {
                let id = self.names.len() as u32;
                self.slots.enter(slot, hash, id);
                self.names.push(Name {
                    state: State::default(),
                    hash,
                    text: Held::Here(index).pack(),
                    several: false,
                    dropped: false,
                    before,
                });
                id
            }
        };
        &mut self.names[id as usize]
    }

    /// Ends the part: its last record starts at `last_start`, `carried` are the names that came in. Where the part was counted with them
    /// known (`exact`), the merge need not look for names in it.
    ///
    /// # Errors
    ///
    /// What copying a record gives.
    pub fn finish<M: MateRule>(&mut self, last_start: i64, exact: bool, part: &mut impl KeptRecords, carried: &Carry) -> Result<Seam> {
        let mut seam = Seam::default();
        if !exact {
            seam.heads.heads.reserve_exact(self.names.len());
        }
        for mut name in self.names.drain(..) {
            let mut head = Head { hash: name.hash, copy: NONE, open: NONE };
            if let Held::Here(first) = Held::of(name.text)
                && !name.several
            {
                if name.dropped {
                    head.copy = seam.copies.push(part.record(first).name());
                    seam.entries.push(None);
                } else if name.before
                    && let entry = part.entry(first)
                    && M::arrival(part.record(first), entry.end, entry.clock).is_some_and(M::looks)
                {
                    head.copy = seam.copies.push_with(|out| part.copy(first, out))?;
                    seam.entries.push(Some(entry));
                }
            }
            if M::is_open(&mut name.state, last_start) {
                head.open = seam.open.names.len() as u32;
                let texts = &mut seam.open.texts;
                let text = match Held::of(name.text) {
                    Held::Here(i) => texts.push(part.record(i).name()),
                    Held::Carried(i) => texts.push(carried.texts.get(i)),
                };
                name.state.rename(|handle| match Held::of(handle) {
                    Held::Here(i) => texts.push_with(|out| part.copy(i, out)),
                    Held::Carried(i) => Ok(texts.push(carried.texts.get(i))),
                })?;
                seam.open.names.push(Carried { hash: name.hash, name: text, state: name.state });
            }
            if !exact {
                seam.heads.heads.push(head);
            }
        }
        if !exact {
            seam.heads.slots = self.slots.hand_over();
        }
        Ok(seam)
    }
}

/// Where the names of a part are: open addressing, half of the slots free. A slot is the upper half of a hash and a number from 1 on, or
/// 0, so that a few thousand names take little of a cache.
#[derive(Debug, Default)]
struct Slots {
    marks: Vec<u64>,
    used: usize,
    /// Slots to begin the next table with.
    usual: usize,
}

impl Slots {
    const LEAST: usize = 256;

    fn clear(&mut self) {
        self.used = 0;
        if self.marks.is_empty() {
            self.marks = vec![0; self.usual.max(Self::LEAST)];
        } else {
            self.marks.fill(0);
        }
    }

    /// Gives the slots away.
    fn hand_over(&mut self) -> Self {
        self.usual = self.marks.len();
        Self { marks: std::mem::take(&mut self.marks), used: self.used, usual: 0 }
    }

    #[inline]
    fn peek(&self, hash: u64) -> u64 {
        let Some(mask) = self.marks.len().checked_sub(1) else { return 0 };
        self.marks[(hash >> 32) as usize & mask]
    }

    /// The first of the numbers with this hash that is `same`, or the free slot where it would be.
    #[inline]
    fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> std::result::Result<u32, usize> {
        let Some(mask) = self.marks.len().checked_sub(1) else { return Err(0) };
        let mark = hash >> 32;
        let mut at = mark as usize & mask;
        loop {
            let slot = self.marks[at];
            if slot == 0 {
                return Err(at);
            }
            let id = slot as u32 - 1;
            if slot >> 32 == mark && same(id) {
                return Ok(id);
            }
            at = (at + 1) & mask;
        }
    }

    /// Puts a number into the free slot that was found for its hash.
    #[inline]
    fn enter(&mut self, slot: usize, hash: u64, id: u32) {
        self.marks[slot] = (hash >> 32) << 32 | u64::from(id + 1);
        self.used += 1;
        if 2 * self.used > self.marks.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![0; 2 * self.marks.len()];
        let mask = larger.len() - 1;
        for slot in std::mem::replace(&mut self.marks, larger) {
            if slot != 0 {
                let mut at = (slot >> 32) as usize & mask;
                while self.marks[at] != 0 {
                    at = (at + 1) & mask;
                }
                self.marks[at] = slot;
            }
        }
    }
}

/// A hash of a read name. Names come from a file, but equal hashes only cost time: names are compared.
#[inline]
pub fn hash_name(name: &[u8]) -> u64 {
    const K: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    // Sixteen bytes are one multiplication, and none waits for the one before.
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let mut h = name.len() as u64;
    let mut salt = K[0];
    let mut mix = |sixteen: &[u8; 16]| {
        let (words, _) = sixteen.as_chunks();
        h = h.wrapping_add(fold(word(&words[0]) ^ salt, word(&words[1]) ^ K[1]));
        salt = salt.wrapping_add(K[1]);
    };
    let (sixteens, rest) = name.as_chunks();
    sixteens.iter().for_each(&mut mix);
    if let Some(last) = name.last_chunk() {
        mix(last);
    } else {
        let mut padded = [0; 16];
        padded[..rest.len()].copy_from_slice(rest);
        mix(&padded);
    }
    fold(h ^ K[0], K[1])
}
