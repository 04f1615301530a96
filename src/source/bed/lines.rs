//! The lines of a text, whichever way they end.

use std::io::Read;

use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::source::gzip::Text;

/// Bytes that are read at a time.
const BLOCK: usize = 256 << 10;
/// How many bytes of the text [`Lines::head`] gives.
const HEAD: usize = 512;
/// The most bytes of a line. A binary file may have none, and a device no end.
pub(super) const LONGEST: usize = 1 << 20;
/// What may stand in front of text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines that end in LF, in CR LF or, as on old Macs, in CR alone.
pub(super) struct Lines<'p, R> {
    text: Text<'p, R>,
    /// Bytes of the text; those from `at` to `filled` are still to be given.
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Nothing comes behind `filled`.
    ended: bool,
    /// Lines given so far.
    number: u64,
}

impl<'p, R: Read> Lines<'p, R> {
    pub(super) fn new(text: Text<'p, R>) -> Result<Self> {
        let mut lines = Self { text, buffer: Vec::new(), at: 0, filled: 0, ended: false, number: 0 };
        while !lines.ended && lines.filled < HEAD {
            lines.fill()?;
        }
        if lines.head().starts_with(BYTE_ORDER_MARK) {
            lines.at = BYTE_ORDER_MARK.len();
        }
        Ok(lines)
    }

    /// The first bytes of the text, until the first line is given.
    pub(super) fn head(&self) -> &[u8] {
        let head = self.buffer.get(self.at..self.filled).unwrap_or_default();
        head.get(..HEAD).unwrap_or(head)
    }

    /// The number of the line that was given last, from 1 on.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line, without its end.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>> {
        // Bytes from `at` on in which no line ends.
        let mut searched = 0;
        let (line, next) = loop {
            if let Some(found) = self.end_of_line(searched) {
                break found;
            }
            let left = self.filled - self.at;
            if left > LONGEST {
                return Err(self.too_long());
            }
            if self.ended {
                if left == 0 {
                    return Ok(None);
                }
                break (self.filled, self.filled);
            }
            // The last byte may be a CR, and what comes next decides.
            searched = left.saturating_sub(1);
            self.fill()?;
        };
        if line - self.at > LONGEST {
            return Err(self.too_long());
        }
        let given = self.buffer.get(self.at..line);
        self.at = next;
        self.number += 1;
        Ok(given)
    }

    /// Where the line that starts at `at` ends and the next one starts, if that is known yet.
    fn end_of_line(&self, searched: usize) -> Option<(usize, usize)> {
        let from = self.at + searched;
        let rest = self.buffer.get(from..self.filled)?;
        let end = from + rest.iter().position(|&b| b == b'\n' || b == b'\r')?;
        if self.buffer.get(end) == Some(&b'\n') {
            return Some((end, end + 1));
        }
        // Behind a CR at the end of the buffer a LF may follow.
        match self.buffer.get(end + 1..self.filled)?.first() {
            Some(b'\n') => Some((end, end + 2)),
            Some(_) => Some((end, end + 1)),
            None => self.ended.then_some((end, end + 1)),
        }
    }

    /// Reads some more of the text behind what is still to be given.
    fn fill(&mut self) -> Result<()> {
        if self.at > 0 {
            self.buffer.copy_within(self.at..self.filled, 0);
            self.filled -= self.at;
            self.at = 0;
        }
        if self.buffer.len() < self.filled + BLOCK {
            memory::extend(&mut self.buffer, self.filled + BLOCK)?;
        }
        let n = match self.buffer.get_mut(self.filled..) {
            Some(room) => self.text.read(room)?,
            None => 0,
        };
        self.filled += n;
        self.ended = n == 0;
        Ok(())
    }

    fn too_long(&self) -> Error {
        Error::new(Kind::CorruptFile, format!("more than {LONGEST} bytes without an end of the line"))
            .path(self.text.path())
            .line(self.number + 1)
            .hint("give a BED file: lines of chrom, start, end")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Gives `0` bytes at a time.
    struct Slow<'a>(usize, &'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.min(out.len());
            self.1.read(&mut out[..n])
        }
    }

    fn lines(bytes: &[u8], step: usize) -> Result<Vec<Vec<u8>>> {
        let mut lines = Lines::new(Text::new(Path::new("x"), Slow(step, bytes))?)?;
        let mut out = Vec::new();
        while let Some(line) = lines.next()? {
            out.push(line.to_vec());
            assert_eq!(lines.number(), out.len() as u64);
        }
        Ok(out)
    }

    #[test]
    fn lines_end_in_three_ways() {
        let long = "y".repeat(HEAD);
        for (text, wanted) in [
            (String::new(), vec![]),
            ("a".into(), vec!["a"]),
            ("a\n".into(), vec!["a"]),
            ("\n".into(), vec![""]),
            ("a\nb\r\nc\rd".into(), vec!["a", "b", "c", "d"]),
            ("a\r\n\r\n\rb\r".into(), vec!["a", "", "", "b"]),
            ("a\n\rb\r\r\nc".into(), vec!["a", "", "b", "", "c"]),
            (format!("{long}\r\n{long}\r{long}\n"), vec![&long, &long, &long]),
            ("\u{feff}a\n\u{feff}b\n".into(), vec!["a", "\u{feff}b"]),
        ] {
            for step in [1, 2, 3, 1 << 20] {
                let wanted: Vec<_> = wanted.iter().map(|line| line.as_bytes()).collect();
                assert_eq!(lines(text.as_bytes(), step).unwrap(), wanted, "{text:?} {step}");
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_an_error_wherever_blocks_end() {
        let most = vec![b'x'; LONGEST];
        for step in [1000, BLOCK, LONGEST * 2] {
            assert_eq!(lines(&[b"a\n", &most[..], b"\nb"].concat(), step).unwrap().len(), 3);
            for end in [&b""[..], b"\n", b"\rb"] {
                let error = lines(&[b"a\n", &most[..], b"x", end].concat(), step).unwrap_err();
                assert_eq!((error.kind(), error.at_line()), (Kind::CorruptFile, Some(2)));
            }
        }
    }
}
