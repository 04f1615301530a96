//! The index of a FASTA file: read from its `.fai`, or made from its lines.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::text::Text;
use super::{Contig, MAX_CONTIGS, MAX_LINE_END, MAX_NAME_LINE, REMEDY, are_letters, is_letter, is_line_end};
use crate::error::{Error, Kind, Result, escape};
use crate::memory;
use crate::source::file::InputFile;

/// A `.fai` may take this much, and so many times the size of its FASTA: the line of a contig is not much longer than the contig.
const MAX_FAI_BASE: u64 = 1 << 20;
const MAX_FAI_RATIO: u64 = 64;
/// How much is read at once when an index is made.
const BUFFER: usize = 1 << 20;
/// The longest name.
const MAX_NAME: usize = 64 << 10;

/// Reads the `.fai` at `path` of a FASTA whose text has `text_len` bytes.
pub(super) fn read(path: &Path, text_len: u64) -> Result<Vec<Contig>> {
    let file = InputFile::open(path)?;
    let limit = MAX_FAI_BASE.saturating_add(text_len.saturating_mul(MAX_FAI_RATIO)).min(1 << 30);
    if file.len() > limit {
        return Err(corrupt_index(format!("this .fai has {} bytes, too many for a reference of {text_len} bytes", file.len())));
    }
    let mut bytes = memory::buffer(memory::len(file.len()))?;
    let n = file.read_at(&mut bytes, 0)?;
    bytes.truncate(n);
    let mut contigs = Vec::new();
    for (i, line) in bytes.split(|&b| b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let contig = parse(line).ok_or_else(|| {
            corrupt_index(format!("line {} of this .fai is not a name and four numbers that can be: '{}'", i + 1, escape(line)))
        })?;
        if contig.end() > text_len {
            let what = format!("contig '{}' ends at byte {} of a reference of {text_len} bytes", escape(&contig.name), contig.end());
            return Err(Error::new(Kind::IndexMismatch, format!("this .fai belongs to another file: {what}"))
                .contig(&contig.name)
                .hint(REMEDY));
        }
        push(&mut contigs, contig)?;
    }
    if contigs.is_empty() {
        return Err(corrupt_index("this .fai lists no contig"));
    }
    Ok(contigs)
}

/// A line of a `.fai`: name, bases, offset, bases of a line, bytes of a line. `None` when it cannot be one.
fn parse(line: &[u8]) -> Option<Contig> {
    let mut fields = line.split(|&b| b == b'\t');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let mut number = || {
        let text = std::str::from_utf8(fields.next()?).ok()?;
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok())?
    };
    let (len, offset, line_bases, line_width) = (number()?, number()?, number()?, number()?);
    let is_end = fields.next().is_none();
    let line_end = line_width.checked_sub(line_bases)?;
    // One line needs no end; several need a newline each.
    let lines_fit = len == 0 || (line_bases > 0 && line_end <= MAX_LINE_END && (line_end > 0 || len <= line_bases));
    // So that no offset of a base can overflow later.
    let lines_before_last = len.saturating_sub(1).checked_div(line_bases).unwrap_or(0);
    let last = lines_before_last.checked_mul(line_width)?.checked_add(offset)?.checked_add(line_width)?;
    let fits = is_end && lines_fit && i64::try_from(len).is_ok() && i64::try_from(last).is_ok();
    fits.then(|| Contig { name: name.into(), len, offset, line_bases, line_width, confirmed: AtomicBool::new(false) })
}

fn push(contigs: &mut Vec<Contig>, contig: Contig) -> Result<()> {
    if contigs.len() >= MAX_CONTIGS {
        return Err(Error::new(Kind::ResourceLimit, format!("the reference has more than {MAX_CONTIGS} contigs")));
    }
    contigs.push(contig);
    Ok(())
}

fn corrupt_index(what: impl Into<String>) -> Error {
    Error::new(Kind::CorruptIndex, what).hint(REMEDY)
}

pub(super) fn not_a_letter(contig: &[u8], byte: u8, at: u64) -> Error {
    let what = format!("contig '{}' has {} at byte {at}, which is not a sequence letter", escape(contig), escape(&[b'\'', byte, b'\'']));
    Error::new(Kind::CorruptFile, what).contig(contig).hint("repair the FASTA file")
}

/// Makes the index of a text. Every letter is looked at on the way.
pub(super) fn scan(text: &Text) -> Result<Vec<Contig>> {
    let mut scan = Scan::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = text.read_at(&mut buffer, scan.at)?;
        if n == 0 {
            return scan.finish();
        }
        scan.feed(buffer.get(..n).unwrap_or_default())?;
    }
}

/// What kind of line this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Not known before its first byte.
    #[default]
    Unknown,
    /// `>name description`
    Name,
    Sequence,
}

/// The state between two bytes of a text.
#[derive(Debug, Default)]
struct Scan {
    done: Vec<Contig>,
    /// The contig whose lines these are.
    contig: Option<Contig>,
    /// Whether its last line has been: one that is shorter than the others, or blank.
    ended: bool,
    /// Offset of the next byte.
    at: u64,
    line: Line,
    /// Of a name line, as far as the name goes.
    name: Vec<u8>,
    name_ended: bool,
    /// Of a sequence line: letters, and blanks behind them.
    letters: u64,
    blanks: u64,
}

impl Scan {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some(&first) = bytes.first() {
            let used = match self.line {
                Line::Unknown => {
                    self.line = if first == b'>' { Line::Name } else { Line::Sequence };
                    0
                }
                Line::Name => self.name_part(bytes)?,
                Line::Sequence => match self.whole_lines(bytes) {
                    0 => self.sequence_part(bytes)?,
                    used => used,
                },
            };
            self.at += used as u64;
            bytes = bytes.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    /// Takes lines like the ones before, which is nearly all there is in a FASTA.
    fn whole_lines(&mut self, bytes: &[u8]) -> usize {
        let Some(contig) = self.contig.as_mut().filter(|c| c.line_bases > 0 && !self.ended && self.letters + self.blanks == 0) else {
            return 0;
        };
        let (bases, width) = (memory::len(contig.line_bases), memory::len(contig.line_width));
        let mut used = 0;
        for line in bytes.chunks_exact(width) {
            let (letters, end) = line.split_at_checked(bases).unwrap_or_default();
            if !are_letters(letters) || !is_line_end(end) {
                break;
            }
            used += width;
        }
        contig.len += (used / width * bases) as u64;
        if used > 0 {
            self.line = Line::Unknown;
        }
        used
    }

    /// Takes the rest of a name line, as far as it is there.
    fn name_part(&mut self, bytes: &[u8]) -> Result<usize> {
        let newline = bytes.iter().position(|&b| b == b'\n');
        let part = bytes.get(..newline.unwrap_or(bytes.len())).unwrap_or_default();
        if !self.name_ended {
            // The first byte of the line is its '>'.
            let end = part.iter().position(u8::is_ascii_whitespace);
            self.name.extend_from_slice(part.get(..end.unwrap_or(part.len())).unwrap_or_default());
            self.name_ended = end.is_some();
            if self.name.len() > MAX_NAME {
                return Err(corrupt(format!("the name that ends at byte {} has more than {MAX_NAME} bytes", self.at)));
            }
        }
        self.letters += part.len() as u64;
        if self.letters > MAX_NAME_LINE {
            return Err(corrupt(format!("the name line at byte {} has more than {MAX_NAME_LINE} bytes", self.at)));
        }
        let Some(newline) = newline else {
            return Ok(part.len());
        };
        self.start_contig(self.at + newline as u64 + 1)?;
        Ok(newline + 1)
    }

    /// At the end of a name line; `offset` is where the first base should be.
    fn start_contig(&mut self, offset: u64) -> Result<()> {
        self.end_contig()?;
        let name = self.name.strip_prefix(b">").unwrap_or_default();
        if name.is_empty() {
            return Err(corrupt(format!("the name line that ends at byte {offset} has no name")));
        }
        let confirmed = AtomicBool::new(true);
        self.contig = Some(Contig { name: name.into(), len: 0, offset, line_bases: 0, line_width: 0, confirmed });
        self.name.clear();
        self.name_ended = false;
        self.start_line();
        Ok(())
    }

    fn end_contig(&mut self) -> Result<()> {
        self.ended = false;
        self.contig.take().map_or(Ok(()), |contig| push(&mut self.done, contig))
    }

    fn start_line(&mut self) {
        self.line = Line::Unknown;
        self.letters = 0;
        self.blanks = 0;
    }

    /// Takes the rest of a sequence line, as far as it is there.
    fn sequence_part(&mut self, bytes: &[u8]) -> Result<usize> {
        let newline = bytes.iter().position(|&b| b == b'\n');
        let part = bytes.get(..newline.unwrap_or(bytes.len())).unwrap_or_default();
        let n_letters = part.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(0, |last| last + 1);
        let letters = part.get(..n_letters).unwrap_or_default();
        let wrong = if self.blanks > 0 && n_letters > 0 { Some(0) } else { letters.iter().position(|&b| !is_letter(b)) };
        if let Some(wrong) = wrong.filter(|_| !are_letters(letters) || self.blanks > 0) {
            let name = self.contig.as_ref().map_or(&b""[..], |c| &c.name);
            return Err(not_a_letter(name, letters.get(wrong).copied().unwrap_or_default(), self.at + wrong as u64));
        }
        self.letters += n_letters as u64;
        self.blanks += (part.len() - n_letters) as u64;
        let Some(newline) = newline else {
            return Ok(part.len());
        };
        self.end_line(1)?;
        Ok(newline + 1)
    }

    /// At the end of a sequence line; `newline` is the number of bytes that end it.
    fn end_line(&mut self, newline: u64) -> Result<()> {
        let (bases, width) = (self.letters, self.letters + self.blanks + newline);
        self.start_line();
        let Some(contig) = &mut self.contig else {
            // Blank lines may come before the first name.
            return if bases == 0 { Ok(()) } else { Err(corrupt("letters stand before the first name line".to_owned())) };
        };
        if bases == 0 {
            self.ended = true;
            return Ok(());
        }
        let is_first = contig.line_bases == 0;
        if self.ended || (!is_first && bases > contig.line_bases) || width - bases > MAX_LINE_END {
            let what = format!("the lines of contig '{}' differ in length (byte {})", escape(&contig.name), self.at);
            let hint = "write the FASTA file again with lines of one length, for instance with 'seqkit seq -w 60'";
            return Err(corrupt(what).contig(&contig.name).hint(hint));
        }
        if is_first {
            (contig.line_bases, contig.line_width) = (bases, width);
        }
        // Only the last line may differ.
        self.ended = bases < contig.line_bases || width != contig.line_width;
        contig.len += bases;
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Contig>> {
        match self.line {
            Line::Name => self.start_contig(self.at)?,
            Line::Sequence => self.end_line(0)?,
            Line::Unknown => {}
        }
        self.end_contig()?;
        if self.done.is_empty() {
            return Err(Error::new(Kind::CorruptFile, "the reference is empty, it has no contig").hint("give a FASTA file"));
        }
        Ok(self.done)
    }
}

fn corrupt(what: String) -> Error {
    Error::new(Kind::CorruptFile, what).hint("repair the FASTA file")
}
