//! Alignments of one read in several records, from the SA tag.

use super::clip::clips;
use super::{Breakpoint, Event, EventType, Events, FindEvents, NO_MAPQ, Side, Source, bases, bases_of_other_strand};
use crate::coords::Interval;
use crate::error::Result;
use crate::source::header::Header;
use crate::source::record::{OpKind, REVERSE, Record, SUPPLEMENTARY, Tag, TagValue};

/// One alignment of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alignment {
    contig: usize,
    start: i64,
    end: i64,
    reverse: bool,
    /// Where its bases lie in the read, as the sequencer gave it.
    read: (i64, i64),
    mapq: Option<u8>,
}

/// What the CIGAR of an alignment comes to.
#[derive(Clone, Copy, Debug, Default)]
struct Lengths {
    /// Clipped in front of it and behind it.
    clips: [i64; 2],
    read: i64,
    reference: i64,
}

impl Lengths {
    const fn whole_read(self) -> i64 {
        self.clips[0] + self.read + self.clips[1]
    }

    /// Where the bases lie in the read.
    const fn in_read(self, reverse: bool) -> (i64, i64) {
        let before = self.clips[reverse as usize];
        (before, before + self.read)
    }
}

/// The alignments of the read of `record`, itself the first, then those of the SA tag in its order; false where there is none. A tag that
/// cannot be read is counted.
pub(super) fn parts(record: Record<'_>, header: &Header, out: &mut Vec<Alignment>, bad_tags: &mut u64) -> Result<bool> {
    out.clear();
    let tag = match record.tag(Tag::from(*b"SA"))? {
        None => return Ok(false),
        Some(TagValue::Text(text)) => Some(text),
        Some(_) => None,
    };
    if tag.and_then(|tag| read_parts(record, tag, header, out)).is_none() {
        *bad_tags += 1;
        out.clear();
    }
    Ok(!out.is_empty())
}

fn read_parts(record: Record<'_>, tag: &[u8], header: &Header, out: &mut Vec<Alignment>) -> Option<()> {
    let own = own_lengths(record).filter(|own| own.reference > 0)?;
    let start = i64::from(record.pos());
    let reverse = record.flags() & REVERSE != 0;
    out.push(Alignment {
        contig: usize::try_from(record.contig_id()).ok()?,
        start,
        end: start + own.reference,
        reverse,
        read: own.in_read(reverse),
        mapq: Some(record.mapq()).filter(|&mapq| mapq != NO_MAPQ),
    });
    let tag = tag.strip_suffix(b";").unwrap_or(tag);
    for entry in tag.split(|&b| b == b';') {
        let (part, whole_read) = parse(entry, header)?;
        if whole_read != own.whole_read() {
            return None;
        }
        out.push(part);
    }
    Some(())
}

fn own_lengths(record: Record<'_>) -> Option<Lengths> {
    let cigar = record.cigar();
    let [before, behind] = clips(cigar).map(|(all, _)| all);
    let (mut read, mut reference) = (0, 0);
    for op in cigar.iter() {
        let len = i64::from(op.len);
        read += if op.kind.consumes_read() || op.kind == OpKind::HardClip { len } else { 0 };
        reference += if op.kind.consumes_reference() { len } else { 0 };
    }
    (!cigar.is_empty()).then_some(Lengths { clips: [before, behind], read: read - before - behind, reference })
}

/// An alignment `rname,pos,strand,CIGAR,mapQ,NM`, and the bases of the whole read by its CIGAR.
fn parse(entry: &[u8], header: &Header) -> Option<(Alignment, i64)> {
    // NM, the last field, plays no part.
    let mut fields = entry.rsplitn(6, |&b| b == b',').skip(1);
    let (mapq, cigar, strand, pos, name) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let contig = header.contig_id(name)?;
    let start = number(pos)?.checked_sub(1)?;
    let reverse = match strand {
        b"+" => false,
        b"-" => true,
        _ => return None,
    };
    let lengths = lengths(cigar)?;
    let mapq = u8::try_from(number(mapq)?).ok()?;
    let end = start + lengths.reference;
    let fits = start >= 0 && lengths.reference > 0 && end <= header.contigs[contig].len;
    let mapq = Some(mapq).filter(|&mapq| mapq != NO_MAPQ);
    let part = Alignment { contig, start, end, reverse, read: lengths.in_read(reverse), mapq };
    fits.then_some((part, lengths.whole_read()))
}

fn number(text: &[u8]) -> Option<i64> {
    // 2^31 and more are on no contig; more digits would overflow.
    let is_number = !text.is_empty() && text.len() <= 10 && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| text.iter().fold(0, |n, digit| 10 * n + i64::from(digit - b'0')))
}

fn lengths(cigar: &[u8]) -> Option<Lengths> {
    let (mut lengths, mut aligned) = (Lengths::default(), false);
    let mut rest = cigar;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (len, tail) = (number(&rest[..digits])?, &rest[digits..]);
        let (&op, tail) = tail.split_first()?;
        rest = tail;
        match op {
            b'S' | b'H' => lengths.clips[usize::from(aligned)] += len,
            b'M' | b'=' | b'X' => (lengths.read, lengths.reference) = (lengths.read + len, lengths.reference + len),
            b'I' => lengths.read += len,
            b'D' | b'N' => lengths.reference += len,
            b'P' => {}
            _ => return None,
        }
        let is_clip = matches!(op, b'S' | b'H');
        if !is_clip && lengths.clips[1] > 0 {
            // A clip in the middle.
            return None;
        }
        aligned |= !is_clip;
    }
    Some(lengths)
}

impl Alignment {
    /// The breakpoint at the end of its bases in the read, or at their begin.
    const fn breakpoint(&self, at_end: bool) -> Breakpoint {
        let is_right = at_end != self.reverse;
        let (pos, side) = if is_right { (self.end, Side::Before) } else { (self.start, Side::Behind) };
        Breakpoint { contig: self.contig, pos, side }
    }

    /// Whether it covers bases that `record` clips, `size` of them, at the right end or at the left one.
    pub(super) fn lies_in_clip(&self, record: Record<'_>, right: bool, size: i64) -> bool {
        let Some(own) = own_lengths(record) else { return false };
        let reverse = record.flags() & REVERSE != 0;
        let clip = if right == reverse { (0, size) } else { (own.whole_read() - size, own.whole_read()) };
        self.read.0 < clip.1 && self.read.1 > clip.0
    }
}

impl FindEvents<'_> {
    /// Junctions of the read, from one of its records: the primary one, or, where that lies outside of the area, the first of the others, by
    /// contig and position, that does not.
    pub(super) fn find_junctions(&self, record: Record<'_>, parts: &mut [Alignment], out: &mut Events) {
        if !self.speaks(record, parts) {
            return;
        }
        let own = parts[0];
        parts.sort_unstable_by_key(|part| (part.read, part.contig, part.start, part.end, part.reverse));
        let mut before: Option<Alignment> = None;
        for &part in parts.iter() {
            if let Some(last) = before {
                // Nothing of the read is new in it.
                if part.read.1 <= last.read.1 {
                    continue;
                }
                self.keep_junction(record, own, last, part, out);
            }
            before = Some(part);
        }
    }

    fn speaks(&self, record: Record<'_>, parts: &[Alignment]) -> bool {
        let lies_in = |part: &Alignment| self.area.overlaps(part.contig, Interval::new(part.start, part.end));
        if record.flags() & SUPPLEMENTARY == 0 {
            return true;
        }
        // The first of a supplementary record's tag is the primary one.
        let place = |part: &Alignment| (part.contig, part.start, part.end, part.read, part.reverse);
        parts.get(1).is_some_and(|primary| !lies_in(primary))
            && parts[2..].iter().filter(|part| lies_in(part)).all(|part| place(&parts[0]) < place(part))
    }

    /// Keeps what lies between two alignments that follow each other in the read.
    fn keep_junction(&self, record: Record<'_>, own: Alignment, last: Alignment, next: Alignment, out: &mut Events) {
        let suffices = |part: Alignment| part.mapq.is_none_or(|mapq| mapq >= self.query.min_mapq);
        if !suffices(last) || !suffices(next) {
            return;
        }
        let gap = next.read.0 - last.read.1;
        let mapq = [last.mapq, next.mapq].into_iter().flatten().min();
        let Some(mut event) = junction(last.breakpoint(true), next.breakpoint(false), gap, self.query.min_size) else { return };
        event.mapq = mapq;
        let is_placed = |at: Breakpoint| at.pos <= self.header.contigs[at.contig].len;
        if !is_placed(event.first) || !event.second.is_none_or(is_placed) {
            return;
        }
        let inserted = || {
            if event.kind != EventType::Ins {
                return None;
            }
            // SEQ is that of the record's strand, without what is hard-clipped.
            let lengths = own_lengths(record)?;
            let [(left, left_soft), _] = clips(record.cigar());
            let from = if own.reverse { lengths.whole_read() - next.read.0 } else { last.read.1 };
            let at = from - (left - left_soft);
            if own.reverse == last.reverse { bases(record, at, gap) } else { bases_of_other_strand(record, at, gap) }
        };
        self.keep(event, record, inserted, out);
    }
}

/// The event between two breakpoints with `gap` bases of the read between them; below 0, the alignments have so many bases in common.
/// It is the same when the read is looked at from its other end.
fn junction(a: Breakpoint, b: Breakpoint, gap: i64, min_size: i64) -> Option<Event> {
    let (mut first, mut second) = if a <= b { (a, b) } else { (b, a) };
    // Bases that both alignments claim stay with the one that comes first on the reference.
    let shared = (-gap).max(0);
    second.pos += if second.side == Side::Before { -shared } else { shared };
    if second.pos < 0 {
        return None;
    }
    if second < first {
        (first, second) = (second, first);
    }
    let inserted = gap.max(0);
    let between = second.pos - first.pos;
    let (kind, end, size) = if first.contig == second.contig {
        match (first.side, second.side) {
            (Side::Before, Side::Behind) if between - inserted >= min_size => (EventType::Del, second.pos, between - inserted),
            (Side::Before, Side::Behind) if inserted - between >= min_size => (EventType::Ins, first.pos, inserted - between),
            (Side::Behind, Side::Before) if between >= min_size => (EventType::Dup, second.pos, between),
            (Side::Behind, Side::Before) if inserted + between >= min_size => (EventType::Ins, first.pos, inserted + between),
            (Side::Before, Side::Before) | (Side::Behind, Side::Behind) if between >= min_size => (EventType::Inv, second.pos, between),
            _ => return None,
        }
    } else {
        (EventType::Bnd, first.pos, 0)
    };
    if kind == EventType::Ins {
        second = Breakpoint { pos: first.pos, side: Side::Behind, ..first };
        first.side = Side::Before;
    }
    Some(Event { kind, source: Source::Split, first, second: Some(second), end, size, mapq: None })
}
