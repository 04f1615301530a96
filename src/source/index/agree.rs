//! Whether an index agrees with itself. One that has lost a chunk, or has it in another bin, leads to right records, but to too few of
//! them, and nothing in these says so.
//!
//! The records of a sorted file come in the order of their starts, one contig after another. So the chunks of a bin come before those
//! of the next bin of its level; where the first record lies that reaches a window, a chunk of a bin that reaches the window lies; and
//! all chunks together leave no gap. The first two are looked at when the index is read. A gap can be due to frames without bytes, so
//! the file has to be asked about it: [`Index::gaps`].

use super::{Bin, Binning, Chunk, ContigIndex, Index, SuspectBin, corrupt};
use crate::error::Result;
use crate::source::bgzf::VirtualPosition;

impl ContigIndex {
    /// Refuses bins whose chunks are not in the order of the bins of their level. Bins behind the contig's end are left out: the one for
    /// records without a position is the last of a level.
    pub(super) fn check_order(&self, binning: Binning, contig_len: i64) -> Result<()> {
        let (mut level_end, mut done) = (0, VirtualPosition::MIN);
        for bin in &self.bins {
            if bin.id >= level_end {
                let level = (0..=binning.depth).find(|&level| bin.id < Binning::first_bin(level + 1)).unwrap_or(binning.depth);
                (level_end, done) = (Binning::first_bin(level + 1), VirtualPosition::MIN);
            }
            if i64::from(binning.place(bin.id).1) << binning.min_shift >= contig_len {
                continue;
            }
            if self.first_start(bin) < done {
                let what =
                    format!("the chunks of bin {} begin at {:#x}, before a bin to its left ends", bin.id, u64::from(self.first_start(bin)));
                return Err(corrupt(what));
            }
            done = self.of(bin).iter().map(|chunk| chunk.end).fold(done, VirtualPosition::max);
        }
        Ok(())
    }

    /// Refuses an index in which no chunk leads to the record at `at`, which reaches a window from `first` to `last`.
    pub(super) fn check_reached(&self, binning: Binning, first: u32, last: u32, at: VirtualPosition) -> Result<()> {
        let leads_there = |bin: &Bin| {
            let chunks = self.of(bin);
            let after = chunks.partition_point(|chunk| chunk.start <= at);
            after.checked_sub(1).and_then(|i| chunks.get(i)).is_some_and(|chunk| at < chunk.end)
        };
        // A window's first record is nearly always in one of the smallest bins.
        let reached = (0..=binning.depth).rev().any(|level| {
            let shift = 3 * (binning.depth - level);
            let (low, high) = (Binning::first_bin(level) + (first >> shift), Binning::first_bin(level) + (last >> shift));
            let from = self.bins.partition_point(|b| b.id < low);
            self.bins.get(from..).unwrap_or_default().iter().take_while(|b| b.id <= high).any(leads_there)
        });
        if reached {
            return Ok(());
        }
        let from = (i64::from(first) << binning.min_shift) + 1;
        let to = (i64::from(last) + 1) << binning.min_shift;
        Err(corrupt(format!(
            "no chunk of the index leads to the first record of positions {from} to {to}, which begins at {:#x}",
            u64::from(at)
        )))
    }
}

impl Index {
    /// The first records of at most so many chunks, the last one among them and the others spread evenly. An index of another file can fit
    /// this one by its offsets alone.
    pub fn samples(&self, most: usize) -> Vec<SuspectBin> {
        let total: usize = self.contigs.iter().map(|contig| contig.chunks.len()).sum();
        let mut wanted = (1..=most.min(total)).map(|k| k * total / most.min(total) - 1).peekable();
        let (mut samples, mut before) = (Vec::new(), 0);
        for (id, contig) in self.contigs.iter().enumerate() {
            while let Some(i) = wanted.next_if(|&i| i < before + contig.chunks.len()) {
                let i = i - before;
                let holds = |bin: &&Bin| (bin.first as usize..(bin.first + bin.n) as usize).contains(&i);
                if let (Some(bin), Some(chunk)) = (contig.bins.iter().find(holds), contig.chunks.get(i)) {
                    samples.push(SuspectBin { contig: id, positions: self.binning.positions(bin.id), at: chunk.start });
                }
            }
            before += contig.chunks.len();
        }
        samples
    }

    /// Stretches of the file between the first chunk and the last that no chunk holds, in the order of the file.
    pub fn gaps(&self) -> Vec<Chunk> {
        let mut gaps = Vec::new();
        let mut done = None;
        let mut sorted = Vec::new();
        for contig in &self.contigs {
            sorted.clone_from(&contig.chunks);
            // Each level of bins is sorted already, which this sort makes use of.
            sorted.sort();
            for chunk in &sorted {
                if let Some(end) = done.filter(|&end| end < chunk.start) {
                    gaps.push(Chunk { start: end, end: chunk.start });
                }
                done = done.max(Some(chunk.end));
            }
        }
        gaps
    }
}
