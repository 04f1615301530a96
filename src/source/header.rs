//! The head of a BAM: its text, and its list of contigs.
//!
//! Only what depth needs is looked at. Of the text that is the sort order, the contigs and the first sample; every other line may be
//! as odd as its writer liked. The binary list is the one that numbers the contigs, so where the text names contigs as well, both
//! lists must agree.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::record::{Record, UNMAPPED};
use crate::error::{Error, Kind, Result, escape};

/// The most a header's text may take.
const MAX_TEXT: u32 = 256 << 20;
/// The most a contig's name may take, its NUL included.
const MAX_NAME: u32 = 64 << 10;
/// The most contigs a header may list; the largest assemblies have a few million.
const MAX_CONTIGS: u32 = 1 << 24;
/// Bytes of the shortest entry in the contig list: the name's length, a NUL, the contig's length.
const MIN_ENTRY: u64 = 9;
/// Names longer than this are not compared letter by letter when near names are looked for.
const MAX_COMPARED: usize = 128;
/// How many near names a message gives.
const MAX_SUGGESTIONS: usize = 3;

/// A sequence named in the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contig {
    /// Its name, as it stands in the file.
    pub name: Vec<u8>,
    /// Its length in bases; zero is legal.
    pub len: i64,
}

impl Contig {
    /// Its name as text; see [`text`].
    pub fn text(&self) -> Cow<'_, str> {
        text(&self.name)
    }
}

/// A name as text. Bytes that are none stand as `\xNN`, so that two names stay two.
pub fn text(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(name) {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    Cow::Owned(text)
}

/// The order of the records, as the text's `@HD` line gives it. It is a claim, not a fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Not stated, or stated as unknown.
    #[default]
    Unknown,
    /// In no order.
    Unsorted,
    /// By read name.
    Queryname,
    /// By contig and position.
    Coordinate,
    /// Something the SAM specification does not know.
    Other,
}

/// An `@RG` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadGroup {
    /// What the `RG` of a record says.
    pub id: Vec<u8>,
    /// Whose reads they are.
    pub sample: Option<Vec<u8>>,
}

/// What the head of a BAM says.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// The contigs; a record's contig id is an index into them.
    pub contigs: Vec<Contig>,
    /// The order the records are said to be in.
    pub sort_order: SortOrder,
    /// The samples (`SM`) of the `@RG` lines, each once, in their order.
    pub samples: Vec<Vec<u8>>,
    /// The `@RG` lines that have an `ID`.
    pub read_groups: Vec<ReadGroup>,
    ids: HashMap<Box<[u8]>, usize>,
}

impl Header {
    /// Reads the head of a BAM from its inflated bytes, and says how many of them it took. `None` when `bytes` are too few; at most
    /// `at_most_left` more can come.
    ///
    /// A call that ends with `None` takes time in proportion to `bytes` and keeps nothing, so callers should double them in between.
    ///
    /// # Errors
    ///
    /// [`Kind::UnsupportedFormat`] when this is not BAM version 1, [`Kind::TruncatedFile`] when nothing more can come,
    /// [`Kind::CorruptFile`] when a count or length cannot be, a name occurs twice or text and list differ, and
    /// [`Kind::ResourceLimit`] for more than 16 million contigs.
    pub fn parse(bytes: &[u8], at_most_left: u64) -> Result<Option<(Self, usize)>> {
        let mut cursor = Cursor { bytes, at: 0, left: at_most_left };
        let Some(text) = cursor.text()? else {
            return Ok(None);
        };
        let Some(n_contigs) = cursor.contig_count()? else {
            return Ok(None);
        };
        let list = cursor.at;
        // The list is walked before anything is stored, so that memory is allocated only for a verified count.
        for i in 0..n_contigs {
            if cursor.contig(i)?.is_none() {
                return Ok(None);
            }
        }
        let used = cursor.at;
        cursor.at = list;
        let mut header = Self { contigs: Vec::with_capacity(n_contigs), ids: HashMap::with_capacity(n_contigs), ..Self::default() };
        for i in 0..n_contigs {
            let Some((name, len)) = cursor.contig(i)? else {
                return Ok(None);
            };
            header.push(name, len)?;
        }
        header.read_text(text)?;
        Ok(Some((header, used)))
    }

    fn push(&mut self, name: &[u8], len: i32) -> Result<()> {
        if name.is_empty() {
            return Err(corrupt(format!("contig {} of the header has an empty name", self.contigs.len() + 1)));
        }
        if len < 0 {
            return Err(corrupt(format!("contig '{}' has the length {len}", escape(name))).contig(name));
        }
        if self.ids.insert(name.into(), self.contigs.len()).is_some() {
            return Err(named_twice(name));
        }
        self.contigs.push(Contig { name: name.to_vec(), len: i64::from(len) });
        Ok(())
    }

    /// Takes what is wanted from the text, and compares its contigs with the list.
    fn read_text(&mut self, text: &[u8]) -> Result<()> {
        let mut n_named = 0;
        let mut seen_order = false;
        let mut samples = HashSet::new();
        for line in text.split(|&b| b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match line.get(..4) {
                Some(b"@SQ\t") => {
                    self.compare(n_named, line)?;
                    n_named += 1;
                }
                Some(b"@HD\t") if !seen_order => {
                    seen_order = true;
                    self.sort_order = SortOrder::read(field(line, *b"SO"));
                }
                Some(b"@RG\t") => {
                    if let Some(sample) = field(line, *b"SM")
                        && samples.insert(sample)
                    {
                        self.samples.push(sample.to_vec());
                    }
                    let sample = field(line, *b"SM").map(<[u8]>::to_vec);
                    self.read_groups.extend(field(line, *b"ID").map(|id| ReadGroup { id: id.to_vec(), sample }));
                }
                _ => {}
            }
        }
        match self.contigs.get(n_named) {
            // Text without contigs is legal: the list alone counts.
            Some(contig) if n_named > 0 => Err(differ(&contig.name, "is in the header's contig list but not in its text")),
            _ => Ok(()),
        }
    }

    /// Compares `@SQ` line number `i` with the list.
    fn compare(&self, i: usize, line: &[u8]) -> Result<()> {
        let Some(name) = field(line, *b"SN") else {
            return Err(corrupt(format!("@SQ line {} of the header has no SN", i + 1)));
        };
        let text_len = field(line, *b"LN").unwrap_or_default();
        let len = std::str::from_utf8(text_len).ok().and_then(|t| t.parse::<i64>().ok());
        let Some(len) = len.filter(|&len| len >= 0) else {
            return Err(corrupt(format!("contig '{}' has LN '{}' in the header's text", escape(name), escape(text_len))).contig(name));
        };
        match self.contigs.get(i) {
            Some(contig) if contig.name == name && contig.len == len => Ok(()),
            Some(contig) if contig.name == name => {
                Err(differ(name, &format!("has {len} bases in the header's text and {} in its contig list", contig.len)))
            }
            // All lines before agreed with the list, so a name of theirs is here for the second time.
            _ if self.contig_id(name).is_some_and(|id| id < i) => Err(named_twice(name)),
            Some(contig) => Err(differ(
                name,
                &format!("is number {} in the header's text, its contig list has '{}' there", i + 1, escape(&contig.name)),
            )),
            None => Err(differ(name, "is in the header's text but not in its contig list")),
        }
    }

    /// The id of the contig of that name.
    pub fn contig_id(&self, name: &[u8]) -> Option<usize> {
        self.ids.get(name).copied()
    }

    /// The same for a name as [`Contig::text`] gives it.
    pub fn contig_of_text(&self, text: &str) -> Option<usize> {
        let is_meant = |contig: &Contig| str::from_utf8(&contig.name).is_err() && contig.text() == text;
        self.contig_id(text.as_bytes()).or_else(|| if text.contains("\\x") { self.contigs.iter().position(is_meant) } else { None })
    }

    /// Checks the place of a record and of its mate against this header.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] saying which field is wrong; the caller adds file, frame and record number.
    pub fn check_place(&self, record: Record<'_>) -> Result<()> {
        let contig = usize::try_from(record.contig_id()).ok().and_then(|id| self.contigs.get(id));
        let corrupt = |what: String| {
            let error = Error::new(Kind::CorruptFile, what);
            Err(match contig {
                Some(contig) => error.contig(&contig.name),
                None => error,
            })
        };
        let is_known = |id: i32| id == -1 || usize::try_from(id).is_ok_and(|id| id < self.contigs.len());
        if !is_known(record.contig_id()) {
            let n = self.contigs.len();
            return corrupt(format!("the record has the reference id {}, the header has {n} contigs", record.contig_id()));
        }
        if !is_known(record.mate_contig_id()) {
            let (id, n) = (record.mate_contig_id(), self.contigs.len());
            return corrupt(format!("the record has the mate reference id {id}, the header has {n} contigs"));
        }
        // samtools reads any position of a mate and of an unmapped record.
        if record.pos() < -1 && record.flags() & UNMAPPED == 0 {
            return corrupt(format!("the record's position is {}", i64::from(record.pos()) + 1));
        }
        match contig {
            Some(Contig { name, len }) if i64::from(record.pos()) >= *len => {
                let (name, pos) = (escape(name), i64::from(record.pos()) + 1);
                corrupt(format!("the record is at position {pos} of contig '{name}', which has {len} bases"))
            }
            _ => Ok(()),
        }
    }

    /// Names of this header that may have been meant by `name`: `chr1` for `1`, `MT` for `chrM`, other case, a slip of the pen. The
    /// nearest first, at most three, escaped for a message.
    pub fn suggestions(&self, name: &[u8]) -> Vec<String> {
        nearest(name, self.contigs.iter().map(|c| c.name.as_slice()))
    }

    /// The error for a contig this header does not have.
    pub fn unknown_contig(&self, name: &[u8]) -> Error {
        let (what, hint) = self.unknown_contig_text(name, "the header");
        Error::new(Kind::UnknownContig, what).contig(name).hint(hint)
    }

    /// What that error says, and its remedy; `header` says which header it is.
    pub fn unknown_contig_text(&self, name: &[u8], header: &str) -> (String, String) {
        let n = self.contigs.len();
        let meant = did_you_mean(&self.suggestions(name)).map_or_else(String::new, |m| format!("; {m}"));
        let what = format!("contig '{}' is not in {header} ({n} {}{meant})", escape(name), if n == 1 { "contig" } else { "contigs" });
        let first = self.contigs.first().map_or_else(String::new, |c| format!(" (the first is '{}')", escape(&c.name)));
        (what, format!("give a name from the header{first}"))
    }

    /// The error for a read group this header does not have.
    pub fn unknown_read_group(&self, id: &[u8]) -> Error {
        let of_sample = |group: &&ReadGroup| group.sample.as_deref() == Some(id);
        let groups: Vec<_> = self.read_groups.iter().filter(of_sample).map(|group| format!("'{}'", escape(&group.id))).collect();
        if !groups.is_empty() {
            let what = format!("'{}' is a sample (SM), not a read group (ID)", escape(id));
            return Error::new(Kind::InvalidArgument, what).hint(format!("give its read groups: read_groups=[{}]", groups.join(", ")));
        }
        let n = self.read_groups.len();
        let near = nearest(id, self.read_groups.iter().map(|group| group.id.as_slice()));
        let meant = did_you_mean(&near).map_or_else(String::new, |m| format!("; {m}"));
        let what =
            format!("read group '{}' is not in the header ({n} read {}{meant})", escape(id), if n == 1 { "group" } else { "groups" });
        let first = self.read_groups.first().map_or_else(String::new, |g| format!(" (the first is '{}')", escape(&g.id)));
        Error::new(Kind::InvalidArgument, what).hint(format!("give the ID of an @RG line of the header{first}"))
    }
}

impl SortOrder {
    fn read(value: Option<&[u8]>) -> Self {
        match value {
            None | Some(b"unknown") => Self::Unknown,
            Some(b"unsorted") => Self::Unsorted,
            Some(b"queryname") => Self::Queryname,
            Some(b"coordinate") => Self::Coordinate,
            Some(_) => Self::Other,
        }
    }
}

/// The value of a tab-separated `TAG:value` field of a header line.
fn field(line: &[u8], tag: [u8; 2]) -> Option<&[u8]> {
    line.split(|&b| b == b'\t').skip(1).find_map(|f| f.strip_prefix(&tag)?.strip_prefix(b":"))
}

/// Walks the bytes of the head; `None` everywhere means that more of them are needed.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// How many more bytes can come at most.
    left: u64,
}

impl<'a> Cursor<'a> {
    /// Bytes from here on that are there or may come.
    fn possible(&self) -> u64 {
        self.left.saturating_add((self.bytes.len() - self.at) as u64)
    }

    fn take(&mut self, len: u32, what: &str) -> Result<Option<&'a [u8]>> {
        if u64::from(len) > self.possible() {
            return Err(self.too_long(&format!("{what} takes {len} bytes")));
        }
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..len as usize));
        self.at += taken.map_or(0, <[u8]>::len);
        Ok(taken)
    }

    fn number(&mut self, what: &str) -> Result<Option<u32>> {
        let bytes = self.take(4, what)?;
        Ok(bytes.and_then(|b| b.first_chunk()).map(|&b| u32::from_le_bytes(b)))
    }

    fn too_long(&self, what: &str) -> Error {
        if self.left == 0 {
            return Error::new(Kind::TruncatedFile, format!("the file ends inside its header: {what}, {} are there", self.possible()))
                .hint("copy the file again from its source, or write it again");
        }
        corrupt(format!("{what}, the file cannot hold more than {}", self.possible()))
    }

    /// The magic and the text.
    fn text(&mut self) -> Result<Option<&'a [u8]>> {
        let Some(magic) = self.take(4, "the magic")? else {
            return Ok(None);
        };
        if magic != b"BAM\x01" {
            let what = format!("the magic is '{}', not 'BAM\\u{{1}}'", escape(magic));
            return Err(Error::new(Kind::UnsupportedFormat, what).hint("give a BAM file; convert others with 'samtools view -b'"));
        }
        let Some(len) = self.number("the length of the header's text")? else {
            return Ok(None);
        };
        if len > MAX_TEXT {
            return Err(corrupt(format!("the header's text is said to take {len} bytes, at most {MAX_TEXT} are read")));
        }
        self.take(len, "the header's text")
    }

    fn contig_count(&mut self) -> Result<Option<usize>> {
        let Some(n) = self.number("the number of contigs")? else {
            return Ok(None);
        };
        let at_least = u64::from(n) * MIN_ENTRY;
        if at_least > self.possible() {
            return Err(self.too_long(&format!("the header's list of {n} contigs takes at least {at_least} bytes")));
        }
        if n > MAX_CONTIGS {
            return Err(Error::new(Kind::ResourceLimit, format!("the header lists {n} contigs, at most {MAX_CONTIGS} are read")));
        }
        Ok(Some(n as usize))
    }

    /// Name and length of contig `i`, which is the next one.
    fn contig(&mut self, i: usize) -> Result<Option<(&'a [u8], i32)>> {
        let Some(name_len) = self.number("the length of a contig's name")? else {
            return Ok(None);
        };
        if name_len == 0 || name_len > MAX_NAME {
            let what = format!("the name of contig {} of the header is said to take {name_len} bytes, 1 to {MAX_NAME} can be", i + 1);
            return Err(corrupt(what));
        }
        let Some(name) = self.take(name_len, "a contig's name")? else {
            return Ok(None);
        };
        let Some(len) = self.number("a contig's length")? else {
            return Ok(None);
        };
        // Cut at the NUL as a C program would; a missing one does no harm.
        let name = name.iter().position(|&b| b == 0).map_or(name, |nul| &name[..nul]);
        Ok(Some((name, len.cast_signed())))
    }
}

fn corrupt(what: impl Into<String>) -> Error {
    Error::new(Kind::CorruptFile, what)
}

fn named_twice(name: &[u8]) -> Error {
    corrupt(format!("contig '{}' is in the header twice", escape(name))).contig(name).hint("rename one with 'samtools reheader'")
}

fn differ(name: &[u8], how: &str) -> Error {
    corrupt(format!("contig '{}' {how}", escape(name))).contig(name).hint("write the header again with 'samtools reheader'")
}

/// `did you mean 'a', 'b' or 'c'?`, when there is something to name.
pub(super) fn did_you_mean(names: &[String]) -> Option<String> {
    let (last, head) = names.split_last()?;
    if head.is_empty() {
        return Some(format!("did you mean '{last}'?"));
    }
    Some(format!("did you mean '{}' or '{last}'?", head.join("', '")))
}

/// The names nearest to `wanted`, the nearest first, escaped for a message; at most three.
pub(super) fn nearest<'a>(wanted: &[u8], names: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut found: Vec<(usize, &[u8])> = Vec::new();
    for name in names {
        if let Some(distance) = distance(wanted, name)
            && (found.len() < MAX_SUGGESTIONS || found.last().is_some_and(|&(worst, _)| distance < worst))
        {
            let at = found.partition_point(|&(d, _)| d <= distance);
            found.insert(at, (distance, name));
            found.truncate(MAX_SUGGESTIONS);
        }
    }
    found.into_iter().map(|(_, name)| escape(name)).collect()
}

/// How far two names are apart: 0 for two ways to name the same contig, otherwise one more than the letters to change; `None` for
/// names that have nothing to do with each other.
fn distance(a: &[u8], b: &[u8]) -> Option<usize> {
    if a.len() > MAX_COMPARED || b.len() > MAX_COMPARED {
        return None;
    }
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    if plain(&a) == plain(&b) {
        return Some(0);
    }
    let limit = (a.len().max(b.len()) / 5).min(2);
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let edits = edits(&a, &b);
    (edits <= limit).then_some(edits + 1)
}

/// A lower-case name without `chr`, and with `m` for the mitochondrion.
fn plain(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b"chr").unwrap_or(name);
    if name == b"mt" { b"m" } else { name }
}

/// Letters to insert, delete or replace to make `b` of `a`.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (cell, &to) in row.iter_mut().skip(1).zip(b) {
            let best = (diagonal + usize::from(from != to)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
