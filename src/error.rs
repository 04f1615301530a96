//! What can go wrong, said once.
//!
//! One error type for the whole crate. It carries the facts (file, place, contig) apart from the words, so that the Python edge can
//! set them as attributes and a test can look at them; [`Kind`] decides which exception class a Python user sees.

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

/// Result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The class of an error: who must act, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The file is of a kind that is not read here.
    UnsupportedFormat,
    /// The bytes of an input break its format.
    CorruptFile,
    /// An input ends too early.
    TruncatedFile,
    /// The bytes of an index break its format.
    CorruptIndex,
    /// The index belongs to another file, or to another state of this file.
    IndexMismatch,
    /// No index was found.
    IndexMissing,
    /// The reference lacks the contig.
    ReferenceMissing,
    /// The reference has the contig with another length.
    ReferenceMismatch,
    /// Files that are counted together have headers that differ.
    HeaderMismatch,
    /// The region cannot be read or does not fit the contig.
    Region,
    /// The contig is not in the header.
    UnknownContig,
    /// An input changed while it was read.
    FileChanged,
    /// More memory or a larger number is needed than is allowed.
    ResourceLimit,
    /// An argument is outside its range.
    InvalidArgument,
    /// The time given with `timeout` is over.
    Timeout,
    /// The caller cancelled the call.
    Cancelled,
    /// The operating system refused; the cause is kept.
    Os,
    /// A bug of fastcov.
    Internal,
}

impl Kind {
    /// Every kind, for tests that compare this list with the Python classes.
    pub const ALL: [Self; 18] = [
        Self::UnsupportedFormat,
        Self::CorruptFile,
        Self::TruncatedFile,
        Self::CorruptIndex,
        Self::IndexMismatch,
        Self::IndexMissing,
        Self::ReferenceMissing,
        Self::ReferenceMismatch,
        Self::HeaderMismatch,
        Self::Region,
        Self::UnknownContig,
        Self::FileChanged,
        Self::ResourceLimit,
        Self::InvalidArgument,
        Self::Timeout,
        Self::Cancelled,
        Self::Os,
        Self::Internal,
    ];

    /// The stable name users may test for; it is `.kind` of the Python exception.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnsupportedFormat => "unsupported_format",
            Self::CorruptFile => "corrupt_file",
            Self::TruncatedFile => "truncated_file",
            Self::CorruptIndex => "corrupt_index",
            Self::IndexMismatch => "index_mismatch",
            Self::IndexMissing => "index_missing",
            Self::ReferenceMissing => "reference_missing",
            Self::ReferenceMismatch => "reference_mismatch",
            Self::HeaderMismatch => "header_mismatch",
            Self::Region => "region",
            Self::UnknownContig => "unknown_contig",
            Self::FileChanged => "file_changed",
            Self::ResourceLimit => "resource_limit",
            Self::InvalidArgument => "invalid_argument",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Os => "os",
            Self::Internal => "internal",
        }
    }
}

/// An error with its place and its remedy.
///
/// Shown as one line: `PATH: what is wrong (record N "NAME", frame at offset K): what to do`, or for a text file
/// `PATH: line N: what is wrong: what to do`.
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: Kind,
    what: String,
    path: Option<PathBuf>,
    offset: Option<u64>,
    line: Option<u64>,
    record: Option<u64>,
    record_name: Option<String>,
    contig: Option<String>,
    hint: Option<String>,
    source: Option<io::Error>,
}

impl Error {
    /// An error of `kind`; `what` says what was found and what was wanted, without file or place.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            what: what.into(),
            path: None,
            offset: None,
            line: None,
            record: None,
            record_name: None,
            contig: None,
            hint: None,
            source: None,
        }))
    }

    /// A refusal of the operating system on `path`.
    #[must_use]
    pub fn os(path: &Path, source: io::Error) -> Self {
        let mut error = Self::new(Kind::Os, source.to_string()).path(path);
        #[cfg(unix)]
        if let Some(libc::EMFILE | libc::ENFILE) = source.raw_os_error() {
            error = error.hint("raise the limit of open files ('ulimit -n'), or close some");
        }
        if source.kind() == io::ErrorKind::NotFound
            && let Some(folder) = looked_in(path)
        {
            error = error.hint(folder);
        }
        error.0.source = Some(source);
        error
    }

    /// The call was told to stop.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(Kind::Cancelled, "the call was cancelled")
    }

    /// The record's number was counted from some place in the file; `before` records lie in front of that place, `None` when nobody
    /// knows.
    #[must_use]
    pub fn renumber_record(mut self, before: Option<u64>) -> Self {
        if let Some(number) = self.0.record {
            self.0.record = before.map(|b| b + number);
        }
        self
    }

    /// Names the file, unless one is named already (the innermost name is the right one).
    #[must_use]
    pub fn path(mut self, path: &Path) -> Self {
        if self.0.path.is_none() {
            self.0.path = Some(path.to_path_buf());
        }
        self
    }

    /// The offset in the compressed file, in bytes.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// The 1-based number of the line in a text file.
    #[must_use]
    pub fn line(mut self, number: u64) -> Self {
        self.0.line = Some(number);
        self
    }

    /// The 1-based number of the record, and its name.
    #[must_use]
    pub fn record(mut self, number: u64, name: &[u8]) -> Self {
        self.0.record = Some(number);
        self.0.record_name = (!name.is_empty()).then(|| escape(name));
        self
    }

    /// The contig's name.
    #[must_use]
    pub fn contig(mut self, contig: &[u8]) -> Self {
        self.0.contig = Some(escape(contig));
        self
    }

    /// What the user can do about it, unless that is said already.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if self.0.hint.is_none() {
            self.0.hint = Some(hint.into());
        }
        self
    }

    /// The remedy, in place of one that was given.
    #[must_use]
    pub fn hint_instead(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The class of this error.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The file it is about.
    pub fn file(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Offset in the compressed file, in bytes.
    pub fn at_offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// 1-based number of the line in a text file.
    pub fn at_line(&self) -> Option<u64> {
        self.0.line
    }

    /// 1-based number of the record.
    pub fn at_record(&self) -> Option<u64> {
        self.0.record
    }

    /// The contig it is about.
    pub fn about_contig(&self) -> Option<&str> {
        self.0.contig.as_deref()
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The operating system's error number, where it was the cause.
    pub fn errno(&self) -> Option<i32> {
        self.0.source.as_ref().and_then(io::Error::raw_os_error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &*self.0;
        if let Some(path) = &parts.path {
            write!(f, "{}: ", escape_long(path.as_os_str().as_encoded_bytes(), 4096))?;
        }
        if let Some(line) = parts.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&parts.what)?;
        let mut place = Vec::new();
        match (parts.record, &parts.record_name) {
            (Some(number), Some(name)) => place.push(format!("record {number} \"{name}\"")),
            (Some(number), None) => place.push(format!("record {number}")),
            (None, Some(name)) => place.push(format!("record \"{name}\"")),
            (None, None) => {}
        }
        if let Some(offset) = parts.offset {
            place.push(format!("frame at offset {offset}"));
        }
        if !place.is_empty() {
            write!(f, " ({})", place.join(", "))?;
        }
        if let Some(hint) = &parts.hint {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|e| e as _)
    }
}

/// Where a file that is not there was looked for, as far as its path does not say so.
fn looked_in(path: &Path) -> Option<String> {
    let whole = std::path::absolute(path).ok()?;
    let folder = whole.parent()?;
    let shown = escape_long(folder.as_os_str().as_encoded_bytes(), 4096);
    if !folder.is_dir() {
        return Some(format!("the folder {shown} does not exist"));
    }
    path.is_relative().then(|| format!("it was looked for in {shown}"))
}

/// Text out of a file, made safe for one line of a message: control, bidirectional and invalid characters are escaped, and it is
/// cut at 80 characters.
pub fn escape(bytes: &[u8]) -> String {
    escape_long(bytes, 80)
}

fn escape_long(bytes: &[u8], limit: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if length >= limit {
                out.push('…');
                return out;
            }
            let hidden =
                c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
            if hidden {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
            length += 1;
        }
        for byte in chunk.invalid() {
            if length >= limit {
                out.push('…');
                return out;
            }
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
            length += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_file_place_and_remedy_on_one_line() {
        let error = Error::new(Kind::CorruptFile, "the frame's CRC is wrong")
            .path(Path::new("/d/a.bam"))
            .offset(4711)
            .record(3, b"r\n3")
            .hint("copy the file again");
        assert_eq!(
            error.to_string(),
            "/d/a.bam: the frame's CRC is wrong (record 3 \"r\\u{a}3\", frame at offset 4711): copy the file again"
        );
    }

    #[test]
    fn message_about_text_begins_with_the_line() {
        let error = Error::new(Kind::CorruptFile, "2 columns").path(Path::new("a.bed")).line(7).hint("give three");
        assert_eq!((error.to_string().as_str(), error.at_line()), ("a.bed: line 7: 2 columns: give three", Some(7)));
    }

    #[test]
    fn file_text_is_escaped_and_cut() {
        assert_eq!(escape("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(escape(b"\xff\x00"), "\\xff\\u{0}");
        assert_eq!(escape(&[b'x'; 100]).chars().count(), 81);
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        let mut names: Vec<_> = Kind::ALL.iter().map(|k| k.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
