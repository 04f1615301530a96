//! The bytes of BAI and CSI (SAM specification 5.2, CSI specification).
//!
//! Every count is held against the bytes that are left before anything is stored, so the memory taken is in proportion to the file.

use std::path::Path;

use super::{Bin, Binning, Chunk, ContigIndex, Counts, Floor, Index, REMEDY, SuspectBin, corrupt};
use crate::error::{Error, Kind, Result, escape};
use crate::source::bgzf::VirtualPosition;
use crate::source::header::Header;

/// CSI: how many levels may be below the first, so that bin numbers fit 32 bits. Contigs of less than 16,384 bases need none.
const MAX_DEPTH: u32 = 9;
/// CSI: positions must fit 63 bits.
const MAX_BITS: u32 = 62;
/// Room made for a contig's bins before they are read; more only as they come.
const BINS_AT_FIRST: usize = 1 << 12;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Bai,
    Csi,
}

/// A bin while its contig is read.
struct RawBin {
    bin: Bin,
    /// CSI: where the first record starts that reaches the bin. The minimum where it is not known.
    loffset: VirtualPosition,
}

pub(super) struct Parser<'a> {
    rest: &'a [u8],
    header: &'a Header,
    bam_len: u64,
    format: Format,
    binning: Binning,
    /// The furthest place read so far, and its contig.
    highest: (VirtualPosition, usize),
    suspects: Vec<SuspectBin>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8], header: &'a Header, bam_len: u64) -> Self {
        Self {
            rest: bytes,
            header,
            bam_len,
            format: Format::Bai,
            binning: Binning::BAI,
            highest: (VirtualPosition::MIN, 0),
            suspects: Vec::new(),
        }
    }

    /// Reads all of it.
    pub(super) fn index(mut self, path: &Path) -> Result<Index> {
        self.head()?;
        self.contig_count()?;
        let mut contigs = Vec::with_capacity(self.header.contigs.len());
        for (i, contig) in self.header.contigs.iter().enumerate() {
            contigs.push(self.contig(i).map_err(|e| e.contig(&contig.name))?);
        }
        let unplaced = match self.rest.len() {
            0 => None,
            8 => Some(self.u64("the number of unplaced records")?),
            n => return Err(corrupt(format!("{n} bytes follow the end of the index"))),
        };
        // Last, so that an index that is damaged is not taken for another file's.
        self.inside()?;
        Ok(Index { path: path.to_path_buf(), contigs, unplaced, suspects: self.suspects, binning: self.binning })
    }

    fn take(&mut self, len: usize, what: &str) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(|| corrupt(format!("the index ends inside {what}")))?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(self.take(4, what)?.first_chunk().map_or(0, |&b| u32::from_le_bytes(b)))
    }

    fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(self.take(8, what)?.first_chunk().map_or(0, |&b| u64::from_le_bytes(b)))
    }

    /// A number of things that take `size` bytes at least.
    fn count(&mut self, size: u64, what: &str) -> Result<usize> {
        // Three times for each contig: the message is made only when it is needed.
        let (&n, rest) = self.rest.split_first_chunk().ok_or_else(|| corrupt(format!("the index ends inside the number of {what}")))?;
        let n = u32::from_le_bytes(n);
        self.rest = rest;
        if u64::from(n) * size > self.rest.len() as u64 {
            return Err(corrupt(format!("the index states {n} {what}, only {} bytes of it are left", self.rest.len())));
        }
        Ok(n as usize)
    }

    /// The magic, and what CSI says before the contigs.
    fn head(&mut self) -> Result<()> {
        let longest = self.header.contigs.iter().max_by_key(|c| c.len);
        match self.take(4, "its magic")? {
            b"BAI\x01" => {}
            b"CSI\x01" => {
                let min_shift = self.u32("the CSI header")?;
                let depth = self.u32("the CSI header")?;
                let possible = min_shift > 0 && depth <= MAX_DEPTH && min_shift.saturating_add(3 * depth) <= MAX_BITS;
                if !possible {
                    return Err(corrupt(format!(
                        "a CSI index with min_shift {} and depth {} cannot be",
                        min_shift.cast_signed(),
                        depth.cast_signed()
                    )));
                }
                self.format = Format::Csi;
                self.binning = Binning { min_shift, depth };
                let aux = self.count(1, "bytes of auxiliary data")?;
                self.take(aux, "the auxiliary data")?;
            }
            other => {
                return Err(corrupt(format!("the magic is '{}', neither BAI's nor CSI's", escape(other))));
            }
        }
        match longest {
            Some(contig) if contig.len > self.binning.max_end() => Err(self.too_short(&contig.name, contig.len)),
            _ => Ok(()),
        }
    }

    fn too_short(&self, name: &[u8], len: i64) -> Error {
        let contig = format!("contig '{}' has {len} bases", escape(name));
        match self.format {
            Format::Bai => Error::new(Kind::IndexMismatch, format!("{contig}, a BAI index reaches 2^29 of them"))
                .hint("remove it and run 'samtools index -c', which makes a .csi index"),
            Format::Csi => corrupt(format!("{contig}, this CSI index reaches {} of them", self.binning.max_end())),
        }
        .contig(name)
    }

    fn contig_count(&mut self) -> Result<()> {
        let size = if self.format == Format::Bai { 8 } else { 4 };
        let n = self.count(size, "references")?;
        let wanted = self.header.contigs.len();
        if n != wanted {
            let what = format!("the index has {n} references, the BAM's header {wanted} contigs, so it belongs to another file");
            return Err(Error::new(Kind::IndexMismatch, what).hint(REMEDY));
        }
        Ok(())
    }

    /// Reads the index of contig `i`, which is the next one.
    fn contig(&mut self, i: usize) -> Result<ContigIndex> {
        let mut contig = ContigIndex::default();
        let highest_before = self.highest.0;
        let bins = self.bins(&mut contig)?;
        contig.bins = bins.iter().map(|b| b.bin).collect();
        contig.chunks.shrink_to_fit();
        let firsts = self.lowest_firsts(&contig, &bins);
        contig.floors = match self.format {
            Format::Bai => {
                let n = self.count(8, "linear offsets")?;
                let linear = self.take(8 * n, "the linear offsets")?;
                self.check_linear(linear, &contig, i)?;
                self.linear_floors(linear, &contig, &firsts)?
            }
            Format::Csi if reach_left(&contig, &bins) => {
                let mut entries: Vec<(u32, VirtualPosition)> = bins.iter().map(|b| (self.binning.place(b.bin.id).1, b.loffset)).collect();
                entries.sort_unstable();
                floors(entries.into_iter().filter(|e| e.1 > VirtualPosition::MIN), &firsts)
            }
            Format::Csi => Vec::new(),
        };
        if self.highest.0 > highest_before {
            self.highest.1 = i;
        }
        for RawBin { bin, loffset } in bins.iter().filter(|b| b.loffset > VirtualPosition::MIN) {
            let (above, first) = self.binning.place(bin.id);
            contig.check_reached(self.binning, first, first + (1 << (3 * above)) - 1, *loffset)?;
            self.suspect(i, bin, &contig, *loffset);
        }
        contig.check_order(self.binning, self.header.contigs.get(i).map_or(0, |c| c.len))?;
        Ok(contig)
    }

    /// The bins that have chunks, sorted by id. Chunks and counts go to `contig`.
    fn bins(&mut self, contig: &mut ContigIndex) -> Result<Vec<RawBin>> {
        let size = if self.format == Format::Bai { 8 } else { 16 };
        let n = self.count(size, "bins")?;
        let limit = self.binning.n_bins();
        let mut bins = Vec::with_capacity(n.min(BINS_AT_FIRST));
        let mut ids_of_empty = Vec::new();
        for _ in 0..n {
            let id = self.u32("a bin")?;
            let loffset = if self.format == Format::Csi { self.u64("a bin")?.into() } else { VirtualPosition::MIN };
            if id == limit + 1 {
                self.counts(contig)?;
                continue;
            }
            if id >= limit {
                return Err(corrupt(format!("bin {id} does not exist, the last one is {}", limit - 1)));
            }
            self.highest.0 = self.highest.0.max(loffset);
            let first = contig.chunks.len();
            self.chunks(contig)?;
            let n = contig.chunks.len() - first;
            if n == 0 {
                ids_of_empty.push(id);
            } else {
                bins.push(RawBin { bin: Bin { id, first: entry(first), n: entry(n) }, loffset });
            }
        }
        bins.sort_unstable_by_key(|b| b.bin.id);
        let ids = bins.iter().map(|b| b.bin.id);
        let twice = if ids_of_empty.is_empty() {
            twice(ids)
        } else {
            ids_of_empty.extend(ids);
            ids_of_empty.sort_unstable();
            twice(ids_of_empty.iter().copied())
        };
        if let Some(id) = twice {
            return Err(corrupt(format!("bin {id} is there twice")));
        }
        Ok(bins)
    }

    fn chunks(&mut self, contig: &mut ContigIndex) -> Result<()> {
        let n = self.count(16, "chunks")?;
        let first = contig.chunks.len();
        contig.chunks.reserve(n);
        let mut sorted = true;
        for pair in self.take(16 * n, "a chunk")?.chunks_exact(16) {
            let chunk = Chunk { start: position(pair), end: position(pair.get(8..).unwrap_or_default()) };
            if chunk.start > chunk.end {
                let (start, end) = (u64::from(chunk.start), u64::from(chunk.end));
                return Err(corrupt(format!("an index chunk ends at {end:#x}, before its start at {start:#x}")));
            }
            self.highest.0 = self.highest.0.max(chunk.end);
            // The header is at 0.
            if chunk.start == VirtualPosition::MIN || chunk.start == VirtualPosition::MAX {
                return Err(corrupt(format!("an index chunk starts at {:#x}, where no record can be", u64::from(chunk.start))));
            }
            if chunk.start < chunk.end {
                sorted &= contig.chunks.get(first..).and_then(<[Chunk]>::last).is_none_or(|last| last.start <= chunk.start);
                contig.chunks.push(chunk);
            }
        }
        if let Some(own) = contig.chunks.get_mut(first..).filter(|_| !sorted) {
            own.sort_unstable();
        }
        Ok(())
    }

    /// The bin that holds no chunks but two pairs of numbers.
    fn counts(&mut self, contig: &mut ContigIndex) -> Result<()> {
        let n = self.count(16, "chunks")?;
        if n != 2 || contig.counts.is_some() {
            return Err(corrupt(format!("the bin with the read counts has {n} chunks or is there twice, it has 2 and is there once")));
        }
        let mut number = || self.u64("the read counts");
        contig.counts = Some(Counts { start: number()?.into(), end: number()?.into(), mapped: number()?, unmapped: number()? });
        Ok(())
    }

    /// Refuses an index whose offsets lead behind the end of the BAM.
    fn inside(&self) -> Result<()> {
        let (frame, inside) = (self.highest.0.compressed(), self.highest.0.uncompressed());
        if frame < self.bam_len || (frame == self.bam_len && inside == 0) {
            return Ok(());
        }
        let what = format!(
            "the index points to byte {frame} of a BAM of {} bytes, so it belongs to another file or to another state of this one",
            self.bam_len
        );
        let contig = self.header.contigs.get(self.highest.1).map_or(&b""[..], |c| &c.name);
        Err(Error::new(Kind::IndexMismatch, what).contig(contig).hint(REMEDY))
    }

    /// Window and first offset of each bin of the lowest level.
    fn lowest_firsts(&self, contig: &ContigIndex, bins: &[RawBin]) -> Vec<(u32, VirtualPosition)> {
        let lowest = Binning::first_bin(self.binning.depth);
        let from = bins.partition_point(|b| b.bin.id < lowest);
        bins.get(from..).unwrap_or_default().iter().map(|b| (b.bin.id - lowest, contig.first_start(&b.bin))).collect()
    }

    /// Refuses offsets per window to which no chunk leads. A window without a record may repeat a neighbour's, so of windows with one offset
    /// it has to be that of one of them.
    fn check_linear(&mut self, linear: &[u8], contig: &ContigIndex, i: usize) -> Result<()> {
        let offsets: Vec<_> = linear.chunks_exact(8).map(position).collect();
        let mut first = 0;
        for same in offsets.chunk_by(|a, b| a == b) {
            let after = first + entry(same.len());
            if let Some(&offset) = same.first().filter(|&&offset| offset > VirtualPosition::MIN) {
                contig.check_reached(self.binning, first, after - 1, offset)?;
            }
            first = after;
        }
        for bin in &contig.bins {
            // No record reaches a window behind the last.
            let first = offsets.get(self.binning.place(bin.id).1 as usize).copied().unwrap_or(VirtualPosition::MAX);
            self.suspect(i, bin, contig, first);
        }
        Ok(())
    }

    /// Notes a bin of contig `i` that begins before `first`, where the first record that reaches its first window is said to be.
    fn suspect(&mut self, i: usize, bin: &Bin, contig: &ContigIndex, first: VirtualPosition) {
        let at = contig.first_start(bin);
        if at < first {
            self.suspects.push(SuspectBin { contig: i, positions: self.binning.positions(bin.id), at });
        }
    }

    /// Floors from BAI's offsets per window, of which 0 means that nothing is known (some writers leave windows without a record at 0,
    /// others repeat a neighbour).
    fn linear_floors(&mut self, linear: &[u8], contig: &ContigIndex, firsts: &[(u32, VirtualPosition)]) -> Result<Vec<Floor>> {
        let entries = linear.chunks_exact(8).enumerate().map(|(window, bytes)| (entry(window), position(bytes)));
        let highest = entries.clone().map(|e| e.1).max();
        if highest == Some(VirtualPosition::MIN) && !contig.is_empty() {
            return Err(corrupt("all linear offsets are 0, where the header is, though there are chunks"));
        }
        self.highest.0 = self.highest.0.max(highest.unwrap_or_default());
        Ok(floors(entries.filter(|e| e.1 > VirtualPosition::MIN), firsts))
    }
}

/// The first of `ids`, which come sorted, that is there twice.
fn twice(ids: impl Iterator<Item = u32> + Clone) -> Option<u32> {
    ids.clone().zip(ids.skip(1)).find(|(a, b)| a == b).map(|(id, _)| id)
}

/// The number of an entry in a list of the index.
#[expect(clippy::cast_possible_truncation, reason = "an index has at most 2^30 bytes (`MAX_BYTES`)")]
const fn entry(n: usize) -> u32 {
    n as u32
}

fn position(bytes: &[u8]) -> VirtualPosition {
    bytes.first_chunk().map_or(0, |&b| u64::from_le_bytes(b)).into()
}

/// Floors from `entries`, (window, offset of the first record that reaches it), sorted by window.
///
/// In a sorted file these offsets cannot fall from one window to the next. Where they do (some writers leave unmapped records out, which
/// the bins have: `firsts`), the lower offset is the safe one for every window before it as well.
fn floors(entries: impl DoubleEndedIterator<Item = (u32, VirtualPosition)>, firsts: &[(u32, VirtualPosition)]) -> Vec<Floor> {
    let mut floors: Vec<Floor> = Vec::new();
    let mut lowest = VirtualPosition::MAX;
    let mut firsts = firsts.iter().rev().peekable();
    for (window, offset) in entries.rev() {
        while let Some(&(_, first)) = firsts.next_if(|f| f.0 >= window) {
            lowest = lowest.min(first);
        }
        lowest = lowest.min(offset);
        match floors.last_mut() {
            Some(last) if last.at == lowest => last.window = window,
            Some(last) if last.window == window => last.at = lowest,
            _ => floors.push(Floor { window, at: lowest }),
        }
    }
    floors.reverse();
    floors.shrink_to_fit();
    floors
}

/// Whether CSI's offsets tell of records that reach a bin from the left, as the specification wants it. Some writers (noodles-csi is
/// one) give each bin the first record inside it instead; cutting there would lose the records that reach in, so such offsets are not
/// used. They are told by never being lower than the first record in the bin and the bins below it.
fn reach_left(contig: &ContigIndex, bins: &[RawBin]) -> bool {
    let mut first_below: Vec<_> = bins.iter().map(|b| contig.first_start(&b.bin)).collect();
    // The lowest level has the highest ids: below a bin all is known when it is reached.
    for (i, raw) in bins.iter().enumerate().rev() {
        let first = first_below.get(i).copied().unwrap_or(VirtualPosition::MAX);
        if raw.loffset > VirtualPosition::MIN && raw.loffset < first {
            return true;
        }
        let mut id = raw.bin.id;
        while id > 0 {
            id = (id - 1) >> 3;
            if let Ok(above) = bins.binary_search_by_key(&id, |b| b.bin.id) {
                if let Some(known) = first_below.get_mut(above) {
                    *known = first.min(*known);
                }
                break;
            }
        }
    }
    false
}
