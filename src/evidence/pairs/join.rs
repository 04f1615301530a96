//! From reads to pairs, and from pairs to rows.

use std::collections::{HashMap, HashSet};

use super::{Candidate, Collected, Orientation, PairKind, PairQuery, Usual};
use crate::source::record::{MATE_REVERSE, REVERSE};

/// A pair, or a read of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairRow<'c> {
    /// Its name.
    pub name: &'c [u8],
    /// Contig and first position of the read that comes first, 0-based.
    pub place: (usize, i64),
    /// The same of the other one.
    pub mate_place: (usize, i64),
    /// From 5' end to 5' end; 0 where the contigs differ.
    pub insert_size: i64,
    /// The strands by position.
    pub orientation: Orientation,
    /// Why it does not fit.
    pub kind: PairKind,
    /// Mapping quality of the read at `place`.
    pub mapq: Option<u8>,
    /// Mapping quality of the other one.
    pub mate_mapq: Option<u8>,
    /// The read group.
    pub read_group: Option<&'c [u8]>,
}

/// A read and, where it was read, its mate. The one that comes first by position is the first.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// A read, and its number in the file.
    read: (usize, Candidate),
    mate: Option<(usize, Candidate)>,
}

impl Pair {
    /// Contig and position of the read that comes first; then whether it was read; then the order of the file.
    fn key(&self) -> (i32, i32, bool, usize) {
        let read = &self.read.1;
        if self.mate.is_some() || read.is_first() {
            (read.contig, read.pos, false, self.read.0)
        } else {
            (read.mate_contig, read.mate_pos, true, self.read.0)
        }
    }

    fn insert_size(&self) -> i64 {
        let read = &self.read.1;
        if read.contig != read.mate_contig {
            return 0;
        }
        match &self.mate {
            Some((_, mate)) => (read.five_prime() - mate.five_prime()).abs() + 1,
            None => read.template(),
        }
    }
}

impl Collected {
    /// Whether two reads are mates: each says of the other what that says of itself.
    fn are_mates(&self, a: &Candidate, b: &Candidate) -> bool {
        let strands = |own: &Candidate, other: &Candidate| (own.flags & MATE_REVERSE != 0) == (other.flags & REVERSE != 0);
        a.is_read1() != b.is_read1()
            && (a.mate_contig, a.mate_pos) == (b.contig, b.pos)
            && (b.mate_contig, b.mate_pos) == (a.contig, a.pos)
            && strands(a, b)
            && strands(b, a)
            && self.read_group(a) == self.read_group(b)
    }

    /// Each read joined with the first before it that is its mate and is not joined yet.
    fn pairs(&self) -> Vec<Pair> {
        let mut waiting: HashMap<&[u8], Vec<usize>> = HashMap::with_capacity(self.candidates.len() / 2);
        let mut mate_of: Vec<Option<usize>> = vec![None; self.candidates.len()];
        for (i, read) in self.candidates.iter().enumerate() {
            let before = waiting.entry(self.name(read)).or_default();
            match before.iter().position(|&j| self.are_mates(read, &self.candidates[j])) {
                Some(at) => {
                    let j = before.remove(at);
                    (mate_of[i], mate_of[j]) = (Some(j), Some(i));
                }
                None => before.push(i),
            }
        }
        let pair = |i: usize| {
            let read = (i, self.candidates[i]);
            let mate = mate_of[i].map(|j| (j, self.candidates[j]));
            // Of two that were read, the first by position stands for both.
            (mate.is_none() || read.1.is_first()).then_some(Pair { read, mate })
        };
        (0..self.candidates.len()).filter_map(pair).collect()
    }

    /// The rows: sorted by contig and position of the read that comes first, then in the order of the file.
    pub fn rows(&self, query: &PairQuery, usual: &[Usual]) -> Vec<PairRow<'_>> {
        let mut pairs = self.pairs();
        let mut rows: Vec<((i32, i32, bool, usize), PairRow<'_>)> = Vec::new();
        for pair in pairs.drain(..) {
            let Some(kind) = Self::kind_of(&pair, query, &usual[pair.read.1.group as usize]) else { continue };
            if query.one_per_pair {
                let row = self.row(&pair, kind, pair.mate.is_some() || pair.read.1.is_first());
                rows.push((pair.key(), row));
                continue;
            }
            let read = &pair.read.1;
            rows.push(((read.contig, read.pos, false, pair.read.0), self.row(&pair, kind, true)));
            if let Some((number, mate)) = &pair.mate {
                rows.push(((mate.contig, mate.pos, false, *number), self.row(&pair, kind, false)));
            }
        }
        rows.sort_unstable_by_key(|row| row.0);
        rows.into_iter().map(|row| row.1).collect()
    }

    /// Why a pair does not fit, if it does not, its mapping qualities suffice, and such pairs are wanted.
    fn kind_of(pair: &Pair, query: &PairQuery, usual: &Usual) -> Option<PairKind> {
        let read = &pair.read.1;
        let kind = if read.contig != read.mate_contig {
            PairKind::Interchromosomal
        } else if read.orientation() != usual.orientation {
            PairKind::Orientation
        } else if usual.limit.is_some_and(|limit| pair.insert_size() as f64 > limit) {
            PairKind::Insert
        } else {
            return None;
        };
        let mate_mapq = pair.mate.map_or(read.mate_mapq, |(_, mate)| mate.mapq);
        let suffices = |mapq: Option<u8>| mapq.is_none_or(|mapq| mapq >= query.min_mapq);
        (query.kinds[kind as usize] && suffices(read.mapq) && suffices(mate_mapq)).then_some(kind)
    }

    /// A row in which the pair's read comes first, or its mate.
    fn row(&self, pair: &Pair, kind: PairKind, read_first: bool) -> PairRow<'_> {
        let read = &pair.read.1;
        let here = ((read.contig as usize, i64::from(read.pos)), read.mapq);
        let mate_mapq = pair.mate.map_or(read.mate_mapq, |(_, mate)| mate.mapq);
        let there = ((read.mate_contig as usize, i64::from(read.mate_pos)), mate_mapq);
        let (first, second) = if read_first { (here, there) } else { (there, here) };
        PairRow {
            name: self.name(read),
            place: first.0,
            mate_place: second.0,
            insert_size: pair.insert_size(),
            orientation: read.orientation(),
            kind,
            mapq: first.1,
            mate_mapq: second.1,
            read_group: self.read_group(read),
        }
    }

    /// Names of reads whose mates are to be kept in another pass, whatever they look like: there are some where a row depends on a mate
    /// that may have been read and not kept, because its own record does not tell that it matters.
    pub fn in_doubt(&self, query: &PairQuery, usual: &[Usual]) -> HashSet<Vec<u8>> {
        if !query.kinds[PairKind::Insert as usize] {
            return HashSet::new();
        }
        // By the limit that the other pass keeps reads by, which may be above the one they were kept by here.
        let may_count = |read: &Candidate| {
            let usual = &usual[read.group as usize];
            let limit = usual.limit.filter(|_| read.contig == read.mate_contig && read.orientation() == usual.orientation);
            let too_large = |size: i64| limit.is_some_and(|limit| size as f64 > limit);
            (too_large(read.template()) || read.own_insert().is_some_and(too_large)) && !too_large(read.between_starts())
        };
        let doubtful = |pair: &Pair| pair.mate.is_none() && may_count(&pair.read.1) && !self.keeps_mates_of(&pair.read.1);
        if !self.pairs().iter().any(doubtful) {
            return HashSet::new();
        }
        self.candidates.iter().filter(|read| may_count(read)).map(|read| self.name(read).to_vec()).collect()
    }

    /// Whether the mate of a pair that has the usual orientation is kept for sure.
    fn keeps_mates_of(&self, read: &Candidate) -> bool {
        read.orientation() == Orientation::RR || self.guesses[read.group as usize].keep(read.between_starts())
    }
}
