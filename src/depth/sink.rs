//! Where final counts go.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::joined::Piece;
use super::slab::Slab;
use crate::error::Result;
use crate::summary::{Depths, Summary};

/// Takes final counts, piece by piece: in any order, from several threads.
pub trait Sink<'o, const L: usize>: Sync {
    /// Takes a piece and gives its slab back.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::ResourceLimit`] when a count is beyond 32 bits; that of a summary.
    fn take(&self, piece: Piece<'o, L>) -> Result<Slab<L>>;
}

/// Writes counts to the columns that [`super::Joined::into_columns`] was given.
#[derive(Clone, Copy, Debug)]
pub struct Written;

impl<'o, const L: usize> Sink<'o, L> for Written {
    fn take(&self, piece: Piece<'o, L>) -> Result<Slab<L>> {
        piece.write()
    }
}

/// Gives depths to a summary: each piece is digested by the worker that has it, and digests are joined in order.
pub struct Folded<'s, S: Summary> {
    summary: &'s S,
    fold: Mutex<Fold<S>>,
}

struct Fold<S: Summary> {
    total: S::Total,
    next: usize,
    waiting: BTreeMap<usize, (usize, S::Digest)>,
}

impl<'s, S: Summary> Folded<'s, S> {
    /// Nothing yet.
    pub fn new(summary: &'s S) -> Self {
        Self { summary, fold: Mutex::new(Fold { total: S::Total::default(), next: 0, waiting: BTreeMap::new() }) }
    }

    /// What all pieces come to.
    pub fn into_total(self) -> S::Total {
        self.fold.into_inner().unwrap_or_else(PoisonError::into_inner).total
    }
}

impl<'o, S: Summary> Sink<'o, 1> for Folded<'_, S> {
    fn take(&self, piece: Piece<'o>) -> Result<Slab> {
        let (number, target) = (piece.number, piece.target);
        let mut depths = Depths::default();
        let slab = piece.read(&mut depths)?;
        let digest = self.summary.digest(target, &depths);
        let mut guard = self.fold.lock().unwrap_or_else(PoisonError::into_inner);
        let fold = &mut *guard;
        fold.waiting.insert(number, (target, digest));
        while let Some((target, digest)) = fold.waiting.remove(&fold.next) {
            self.summary.join(&mut fold.total, target, digest)?;
            fold.next += 1;
        }
        Ok(slab)
    }
}
