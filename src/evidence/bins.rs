//! Counters by size, for sizes that are mostly small.

use std::collections::BTreeMap;

/// Sizes below this are counted in an array, larger ones in a map: one long read must not allocate a counter for each shorter length.
const DENSE: usize = 1 << 12;

/// A counter for each size that occurs.
#[derive(Clone, Debug, Default)]
pub(super) struct Bins<T> {
    /// The counters of size 0, 1, …, as far as sizes below [`DENSE`] have occurred.
    dense: Vec<T>,
    sparse: BTreeMap<u64, T>,
}

impl<T: Copy + Default> Bins<T> {
    /// The counter of `size`.
    #[inline]
    pub fn at(&mut self, size: u64) -> &mut T {
        let i = size as usize;
        if size >= DENSE as u64 {
            return self.sparse.entry(size).or_default();
        }
        if i >= self.dense.len() {
            self.grow(i);
        }
        &mut self.dense[i]
    }

    #[cold]
    fn grow(&mut self, i: usize) {
        self.dense.resize((i + 1).next_power_of_two(), T::default());
    }

    /// Sizes from the smallest, with their counters; those without a count may be among them.
    pub fn iter(&self) -> impl Iterator<Item = (u64, T)> + '_ {
        let dense = self.dense.iter().enumerate().map(|(i, &counter)| (i as u64, counter));
        dense.chain(self.sparse.iter().map(|(&size, &counter)| (size, counter)))
    }
}
