//! One BAM record, read in place.
//!
//! A [`Record`] is a view of bytes that [`Record::check`] has accepted: every accessor stays inside them.

use noodles_sam::alignment::record::Flags;
pub use noodles_sam::alignment::record::cigar::op::Kind as OpKind;
pub use noodles_sam::alignment::record::data::field::Tag;

use crate::coords::Interval;
use crate::error::{Error, Kind, Result};

/// `0x1`: the template has several segments.
pub const PAIRED: u16 = Flags::SEGMENTED.bits();
/// `0x2`: the aligner calls the pair proper.
pub const PROPER_PAIR: u16 = Flags::PROPERLY_SEGMENTED.bits();
/// `0x4`: the segment itself is unmapped.
pub const UNMAPPED: u16 = Flags::UNMAPPED.bits();
/// `0x8`: the mate is unmapped.
pub const MATE_UNMAPPED: u16 = Flags::MATE_UNMAPPED.bits();
/// `0x10`: the sequence is reverse-complemented, the read lies on the reverse strand.
pub const REVERSE: u16 = Flags::REVERSE_COMPLEMENTED.bits();
/// `0x20`: the mate is aligned to the reverse strand.
pub const MATE_REVERSE: u16 = Flags::MATE_REVERSE_COMPLEMENTED.bits();
/// `0x40`: the first segment of its template, READ1.
pub const FIRST: u16 = Flags::FIRST_SEGMENT.bits();
/// `0x80`: the last segment of its template, READ2.
pub const LAST: u16 = Flags::LAST_SEGMENT.bits();
/// `0x100`: a secondary alignment.
pub const SECONDARY: u16 = Flags::SECONDARY.bits();
/// `0x800`: a supplementary alignment.
pub const SUPPLEMENTARY: u16 = Flags::SUPPLEMENTARY.bits();

/// A bit for each kind of operation that takes reference bases: M, D, N, = and X.
const CONSUMES_REFERENCE: u32 = 0b1_1000_1101;
/// A bit for each kind of operation that takes read bases: M, I, S, = and X.
const CONSUMES_READ: u32 = 0b1_1001_0011;
/// The highest code of a kind of operation.
const LAST_KIND: u32 = 8;

const fn kind_of(code: u32) -> OpKind {
    match code {
        0 => OpKind::Match,
        1 => OpKind::Insertion,
        2 => OpKind::Deletion,
        3 => OpKind::Skip,
        4 => OpKind::SoftClip,
        5 => OpKind::HardClip,
        7 => OpKind::SequenceMatch,
        8 => OpKind::SequenceMismatch,
        // 9..15 never get here: `Record::check` refuses them.
        _ => OpKind::Pad,
    }
}

/// One CIGAR operation: kind and length in bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// What it does.
    pub kind: OpKind,
    /// How many bases; zero is legal.
    pub len: u32,
}

impl Op {
    /// M, = or X: takes read and reference bases.
    #[inline]
    pub const fn is_aligned(self) -> bool {
        matches!(self.kind, OpKind::Match | OpKind::SequenceMatch | OpKind::SequenceMismatch)
    }

    const fn decode(raw: u32) -> Self {
        Self { kind: kind_of(raw & 15), len: raw >> 4 }
    }
}

/// The CIGAR of a record: packed little-endian words.
#[derive(Clone, Copy, Debug)]
pub struct Cigar<'a>(&'a [u8]);

impl<'a> Cigar<'a> {
    /// Number of operations.
    pub fn len(self) -> usize {
        self.0.len() / 4
    }

    /// Whether there is no operation at all.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The operations in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Op> + Clone + 'a {
        self.0.chunks_exact(4).map(|w| Op::decode(word(w, 0)))
    }

    /// Operation `i`, if there is one.
    pub fn get(self, i: usize) -> Option<Op> {
        self.0.get(4 * i..4 * i + 4).map(|w| Op::decode(word(w, 0)))
    }

    /// Reference bases from first to last, D and N included. At most 2^44, so never overflows.
    pub fn reference_len(self) -> i64 {
        self.iter().filter(|op| op.kind.consumes_reference()).map(|op| i64::from(op.len)).sum()
    }

    /// How many bases it takes of read and reference, one pass over all operations.
    fn lengths(self) -> Result<Lengths> {
        let mut lengths = Lengths { read: 0, reference: 0 };
        for raw in self.0.chunks_exact(4) {
            let raw = word(raw, 0);
            let kind = raw & 15;
            if kind > LAST_KIND {
                return Err(corrupt(format!("CIGAR operation {kind} does not exist")));
            }
            let len = u64::from(raw >> 4);
            lengths.read += len * u64::from(CONSUMES_READ >> kind & 1);
            lengths.reference += len * u64::from(CONSUMES_REFERENCE >> kind & 1);
        }
        Ok(lengths)
    }
}

/// Bases a CIGAR takes; at most 2^44, so sums never overflow.
struct Lengths {
    read: u64,
    reference: u64,
}

/// What a record's CIGAR comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Reference bases from first to last, D and N included.
    pub reference_len: i64,
    /// It is one M, = or X that is not empty.
    pub single: bool,
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// Bytes of a record before its name.
pub const FIXED_LEN: usize = 32;

/// The field `bin`.
const BIN: std::ops::Range<usize> = 10..12;

/// A view of one record's bytes, the leading `block_size` left out.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    /// A view without the checks, for bytes that [`Record::check`] has accepted before (a copy, or the same buffer again).
    #[inline]
    pub fn trusted(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Looks at every length and number in the record that anything later relies on, and tells what its CIGAR comes to.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] saying which field is wrong; the caller adds file, frame and record number.
    #[inline]
    pub fn check(bytes: &'a [u8]) -> Result<(Self, Shape)> {
        if bytes.len() < FIXED_LEN {
            return Err(corrupt(format!("a record of {} bytes, at least {FIXED_LEN} are needed", bytes.len())));
        }
        let record = Self(bytes);
        if record.name_len() == 0 {
            return Err(corrupt("l_read_name is 0"));
        }
        let used = record.qual_at() as u64 + u64::from(record.seq_len_raw());
        if used > bytes.len() as u64 {
            return Err(corrupt(format!("name, CIGAR, SEQ and QUAL take {used} bytes, the record has {}", bytes.len())));
        }
        let raw = record.raw_cigar();
        let seq = u64::from(record.seq_len_raw());
        let shape = match raw.0 {
            // Most records of short reads: one operation, all of the read.
            &[a, b, c, d] if u32::from_le_bytes([a, b, c, d]) == record.seq_len_raw() << 4 && seq > 0 && seq < 1 << 28 => {
                Shape { reference_len: i64::from(record.seq_len_raw()), single: true }
            }
            _ => match record.check_cigar(raw, seq) {
                // samtools reads such a record, which aligns nothing. `Record::check_counted` is for rules that count unmapped records.
                Err(_) if record.flags() & UNMAPPED != 0 => Shape { reference_len: 0, single: false },
                shape => shape?,
            },
        };
        Ok((record, shape))
    }

    /// Looks at the CIGAR of an unmapped record, which [`Record::check`] takes as it is.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] saying what is wrong with it.
    pub fn check_counted(self) -> Result<()> {
        self.check_cigar(self.raw_cigar(), u64::from(self.seq_len_raw())).map(|_| ())
    }

    fn check_cigar(self, raw: Cigar<'a>, seq: u64) -> Result<Shape> {
        let lengths = raw.lengths()?;
        if seq > 0 && !raw.is_empty() && lengths.read != seq {
            return Err(corrupt(format!("the CIGAR takes {} read bases, SEQ has {seq}", lengths.read)));
        }
        if self.is_placeholder(raw)
            && let Some(cigar) = self.long_cigar()?
        {
            if cigar.len() < raw.len() {
                // htslib passes over such a tag, and the placeholder covers nothing.
                return Err(corrupt(format!("the CIGAR in the CG tag has {} operations, its placeholder {}", cigar.len(), raw.len())));
            }
            let lengths = cigar.lengths().map_err(|_| corrupt("a CIGAR operation in the CG tag does not exist"))?;
            if seq > 0 && lengths.read != seq {
                return Err(corrupt(format!("the CIGAR in the CG tag takes {} read bases, SEQ has {seq}", lengths.read)));
            }
            return Ok(Shape { reference_len: lengths.reference.cast_signed(), single: false });
        }
        let single = raw.len() == 1 && raw.get(0).is_some_and(|op| op.is_aligned() && op.len > 0);
        Ok(Shape { reference_len: lengths.reference.cast_signed(), single })
    }

    /// The CIGAR in the record itself.
    #[inline]
    fn raw_cigar(self) -> Cigar<'a> {
        Cigar(&self.0[self.cigar_at()..self.seq_at()])
    }

    /// The bytes before the name, as an array: one length check serves all fields.
    #[inline]
    fn head(self) -> &'a [u8; FIXED_LEN] {
        self.0.first_chunk().unwrap_or(&[0; FIXED_LEN])
    }

    /// The bytes this is a view of.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Index of the contig in the header, -1 for none.
    #[inline]
    pub fn contig_id(self) -> i32 {
        word(self.head(), 0).cast_signed()
    }

    /// First aligned position, 0-based; -1 for none.
    #[inline]
    pub fn pos(self) -> i32 {
        word(self.head(), 4).cast_signed()
    }

    #[inline]
    fn name_len(self) -> usize {
        usize::from(self.head()[8])
    }

    /// Mapping quality, 255 = unavailable.
    #[inline]
    pub fn mapq(self) -> u8 {
        self.head()[9]
    }

    #[inline]
    fn n_cigar_raw(self) -> usize {
        (word(self.head(), 12) & 0xffff) as usize
    }

    /// The flag word.
    #[inline]
    pub fn flags(self) -> u16 {
        (word(self.head(), 12) >> 16) as u16
    }

    #[inline]
    fn seq_len_raw(self) -> u32 {
        word(self.head(), 16)
    }

    /// Number of bases in SEQ; 0 for `*`.
    #[inline]
    pub fn seq_len(self) -> usize {
        self.seq_len_raw() as usize
    }

    /// Contig of the mate, -1 for none.
    #[inline]
    pub fn mate_contig_id(self) -> i32 {
        word(self.head(), 20).cast_signed()
    }

    /// Position of the mate, 0-based; -1 for none.
    #[inline]
    pub fn mate_pos(self) -> i32 {
        word(self.head(), 24).cast_signed()
    }

    /// Observed template length, signed.
    #[inline]
    pub fn template_len(self) -> i32 {
        word(self.head(), 28).cast_signed()
    }

    #[inline]
    fn cigar_at(self) -> usize {
        FIXED_LEN + self.name_len()
    }

    #[inline]
    fn seq_at(self) -> usize {
        self.cigar_at() + 4 * self.n_cigar_raw()
    }

    #[inline]
    fn qual_at(self) -> usize {
        self.seq_at() + self.seq_len().div_ceil(2)
    }

    #[inline]
    fn aux_at(self) -> usize {
        self.qual_at() + self.seq_len()
    }

    /// The name, without its NUL.
    #[inline]
    pub fn name(self) -> &'a [u8] {
        let name = &self.0[FIXED_LEN..self.cigar_at()];
        match name.split_last() {
            Some((0, head)) => head,
            _ => name,
        }
    }

    /// The CIGAR; the one in the CG tag where the record holds only its placeholder.
    #[inline]
    pub fn cigar(self) -> Cigar<'a> {
        let raw = self.raw_cigar();
        if self.is_placeholder(raw)
            && let Ok(Some(long)) = self.long_cigar()
        {
            return long;
        }
        raw
    }

    /// More than 65,535 operations do not fit the record: it then holds `<l_seq>S<span>N` and the tag CG the rest (SAM
    /// specification 4.2.2).
    #[inline]
    fn is_placeholder(self, raw: Cigar<'_>) -> bool {
        // As htslib has it: what follows the clip plays no part, so that a damaged span does not hide the CIGAR.
        raw.get(0) == Some(Op { kind: OpKind::SoftClip, len: self.seq_len_raw() })
    }

    fn long_cigar(self) -> Result<Option<Cigar<'a>>> {
        let Some(value) = self.tag(Tag::CIGAR).map_err(|_| corrupt("the tags before the CG tag cannot be read"))? else {
            return Ok(None);
        };
        match value {
            // htsjdk wrote signed numbers; the bits are the same.
            TagValue::Array(b'I' | b'i', bytes) => Ok(Some(Cigar(bytes))),
            _ => Err(corrupt("the CG tag is not of type B,I or B,i")),
        }
    }

    /// Its positions, from the first to the last.
    #[inline]
    pub fn extent(self) -> Interval {
        let start = i64::from(self.pos());
        Interval::new(start, start + self.cigar().reference_len())
    }

    /// Appends a copy to `out` that has no tag but `tag`, and SEQ and QUAL only with `bases`. Where the tags hold the CIGAR the copy is
    /// whole.
    pub fn copy(self, bases: bool, tag: Option<Tag>, out: &mut Vec<u8>) {
        if self.is_placeholder(Cigar(&self.0[self.cigar_at()..self.seq_at()])) {
            return out.extend_from_slice(self.0);
        }
        let len_at = out.len() + 16;
        out.extend_from_slice(&self.0[..if bases { self.aux_at() } else { self.seq_at() }]);
        if !bases {
            out[len_at..len_at + 4].fill(0);
        }
        if let Some(Ok(Some((_, bytes)))) = tag.map(|name| self.find_tag(name)) {
            out.extend_from_slice(bytes);
        }
    }

    /// Notes in a copy whether its qualities are settled, not exact (see `depth::realign`). It takes the field `bin`, which is for indexes
    /// and nobody reads.
    pub fn set_settled(copy: &mut [u8], settled: bool) {
        if let Some(bin) = copy.get_mut(BIN) {
            bin.copy_from_slice(&u16::from(settled).to_le_bytes());
        }
    }

    /// What [`Record::set_settled`] noted; for copies only.
    #[inline]
    pub fn is_settled(self) -> bool {
        self.head()[BIN] == [1, 0]
    }

    /// SEQ, two bases a byte, high nibble first.
    #[inline]
    pub fn seq(self) -> &'a [u8] {
        &self.0[self.seq_at()..self.qual_at()]
    }

    /// The 4-bit code of base `i` of SEQ.
    ///
    /// # Panics
    ///
    /// When `i` is not below [`Record::seq_len`].
    #[inline]
    pub fn base(self, i: usize) -> u8 {
        let byte = self.seq()[i / 2];
        if i.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
    }

    /// Base qualities; all 255 where the record has none.
    #[inline]
    pub fn qual(self) -> &'a [u8] {
        &self.0[self.qual_at()..self.aux_at()]
    }

    /// Where the qualities lie in [`Record::bytes`]; for editing them in place.
    #[inline]
    pub fn qual_range(self) -> std::ops::Range<usize> {
        self.qual_at()..self.aux_at()
    }

    /// Looks up a tag.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] when a tag before it, or it, does not fit the record.
    pub fn tag(self, name: Tag) -> Result<Option<TagValue<'a>>> {
        Ok(self.find_tag(name)?.map(|(value, _)| value))
    }

    /// The same, and all of its bytes.
    fn find_tag(self, name: Tag) -> Result<Option<(TagValue<'a>, &'a [u8])>> {
        let mut rest = &self.0[self.aux_at()..];
        while !rest.is_empty() {
            let broken = || corrupt("a tag runs past the end of the record");
            let (head, tail) = rest.split_at_checked(3).ok_or_else(broken)?;
            let (value, len) = TagValue::read(head[2], tail).ok_or_else(broken)?;
            if head[..2] == *name.as_ref() {
                return Ok(Some((value, &rest[..3 + len])));
            }
            rest = &tail[len..];
        }
        Ok(None)
    }
}

/// A tag's value, as far as fastcov looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagValue<'a> {
    /// Type Z: text, without its NUL.
    Text(&'a [u8]),
    /// Type B: element type and the elements' bytes.
    Array(u8, &'a [u8]),
    /// Types c, C, s, S, i and I: a number.
    Number(i64),
    /// Any other type, by its letter.
    Other(u8),
}

impl<'a> TagValue<'a> {
    /// The value at the head of `bytes` and how many bytes it takes.
    fn read(kind: u8, bytes: &'a [u8]) -> Option<(Self, usize)> {
        let fixed = |n: usize| (bytes.len() >= n).then_some((TagValue::Other(kind), n));
        match kind {
            b'c' => Some((TagValue::Number(i64::from(i8::from_le_bytes([*bytes.first()?]))), 1)),
            b'C' => Some((TagValue::Number(i64::from(*bytes.first()?)), 1)),
            b's' => Some((TagValue::Number(i64::from(i16::from_le_bytes(*bytes.first_chunk()?))), 2)),
            b'S' => Some((TagValue::Number(i64::from(u16::from_le_bytes(*bytes.first_chunk()?))), 2)),
            b'i' => Some((TagValue::Number(i64::from(i32::from_le_bytes(*bytes.first_chunk()?))), 4)),
            b'I' => Some((TagValue::Number(i64::from(u32::from_le_bytes(*bytes.first_chunk()?))), 4)),
            b'A' => fixed(1),
            b'f' => fixed(4),
            b'd' => fixed(8),
            b'Z' | b'H' => {
                let end = bytes.iter().position(|&b| b == 0)?;
                let value = if kind == b'Z' { TagValue::Text(&bytes[..end]) } else { TagValue::Other(kind) };
                Some((value, end + 1))
            }
            b'B' => {
                let (head, tail) = bytes.split_at_checked(5)?;
                let size = match head[0] {
                    b'c' | b'C' => 1,
                    b's' | b'S' => 2,
                    b'i' | b'I' | b'f' => 4,
                    _ => return None,
                };
                let len = usize::try_from(u64::from(word(head, 1)) * size).ok()?;
                Some((TagValue::Array(head[0], tail.get(..len)?), 5 + len))
            }
            _ => None,
        }
    }
}

fn corrupt(what: impl Into<String>) -> Error {
    Error::new(Kind::CorruptFile, what)
}
