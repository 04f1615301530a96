//! An index for a BAM that has none, made by going through all of its records and kept in memory.

use super::{Bin, Binning, Chunk, ContigIndex, Index};
use crate::error::Result;
use crate::source::bam::Bam;
use crate::source::bgzf::VirtualOffset;
use crate::source::record::Record;
use crate::source::records::{Found, RecordReader, unsorted};

/// Contigs of every length a BAM can have.
const BINNING: Binning = Binning { min_shift: 14, depth: 6 };
/// Inflated bytes that are let go of at once.
const PART: usize = 1 << 20;

/// Goes through the file and notes where the records of each contig are, with the start of a record for every `span_bytes` compressed
/// bytes. `poll` is told how far it is.
///
/// # Errors
///
/// What reading and checking the records gives, in the order of the file; [`crate::error::Kind::CorruptFile`] when they are not sorted.
/// What `poll` gives.
pub fn sweep(bam: &Bam, span_bytes: u64, poll: &mut dyn FnMut(u64) -> Result<()>) -> Result<Index> {
    let mut reader = RecordReader::new(bam, bam.truncated);
    reader.seek(bam.first_record, VirtualOffset(u64::MAX))?;
    let mut sweep = Sweep { bam, contigs: vec![ContigIndex::default(); bam.header.contigs.len()], place: Some((0, -1)), start: None };
    let (mut unplaced, mut polled) = (0, 0);
    while let Some(Found { range, .. }) = reader.next_record()? {
        let record = Record::trusted(&reader.buffer()[range.clone()]);
        let at = reader.position(range.start - 4);
        sweep.take(record, at, span_bytes).map_err(|e| reader.at_record(e, &range))?;
        unplaced += u64::from(sweep.place.is_none());
        if reader.given_bytes() >= PART {
            reader.begin_part();
        }
        if reader.read_to() >= polled + span_bytes {
            polled = reader.read_to();
            poll(polled)?;
        }
    }
    sweep.end_chunk(reader.next_position());
    Ok(Index {
        path: bam.file.path().to_path_buf(),
        contigs: sweep.contigs,
        unplaced: Some(unplaced),
        doubts: Vec::new(),
        binning: BINNING,
    })
}

struct Sweep<'a> {
    bam: &'a Bam,
    contigs: Vec<ContigIndex>,
    /// Contig and position of the last record; `None` among those without a contig, which come last.
    place: Option<(usize, i32)>,
    /// Where the chunk that is open starts.
    start: Option<VirtualOffset>,
}

impl Sweep<'_> {
    fn take(&mut self, record: Record<'_>, at: VirtualOffset, span_bytes: u64) -> Result<()> {
        self.bam.check_place(record)?;
        let contig = usize::try_from(record.contig_id()).ok();
        let ends = match (self.place, contig) {
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err(unsorted()),
            (Some(_), None) => true,
            (Some((last, pos)), Some(contig)) => {
                // A record without a position has no place in the order.
                if contig < last || (contig == last && record.pos() < pos && record.pos() >= 0) {
                    return Err(unsorted());
                }
                contig > last || self.start.is_none_or(|start| at.frame() >= start.frame() + span_bytes)
            }
        };
        if ends {
            self.end_chunk(at);
            self.start = contig.map(|_| at);
        }
        self.place = contig.map(|contig| match self.place {
            Some((last, pos)) if contig == last => (contig, record.pos().max(pos)),
            _ => (contig, record.pos()),
        });
        Ok(())
    }

    /// Ends the open chunk at `end`; it belongs to the contig of the last record.
    fn end_chunk(&mut self, end: VirtualOffset) {
        let Some((start, contig)) = self.start.take().zip(self.place.and_then(|(contig, _)| self.contigs.get_mut(contig))) else { return };
        contig.chunks.push(Chunk { start: start.0, end: end.0 });
        // Bin 0 is the one for all positions.
        contig.bins = vec![Bin { id: 0, first: 0, n: contig.chunks.len() as u32 }];
    }
}
