//! Records that a program holds in memory, in the place of a file.

use super::bgzf::{self, MAX_INFLATED, VirtualPosition};
use crate::error::Result;
use crate::memory;

/// BAM-encoded records, a few to a block. The number of a block stands for its offset in a file.
#[derive(Debug, Default)]
pub(super) struct InMemory {
    blocks: Vec<Vec<u8>>,
}

impl InMemory {
    /// A block begins where a record does. One larger than the offsets inside a block can tell is cut, as a frame would be.
    pub(super) fn new<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Self {
        const USUAL: usize = 1 << 14;
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        for record in records {
            let record = record.as_ref();
            match blocks.last_mut() {
                Some(block) if block.len() + record.len() <= USUAL => block.extend_from_slice(record),
                _ => blocks.extend(record.chunks(MAX_INFLATED / 2).map(<[u8]>::to_vec)),
            }
        }
        Self { blocks }
    }

    pub(super) fn len(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// The first block at or behind `from`, unless a record goes on into it.
    pub(super) fn start_behind(&self, from: u64) -> Option<VirtualPosition> {
        (from < self.len()).then(|| bgzf::position(from, 0))
    }

    /// Copies block number `offset` to `out[at..]` and gives its length; `None` behind the last one.
    pub(super) fn read(&self, offset: u64, out: &mut Vec<u8>, at: usize) -> Result<Option<usize>> {
        let Some(block) = usize::try_from(offset).ok().and_then(|i| self.blocks.get(i)) else { return Ok(None) };
        if out.len() < at + block.len() {
            memory::extend(out, at + block.len())?;
        }
        out[at..at + block.len()].copy_from_slice(block);
        Ok(Some(block.len()))
    }
}
