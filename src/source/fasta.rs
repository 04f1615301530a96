//! The reference: letters of any interval out of a FASTA file, plain or bgzipped, from any thread.
//!
//! An index (`.fai`, `.gzi`) beside the file is used when it is there and never written; otherwise it is made in memory. What an index
//! says is believed only as far as the file itself confirms it: a stale one would give wrong bases without any sign.

mod fai;
#[cfg(test)]
mod tests;
mod text;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use self::text::Text;
use super::header::{did_you_mean, nearest};
use crate::coords::Interval;
use crate::error::{Error, Kind, Result, escape};
use crate::memory;

/// The most contigs of a reference.
const MAX_CONTIGS: usize = 1 << 24;
/// What may stand between the last base of a line and the next line: the newline, a carriage return, a few blanks.
const MAX_LINE_END: u64 = 16;
/// A name line longer than this is none.
const MAX_NAME_LINE: u64 = 1 << 20;
/// What to do about an index that does not fit.
const REMEDY: &str = "delete it or run 'samtools faidx'";

/// Where a contig's letters are.
#[derive(Debug)]
struct Contig {
    name: Box<[u8]>,
    /// In bases.
    len: u64,
    /// Of its first base.
    offset: u64,
    /// Bases of each line but the last.
    line_bases: u64,
    /// Bytes of each line but the last, its end included.
    line_width: u64,
    /// Whether the file has been found to agree.
    confirmed: AtomicBool,
}

impl Contig {
    /// Its length as a position; one that is none (no text has so many letters) is behind every other.
    fn len(&self) -> i64 {
        i64::try_from(self.len).unwrap_or(i64::MAX)
    }

    /// Offset of base `at`, which is below `len`.
    fn byte(&self, at: u64) -> u64 {
        // Cannot overflow: `fai` has looked at the last base. A contig without bases has no lines.
        at.checked_div(self.line_bases).map_or(self.offset, |line| self.offset + line * self.line_width + at % self.line_bases)
    }

    /// Offset behind the last base.
    fn end(&self) -> u64 {
        self.len.checked_sub(1).map_or(self.offset, |last| self.byte(last) + 1)
    }
}

/// An open FASTA file.
#[derive(Debug)]
pub struct Reference {
    text: Text,
    /// Sorted by name.
    contigs: Vec<Contig>,
    /// The `.fai`, if there is one.
    index: Option<PathBuf>,
}

impl Reference {
    /// Opens the FASTA file at `path`, plain or bgzipped.
    ///
    /// # Errors
    ///
    /// [`Kind::UnsupportedFormat`] when it is not FASTA or is compressed with gzip instead of bgzip, [`Kind::CorruptFile`] when it is empty,
    /// names a contig twice or (without a `.fai`) has lines that cannot be indexed, [`Kind::CorruptIndex`] or [`Kind::IndexMismatch`]
    /// when a `.fai` or `.gzi` beside it cannot be its own, [`Kind::Os`].
    pub fn open(path: &Path) -> Result<Self> {
        let text = Text::open(path)?;
        refuse_other_content(&text).map_err(|e| e.path(path))?;
        let index = beside(path, "fai")?;
        let mut contigs = match &index {
            Some(index) => fai::read(index, text.len()).map_err(|e| e.path(index)),
            None => fai::scan(&text),
        }
        .map_err(|e| e.path(path))?;
        contigs.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if let Some(twice) = contigs.windows(2).find(|pair| pair.first().map(|c| &c.name) == pair.last().map(|c| &c.name))
            && let Some(contig) = twice.first()
        {
            let what = format!("contig '{}' is in the reference twice", escape(&contig.name));
            return Err(Error::new(Kind::CorruptFile, what).path(path).contig(&contig.name).hint("rename or remove one of them"));
        }
        Ok(Self { text, contigs, index })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        self.text.path()
    }

    /// Refuses a file that is not what it was when it was opened.
    ///
    /// # Errors
    ///
    /// [`Kind::FileChanged`].
    pub fn check_unchanged(&self) -> Result<()> {
        self.text.check_unchanged()
    }

    fn contig(&self, name: &[u8]) -> Option<&Contig> {
        let at = self.contigs.binary_search_by(|c| (*c.name).cmp(name)).ok()?;
        self.contigs.get(at)
    }

    /// How many bases the contig of that name has.
    pub fn contig_len(&self, name: &[u8]) -> Option<i64> {
        self.contig(name).map(Contig::len)
    }

    /// Refuses a reference that does not have the contig, or not with the length the BAM's header states.
    ///
    /// # Errors
    ///
    /// [`Kind::ReferenceMissing`] with names that may have been meant, [`Kind::ReferenceMismatch`] with both lengths, and what
    /// [`Reference::fetch`] finds wrong with the contig's place in the file.
    pub fn check_contig(&self, name: &[u8], header_len: i64) -> Result<()> {
        let contig = self.contig(name).ok_or_else(|| self.missing(name))?;
        self.confirm(contig)?;
        if contig.len() == header_len {
            return Ok(());
        }
        let what = format!("contig '{}' has {} bases in the reference and {header_len} in the BAM's header", escape(name), contig.len);
        Err(Error::new(Kind::ReferenceMismatch, what).path(self.path()).contig(name).hint("give the reference the reads were aligned to"))
    }

    fn missing(&self, name: &[u8]) -> Error {
        let n = self.contigs.len();
        let meant = did_you_mean(&nearest(name, self.contigs.iter().map(|c| &*c.name))).map_or_else(String::new, |m| format!("; {m}"));
        let what = format!("contig '{}' is not in the reference ({n} {}{meant})", escape(name), if n == 1 { "contig" } else { "contigs" });
        Error::new(Kind::ReferenceMissing, what).path(self.path()).contig(name).hint("give the reference the reads were aligned to")
    }

    /// Appends the letters of `interval` to `out` as they stand in the file, upper and lower case. On an error `out` is left as it was.
    ///
    /// # Errors
    ///
    /// [`Kind::ReferenceMissing`] without the contig, [`Kind::Region`] when the interval is not within it, [`Kind::CorruptIndex`] or
    /// [`Kind::IndexMismatch`] when the file does not have its lines where the `.fai` says, [`Kind::CorruptFile`] when something other than
    /// letters is there, [`Kind::ResourceLimit`], [`Kind::Os`].
    pub fn fetch(&self, name: &[u8], interval: Interval, out: &mut Vec<u8>) -> Result<()> {
        let contig = self.contig(name).ok_or_else(|| self.missing(name))?;
        let Interval { start, end } = interval;
        let ends = u64::try_from(start).ok().zip(u64::try_from(end).ok());
        let Some((first, behind)) = ends.filter(|&(first, behind)| first <= behind && behind <= contig.len) else {
            let what = format!("{start}..{end} is not within contig '{}' of {} bases", escape(name), contig.len);
            return Err(Error::new(Kind::Region, what).path(self.path()).contig(name));
        };
        self.confirm(contig)?;
        if first == behind {
            return Ok(());
        }
        let before = out.len();
        let result = self.read_letters(contig, first, behind, out);
        if result.is_err() {
            out.truncate(before);
        }
        result
    }

    /// Reads the lines of `start..end` to the end of `out`, then moves their letters together.
    fn read_letters(&self, contig: &Contig, start: u64, end: u64, out: &mut Vec<u8>) -> Result<()> {
        let first = contig.byte(start);
        let n = memory::len(contig.byte(end - 1) + 1 - first);
        let before = out.len();
        memory::extend(out, before + n)?;
        let Some(lines) = out.get_mut(before..) else {
            return Ok(());
        };
        if self.text.read_at(lines, first)? < n {
            return Err(Error::new(Kind::FileChanged, "the reference became shorter while it was read").path(self.path()));
        }
        let (bases, width) = (memory::len(contig.line_bases), memory::len(contig.line_width));
        let mut from = 0;
        let mut to = 0;
        let mut left = memory::len(end - start);
        let mut in_line = bases - memory::len(start % contig.line_bases);
        loop {
            let take = in_line.min(left);
            let letters = lines.get(from..from + take).unwrap_or_default();
            if !are_letters(letters) {
                return Err(self.no_letter(contig, letters, first + from as u64));
            }
            lines.copy_within(from..from + take, to);
            to += take;
            left -= take;
            if left == 0 {
                break;
            }
            from += take;
            let line_end = lines.get(from..from + width - bases).unwrap_or_default();
            if !is_line_end(line_end) {
                return Err(self.misplaced(contig, Kind::CorruptIndex, "a line should end", first + from as u64));
            }
            from += width - bases;
            in_line = bases;
        }
        out.truncate(before + to);
        Ok(())
    }

    /// Looks once whether the contig's name line, first line and last line are where its entry says.
    fn confirm(&self, contig: &Contig) -> Result<()> {
        // Without bases nothing will be read, and the writers of indexes do not agree on the offset.
        if contig.len == 0 || contig.confirmed.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !self.follows_its_name(contig)? {
            return Err(self.misplaced(contig, Kind::CorruptIndex, "the line with its name should end", contig.offset));
        }
        // A first line of another length: this is the index of another file. Everything further on may be a damaged file as well.
        let first_end = contig.offset + contig.line_bases;
        if contig.len > contig.line_bases && !is_line_end(&self.bytes(first_end, contig.line_width - contig.line_bases)?) {
            return Err(self.misplaced(contig, Kind::IndexMismatch, "a line should end", first_end));
        }
        let behind = self.bytes(contig.end(), MAX_LINE_END + 1)?;
        let ends = match behind.iter().position(|b| !b.is_ascii_whitespace()) {
            Some(at) => behind.get(at) == Some(&b'>') && behind.get(..at).is_some_and(|blank| blank.ends_with(b"\n")),
            // The end of the file, or more blanks than lie within a contig.
            None => true,
        };
        if !ends {
            return Err(self.misplaced(contig, Kind::CorruptIndex, "the contig should end", contig.end()));
        }
        contig.confirmed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the line before the contig's first base is `>name`, at the start of a line.
    fn follows_its_name(&self, contig: &Contig) -> Result<bool> {
        let mut look_back = contig.name.len() as u64 + 256;
        loop {
            let from = contig.offset.saturating_sub(look_back);
            let before = self.bytes(from, contig.offset - from)?;
            let Some((b'\n', line)) = before.split_last() else {
                return Ok(false);
            };
            let start = line.iter().rposition(|&b| b == b'\n').map(|newline| newline + 1);
            if let Some(start) = start.or((from == 0).then_some(0)) {
                let name = line.get(start..).and_then(|line| line.strip_prefix(b">")).and_then(|line| line.strip_prefix(&*contig.name));
                return Ok(name.is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace)));
            }
            if look_back > MAX_NAME_LINE {
                return Ok(false);
            }
            look_back *= 8;
        }
    }

    /// At most `len` bytes of the text from `offset` on.
    fn bytes(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        let mut bytes = memory::buffer(memory::len(len))?;
        let n = self.text.read_at(&mut bytes, offset)?;
        bytes.truncate(n);
        Ok(bytes)
    }

    /// The file does not have at `at` what its index says.
    fn misplaced(&self, contig: &Contig, kind: Kind, what: &str, at: u64) -> Error {
        let what = format!("contig '{}': {what} at byte {at} of the reference", escape(&contig.name));
        match &self.index {
            Some(index) => Error::new(kind, format!("this .fai does not fit: {what}")).path(index).hint(REMEDY),
            // The index was made from the file itself.
            None => Error::new(Kind::FileChanged, format!("the reference was changed while it was read: {what}"))
                .path(self.path())
                .hint("call again when it is written"),
        }
        .contig(&contig.name)
    }

    /// The first byte of `letters`, which stand at `at`, that is none.
    fn no_letter(&self, contig: &Contig, letters: &[u8], at: u64) -> Error {
        let wrong = letters.iter().position(|&b| !is_letter(b)).unwrap_or_default();
        let at = at + wrong as u64;
        match letters.get(wrong) {
            Some(b'\n' | b'\r') => self.misplaced(contig, Kind::CorruptIndex, "no line should end", at),
            Some(b'>') if self.index.is_some() => self.misplaced(contig, Kind::CorruptIndex, "no '>' should stand", at),
            byte => fai::not_a_letter(&contig.name, byte.copied().unwrap_or_default(), at).path(self.path()),
        }
    }
}

/// What may stand in a sequence: letters, and the other visible signs some files have for gaps and stops.
const fn is_letter(byte: u8) -> bool {
    byte > b' ' && byte < 127 && byte != b'>'
}

/// Without an early end, so that it is done many bytes at a time.
fn are_letters(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |all, &b| all & is_letter(b))
}

fn is_line_end(bytes: &[u8]) -> bool {
    matches!(bytes.split_last(), Some((b'\n', blanks)) if blanks.iter().all(|&b| b.is_ascii_whitespace() && b != b'\n'))
}

/// The path with a suffix appended, if there is such a file.
fn beside(path: &Path, suffix: &str) -> Result<Option<PathBuf>> {
    let mut name = path.as_os_str().to_os_string();
    name.push(".");
    name.push(suffix);
    let path = PathBuf::from(name);
    match fs::metadata(&path) {
        Ok(_) => Ok(Some(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::os(&path, e)),
    }
}

fn refuse_other_content(text: &Text) -> Result<()> {
    let mut head = [0; 64];
    let n = text.read_at(&mut head, 0)?;
    let head = head.get(..n).unwrap_or_default();
    match head.iter().find(|b| !b.is_ascii_whitespace()) {
        _ if head.is_empty() => Err(Error::new(Kind::CorruptFile, "the reference is empty").hint("give a FASTA file")),
        Some(b'>') => Ok(()),
        Some(b'@') => Err(Error::new(Kind::UnsupportedFormat, "this is not FASTA, it may be FASTQ or SAM").hint("give a FASTA file")),
        _ => Err(Error::new(Kind::UnsupportedFormat, "this is not a FASTA file, the first line does not begin with '>'")
            .hint("give a FASTA file, plain or compressed with bgzip")),
    }
}
