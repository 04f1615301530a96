//! BAI and CSI: this module chooses bins and offsets (SAM specification, section 5), noodles writes the bytes. An indexer would merge bins
//! of less than 64 KiB into their parents, so the small files of the tests would have hardly any to choose from.

use std::collections::BTreeMap;

use noodles_bam::bai;
use noodles_csi as csi;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles_csi::binning_index::index::reference_sequence::index::{BinnedIndex, LinearIndex};
use noodles_csi::binning_index::index::reference_sequence::{self, Bin, Metadata, ReferenceSequence};

use super::model::Sample;

const LINEAR_SHIFT: u32 = 14;

/// The smallest bin that holds `start..end`.
pub fn bin_of(start: i64, end: i64, min_shift: u32, depth: u32) -> u32 {
    let last = end - 1;
    (0..=depth)
        .rev()
        .find_map(|level| {
            let shift = min_shift + 3 * (depth - level);
            (start >> shift == last >> shift).then_some(first_bin(level) + (start >> shift) as u32)
        })
        .unwrap_or(0)
}

/// Number of bins on the levels above `level`.
fn first_bin(level: u32) -> u32 {
    ((1 << (3 * level)) - 1) / 7
}

/// What an index says of one contig.
#[derive(Default)]
struct ContigIndex {
    /// Bins with their chunks.
    bins: BTreeMap<u32, Vec<(u64, u64)>>,
    /// Smallest virtual offset of a record that touches a window, then filled from the right.
    linear: Vec<Option<u64>>,
    /// First and last virtual offset, mapped and unmapped records.
    span: Option<(u64, u64)>,
    mapped: u64,
    unmapped: u64,
}

fn contig_indexes(sample: &Sample, spans: &[(u64, u64)], min_shift: u32, depth: u32) -> (Vec<ContigIndex>, u64) {
    let mut contigs: Vec<_> = sample.contigs.iter().map(|_| ContigIndex::default()).collect();
    let mut unplaced = 0;
    let mut previous = None;
    for (read, &(start, end)) in sample.reads.iter().zip(spans) {
        if read.contig < 0 {
            unplaced += 1;
            continue;
        }
        let contig = &mut contigs[read.contig as usize];
        let bin = bin_of(read.pos, read.indexed_end(), min_shift, depth);
        let chunks = contig.bins.entry(bin).or_default();
        match chunks.last_mut() {
            Some(chunk) if previous == Some((read.contig, bin)) => chunk.1 = end,
            _ => chunks.push((start, end)),
        }
        previous = Some((read.contig, bin));
        let windows = (read.pos >> min_shift) as usize..=((read.indexed_end() - 1) >> min_shift) as usize;
        if contig.linear.len() <= *windows.end() {
            contig.linear.resize(windows.end() + 1, None);
        }
        for window in windows {
            contig.linear[window].get_or_insert(start);
        }
        contig.span = Some((contig.span.map_or(start, |s| s.0), end));
        *(if read.flags & 4 == 0 { &mut contig.mapped } else { &mut contig.unmapped }) += 1;
    }
    for contig in &mut contigs {
        let mut next = None;
        for window in contig.linear.iter_mut().rev() {
            next = window.or(next);
            *window = next;
        }
    }
    (contigs, unplaced)
}

/// What noodles makes of it, with the offsets that make up `index`.
fn sequence<I: reference_sequence::Index>(contig: &ContigIndex, index: I) -> ReferenceSequence<I> {
    let chunks = |chunks: &[(u64, u64)]| chunks.iter().map(|&(start, end)| Chunk::new(start.into(), end.into())).collect();
    let bins = contig.bins.iter().map(|(&id, own)| (id as usize, Bin::new(chunks(own)))).collect();
    let counts = contig.span.map(|(start, end)| Metadata::new(start.into(), end.into(), contig.mapped, contig.unmapped));
    ReferenceSequence::new(bins, index, counts)
}

/// A BAI; `spans` are the records' virtual offsets.
pub fn bai(sample: &Sample, spans: &[(u64, u64)]) -> Vec<u8> {
    let (contigs, unplaced) = contig_indexes(sample, spans, LINEAR_SHIFT, 5);
    let linear = |contig: &ContigIndex| -> LinearIndex { contig.linear.iter().map(|offset| offset.unwrap_or(0).into()).collect() };
    let sequences = contigs.iter().map(|contig| sequence(contig, linear(contig))).collect();
    let index = bai::Index::builder().set_reference_sequences(sequences).set_unplaced_unmapped_record_count(unplaced).build();
    let mut out = Vec::new();
    bai::io::Writer::new(&mut out).write_index(&index).unwrap();
    out
}

/// A CSI, compressed. Each bin has what the linear index of a BAI has for its first window, as htslib writes it.
pub fn csi(sample: &Sample, spans: &[(u64, u64)], min_shift: u32, depth: u32) -> Vec<u8> {
    let (contigs, unplaced) = contig_indexes(sample, spans, min_shift, depth);
    let loffset = |contig: &ContigIndex, bin: u32| {
        let level = (0..=depth).rev().find(|&level| first_bin(level) <= bin).unwrap_or(0);
        let window = (bin - first_bin(level)) << (3 * (depth - level));
        contig.linear.get(window as usize).copied().flatten().unwrap_or(0)
    };
    let loffsets =
        |contig: &ContigIndex| -> BinnedIndex { contig.bins.keys().map(|&bin| (bin as usize, loffset(contig, bin).into())).collect() };
    let sequences = contigs.iter().map(|contig| sequence(contig, loffsets(contig))).collect();
    let index = csi::Index::builder()
        .set_min_shift(min_shift as u8)
        .set_depth(depth as u8)
        .set_reference_sequences(sequences)
        .set_unplaced_unmapped_record_count(unplaced)
        .build();
    let mut writer = csi::io::Writer::new(Vec::new());
    writer.write_index(&index).unwrap();
    writer.into_inner().finish().unwrap()
}
