//! Columns of names, of which a file repeats most.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::error::{Error, Kind, Result};
use crate::memory;

/// A column of names: each distinct one once, in the order they appear, and which of them each row has.
///
/// The names lie in one piece of memory: a million of them are a million bytes' names and few allocations.
#[derive(Debug, Default)]
pub struct Names {
    /// The distinct names, one behind the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    rows: Vec<u32>,
    /// By the hash of a name: half of that hash, so that a table that grows need not look at the names, and its index in `ends`.
    ids: HashTable<(u32, u32)>,
    /// With a key of its own, so that no file is made of names that collide.
    hasher: RandomState,
}

impl Names {
    /// Number of distinct names.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The distinct names, as the file has them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..).take(self.ends.len()).map(|id: u32| name(&self.text, &self.ends, id))
    }

    /// For each row the index of its name among the distinct ones.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Adds `times` rows of one name.
    ///
    /// # Errors
    ///
    /// [`Kind::ResourceLimit`] when there is no memory for them.
    pub fn push(&mut self, new: &[u8], times: usize) -> Result<()> {
        let last = self.rows.last().copied();
        let id = match last.filter(|&id| name(&self.text, &self.ends, id) == new) {
            Some(id) => id,
            None => self.id(new)?,
        };
        memory::room(&mut self.rows, times)?;
        self.rows.resize(self.rows.len() + times, id);
        Ok(())
    }

    fn id(&mut self, new: &[u8]) -> Result<u32> {
        let Self { text, ends, ids, hasher, .. } = self;
        let [a, b, c, d, ..] = hasher.hash_one(new).to_le_bytes();
        let half = u32::from_le_bytes([a, b, c, d]);
        if let Some(&(_, id)) = ids.find(spread(half), |&(other, id)| other == half && name(text, ends, id) == new) {
            return Ok(id);
        }
        // A column of categories has codes of 31 bits.
        let id =
            i32::try_from(ends.len()).map_err(|_| Error::new(Kind::ResourceLimit, "more than 2 billion distinct names"))?.cast_unsigned();
        memory::room(text, new.len())?;
        memory::room(ends, 1)?;
        ids.try_reserve(1, |&(half, _)| spread(half)).map_err(|_| memory::short())?;
        text.extend_from_slice(new);
        ends.push(text.len());
        ids.insert_unique(spread(half), (half, id), |&(half, _)| spread(half));
        Ok(id)
    }
}

fn name<'a>(text: &'a [u8], ends: &[usize], id: u32) -> &'a [u8] {
    let id = id as usize;
    let start = id.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    ends.get(id).and_then(|&end| text.get(start..end)).unwrap_or_default()
}

/// A hash of 64 bits, of which the table uses both ends, from half of one.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_in_the_order_they_appear() {
        let mut names = Names::default();
        for (new, times) in [(&b""[..], 2), (b"b", 1), (b"a", 1), (b"b", 3), (b"", 1)] {
            names.push(new, times).unwrap();
        }
        assert_eq!(names.iter().collect::<Vec<_>>(), [&b""[..], b"b", b"a"]);
        assert_eq!(names.rows(), [0, 0, 1, 2, 1, 1, 1, 0]);
    }

    #[test]
    fn many_names_are_all_found_again() {
        let mut names = Names::default();
        for round in 0..2 {
            for i in 0..5000 {
                names.push(format!("{i}").as_bytes(), 1).unwrap();
                assert_eq!((names.len(), names.rows().last()), (if round == 0 { i + 1 } else { 5000 }, Some(&(i as u32))));
            }
        }
    }
}
