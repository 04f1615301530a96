//! Lays the reads of a batch side by side, as the kernel wants them.

use super::Window;
use super::apply::{self, Block};
use super::kernel::{AMBIGUOUS, Batch, OUTSIDE};
use super::lanes::Room;
use super::need::Need;
use super::params::{Shape, Transitions};
use super::quality::Tables;
use crate::source::record::Record;

/// Codes of the reference's letters.
const LETTERS: [f64; 256] = {
    let mut codes = [AMBIGUOUS; 256];
    let order = *b"ACGTacgt";
    let mut i = 0;
    while i < order.len() {
        codes[order[i] as usize] = (i % 4) as f64;
        i += 1;
    }
    codes[b'U' as usize] = 3.0;
    codes[b'u' as usize] = 3.0;
    codes
};

/// Codes of the read's nibbles.
const NIBBLES: [f64; 16] = {
    let mut codes = [AMBIGUOUS; 16];
    let mut i = 0;
    while i < 4 {
        codes[1 << i] = i as f64;
        i += 1;
    }
    codes
};

/// Where the batches' input lies; used again from batch to batch.
#[derive(Default)]
pub(super) struct Input {
    reference: Room,
    read: Room,
    edge: Vec<bool>,
    blocks: Vec<Block>,
}

impl Input {
    pub(super) fn size(&self) -> usize {
        self.reference.size() + self.read.size() + self.edge.capacity()
    }

    /// A batch of `N` reads of one band, of which everything is asked. `None` when the window does not cover one of them.
    pub(super) fn batch<'a, const N: usize>(
        &'a mut self,
        reads: &[(Record<'_>, Shape); N],
        window: &Window<'_>,
        tables: &Tables,
    ) -> Option<Batch<'a, N>> {
        let rows = reads.iter().map(|(_, shape)| shape.len).max()?;
        let band = reads[0].1.band;
        let mut filled = Lines {
            reference: self.reference.take(rows + 2 * band),
            read: self.read.take::<N>(3 * rows).as_chunks_mut().0,
            edge: &mut self.edge,
        };
        filled.edge.clear();
        filled.edge.resize(rows, false);
        filled.mark(0, band);
        self.blocks.clear();
        let mut ends = [0; N];
        for (lane, (record, shape)) in reads.iter().enumerate() {
            filled.reference(lane, shape, window.slice(shape.window)?);
            filled.read(lane, *record, tables);
            apply::blocks(record.cigar(), i64::from(record.pos()) - shape.window.start, shape.len, &mut self.blocks);
            ends[lane] = self.blocks.len();
        }
        let Lines { reference, read, edge } = filled;
        let blocks = &self.blocks;
        Some(Batch {
            band,
            len: reads.map(|(_, shape)| shape.len),
            columns: reads.map(|(_, shape)| shape.window.len() as usize),
            transitions: reads.map(|(_, shape)| Transitions::new(shape.len, shape.window.len() as usize)),
            reference,
            read,
            edge,
            need: Need::Every,
            blocks: std::array::from_fn(|lane| &blocks[lane.checked_sub(1).map_or(0, |before| ends[before])..ends[lane]]),
        })
    }
}

/// The vectors of a batch while its lanes are filled.
struct Lines<'a, const N: usize> {
    reference: &'a mut [[f64; N]],
    read: &'a mut [[[f64; N]; 3]],
    edge: &'a mut Vec<bool>,
}

impl<const N: usize> Lines<'_, N> {
    /// Makes edge rows of `from..to`, counted from 0.
    fn mark(&mut self, from: usize, to: usize) {
        let to = to.min(self.edge.len());
        if from < to {
            self.edge[from..to].fill(true);
        }
    }

    fn reference(&mut self, lane: usize, shape: &Shape, bases: &[u8]) {
        let band = shape.band;
        let (before, rest) = self.reference.split_at_mut(band);
        let (inside, after) = rest.split_at_mut(bases.len());
        for column in before.iter_mut().chain(after) {
            column[lane] = OUTSIDE;
        }
        let mut ambiguous = false;
        for (column, &letter) in inside.iter_mut().zip(bases) {
            let code = LETTERS[usize::from(letter)];
            column[lane] = code;
            ambiguous |= code > 3.0;
        }
        if ambiguous {
            self.mark_around(bases, band);
        }
        // Rows whose band reaches beyond the window, or that the read does not have at all.
        self.mark(bases.len().saturating_sub(band), usize::MAX);
    }

    /// Makes edge rows of all that have an ambiguous letter in their band.
    #[cold]
    fn mark_around(&mut self, bases: &[u8], band: usize) {
        let mut done = 0;
        for (column, &letter) in bases.iter().enumerate() {
            if LETTERS[usize::from(letter)] > 3.0 {
                self.mark(column.saturating_sub(band).max(done), column + band + 1);
                done = column + band + 1;
            }
        }
    }

    fn read(&mut self, lane: usize, record: Record<'_>, tables: &Tables) {
        let (seq, qual) = (record.seq(), record.qual());
        let (rows, beyond) = self.read.split_at_mut(qual.len());
        for (i, ([code, hit, miss], &quality)) in rows.iter_mut().zip(qual).enumerate() {
            let pair = seq[i / 2];
            let nibble = if i % 2 == 0 { pair >> 4 } else { pair & 15 };
            code[lane] = NIBBLES[usize::from(nibble)];
            hit[lane] = tables.hit[usize::from(quality)];
            miss[lane] = tables.miss[usize::from(quality)];
            if code[lane] > 3.0 {
                self.edge[i] = true;
            }
        }
        for row in beyond.iter_mut().flatten() {
            row[lane] = 0.0;
        }
    }
}
