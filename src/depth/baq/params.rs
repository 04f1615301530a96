//! What the model needs to know about one read: the stretch of reference it is aligned to, the band, the transitions.

use crate::coords::Interval;
use crate::source::record::{OpKind, Record, Tag, TagValue, UNMAPPED};

/// ZQ: the qualities are adjusted already. samtools' own tag.
const ADJUSTED: Tag = Tag::new(b'Z', b'Q');

/// Half-width of the band around the diagonal unless the read's gaps ask for more.
const BAND: i64 = 7;
/// Reads above this length are taken for long accurate reads, in which gaps are rarer.
const SHORT_READ: usize = 1000;
/// Chance to go on with a gap.
const EXTEND: f64 = 0.1;
/// Every insertion emits each of four letters alike.
pub(super) const INSERTION_EMISSION: f64 = 0.25;

/// What is to be done with a record.
pub(super) enum Treatment<'a> {
    /// Its qualities stay.
    Leave,
    /// A BQ tag says what to subtract.
    Apply(&'a [u8]),
    /// The model has to be run.
    Model(Shape),
}

/// Size of the model for one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bases of the read, clips and all.
    pub(super) len: usize,
    /// The stretch of reference it is aligned to.
    pub(super) window: Interval,
    /// Columns looked at on either side of the diagonal.
    pub(super) band: usize,
}

impl<'a> Treatment<'a> {
    /// Decides by flags, qualities, tags and CIGAR; `contig_len` is the length of the reference sequence.
    pub(super) fn of(record: Record<'a>, contig_len: i64) -> Self {
        if record.flags() & UNMAPPED != 0 || record.seq_len() == 0 || record.qual().first() == Some(&255) {
            return Self::Leave;
        }
        match Marks::of(record) {
            Marks::Adjusted => Self::Leave,
            Marks::Offsets(offsets) => Self::Apply(offsets),
            Marks::None => Shape::of(record, contig_len).map_or(Self::Leave, Self::Model),
        }
    }
}

/// What earlier BAQ runs have left in the tags.
enum Marks<'a> {
    None,
    /// ZQ: the qualities are adjusted already.
    Adjusted,
    /// BQ: what to subtract, plus 64.
    Offsets(&'a [u8]),
}

impl<'a> Marks<'a> {
    fn of(record: Record<'a>) -> Self {
        if !Self::might_be_in(&record.bytes()[record.qual_range().end..]) {
            return Self::None;
        }
        // A list of tags that cannot be read says nothing.
        let find = |name| record.tag(name).ok().flatten();
        let sound = |tag| match tag {
            TagValue::Text(text) if text.len() == record.seq_len() => Some(text),
            _ => None,
        };
        match (find(Tag::BASE_ALIGNMENT_QUALITY_OFFSETS), find(ADJUSTED)) {
            // A ZQ that does not fit the read is taken as a sign of damage.
            (bq, Some(zq)) if bq.is_none() || sound(zq).is_none() => Self::Adjusted,
            (bq, _) => bq.and_then(sound).map_or(Self::None, Self::Offsets),
        }
    }

    /// Whether the bytes of the tags have the letters of one of the names anywhere; hardly any read's have, and this is quicker than
    /// going from tag to tag.
    fn might_be_in(tags: &[u8]) -> bool {
        let pairs = tags.iter().zip(tags.get(1..).unwrap_or_default());
        // Without a way out, so that many pairs are compared at once.
        let is = |letter: u8, wanted: u8| u8::from(letter == wanted);
        pairs.fold(0, |found, (&first, &second)| found | is(second, b'Q') & (is(first, b'B') | is(first, b'Z'))) != 0
    }
}

/// First and last aligned base, in the contig (x) and in the read (y).
struct Span {
    x: Interval,
    y: Interval,
}

impl Span {
    /// `None` with an N operation, or without any of M, = and X.
    fn of(record: Record<'_>) -> Option<Self> {
        let (mut x, mut y) = (i64::from(record.pos()), 0);
        let mut span: Option<Self> = None;
        if x < 0 {
            return None;
        }
        for op in record.cigar().iter() {
            let len = i64::from(op.len);
            match op.kind {
                OpKind::Match | OpKind::SequenceMatch | OpKind::SequenceMismatch => {
                    // An operation of length 0 counts as a beginning, too.
                    let span = span.get_or_insert(Self { x: Interval::new(x, x), y: Interval::new(y, y) });
                    x += len;
                    y += len;
                    (span.x.end, span.y.end) = (x, y);
                }
                OpKind::SoftClip | OpKind::Insertion => y += len,
                OpKind::Deletion => x += len,
                OpKind::Skip => return None,
                OpKind::HardClip | OpKind::Pad => {}
            }
        }
        span
    }
}

impl Shape {
    /// The window reaches half a band beyond the read's ends as they would lie without clips and gaps, and is cut to the contig.
    fn of(record: Record<'_>, contig_len: i64) -> Option<Self> {
        let Span { x, y } = Span::of(record)?;
        let len = record.seq_len() as i64;
        let gaps = (x.len() - y.len()).abs();
        let band = if gaps > BAND { gaps + 3 } else { BAND };
        let mut start = (x.start - y.start - band / 2).max(0);
        let mut end = x.end + len - y.end + band / 2;
        if end - start - len > band {
            // The second half is taken of what the first has left.
            start += (end - start - len - band) / 2;
            end -= (end - start - len - band) / 2;
        }
        let window = Interval::new(start, end.min(contig_len));
        if window.is_empty() {
            return None;
        }
        let columns = window.len();
        let band = columns.max(len).min(band).max((columns - len).abs());
        Some(Self { len: record.seq_len(), window, band: usize::try_from(band).ok()? })
    }
}

/// Transition probabilities, named from-to: match, insertion, deletion. From and to a deletion they are the same for every read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transitions {
    pub(super) mm: f64,
    /// Match to insertion, and match to deletion.
    pub(super) mi: f64,
    pub(super) im: f64,
    pub(super) ii: f64,
    /// Leaving the model after the last base.
    pub(super) end: f64,
    /// Entering in a match, per column.
    pub(super) enter_m: f64,
    /// Entering in an insertion, per column.
    pub(super) enter_i: f64,
}

/// Deletion to match.
pub(super) const DM: f64 = 1.0 - EXTEND;
/// Deletion to deletion.
pub(super) const DD: f64 = EXTEND;

impl Transitions {
    /// For a read of `len` bases against `columns` of reference.
    pub(super) fn new(len: usize, columns: usize) -> Self {
        let open = if len > SHORT_READ { 1e-7 } else { 0.001 };
        let end = 1.0 / (2.0 * len as f64 + 2.0);
        Self {
            mm: (1.0 - open - open) * (1.0 - end),
            mi: open * (1.0 - end),
            im: (1.0 - EXTEND) * (1.0 - end),
            ii: EXTEND * (1.0 - end),
            end,
            enter_m: (1.0 - open) / columns as f64,
            enter_i: open / columns as f64,
        }
    }
}
