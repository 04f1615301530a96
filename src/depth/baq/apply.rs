//! From the error of every base to its new quality: blocks of aligned bases, smoothed from both sides.

use super::certificate::SETTLED_QUALITY;
use super::need::Need;
use super::quality::Tables;
use crate::source::record::Cigar;

/// A run of aligned bases without a gap: adjacent M, = and X operations are one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// First base in the read.
    pub(super) read: usize,
    /// Number of bases.
    pub(super) len: usize,
    /// First base in the contig.
    pub(super) reference: i64,
}

/// Appends the blocks of a read of `read_len` bases that is aligned at `pos`. Operations of length 0 between two blocks keep them
/// apart.
pub(super) fn blocks(cigar: Cigar<'_>, pos: i64, read_len: usize, into: &mut Vec<Block>) {
    let (mut x, mut y) = (pos, 0usize);
    let mut open = false;
    for op in cigar.iter() {
        let len = op.len as usize;
        let aligned = op.is_aligned();
        if aligned {
            let len = len.min(read_len.saturating_sub(y));
            match into.last_mut() {
                Some(block) if open => block.len += len,
                _ => into.push(Block { read: y, len, reference: x }),
            }
        }
        open = aligned;
        if op.kind.consumes_read() {
            y = (y + len).min(read_len);
        }
        if op.kind.consumes_reference() {
            x += i64::from(op.len);
        }
    }
}

/// Lowers the qualities of one block to what the errors around allow: to the best quality up to here from the left or from the
/// right, whichever is less. A base in doubt between two sure ones keeps its quality, one between the doubt and the end does not.
///
/// `error(i)` is the error of base `i` of the read, 1 where the best state is not the aligned one. Where not every quality is needed, it is
/// asked only from an end in doubt to the first base that is allowed [`SETTLED_QUALITY`]; what lies further in is allowed as much.
pub(super) fn smooth(quality: &mut [u8], block: Block, tables: &Tables, need: Need, error: impl Fn(usize) -> f64) {
    let Some(quality) = quality.get_mut(block.read..block.read + block.len) else { return };
    // Once the running maximum has reached the highest quality of all, nothing further in is lowered.
    let highest = quality.iter().copied().max().unwrap_or(0);
    let enough = if need == Need::Every { highest } else { highest.min(SETTLED_QUALITY) };
    let lower = |bases: &mut dyn Iterator<Item = (usize, &mut u8)>| {
        let mut reached = 0;
        for (i, q) in bases {
            if reached >= enough {
                break;
            }
            reached = reached.max(tables.quality(error(block.read + i)));
            *q = reached.min(*q);
        }
    };
    if need.left() {
        lower(&mut quality.iter_mut().enumerate());
    }
    if need.right() {
        lower(&mut quality.iter_mut().enumerate().rev());
    }
}

/// Subtracts the offsets of a BQ tag. Bytes wrap around as in the reference implementation; sound tags never get there.
pub(super) fn subtract(quality: &mut [u8], offsets: &[u8]) {
    for (quality, &offset) in quality.iter_mut().zip(offsets) {
        *quality = if u16::from(*quality) + 64 < u16::from(offset) { 0 } else { quality.wrapping_add(64).wrapping_sub(offset) };
    }
}
