//! What single reads say about structure: long insertions and deletions in the CIGAR, alignments split over several records, clips.

mod cigar;
mod clip;
mod split;

use super::area::{Area, Follower, Location};
use super::{DUPLICATE, QC_FAILED, is_one_of, read_group};
use crate::coords::Interval;
use crate::error::{Error, Kind, Result};
use crate::pass::{Consumer, Flow, PartStart};
use crate::plan::{Origin, Section};
use crate::source::header::Header;
use crate::source::record::{Record, SECONDARY, UNMAPPED};
use crate::source::records::{Batch, Found};

/// Records with one of these flags say nothing.
const EXCLUDED: u16 = UNMAPPED | SECONDARY | QC_FAILED | DUPLICATE;
/// "Mapping quality unavailable".
const NO_MAPQ: u8 = 255;

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// Reference bases that the read lacks.
    Del = 0,
    /// Bases that the reference lacks.
    Ins = 1,
    /// A change of strand.
    Inv = 2,
    /// The read goes back on the reference.
    Dup = 3,
    /// The read goes on, on another contig.
    Bnd = 4,
    /// The alignment ends before the read does.
    Clip = 5,
}

impl EventType {
    /// Their names, in the order of the codes.
    pub const NAMES: [&'static str; 6] = ["DEL", "INS", "INV", "DUP", "BND", "CLIP"];
}

/// What in a record says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An operation of the CIGAR.
    Cigar = 0,
    /// Two alignments of one read.
    Split = 1,
    /// A clip.
    Clip = 2,
}

impl Source {
    /// Their names, in the order of the codes.
    pub const NAMES: [&'static str; 3] = ["cigar", "split", "clip"];
}

/// On which side of a breakpoint the read is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// `+`: in front of it.
    Before = 0,
    /// `-`: behind it.
    Behind = 1,
}

impl Side {
    /// Their names, in the order of the codes.
    pub const NAMES: [&'static str; 2] = ["+", "-"];
}

/// A place where an alignment ends or begins: between the bases `pos - 1` and `pos`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breakpoint {
    /// The contig.
    pub contig: usize,
    /// The first position behind it, 0-based.
    pub pos: i64,
    /// Where the alignment lies.
    pub side: Side,
}

/// Which events are to be found.
#[derive(Clone, Copy, Debug)]
pub struct EventQuery {
    /// Events of fewer bases are left out.
    pub min_size: i64,
    /// Records of a lower known mapping quality are left out.
    pub min_mapq: u8,
    /// Whether each [`Source`] is wanted.
    pub sources: [bool; 3],
    /// Operations of one kind with no more reference bases between them are one event.
    pub merge_within: i64,
    /// Whether inserted and clipped bases are wanted.
    pub sequence: bool,
}

/// An event before it has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Event {
    kind: EventType,
    source: Source,
    /// The breakpoint that comes first.
    first: Breakpoint,
    /// The other one; of a clip there is none.
    second: Option<Breakpoint>,
    /// Position behind the last base of the event on the first contig.
    end: i64,
    size: i64,
    mapq: Option<u8>,
}

/// An event as it lies in [`Found`](Events).
#[derive(Clone, Copy, Debug)]
struct Kept {
    event: Event,
    text_at: u64,
    name_len: u32,
    /// `None`: not wanted, or not there.
    sequence_len: Option<u32>,
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRow<'e> {
    /// What it is.
    pub kind: EventType,
    /// What says so.
    pub source: Source,
    /// The breakpoint that comes first; its position is the event's start.
    pub first: Breakpoint,
    /// The other one; of a clip there is none.
    pub second: Option<Breakpoint>,
    /// The event's end.
    pub end: i64,
    /// Bases.
    pub size: i64,
    /// Mapping quality, the lower one of two.
    pub mapq: Option<u8>,
    /// The read's name.
    pub name: &'e [u8],
    /// Inserted or clipped bases.
    pub sequence: Option<&'e [u8]>,
}

/// Events in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Events {
    kept: Vec<Kept>,
    text: Vec<u8>,
    /// Records whose SA tag cannot be read.
    pub bad_tags: u64,
    /// Records left out because they have no position, or reach past the end of their contig.
    pub skipped: u64,
    /// Records by the target they were read for.
    pub records: Vec<u64>,
}

impl Events {
    /// The events.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = EventRow<'_>> {
        self.kept.iter().map(|kept| {
            let Event { kind, source, first, second, end, size, mapq } = kept.event;
            let (name, rest) = self.text[kept.text_at as usize..].split_at(kept.name_len as usize);
            let sequence = kept.sequence_len.map(|len| &rest[..len as usize]);
            EventRow { kind, source, first, second, end, size, mapq, name, sequence }
        })
    }

    /// Bytes they take.
    pub fn bytes(&self) -> u64 {
        (self.kept.len() * size_of::<Kept>() + self.text.len()) as u64
    }

    fn keep(&mut self, event: Event, name: &[u8], sequence: Option<Vec<u8>>) {
        let sequence_len = sequence.as_ref().map(|bases| bases.len() as u32);
        self.kept.push(Kept { event, text_at: self.text.len() as u64, name_len: name.len() as u32, sequence_len });
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(&sequence.unwrap_or_default());
    }

    fn append(&mut self, part: &mut Self) {
        let before = self.text.len() as u64;
        self.kept.extend(part.kept.drain(..).map(|kept| Kept { text_at: kept.text_at + before, ..kept }));
        self.text.append(&mut part.text);
        self.bad_tags += part.bad_tags;
        self.skipped += part.skipped;
        for (records, more) in self.records.iter_mut().zip(&part.records) {
            *records += more;
        }
    }
}

/// Finds events.
#[derive(Debug)]
pub struct FindEvents<'a> {
    header: &'a Header,
    area: &'a Area,
    query: &'a EventQuery,
    /// The read groups that count, sorted.
    read_groups: Option<&'a [Vec<u8>]>,
    /// Bytes that events may take.
    most_bytes: u64,
}

/// The buffers of a worker.
#[derive(Debug)]
pub struct EventWorker {
    follower: Follower,
    part: Events,
    parts: Vec<split::Alignment>,
}

impl<'a> FindEvents<'a> {
    /// Events in `area`, of reads of `read_groups`, which are sorted.
    pub fn new(header: &'a Header, area: &'a Area, query: &'a EventQuery, read_groups: Option<&'a [Vec<u8>]>, most_bytes: u64) -> Self {
        Self { header, area, query, read_groups, most_bytes }
    }

    /// The result of no part.
    pub fn nothing(&self) -> Events {
        Events { records: vec![0; self.area.targets().len()], ..Events::default() }
    }

    #[inline]
    fn take_record(&self, worker: &mut EventWorker, record: Record<'_>, found: Found) -> Result<Flow> {
        let reference_len = found.shape().reference_len;
        match worker.follower.locate(record, reference_len, self.header, self.area)? {
            Location::Inside => {}
            Location::Elsewhere => return Ok(Flow::More),
            Location::Behind => return Ok(Flow::Enough),
        }
        let mapq = Some(record.mapq()).filter(|&mapq| mapq != NO_MAPQ);
        if record.flags() & EXCLUDED != 0 || mapq.is_some_and(|mapq| mapq < self.query.min_mapq) {
            return Ok(Flow::More);
        }
        let contig = usize::try_from(record.contig_id()).ok().and_then(|contig| self.header.contigs.get(contig));
        let end = i64::from(record.pos()) + reference_len;
        if !contig.is_some_and(|contig| record.pos() >= 0 && i64::from(record.pos()) < contig.len && end <= contig.len) {
            self.header.check_place(record)?;
            worker.part.skipped += 1;
            return Ok(Flow::More);
        }
        if let Some(groups) = self.read_groups
            && !is_one_of(read_group(record)?, groups)
        {
            return Ok(Flow::More);
        }
        self.find(worker, record, mapq)?;
        Ok(Flow::More)
    }

    fn find(&self, worker: &mut EventWorker, record: Record<'_>, mapq: Option<u8>) -> Result<()> {
        let wants = |source: Source| self.query.sources[source as usize];
        let part = &mut worker.part;
        if wants(Source::Cigar) {
            self.find_in_cigar(record, mapq, part);
        }
        let has_parts = wants(Source::Split) && split::parts(record, self.header, &mut worker.parts, &mut part.bad_tags)?;
        if has_parts {
            self.find_junctions(record, &mut worker.parts, part);
        }
        if wants(Source::Clip) {
            self.find_clips(record, mapq, if has_parts { &worker.parts } else { &[] }, part);
        }
        Ok(())
    }

    /// Keeps an event if it touches the area.
    fn keep(&self, event: Event, record: Record<'_>, sequence: impl FnOnce() -> Option<Vec<u8>>, part: &mut Events) {
        let contig = event.first.contig;
        let touches = |contig: usize, start: i64, end: i64| self.area.overlaps(contig, Interval::new(start, end.max(start + 1)));
        let second = || event.second.is_some_and(|second| touches(second.contig, second.pos, second.pos));
        if touches(contig, event.first.pos, event.end) || second() {
            part.keep(event, record.name(), if self.query.sequence { sequence() } else { None });
        }
    }
}

/// Letters of the 4-bit codes of SEQ.
const LETTERS: &[u8; 16] = b"=ACMGRSVTWYHKDBN";
/// Letters of the complements of the same codes.
const COMPLEMENTS: &[u8; 16] = b"=TGKCYSBAWRDMHVN";

/// Some bases of SEQ, if it has them.
fn bases(record: Record<'_>, from: i64, len: i64) -> Option<Vec<u8>> {
    let (from, len) = (usize::try_from(from).ok()?, usize::try_from(len).ok()?);
    let end = from.checked_add(len).filter(|&end| end <= record.seq_len())?;
    Some((from..end).map(|i| LETTERS[usize::from(record.base(i))]).collect())
}

/// The same of the other strand.
fn bases_of_other_strand(record: Record<'_>, from: i64, len: i64) -> Option<Vec<u8>> {
    bases(record, from, len)?;
    let from = from as usize;
    Some((from..from + len as usize).rev().map(|i| COMPLEMENTS[usize::from(record.base(i))]).collect())
}

impl Consumer for FindEvents<'_> {
    type Worker<'w>
        = EventWorker
    where
        Self: 'w;
    type Part = Events;
    type Joined = Events;
    type Ready = ();
    type Again = ();

    fn worker(&self) -> EventWorker {
        let part = PartStart { section: Section::File, origin: Origin::Index };
        EventWorker { follower: Follower::new(part), part: self.nothing(), parts: Vec::new() }
    }

    fn begin(&self, worker: &mut EventWorker, part: PartStart, _: Option<()>) {
        (worker.follower, worker.part) = (Follower::new(part), self.nothing());
    }

    fn take(&self, worker: &mut EventWorker, batch: &mut Batch<'_>) -> Result<Flow> {
        for (i, &found) in batch.records.iter().enumerate() {
            let record = Record::trusted(&batch.bytes[found.range()]);
            if self.take_record(worker, record, found).map_err(|e| batch.at_record(e, i))? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    fn finish(&self, worker: &mut EventWorker, _: &mut Batch<'_>) -> Result<Events> {
        let mut part = std::mem::take(&mut worker.part);
        if let Some(target) = worker.follower.target() {
            part.records[target] += worker.follower.records;
        }
        Ok(part)
    }

    fn join(&self, joined: &mut Events, part: &mut Events, _: &mut Vec<()>) -> Result<Option<()>> {
        joined.append(part);
        // A row takes about as much again.
        if 2 * joined.bytes() <= self.most_bytes {
            return Ok(None);
        }
        let what = format!("the events take more than the {} bytes there are", self.most_bytes);
        Err(Error::new(Kind::ResourceLimit, what).hint("ask for regions, for a larger min_size, or leave out sequence=True"))
    }

    fn settle(&self, _: &mut EventWorker, (): ()) -> Result<()> {
        Ok(())
    }
}
