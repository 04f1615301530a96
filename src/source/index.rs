//! The index of a BAM: where in the file the records of an interval are.
//!
//! BAI and CSI are told apart by their bytes, not by their names. Both put each record into the smallest *bin* that holds it whole
//! and give each bin's *chunks* of the file. Since a bin can be wide, both also say where the first record that reaches a place is:
//! BAI per window of 16,384 bases, CSI per bin. Here that becomes one list of [`Floor`]s (see `parse`).

mod agree;
pub(super) mod belongs;
mod kept;
mod parse;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::bgzf::{self, FrameReader, VirtualPosition};
use super::file::InputFile;
use super::header::Header;
use crate::coords::Interval;
use crate::error::{Error, Kind, Result, escape};
use crate::memory;

/// An index may take this much and twice the BAM's size: each bin and each window of it stands for a record at least.
const MAX_BYTES_BASE: u64 = 48 << 20;
/// However large the BAM is.
const MAX_BYTES: u64 = 1 << 30;
/// What to do about anything wrong with an index.
const REMEDY: &str = "run 'samtools index'";

/// A stretch of the file between two virtual positions: from the start of a record to the end of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chunk {
    /// Where its first record starts.
    pub start: VirtualPosition,
    /// Where its last record ends.
    pub end: VirtualPosition,
}

/// What the index says about a contig as a whole. Nothing here is checked; no memory may be sized by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Where the contig's first record starts.
    pub start: VirtualPosition,
    /// Where its last record ends.
    pub end: VirtualPosition,
    /// Number of mapped records on it.
    pub mapped: u64,
    /// Number of unmapped records placed on it.
    pub unmapped: u64,
}

/// A bin that has chunks.
#[derive(Clone, Copy, Debug)]
struct Bin {
    id: u32,
    /// Its chunks in [`ContigIndex::chunks`], sorted by start.
    first: u32,
    n: u32,
}

/// No record that reaches `window` or a later one starts before `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Floor {
    window: u32,
    at: VirtualPosition,
}

/// The index of one contig.
#[derive(Clone, Debug, Default)]
pub struct ContigIndex {
    /// Sorted by id.
    bins: Vec<Bin>,
    chunks: Vec<Chunk>,
    /// Sorted by window and by place, both strictly.
    floors: Vec<Floor>,
    counts: Option<Counts>,
}

impl ContigIndex {
    fn of(&self, bin: &Bin) -> &[Chunk] {
        let first = bin.first as usize;
        self.chunks.get(first..first + bin.n as usize).unwrap_or_default()
    }

    /// Where the first record of `bin` starts.
    fn first_start(&self, bin: &Bin) -> VirtualPosition {
        self.of(bin).first().map_or(VirtualPosition::MAX, |chunk| chunk.start)
    }

    /// For each level the bins of records that can reach a window from `first` to `last`, in [`ContigIndex::bins`].
    fn bins_over(&self, binning: Binning, first: u32, last: u32) -> impl Iterator<Item = (u32, Range<usize>)> {
        (0..=binning.depth).map(move |level| {
            let shift = 3 * (binning.depth - level);
            let low = Binning::first_bin(level) + (first >> shift);
            let high = Binning::first_bin(level) + (last >> shift);
            (level, self.bins.partition_point(|b| b.id < low)..self.bins.partition_point(|b| b.id <= high))
        })
    }

    fn floor(&self, window: u32) -> VirtualPosition {
        let after = self.floors.partition_point(|f| f.window <= window);
        after.checked_sub(1).and_then(|i| self.floors.get(i)).map_or(VirtualPosition::MIN, |f| f.at)
    }

    /// Whether the index knows of no record on this contig.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

/// A bin that may hold a record of other positions: its first record begins before the one the index names as the first of these
/// positions, or it is a sample. The file tells which. Some indexes leave unmapped records out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuspectBin {
    /// Index of the contig in the header.
    pub contig: usize,
    /// The positions of the bin.
    pub positions: Interval,
    /// Where its first record starts.
    pub at: VirtualPosition,
}

/// The numbering of bins: level 0 is one bin for everything, each level below has eight bins for each of the level above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Binning {
    /// Bases of the smallest bins, as a power of two.
    min_shift: u32,
    /// Number of the lowest level.
    depth: u32,
}

impl Binning {
    const BAI: Self = Self { min_shift: 14, depth: 5 };

    /// The first bin of a level; one below the lowest gives the number of bins.
    const fn first_bin(level: u32) -> u32 {
        ((1u32 << (3 * level)) - 1) / 7
    }

    const fn n_bins(self) -> u32 {
        Self::first_bin(self.depth + 1)
    }

    /// One past the last position there is a bin for.
    const fn max_end(self) -> i64 {
        1 << (self.min_shift + 3 * self.depth)
    }

    /// How many levels `bin` is above the lowest, and the first of the smallest windows it covers.
    fn place(self, bin: u32) -> (u32, u32) {
        let above = (0..=self.depth).find(|&a| bin >= Self::first_bin(self.depth - a)).unwrap_or(self.depth);
        (above, (bin - Self::first_bin(self.depth - above)) << (3 * above))
    }

    /// The positions a bin is for.
    fn positions(self, bin: u32) -> Interval {
        let (above, window) = self.place(bin);
        let start = i64::from(window) << self.min_shift;
        Interval::new(start, start + (1 << (self.min_shift + 3 * above)))
    }
}

/// The index of a BAM.
#[derive(Clone, Debug)]
pub struct Index {
    /// The file it was read from.
    pub path: PathBuf,
    /// One for each contig of the header.
    pub contigs: Vec<ContigIndex>,
    /// Number of records without a place, if the index says. Not checked.
    pub unplaced: Option<u64>,
    /// Bins whose first record must be checked against the file.
    pub suspects: Vec<SuspectBin>,
    binning: Binning,
}

impl Index {
    /// The index of `bam`: the `given` one, or the first there is of `x.bam.bai`, `x.bai`, `x.bam.csi`, `x.csi`, and then of the same
    /// beside the file that `bam` links to. Where the `longest` contig is beyond what BAI can hold, CSI comes first.
    ///
    /// # Errors
    ///
    /// [`Kind::IndexMissing`] naming every path tried, [`Kind::Os`] when the operating system refuses to look.
    pub fn find(bam: &Path, given: Option<&Path>, longest: i64) -> Result<PathBuf> {
        let mut tried = match given {
            Some(path) => vec![path.to_path_buf()],
            None => candidates(bam),
        };
        if given.is_none()
            && fs::symlink_metadata(bam).is_ok_and(|m| m.file_type().is_symlink())
            && let Ok(target) = fs::canonicalize(bam)
        {
            tried.extend(candidates(&target));
        }
        if longest > Binning::BAI.max_end() {
            tried.sort_by_key(|path| path.extension().is_none_or(|e| e != "csi"));
        }
        for path in &tried {
            match fs::metadata(path) {
                Ok(_) => return Ok(path.clone()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::os(path, e)),
            }
        }
        Err(missing(bam, &tried))
    }

    /// Reads the index at `path` of a BAM with that header and that size in bytes.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptIndex`] when the bytes break the format, [`Kind::IndexMismatch`] when it cannot be the index of this BAM,
    /// [`Kind::Os`]. That the offsets lead to records of the right contig is for the caller to check.
    pub fn read(path: &Path, header: &Header, bam_len: u64) -> Result<Self> {
        load(path, bam_len).and_then(|bytes| Self::parse(&bytes, path, header, bam_len)).map_err(|e| e.path(path))
    }

    /// The same from the bytes of the file, which are not compressed.
    ///
    /// # Errors
    ///
    /// As for [`Index::read`].
    pub fn parse(bytes: &[u8], path: &Path, header: &Header, bam_len: u64) -> Result<Self> {
        parse::Parser::new(bytes, header, bam_len).index(path)
    }

    /// Numbers of the first and last of the smallest bins that `interval` overlaps.
    pub fn windows(&self, interval: Interval) -> (u32, u32) {
        // Contigs have less than 2^31 positions.
        let window = |position: i64| u32::try_from(position >> self.binning.min_shift).unwrap_or(if position < 0 { 0 } else { u32::MAX });
        (window(interval.start), window(interval.end - 1))
    }

    /// The chunks that may hold records which overlap `interval`, sorted and apart: they are merged where they touch, overlap or meet in
    /// one frame. Records before the first that can reach the interval and records that start behind it are cut off.
    pub fn chunks(&self, contig: usize, interval: Interval) -> Vec<Chunk> {
        let (start, end) = (interval.start.max(0), interval.end.min(self.binning.max_end()));
        let Some(index) = self.contigs.get(contig).filter(|_| start < end) else {
            return Vec::new();
        };
        let (first, last) = self.windows(Interval::new(start, end));
        let floor = index.floor(first);
        let mut ceiling = VirtualPosition::MAX;
        let mut found = Vec::new();
        for (level, bins) in index.bins_over(self.binning, first, last) {
            let right = index.bins.get(bins.end);
            for bin in index.bins.get(bins).unwrap_or_default() {
                found.extend_from_slice(index.of(bin));
            }
            // Records of a bin further right start behind the interval, and the file is sorted.
            if let Some(right) = right.filter(|b| b.id < Binning::first_bin(level + 1)) {
                ceiling = ceiling.min(index.first_start(right));
            }
        }
        merge(found, floor, ceiling)
    }

    /// Where records of this contig start, as far as the index gives any: sorted, each once.
    pub fn record_starts(&self, contig: usize) -> Vec<VirtualPosition> {
        let Some(index) = self.contigs.get(contig) else {
            return Vec::new();
        };
        let mut starts: Vec<_> = index.chunks.iter().map(|c| c.start).chain(index.floors.iter().map(|f| f.at)).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// Positions of a contig of that length and virtual offsets in front of which no record reaches them or a later one, both increasing: the
    /// start of each window the index knows of, and the end of the contig with the end of its last record. None where there is no record.
    pub fn offsets(&self, contig: usize, len: i64) -> Vec<(i64, VirtualPosition)> {
        let Some(index) = self.contigs.get(contig).filter(|contig| !contig.is_empty()) else {
            return Vec::new();
        };
        let first = index.chunks.iter().map(|c| c.start).min().unwrap_or_default();
        let last = index.chunks.iter().map(|c| c.end).max().unwrap_or_default();
        let place = |floor: &Floor| (i64::from(floor.window) << self.binning.min_shift, floor.at.clamp(first, last));
        let inside = index.floors.iter().map(place).filter(|&(position, _)| 0 < position && position < len);
        [(0, first)].into_iter().chain(inside).chain([(len, last)]).collect()
    }

    /// What the index says about a contig as a whole.
    pub fn counts(&self, contig: usize) -> Option<Counts> {
        self.contigs.get(contig)?.counts
    }

    /// From the first record on any contig to the last, as far as the index knows.
    pub fn extent(&self) -> Option<Chunk> {
        let chunks = || self.contigs.iter().flat_map(|c| &c.chunks);
        Some(Chunk { start: chunks().map(|c| c.start).min()?, end: chunks().map(|c| c.end).max()? })
    }
}

/// Sorts the chunks, cuts them to `floor..ceiling` and joins those that would read the same frame.
fn merge(mut chunks: Vec<Chunk>, floor: VirtualPosition, ceiling: VirtualPosition) -> Vec<Chunk> {
    chunks.retain_mut(|chunk| {
        chunk.start = chunk.start.max(floor);
        chunk.end = chunk.end.min(ceiling);
        chunk.start < chunk.end
    });
    chunks.sort_unstable();
    chunks.dedup_by(|next, last| {
        let joined = next.start <= last.end || next.start.compressed() == last.end.compressed();
        if joined {
            last.end = last.end.max(next.end);
        }
        joined
    });
    chunks
}

/// Where the index of `bam` may be, in the order in which it is looked for.
fn candidates(bam: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for suffix in ["bai", "csi"] {
        let mut appended = bam.as_os_str().to_os_string();
        appended.push(".");
        appended.push(suffix);
        paths.push(PathBuf::from(appended));
        if bam.extension().is_some() {
            paths.push(bam.with_extension(suffix));
        }
    }
    paths
}

fn missing(bam: &Path, tried: &[PathBuf]) -> Error {
    let names: Vec<String> = tried
        .iter()
        .map(|path| {
            let beside = path.parent() == bam.parent();
            let shown = path.file_name().filter(|_| beside).unwrap_or(path.as_os_str());
            escape(shown.as_encoded_bytes())
        })
        .collect();
    Error::new(Kind::IndexMissing, format!("no index found; tried {}", names.join(", "))).path(bam).hint(REMEDY)
}

fn corrupt(what: impl Into<String>) -> Error {
    Error::new(Kind::CorruptIndex, what).hint(REMEDY)
}

/// The bytes of the index, inflated if they are compressed.
fn load(path: &Path, bam_len: u64) -> Result<Vec<u8>> {
    let file = InputFile::open(path)?;
    let limit = MAX_BYTES_BASE.saturating_add(bam_len.saturating_mul(2)).min(MAX_BYTES);
    let too_large = || corrupt(format!("the index has more than {limit} bytes, too many for a BAM of {bam_len} bytes"));
    let mut head = [0; 18];
    let n = file.read_at(&mut head, 0)?;
    if bgzf::is_frame(head.get(..n).unwrap_or_default()) {
        return inflate(&file, memory::len(limit), too_large);
    }
    if file.len() > limit {
        return Err(too_large());
    }
    let mut bytes = memory::buffer(memory::len(file.len()))?;
    let n = file.read_at(&mut bytes, 0)?;
    bytes.truncate(n);
    Ok(bytes)
}

fn inflate(file: &InputFile, limit: usize, too_large: impl Fn() -> Error) -> Result<Vec<u8>> {
    let mut frames = FrameReader::new(file);
    let mut bytes = Vec::new();
    let mut filled = 0;
    loop {
        let at = frames.next_offset();
        match frames.read(&mut bytes, filled) {
            Ok(Some(n)) => filled += n,
            Ok(None) => break,
            Err(e) if e.kind() == Kind::Os => return Err(e),
            Err(_) => return Err(corrupt("the index is compressed, and a frame of it is damaged or cut short").offset(at)),
        }
        if filled > limit {
            return Err(too_large());
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
