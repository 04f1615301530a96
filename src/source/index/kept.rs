//! Indexes that were read lately, kept for the next calls on their files.
//!
//! A loop over regions opens its file anew for each of them, and to read and check the index of a genome takes longer than to count a gene.
//! An index is kept when it was found to be good and to belong to its file, and used again as long as neither of the two has been touched.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::SystemTime;

use super::Index;
use crate::source::file::{InputFile, State};

/// So many are kept at most.
const MOST: usize = 4;
/// Bytes their files may have together.
const MOST_BYTES: u64 = 32 << 20;

/// An index and the file it is of, in the states they are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    path: PathBuf,
    index: State,
    bam: State,
}

impl Key {
    /// `None` where it cannot be told whether one of them changes.
    pub(super) fn of(path: &Path, file: &InputFile) -> Option<Self> {
        // Opened, since a network file system may answer from memory where a file is only asked about.
        let index = InputFile::open(path).ok()?.state()?;
        let bam = file.state()?;
        let now = SystemTime::now();
        (index.is_settled(now) && bam.is_settled(now)).then(|| Self { path: path.to_path_buf(), index, bam })
    }
}

type Kept = Vec<(Key, Arc<Index>)>;

/// The last one used comes last.
static KEPT: Mutex<Kept> = Mutex::new(Vec::new());

/// Nobody waits for the list: a thread that does not exist in a forked child may have held it.
fn kept() -> Option<MutexGuard<'static, Kept>> {
    match KEPT.try_lock() {
        Ok(kept) => Some(kept),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The index that was kept under `key`.
pub(super) fn find(key: &Key) -> Option<Arc<Index>> {
    let mut kept = kept()?;
    let at = kept.iter().position(|(known, _)| known == key)?;
    let found = kept.remove(at);
    let index = Arc::clone(&found.1);
    kept.push(found);
    Some(index)
}

/// Keeps `index`, which was read after `key` was made; not if a file was touched meanwhile.
pub(super) fn keep(key: Key, file: &InputFile, index: &Arc<Index>) {
    if key.index.len() > MOST_BYTES || Key::of(&key.path, file).as_ref() != Some(&key) {
        return;
    }
    let Some(mut kept) = kept() else { return };
    kept.retain(|(known, _)| known.path != key.path);
    kept.push((key, Arc::clone(index)));
    while kept.len() > MOST || kept.iter().map(|(key, _)| key.index.len()).sum::<u64>() > MOST_BYTES {
        kept.remove(0);
    }
}
