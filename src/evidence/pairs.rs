//! Pairs whose reads do not lie as pairs of their read group do.
//!
//! The limit of insert sizes is known when the file has been read. So a pass keeps reads by a [`Guess`] that is made of the reads a worker
//! has seen, lower than the limit will be. Where the guess turns out to be wrong the pass is made again ([`Collected::misses`]): rows never
//! depend on it.

mod join;
mod limits;

use std::collections::HashSet;

use super::area::{Area, Follower, Location};
use super::{DUPLICATE, QC_FAILED, is_one_of, read_group};
use crate::coords::Interval;
use crate::error::{Error, Kind, Result};
use crate::pass::{Consumer, Flow, PartStart};
use crate::source::header::Header;
use crate::source::record::{
    FIRST, MATE_REVERSE, MATE_UNMAPPED, PAIRED, PROPER_PAIR, REVERSE, Record, SECONDARY, SUPPLEMENTARY, Tag, TagValue, UNMAPPED,
};
use crate::source::records::{Batch, Found};

pub use join::PairRow;
pub use limits::{GroupStats, Spread, Usual};
use limits::{Guess, Guesses};

/// Reads with one of these flags belong to no row.
const EXCLUDED: u16 = UNMAPPED | MATE_UNMAPPED | SECONDARY | SUPPLEMENTARY | QC_FAILED | DUPLICATE;
/// "Mapping quality unavailable".
const NO_MAPQ: u8 = 255;

/// The strands of a pair, that of the left read first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// Forward, reverse; also mates on opposite strands that start together.
    FR = 0,
    /// Reverse, forward.
    RF = 1,
    /// Both forward.
    FF = 2,
    /// Both reverse.
    RR = 3,
}

impl Orientation {
    /// All of them; of several that are equally common, the first is the usual one.
    pub const ALL: [Self; 4] = [Self::FR, Self::RF, Self::FF, Self::RR];
    /// Their names.
    pub const NAMES: [&'static str; 4] = ["FR", "RF", "FF", "RR"];

    const fn of(first_is_reverse: bool, second_is_reverse: bool) -> Self {
        match (first_is_reverse, second_is_reverse) {
            (false, true) => Self::FR,
            (true, false) => Self::RF,
            (false, false) => Self::FF,
            (true, true) => Self::RR,
        }
    }
}

/// Why a pair does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairKind {
    /// It fits but for its insert size, which is too large.
    Insert = 0,
    /// Its orientation is not that of the read group.
    Orientation = 1,
    /// Its mates lie on different contigs.
    Interchromosomal = 2,
}

impl PairKind {
    /// Their names, in the order of the codes.
    pub const NAMES: [&'static str; 3] = ["insert", "orientation", "interchromosomal"];
}

/// Which pairs are to be found.
#[derive(Clone, Debug)]
pub struct PairQuery {
    /// Insert sizes above this are too large; `None`: above what is usual in the read group.
    pub max_insert: Option<u32>,
    /// A pair counts when every mapping quality that is known reaches this.
    pub min_mapq: u8,
    /// Whether pairs of each [`PairKind`] are wanted.
    pub kinds: [bool; 3],
    /// A row for each pair; else one for each of its reads that was read.
    pub one_per_pair: bool,
}

/// A read that may belong to a row.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Where its name and, behind it, its read group begin.
    text_at: u64,
    name_len: u32,
    /// `None`: the record has none.
    read_group_len: Option<u32>,
    contig: i32,
    pos: i32,
    /// Its last position.
    last: i64,
    mate_contig: i32,
    mate_pos: i32,
    template_len: i32,
    /// Number of its group in the statistics.
    group: u32,
    flags: u16,
    mapq: Option<u8>,
    /// What the record says of the mate's, in the MQ tag.
    mate_mapq: Option<u8>,
}

impl Candidate {
    const fn is_read1(&self) -> bool {
        self.flags & FIRST != 0
    }

    /// Whether it is the one of the two that comes first by position.
    fn is_first(&self) -> bool {
        let (here, mate) = ((self.contig, self.pos), (self.mate_contig, self.mate_pos));
        here < mate || here == mate && self.is_read1()
    }

    fn orientation(&self) -> Orientation {
        orientation(self.flags, (self.contig, self.pos), (self.mate_contig, self.mate_pos))
    }

    /// Its 5' end.
    const fn five_prime(&self) -> i64 {
        if self.flags & REVERSE != 0 { self.last } else { self.pos as i64 }
    }

    /// The insert size, if this record tells it alone: the 5' end of a forward mate is its position.
    fn own_insert(&self) -> Option<i64> {
        let is_told = self.flags & MATE_REVERSE == 0 && self.contig == self.mate_contig;
        is_told.then(|| (self.five_prime() - i64::from(self.mate_pos)).abs() + 1)
    }

    /// The absolute TLEN.
    const fn template(&self) -> i64 {
        self.template_len.unsigned_abs() as i64
    }

    /// From the first base of the one to that of the other.
    const fn between_starts(&self) -> i64 {
        (self.pos as i64 - self.mate_pos as i64).abs() + 1
    }
}

fn orientation(flags: u16, here: (i32, i32), mate: (i32, i32)) -> Orientation {
    let (reverse, mate_reverse) = (flags & REVERSE != 0, flags & MATE_REVERSE != 0);
    if here == mate && reverse != mate_reverse {
        Orientation::FR
    } else if here <= mate {
        Orientation::of(reverse, mate_reverse)
    } else {
        Orientation::of(mate_reverse, reverse)
    }
}

/// Finds pairs.
#[derive(Debug)]
pub struct Pairs<'a> {
    header: &'a Header,
    area: &'a Area,
    query: &'a PairQuery,
    /// The read groups that count, sorted.
    wanted_groups: Option<&'a [Vec<u8>]>,
    /// The read groups of the header, sorted, where there are several; behind them come reads of none of these.
    groups: Vec<&'a [u8]>,
    /// Bytes that candidates may take.
    most_bytes: u64,
    /// What is usual, where a pass before has found it out, and names whose reads are kept whatever they look like.
    known: Option<(Vec<Usual>, HashSet<Vec<u8>>)>,
}

/// Candidates, and what they and all others say about their read groups.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    candidates: Vec<Candidate>,
    text: Vec<u8>,
    stats: Vec<GroupStats>,
    guesses: Vec<Guesses>,
    /// Reads left out because their mate lies behind the end of its contig, or nowhere.
    pub skipped: u64,
    /// Records by the target they were read for.
    pub records: Vec<u64>,
}

/// The buffers of a worker.
#[derive(Debug)]
pub struct PairWorker {
    follower: Follower,
    part: Collected,
    /// Of all parts so far.
    seen: Vec<GroupStats>,
    guesses: Vec<Guess>,
}

impl<'a> Pairs<'a> {
    /// Pairs of which at least one read lies in `area` and belongs to `wanted_groups`, which are sorted.
    pub fn new(header: &'a Header, area: &'a Area, query: &'a PairQuery, wanted_groups: Option<&'a [Vec<u8>]>, most_bytes: u64) -> Self {
        let mut groups: Vec<&[u8]> = header.read_groups.iter().map(|group| group.id.as_slice()).collect();
        groups.sort_unstable();
        groups.dedup();
        if groups.len() < 2 {
            groups.clear();
        }
        Self { header, area, query, wanted_groups, groups, most_bytes, known: None }
    }

    /// The same where it is known what is usual, and with the reads of `names`.
    #[must_use]
    pub fn knowing(self, usual: Vec<Usual>, names: HashSet<Vec<u8>>) -> Self {
        Self { known: Some((usual, names)), ..self }
    }

    /// The result of no part.
    pub fn nothing(&self) -> Collected {
        let groups = self.groups.len() + 1;
        Collected {
            stats: vec![GroupStats::default(); groups],
            guesses: vec![Guesses::default(); groups],
            records: vec![0; self.area.targets().len()],
            ..Collected::default()
        }
    }

    /// The names of the groups of [`Collected::usual`]: the last is that of reads of no group, or of all reads where there are no several
    /// groups.
    pub fn group_names(&self) -> &[&'a [u8]] {
        &self.groups
    }

    fn guess(&self, seen: &[GroupStats]) -> Vec<Guess> {
        match &self.known {
            Some((usual, _)) => usual.iter().map(|usual| Guess::Known(usual.orientation, usual.limit)).collect(),
            None => seen.iter().map(|stats| stats.guess(self.query.max_insert)).collect(),
        }
    }

    #[inline]
    fn take_record(&self, worker: &mut PairWorker, record: Record<'_>, found: Found) -> Result<Flow> {
        let reference_len = found.shape().reference_len;
        match worker.follower.locate(record, reference_len, self.header, self.area)? {
            Location::Inside => {}
            Location::Elsewhere => return Ok(Flow::More),
            Location::Behind => return Ok(Flow::Enough),
        }
        let flags = record.flags();
        if flags & (EXCLUDED | PAIRED) != PAIRED {
            return Ok(Flow::More);
        }
        if !self.is_placed(record.contig_id(), record.pos()) || !self.is_placed(record.mate_contig_id(), record.mate_pos()) {
            self.header.check_place(record)?;
            worker.part.skipped += 1;
            return Ok(Flow::More);
        }
        let Some(group) = self.group(record)? else { return Ok(Flow::More) };
        let (here, mate) = ((record.contig_id(), record.pos()), (record.mate_contig_id(), record.mate_pos()));
        let orientation = orientation(flags, here, mate);
        let stats = &mut worker.part.stats[group];
        stats.reads += 1;
        if flags & (PROPER_PAIR | FIRST) == PROPER_PAIR | FIRST && here.0 == mate.0 {
            stats.add(orientation, record.template_len().unsigned_abs());
        }
        if self.is_kept(record, worker.guesses[group], orientation, reference_len) {
            let last = i64::from(record.pos()) + reference_len.max(1);
            if self.area.overlaps(record.contig_id() as usize, Interval::new(i64::from(record.pos()), last)) {
                worker.part.keep(record, last - 1, group)?;
            }
        }
        Ok(Flow::More)
    }

    /// Whether a record may belong to a row if the guess is right.
    #[inline]
    fn is_kept(&self, record: Record<'_>, guess: Guess, orientation: Orientation, reference_len: i64) -> bool {
        if record.contig_id() != record.mate_contig_id() {
            return true;
        }
        let Guess::Known(usual, limit) = guess else { return true };
        // A pair of two reverse reads has its insert size from both records.
        if orientation != usual || orientation == Orientation::RR {
            return true;
        }
        let limit = limit.map_or(i64::MAX, |limit| limit as i64);
        let pos = i64::from(record.pos());
        let five_prime = if record.flags() & REVERSE != 0 { pos + reference_len.max(1) - 1 } else { pos };
        let mate_pos = i64::from(record.mate_pos());
        let most = (five_prime - mate_pos).abs().max((pos - mate_pos).abs()) + 1;
        most.max(i64::from(record.template_len().unsigned_abs())) > limit || self.is_named(record)
    }

    fn is_named(&self, record: Record<'_>) -> bool {
        self.known.as_ref().is_some_and(|(_, names)| !names.is_empty() && names.contains(record.name()))
    }

    fn is_placed(&self, contig: i32, pos: i32) -> bool {
        let contig = usize::try_from(contig).ok().and_then(|contig| self.header.contigs.get(contig));
        contig.is_some_and(|contig| pos >= 0 && i64::from(pos) < contig.len)
    }

    /// The number of the record's group; `None` where its group does not count.
    #[inline]
    fn group(&self, record: Record<'_>) -> Result<Option<usize>> {
        if self.groups.is_empty() && self.wanted_groups.is_none() {
            return Ok(Some(0));
        }
        let text = read_group(record)?;
        if self.wanted_groups.is_some_and(|wanted| !is_one_of(text, wanted)) {
            return Ok(None);
        }
        Ok(Some(text.and_then(|text| self.groups.binary_search(&text).ok()).unwrap_or(self.groups.len())))
    }
}

impl Collected {
    fn keep(&mut self, record: Record<'_>, last: i64, group: usize) -> Result<()> {
        let read_group = read_group(record)?;
        let mate_mapq = match record.tag(Tag::from(*b"MQ"))? {
            Some(TagValue::Number(mapq)) => u8::try_from(mapq).ok().filter(|&mapq| mapq != NO_MAPQ),
            _ => None,
        };
        let name = record.name();
        self.candidates.push(Candidate {
            text_at: self.text.len() as u64,
            name_len: name.len() as u32,
            read_group_len: read_group.map(|group| group.len() as u32),
            contig: record.contig_id(),
            pos: record.pos(),
            last,
            mate_contig: record.mate_contig_id(),
            mate_pos: record.mate_pos(),
            template_len: record.template_len(),
            group: group as u32,
            flags: record.flags(),
            mapq: Some(record.mapq()).filter(|&mapq| mapq != NO_MAPQ),
            mate_mapq,
        });
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(read_group.unwrap_or_default());
        Ok(())
    }

    fn name(&self, candidate: &Candidate) -> &[u8] {
        let at = candidate.text_at as usize;
        &self.text[at..at + candidate.name_len as usize]
    }

    fn read_group(&self, candidate: &Candidate) -> Option<&[u8]> {
        let at = candidate.text_at as usize + candidate.name_len as usize;
        candidate.read_group_len.map(|len| &self.text[at..at + len as usize])
    }

    fn bytes(&self) -> u64 {
        (self.candidates.len() * size_of::<Candidate>() + self.text.len()) as u64
    }

    /// What is usual in each group. A group without proper pairs takes after all of them.
    pub fn usual(&self, query: &PairQuery) -> Vec<Usual> {
        let mut all = GroupStats::default();
        self.stats.iter().for_each(|stats| all.merge(stats));
        let of = |stats: &GroupStats| {
            let usual = stats.usual(query.max_insert);
            if usual.proper_pairs > 0 { usual } else { Usual { proper_pairs: 0, ..all.usual(query.max_insert) } }
        };
        self.stats.iter().map(of).collect()
    }

    /// Whether reads are missing because what was guessed is not `usual`.
    pub fn misses(&self, usual: &[Usual]) -> bool {
        self.guesses.iter().zip(usual).any(|(guesses, usual)| !guesses.cover(usual))
    }
}

impl Consumer for Pairs<'_> {
    type Worker<'w>
        = PairWorker
    where
        Self: 'w;
    type Part = Collected;
    type Joined = Collected;
    type Ready = ();
    type Again = ();

    fn worker(&self) -> PairWorker {
        let part = PartStart { section: crate::plan::Section::File, origin: crate::plan::Origin::Index };
        PairWorker { follower: Follower::new(part), part: self.nothing(), seen: self.nothing().stats, guesses: Vec::new() }
    }

    fn begin(&self, worker: &mut PairWorker, part: PartStart, _: Option<()>) {
        (worker.follower, worker.part) = (Follower::new(part), self.nothing());
        worker.guesses = self.guess(&worker.seen);
    }

    fn take(&self, worker: &mut PairWorker, batch: &mut Batch<'_>) -> Result<Flow> {
        for (i, &found) in batch.records.iter().enumerate() {
            let record = Record::trusted(&batch.bytes[found.range()]);
            if self.take_record(worker, record, found).map_err(|e| batch.at_record(e, i))? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    fn finish(&self, worker: &mut PairWorker, _: &mut Batch<'_>) -> Result<Collected> {
        for (seen, more) in worker.seen.iter_mut().zip(&worker.part.stats) {
            seen.merge(more);
        }
        let mut part = std::mem::take(&mut worker.part);
        for (guesses, &guess) in part.guesses.iter_mut().zip(&worker.guesses) {
            guesses.add(guess);
        }
        if let Some(target) = worker.follower.target() {
            part.records[target] += worker.follower.records;
        }
        Ok(part)
    }

    fn join(&self, joined: &mut Collected, part: &mut Collected, _: &mut Vec<()>) -> Result<Option<()>> {
        let before = joined.text.len() as u64;
        joined.candidates.extend(part.candidates.drain(..).map(|c| Candidate { text_at: c.text_at + before, ..c }));
        joined.text.append(&mut part.text);
        for (stats, more) in joined.stats.iter_mut().zip(&part.stats) {
            stats.merge(more);
        }
        for (records, more) in joined.records.iter_mut().zip(&part.records) {
            *records += more;
        }
        joined.skipped += part.skipped;
        for (guesses, more) in joined.guesses.iter_mut().zip(&part.guesses) {
            guesses.merge(*more);
        }
        joined.check_memory(self.most_bytes)
    }

    fn settle(&self, _: &mut PairWorker, (): ()) -> Result<()> {
        Ok(())
    }
}

impl Collected {
    fn check_memory(&self, most: u64) -> Result<Option<()>> {
        // A row takes about as much again.
        let needed = 2 * self.bytes();
        if needed <= most {
            return Ok(None);
        }
        let what = format!("reads that may belong to a row take more than the {most} bytes there are");
        Err(Error::new(Kind::ResourceLimit, what).hint("ask for regions, for fewer kinds, or give max_insert as a number"))
    }
}
