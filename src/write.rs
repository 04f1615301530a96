//! Files that tables are written to: whole or not at all.

pub mod bedpe;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// Writes a file through a temporary one beside it, which takes its place when all of it is on the disk. Where something fails, what was
/// there before stays.
///
/// # Errors
///
/// [`Kind::InvalidArgument`] when the file is there and may not be replaced, [`Kind::Os`] for what the system refuses, and what `fill` gives.
pub fn whole_file(path: &Path, overwrite: bool, fill: impl FnOnce(&mut Sink<'_>) -> Result<()>) -> Result<()> {
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(exists(path));
    }
    let mut temporary = Temporary::beside(path)?;
    let os = |error: io::Error| Error::os(path, error);
    let mut sink = Sink { out: BufWriter::new(&temporary.file), path };
    fill(&mut sink)?;
    sink.out.flush().map_err(os)?;
    drop(sink);
    temporary.file.sync_all().map_err(os)?;
    if overwrite {
        fs::rename(&temporary.path, path).map_err(os)?;
        temporary.is_gone = true;
        return Ok(());
    }
    // A link fails where the name has been taken meanwhile; the temporary name goes with it.
    match fs::hard_link(&temporary.path, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        // Not every file system has links.
        Err(_) => {
            fs::rename(&temporary.path, path).map_err(os)?;
            temporary.is_gone = true;
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn exists(path: &Path) -> Error {
    Error::new(Kind::InvalidArgument, "the file exists").path(path).hint("pass overwrite=True to replace it, or give another name")
}

/// What takes the lines of a file.
#[derive(Debug)]
pub struct Sink<'f> {
    out: BufWriter<&'f File>,
    path: &'f Path,
}

impl Sink<'_> {
    /// Adds text.
    ///
    /// # Errors
    ///
    /// [`Kind::Os`] when it cannot be written: the disk is full, say.
    pub fn add(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(|error| Error::os(self.path, error))
    }
}

/// A file that goes when the work on it fails.
struct Temporary {
    path: PathBuf,
    file: File,
    is_gone: bool,
}

impl Temporary {
    /// Names tried, where others have left theirs.
    const TRIES: u32 = 1000;

    fn beside(path: &Path) -> Result<Self> {
        let name = path.file_name().ok_or_else(|| Error::new(Kind::InvalidArgument, "the path names no file").path(path))?;
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 0..Self::TRIES {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}.{number}.tmp", std::process::id()));
            let beside = path.with_file_name(hidden);
            #[expect(clippy::disallowed_methods, reason = "this is where files are made")]
            let made = OpenOptions::new().write(true).create_new(true).open(&beside);
            match made {
                Ok(file) => return Ok(Self { path: beside, file, is_gone: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(Error::os(path, error)),
            }
        }
        Err(Error::os(path, last))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_gone {
            // It may be gone already; there is nothing else to do about it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
