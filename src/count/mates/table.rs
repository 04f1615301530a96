//! The names of one part, and what it tells the merge about them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{Arrival, Outcome, State};
use crate::error::Result;
use crate::rules::Once;
use crate::source::record::Record;

/// A name between two parts.
#[derive(Clone, Debug)]
pub struct Carried {
    /// Hash of the name, the key of [`Seam::heads`].
    pub hash: u64,
    /// The name.
    pub name: Box<[u8]>,
    /// Its state; the record it waits with is a copy, base qualities as they are after BAQ.
    pub state: State<Box<[u8]>>,
}

/// What is known of a name that had its first record of a part.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Its records in the part.
    pub records: u32,
    /// The first of them; a clock of `i64::MIN` where that record is the first of the whole part.
    pub first: Arrival,
    /// Index of a copy of the first, in [`Seam::copies`].
    pub copy: Option<u32>,
}

/// What a part tells the merge about names.
#[derive(Debug, Default)]
pub struct Seam {
    /// Hash of a name to the index of its head.
    pub heads: HashMap<u64, u32, BuildHasherDefault<KeepHash>>,
    /// A head per name.
    pub names: Vec<Head>,
    /// Copies of records an earlier part's record may be looking for.
    pub copies: Vec<Box<[u8]>>,
    /// Names that can still meet something behind this part.
    pub open: Vec<Carried>,
    /// The part cannot be right without the names before it.
    pub needs_carry: bool,
}

/// A waiting record within a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Index of a survivor of this part.
    Here(u32),
    /// Index into the copies that were carried into the part.
    Carried(u32),
}

/// The names of one part.
#[derive(Debug, Default)]
pub struct Table {
    heads: HashMap<u64, u32, BuildHasherDefault<KeepHash>>,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    state: State<Held>,
    head: Head,
    /// Where its text is: a survivor of this part, or a carried name.
    text: Held,
    hash: u64,
}

impl Table {
    /// Empties the table; `carried` are the names that come over the seam before the part. Returns the copies their states wait with.
    pub fn begin(&mut self, carried: &mut [Carried]) -> Vec<Box<[u8]>> {
        self.heads.clear();
        self.names.clear();
        let mut copies = Vec::new();
        for (i, name) in carried.iter_mut().enumerate() {
            let state = std::mem::take(&mut name.state).map(|copy| {
                copies.push(copy);
                Held::Carried(copies.len() as u32 - 1)
            });
            let mut key = name.hash;
            while self.heads.contains_key(&key) {
                key = key.wrapping_add(1);
            }
            self.heads.insert(key, self.names.len() as u32);
            let first = Arrival { clock: i64::MIN, end: i64::MIN, looks: false, waits: false, key: 0 };
            self.names.push(Name { state, head: Head { records: 0, first, copy: None }, text: Held::Carried(i as u32), hash: name.hash });
        }
        copies
    }

    /// The name of survivor `index`, entered when it is new. `text` gives the bytes of a name already in the table.
    pub fn find<'t>(&mut self, name: &[u8], index: u32, text: impl Fn(Held) -> &'t [u8]) -> usize {
        let hash = hash_name(name);
        let mut key = hash;
        loop {
            match self.heads.entry(key) {
                std::collections::hash_map::Entry::Occupied(slot) => {
                    let id = *slot.get() as usize;
                    if text(self.names[id].text) == name {
                        return id;
                    }
                    // Another name with this hash: look further, as when it was entered.
                    key = key.wrapping_add(1);
                }
                std::collections::hash_map::Entry::Vacant(slot) => {
                    slot.insert(self.names.len() as u32);
                    let first = Arrival { clock: i64::MIN, end: i64::MIN, looks: false, waits: false, key: 0 };
                    let head = Head { records: 0, first, copy: None };
                    self.names.push(Name { state: State::default(), head, text: Held::Here(index), hash });
                    return self.names.len() - 1;
                }
            }
        }
    }

    /// Moves a name on by one record of this part.
    pub fn arrive(&mut self, id: usize, once: Once, arrival: Arrival, index: u32) -> Outcome<Held> {
        let name = &mut self.names[id];
        if name.head.records == 0 {
            name.head.first = arrival;
        }
        name.head.records += 1;
        name.state.arrive(once, arrival, Held::Here(index))
    }

    /// A record of this name was dropped by the depth cap.
    pub fn forget(&mut self, id: usize) {
        // Whatever the name waited with in front of this part is gone as well: the merge has to see that this name was here.
        self.names[id].head.records += 2;
        self.names[id].state.forget();
    }

    /// Ends the part: its last record starts at `last_start`, `copy_head` says whether a name's only record is to be kept for the merge,
    /// `bytes` gives a survivor's bytes and `carried` the names that came in.
    ///
    /// # Errors
    ///
    /// What `copy` gives.
    #[expect(clippy::too_many_arguments, reason = "where the part's records are, and where those before it")]
    pub fn finish<'t>(
        &mut self,
        once: Once,
        last_start: i64,
        copy_head: impl Fn(u32) -> bool,
        record: impl Fn(u32) -> Record<'t>,
        mut copy: impl FnMut(u32) -> Result<Box<[u8]>>,
        carried: &[Carried],
        copies: &[Box<[u8]>],
    ) -> Result<Seam> {
        let mut seam = Seam { heads: std::mem::take(&mut self.heads), ..Seam::default() };
        seam.names.reserve(self.names.len());
        for mut name in self.names.drain(..) {
            if let Held::Here(first) = name.text
                && name.head.records == 1
                && name.head.first.looks
                && copy_head(first)
            {
                name.head.copy = Some(seam.copies.len() as u32);
                seam.copies.push(copy(first)?);
            }
            seam.names.push(name.head);
            if name.state.is_open(once, last_start) {
                let text = match name.text {
                    Held::Here(i) => record(i).name().into(),
                    Held::Carried(i) => carried[i as usize].name.clone(),
                };
                let state = name.state.try_map(|held| match held {
                    Held::Here(i) => copy(i),
                    Held::Carried(i) => Ok(copies[i as usize].clone()),
                })?;
                seam.open.push(Carried { hash: name.hash, name: text, state });
            }
        }
        Ok(seam)
    }
}

/// A hash of a read name. Names come from a file, but equal hashes only cost time: names are compared.
pub fn hash_name(name: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut h = (name.len() as u64).wrapping_mul(K);
    let mut words = name.chunks_exact(8);
    for w in &mut words {
        h = (h ^ u64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]])).wrapping_mul(K);
        h ^= h >> 29;
    }
    let mut tail = [0; 8];
    let rest = words.remainder();
    tail[..rest.len()].copy_from_slice(rest);
    h = (h ^ u64::from_le_bytes(tail)).wrapping_mul(K);
    h ^ (h >> 32)
}

/// Uses a number that is a hash already as the hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepHash(u64);

impl Hasher for KeepHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(b);
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}
