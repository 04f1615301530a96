//! Names between two parts.

use std::convert::Infallible;

use super::{MateRule, State};

/// Byte strings in one buffer, each known by its number.
#[derive(Debug, Default)]
pub struct Arena {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Arena {
    /// Adds a string.
    pub fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.close()
    }

    /// Adds the string that `write` appends to the buffer.
    ///
    /// # Errors
    ///
    /// What `write` gives; nothing is added then.
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<u32, E> {
        let before = self.bytes.len();
        write(&mut self.bytes).inspect_err(|_| self.bytes.truncate(before))?;
        Ok(self.close())
    }

    fn close(&mut self) -> u32 {
        self.ends.push(self.bytes.len());
        self.ends.len() as u32 - 1
    }

    /// String number `handle`.
    pub fn get(&self, handle: u32) -> &[u8] {
        let i = handle as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start..self.ends[i]]
    }

    /// Adds the strings of `other`; their numbers rise by what is returned.
    fn append(&mut self, other: &Self) -> u32 {
        let (strings, bytes) = (self.ends.len() as u32, self.bytes.len());
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + bytes));
        strings
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// A name between two parts.
#[derive(Debug)]
pub struct Carried {
    /// Hash of the name.
    pub hash: u64,
    /// The name, in [`Carry::texts`].
    pub name: u32,
    /// Its state; the records it waits with are copies in [`Carry::texts`], base qualities as they are after BAQ.
    pub state: State,
}

/// All names between two parts.
#[derive(Debug, Default)]
pub struct Carry {
    /// The names, in no order.
    pub names: Vec<Carried>,
    /// Their letters and the records they wait with.
    pub texts: Arena,
    /// Bytes the texts may have before those nobody needs any more are thrown away.
    limit: usize,
}

impl Carry {
    /// Bytes of texts that are not worth a look.
    const LITTLE: usize = 1 << 20;

    /// Forgets all names.
    pub fn clear(&mut self) {
        self.names.clear();
        self.texts.clear();
    }

    /// Forgets the names nothing to come can depend on, when the last record so far starts at `start`.
    pub fn keep_open<M: MateRule>(&mut self, start: i64) {
        self.names.retain_mut(|name| M::is_open(&mut name.state, start));
        if self.names.is_empty() {
            self.texts.clear();
        } else if self.texts.bytes.len() > self.limit.max(Self::LITTLE) {
            self.throw_away();
            self.limit = 2 * self.texts.bytes.len();
        }
    }

    fn throw_away(&mut self) {
        let old = std::mem::take(&mut self.texts);
        for name in &mut self.names {
            name.name = self.texts.push(old.get(name.name));
            let Ok(()) = name.state.rename(|copy| Ok::<_, Infallible>(self.texts.push(old.get(copy))));
        }
    }

    /// Adds the names of `other` but for those whose index is in `left_out`.
    pub fn join(&mut self, mut other: Self, mut left_out: Vec<u32>) {
        left_out.sort_unstable();
        let mut left_out = left_out.into_iter().peekable();
        let base = self.texts.append(&other.texts);
        self.names.reserve(other.names.len());
        for (i, mut name) in other.names.drain(..).enumerate() {
            if left_out.next_if_eq(&(i as u32)).is_some() {
                continue;
            }
            name.name += base;
            let Ok(()) = name.state.rename(|copy| Ok::<_, Infallible>(copy + base));
            self.names.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Megadepth;
    use super::*;

    fn carry(names: &[&[u8]]) -> Carry {
        let mut carry = Carry::default();
        for (i, text) in names.iter().enumerate() {
            let mut state = State::default();
            let copy = carry.texts.push(&[b"record of ", *text].concat());
            state.wait(10 + i as i64, 10 + i as i64, copy);
            let name = carry.texts.push(text);
            carry.names.push(Carried { hash: i as u64, name, state });
        }
        carry
    }

    fn waiting(Carry { names, texts, .. }: &Carry) -> Vec<(Vec<u8>, Vec<u8>)> {
        let record = |state: &State| texts.get(state.waiting().next().unwrap().handle).to_vec();
        names.iter().map(|name| (texts.get(name.name).to_vec(), record(&name.state))).collect()
    }

    #[test]
    fn names_keep_their_texts_when_joined_and_thrown_away() {
        let mut all = carry(&[b"a", b"bb", b"ccc"]);
        all.join(carry(&[b"dddd", b"", b"f"]), vec![1]);
        all.keep_open::<Megadepth>(12);
        all.throw_away();
        let pair = |name: &str| (name.into(), format!("record of {name}").into_bytes());
        assert_eq!(waiting(&all), [pair("ccc"), pair("f")]);
    }
}
