//! BAI and CSI, as the SAM specification (section 5) and the CSI specification lay them out.

use std::collections::BTreeMap;

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

/// A bin's chunks, `loffset` only in CSI.
fn put_bin(out: &mut Vec<u8>, bin: u32, loffset: Option<u64>, chunks: &[(u64, u64)]) {
    out.extend(bin.to_le_bytes());
    if let Some(loffset) = loffset {
        out.extend(loffset.to_le_bytes());
    }
    out.extend((chunks.len() as u32).to_le_bytes());
    for (start, end) in chunks {
        out.extend(start.to_le_bytes());
        out.extend(end.to_le_bytes());
    }
}

fn put_contig(out: &mut Vec<u8>, contig: &ContigIndex, depth: u32, loffset: impl Fn(u32) -> Option<u64>) {
    out.extend((contig.bins.len() as u32 + u32::from(contig.span.is_some())).to_le_bytes());
    for (&bin, chunks) in &contig.bins {
        put_bin(out, bin, loffset(bin), chunks);
    }
    if let Some(span) = contig.span {
        let pseudo = first_bin(depth + 1) + 1;
        put_bin(out, pseudo, loffset(0).map(|_| 0), &[span, (contig.mapped, contig.unmapped)]);
    }
}

/// A BAI; `spans` are the records' virtual offsets.
pub fn bai(sample: &Sample, spans: &[(u64, u64)]) -> Vec<u8> {
    let (contigs, unplaced) = contig_indexes(sample, spans, LINEAR_SHIFT, 5);
    let mut out = b"BAI\x01".to_vec();
    out.extend((contigs.len() as u32).to_le_bytes());
    for contig in &contigs {
        put_contig(&mut out, contig, 5, |_| None);
        out.extend((contig.linear.len() as u32).to_le_bytes());
        for offset in &contig.linear {
            out.extend(offset.unwrap_or(0).to_le_bytes());
        }
    }
    out.extend(unplaced.to_le_bytes());
    out
}

/// A CSI, not yet compressed.
pub fn csi(sample: &Sample, spans: &[(u64, u64)], min_shift: u32, depth: u32) -> Vec<u8> {
    let (contigs, unplaced) = contig_indexes(sample, spans, min_shift, depth);
    let mut out = b"CSI\x01".to_vec();
    for number in [min_shift, depth, 0, contigs.len() as u32] {
        out.extend(number.to_le_bytes());
    }
    for contig in &contigs {
        put_contig(&mut out, contig, depth, |bin| {
            let level = (0..=depth).rev().find(|&level| first_bin(level) <= bin)?;
            let window = (bin - first_bin(level)) << (3 * (depth - level));
            Some(contig.linear.get(window as usize).copied().flatten().unwrap_or(0))
        });
    }
    out.extend(unplaced.to_le_bytes());
    out
}
