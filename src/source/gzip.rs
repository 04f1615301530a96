//! Text that is read once, from front to back, compressed with gzip or not.
//!
//! Not for BAM: there every frame is inflated whole, by `bgzf`.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::stream::error_of;
use crate::error::{Error, Kind, Result};

/// How gzip begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Identifier and length of the extra field that makes a gzip member a BGZF frame.
const BGZF: [u8; 4] = [b'B', b'C', 2, 0];
/// Compressed bytes that are read at a time.
const BLOCK: usize = 1 << 16;
/// What to do about damaged data.
const REMEDY: &str = "copy the file again from its source, or write it again";

/// The input, with the bytes in front that were looked at already.
type Input<R> = Chain<Cursor<Vec<u8>>, R>;

/// The bytes of a file, inflated where they are gzip: one member or many, BGZF included.
pub struct Text<'p, R> {
    path: &'p Path,
    source: Source<R>,
}

enum Source<R> {
    Plain(Input<R>),
    Gzip(Box<Members<R>>),
}

impl<'p, R: Read> Text<'p, R> {
    /// Looks at the first bytes of `input`; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// What reading gives.
    pub fn new(path: &'p Path, mut input: R) -> Result<Self> {
        let mut head = Vec::new();
        let magic = MAGIC.len() as u64;
        input.by_ref().take(magic).read_to_end(&mut head).map_err(|e| refused(path, e))?;
        let compressed = head == MAGIC;
        let input = Cursor::new(head).chain(input);
        let source = if compressed { Source::Gzip(Box::new(Members::new(input))) } else { Source::Plain(input) };
        Ok(Self { path, source })
    }

    /// The file named in errors.
    pub fn path(&self) -> &'p Path {
        self.path
    }

    /// Some of the next bytes, none at the end.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] and [`Kind::TruncatedFile`] for damaged gzip data, and what the input gives.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let read = match &mut self.source {
            Source::Plain(input) => input.read(out),
            Source::Gzip(members) => members.read(out),
        };
        read.map_err(|e| refused(self.path, e))
    }
}

fn refused(path: &Path, error: io::Error) -> Error {
    let error = match error_of(path, error) {
        Ok(known) => return known,
        Err(error) => error,
    };
    let (kind, what) = if error.kind() == io::ErrorKind::UnexpectedEof {
        (Kind::TruncatedFile, "the gzip data is cut short".to_owned())
    } else {
        (Kind::CorruptFile, format!("the gzip data is damaged ({error})"))
    };
    Error::new(kind, what).path(path).hint(REMEDY)
}

/// Inflates gzip members one after another.
struct Members<R> {
    /// `None` behind the last member.
    decoder: Option<GzDecoder<BufReader<Input<R>>>>,
    /// Inflated bytes of the current member.
    inflated: u64,
}

impl<R: Read> Members<R> {
    fn new(input: Input<R>) -> Self {
        Self { decoder: Some(GzDecoder::new(BufReader::with_capacity(BLOCK, input))), inflated: 0 }
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n = decoder.read(out)?;
            self.inflated += n as u64;
            if n > 0 || out.is_empty() {
                return Ok(n);
            }
            self.next_member()?;
        }
        Ok(0)
    }

    fn next_member(&mut self) -> io::Result<()> {
        let Some(decoder) = self.decoder.take() else { return Ok(()) };
        let is_bgzf = decoder.header().and_then(|h| h.extra()).is_some_and(|extra| extra.starts_with(&BGZF));
        let mut input = decoder.into_inner();
        // Zeros behind the last member are padding, as of a tape.
        while let rest = input.fill_buf()?
            && let zeros = rest.iter().take_while(|&&b| b == 0).count()
            && zeros > 0
        {
            input.consume(zeros);
        }
        match input.fill_buf()?.first() {
            Some(&first) if first == MAGIC[0] => {
                *self = Self { decoder: Some(GzDecoder::new(input)), inflated: 0 };
                return Ok(());
            }
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "other bytes follow it")),
            None => {}
        }
        // A file that was cut between two frames lacks nothing else.
        if is_bgzf && self.inflated > 0 {
            return Err(io::Error::other(
                Error::new(Kind::TruncatedFile, "the bgzip data is cut short: its end marker is missing").hint(REMEDY),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bgzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>> {
        let mut text = Text::new(Path::new("x"), bytes)?;
        let (mut out, mut some) = (Vec::new(), [0; 7]);
        loop {
            match text.read(&mut some)? {
                0 => return Ok(out),
                n => out.extend(&some[..n]),
            }
        }
    }

    #[test]
    fn every_member_is_read_and_padding_is_none() {
        let text = b"one line\n".repeat(20);
        for bytes in [
            text.clone(),
            gzip(&text),
            bgzip(&text),
            [gzip(&text[..50]), gzip(b""), gzip(&text[50..])].concat(),
            [bgzip(&text[..50]), bgzip(&text[50..])].concat(),
            [gzip(&text[..50]), bgzip(&text[50..]), vec![0; 100]].concat(),
        ] {
            assert!(read(&bytes).unwrap() == text);
        }
        assert!(read(b"").unwrap().is_empty());
        assert_eq!(read(b"\x1f").unwrap(), b"\x1f");
    }

    #[test]
    fn every_cut_and_every_flipped_byte_of_the_data_is_found() {
        for whole in [gzip(b"chr1\t0\t10\nchr1\t20\t30\n"), bgzip(b"chr1\t0\t10\nchr1\t20\t30\n")] {
            for end in 2..whole.len() {
                assert_eq!(read(&whole[..end]).unwrap_err().kind(), Kind::TruncatedFile, "{end}");
            }
        }
        let whole = gzip(b"chr1\t0\t10\nchr1\t20\t30\n");
        for at in 10..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert!(matches!(read(&bytes).unwrap_err().kind(), Kind::CorruptFile | Kind::TruncatedFile), "{at}");
        }
    }

    #[test]
    fn what_follows_a_member_and_is_no_gzip_is_an_error() {
        let error = read(&[gzip(b"a\n"), b"b\n".to_vec()].concat()).unwrap_err();
        assert_eq!(error.kind(), Kind::CorruptFile);
        assert_eq!(error.to_string(), format!("x: the gzip data is damaged (other bytes follow it): {REMEDY}"));
    }
}
