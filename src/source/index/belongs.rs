//! Whether an index and a file belong together.

use std::path::Path;
use std::sync::Arc;

use super::kept::{self, Key};
use super::{Chunk, Index, SuspectBin};
use crate::coords::Interval;
use crate::error::{Error, Kind, Result};
use crate::source::alignments::Alignments;
use crate::source::bgzf::{self, EOF_FRAME, VirtualPosition, is_end_of_frame};
use crate::source::file::InputFile;
use crate::source::record::{Record, UNMAPPED};
use crate::source::records::{LEN_BYTES, RecordReader};

/// How many gaps and suspect bins of an index are checked against the file at most. A good index has none, or few.
const LOOKS: usize = 1000;
/// How many chunks are looked at of any index: where one does not belong to the file, hardly any of its offsets is the place of a record.
const SAMPLES: usize = 2;
/// In a file of so many bytes, which has few frames, they may well be; so all its records are looked at, or so many.
const SMALL: u64 = 1 << 18;
const RECORDS_OF_SMALL: usize = 100_000;

/// The index of `file`, which `alignments` are read from, and a warning when it is older.
pub(in crate::source) fn indexed(file: &InputFile, given: Option<&Path>, alignments: &Alignments) -> Result<(Arc<Index>, Option<String>)> {
    let longest = alignments.header().contigs.iter().map(|c| c.len).max().unwrap_or(0);
    let path = Index::find(file.path(), given, longest)?;
    let key = Key::of(&path, file);
    let index = if let Some(index) = key.as_ref().and_then(kept::find) {
        index
    } else {
        let index = Arc::new(Index::read(&path, alignments.header(), file.len())?);
        check_belongs(file, alignments, &index)?;
        if let Some(key) = key {
            kept::keep(key, file, &index);
        }
        index
    };
    let older = modified(&path).zip(file.modified()).is_some_and(|(index, bam)| in_seconds(index) < in_seconds(bam));
    let warning = older.then(|| format!("{}: the index is older than {}; run 'samtools index'", path.display(), file.path().display()));
    Ok((index, warning))
}

/// The index has to begin where the file's records begin, and must not reach past its end.
fn check_belongs(file: &InputFile, bam: &Alignments, index: &Index) -> Result<()> {
    let mismatch = |what: &str| {
        Err(Error::new(Kind::IndexMismatch, format!("{what} {}", bam.path().display()))
            .path(&index.path)
            .hint("run 'samtools index' on the file again, or give its own index with index="))
    };
    let Some(extent) = index.extent() else {
        let first = place_of_record(bam, bam.first_record)?;
        return first.map_or(Ok(()), |_| mismatch("the index knows of no record in"));
    };
    if extent.start < bam.first_record {
        return mismatch("the index points into the header of");
    }
    let last_frame = bam.len().saturating_sub(EOF_FRAME.len() as u64);
    if !bam.is_truncated() && extent.end.compressed() > last_frame && extent.end != bgzf::position(bam.len(), 0) {
        return mismatch("the index ends where no frame begins in");
    }
    // Empty frames give one place several offsets: the first record's own place is compared.
    if extent.start != bam.first_record
        && let Some(place) = place_of_record(bam, bam.first_record)?
    {
        match place_of_record(bam, extent.start) {
            Ok(Some(found)) if found == place => {}
            Err(e) if e.kind() == Kind::Os => return Err(e),
            _ => return mismatch("the index does not begin with the first record of"),
        }
    }
    check_complete(file, bam, index)
}

/// The index has to lead to all records of the file. Reading it has checked that it agrees with itself; its gaps and suspect bins are
/// checked against the file here.
fn check_complete(file: &InputFile, bam: &Alignments, index: &Index) -> Result<()> {
    let lacking = |at: VirtualPosition| {
        let at = u64::from(at);
        Err(Error::new(Kind::IndexMismatch, format!("the index does not lead to the record at {at:#x} in {}", bam.path().display()))
            .path(&index.path)
            .hint("the index is damaged, of another file or older: run 'samtools index'"))
    };
    let last_frame = bam.len().saturating_sub(EOF_FRAME.len() as u64);
    // Nothing has to be read where the index ends with the file.
    let behind = index
        .extent()
        .map(|whole| Chunk { start: whole.end, end: VirtualPosition::MAX })
        .filter(|rest| rest.start.compressed() < last_frame);
    for gap in index.gaps().into_iter().take(LOOKS).chain(behind) {
        match has_mapped(file, bam, gap) {
            Ok(false) => {}
            Err(e) if e.kind() == Kind::Os => return Err(e),
            // What is damaged behind the last chunk does not concern those who ask for what is before it.
            Err(e) if gap.end == VirtualPosition::MAX && e.kind() != Kind::IndexMismatch => {}
            Err(e) if e.kind() == Kind::CorruptFile && e.at_record().is_none() => return Err(e),
            _ => return lacking(gap.start),
        }
    }
    for suspect in index.suspects.iter().take(LOOKS) {
        if !lies_there(bam, suspect)? {
            return lacking(suspect.at);
        }
    }
    if bam.len() <= SMALL {
        return first_lost(bam, index).map_or(Ok(()), lacking);
    }
    // One place may be damaged, which concerns those who ask for it; an index none of whose offsets fits is another file's.
    let (mut fits, mut misfit) = (false, None);
    for sample in index.samples(SAMPLES) {
        match lies_there(bam, &sample) {
            Ok(true) => fits = true,
            Ok(false) => return lacking(sample.at),
            Err(e) if e.kind() == Kind::Os => return Err(e),
            Err(e) => misfit = Some(e),
        }
    }
    misfit.filter(|e| !fits && e.kind() == Kind::IndexMismatch).map_or(Ok(()), Err)
}

/// Whether the record lies where the index has it, as far as an index tells of it.
fn lies_there(bam: &Alignments, suspect: &SuspectBin) -> Result<bool> {
    let mut reader = RecordReader::new(bam);
    reader.seek(suspect.at, VirtualPosition::MAX)?;
    let Some(found) = reader.next_record()? else { return Ok(false) };
    let record = Record::trusted(&reader.buffer()[found.range()]);
    let start = i64::from(record.pos());
    let lies_there = suspect.positions.start <= start && start + found.shape().reference_len <= suspect.positions.end;
    Ok(!is_told_of(record) || usize::try_from(record.contig_id()) == Ok(suspect.contig) && lies_there)
}

/// Where the first record is to which the index does not lead a caller who asks for its positions. Records are looked at as far as they can
/// be read: what is damaged concerns those who ask for it.
fn first_lost(bam: &Alignments, index: &Index) -> Option<VirtualPosition> {
    let mut reader = RecordReader::new(bam);
    reader.seek(bam.first_record, VirtualPosition::MAX).ok()?;
    let (mut asked, mut chunks) = (None, Vec::new());
    for _ in 0..RECORDS_OF_SMALL {
        let Ok(Some(found)) = reader.next_record() else { break };
        let record = Record::trusted(&reader.buffer()[found.range()]);
        let at = reader.position(found.range().start - LEN_BYTES);
        if let (true, Ok(contig)) = (is_told_of(record), usize::try_from(record.contig_id())) {
            let start = i64::from(record.pos());
            let positions = Interval::new(start, start + found.shape().reference_len.max(1));
            // Neighbours in the same windows get the same answer.
            let windows = Some((contig, index.windows(positions)));
            if asked != windows {
                (asked, chunks) = (windows, index.chunks(contig, positions));
            }
            if !chunks.iter().any(|chunk| (chunk.start..chunk.end).contains(&at)) {
                return Some(at);
            }
        }
        reader.release();
    }
    None
}

/// Whether any index leads to the record; some writers do not tell of unmapped ones.
fn is_told_of(record: Record<'_>) -> bool {
    record.contig_id() >= 0 && record.pos() >= 0 && record.flags() & UNMAPPED == 0
}

/// Whether there is a record in this stretch of the file to which an index should lead: one that is mapped to a position. Behind the last
/// chunk only the first is looked at, all others could be without a contig.
fn has_mapped(file: &InputFile, bam: &Alignments, gap: Chunk) -> Result<bool> {
    // Some writers of indexes end a chunk with its frame, not where the next one begins.
    if is_end_of_frame(file, gap.start, gap.end)? {
        return Ok(false);
    }
    let mut reader = RecordReader::new(bam);
    reader.seek(gap.start, gap.end)?;
    while let Some(found) = reader.next_record()? {
        let record = Record::trusted(&reader.buffer()[found.range()]);
        if is_told_of(record) {
            return Ok(true);
        }
        if gap.end == VirtualPosition::MAX {
            break;
        }
        reader.release();
    }
    Ok(false)
}

/// Where the record at `offset` starts, if it has a position; an index begins with the first such record of the file.
fn place_of_record(bam: &Alignments, offset: VirtualPosition) -> Result<Option<VirtualPosition>> {
    let mut reader = RecordReader::new(bam);
    reader.seek(offset, VirtualPosition::MAX)?;
    let Some(found) = reader.next_record()? else { return Ok(None) };
    let record = Record::trusted(&reader.buffer()[found.range()]);
    let placed = record.contig_id() >= 0 && record.pos() >= 0;
    Ok(placed.then(|| reader.position(found.range().start - LEN_BYTES)))
}

/// Whole seconds, as htslib compares: a copy of both files keeps no better order.
fn in_seconds(time: std::time::SystemTime) -> u64 {
    time.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

fn modified(path: &std::path::Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}
