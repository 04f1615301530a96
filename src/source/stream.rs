//! Input that is read once, from front to back: a file, a pipe or a device.
//!
//! A pipe may have no writer yet, or a slow one. Both opening and reading wait in short slices, and the caller's `poll` runs between them,
//! so that an interrupt ends the wait.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use super::file::{is_a_directory, refuse_url};
use crate::error::{Error, Result};

/// Called between waits; an error ends the reading.
pub type Poll<'p> = &'p mut dyn FnMut() -> Result<()>;

/// How long one wait for a pipe takes at most, and how often `poll` runs.
const SLICE: Duration = Duration::from_millis(50);

/// An open input.
pub struct Stream<'p> {
    file: File,
    /// Reading may have to wait for a writer.
    waits: bool,
    poll: Poll<'p>,
    polled: Instant,
}

impl<'p> Stream<'p> {
    /// Opens `path`, which may be a named pipe without a writer.
    ///
    /// # Errors
    ///
    /// [`Kind::Os`] when it cannot be opened or is a folder, [`Kind::UnsupportedFormat`] for a URL.
    ///
    /// [`Kind::Os`]: crate::error::Kind::Os
    /// [`Kind::UnsupportedFormat`]: crate::error::Kind::UnsupportedFormat
    pub fn open(path: &Path, poll: Poll<'p>) -> Result<Self> {
        refuse_url(path)?;
        let mut options = File::options();
        options.read(true);
        // Without it, opening a named pipe blocks until a writer comes.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_CLOEXEC);
        #[expect(clippy::disallowed_methods, reason = "this is where pipes are opened")]
        let file = options.open(path).map_err(|e| Error::os(path, e))?;
        let metadata = file.metadata().map_err(|e| Error::os(path, e))?;
        if metadata.is_dir() {
            return Err(Error::os(path, is_a_directory()).hint("give a file, not a folder"));
        }
        Ok(Self { file, waits: !metadata.is_file(), poll, polled: Instant::now() })
    }

    fn poll(&mut self) -> io::Result<()> {
        self.polled = Instant::now();
        (self.poll)().map_err(io::Error::other)
    }
}

impl Read for Stream<'_> {
    /// What `poll` returns comes back as the inside of an [`io::Error`]; see [`error_of`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.polled.elapsed() >= SLICE {
                self.poll()?;
            }
            if self.waits && !is_ready(&self.file)? {
                self.poll()?;
                continue;
            }
            match self.file.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => self.poll()?,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }
}

/// The error a [`Stream`]'s `poll` returned, or that of the operating system on `path`.
///
/// # Errors
///
/// `error` itself, when it is neither: a decoder made it.
pub fn error_of(path: &Path, error: io::Error) -> std::result::Result<Error, io::Error> {
    match error.downcast::<Error>() {
        Ok(ours) => Ok(ours.path(path)),
        Err(error) if error.raw_os_error().is_some() => Ok(Error::os(path, error)),
        Err(error) => Err(error),
    }
}

/// Whether a read would not block: there are bytes, or the last writer has gone. Waits for it, [`SLICE`] at most.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the standard library has no wait with a limit")]
fn is_ready(file: &File) -> io::Result<bool> {
    let mut asked = libc::pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(file), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, of a file that stays open for the call.
    match unsafe { libc::poll(&raw mut asked, 1, libc::c_int::try_from(SLICE.as_millis()).unwrap_or(libc::c_int::MAX)) } {
        -1 => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(false),
            e => Err(e),
        },
        ready => Ok(ready > 0),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it may fail elsewhere")]
fn is_ready(_: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[expect(clippy::unnecessary_wraps, reason = "a poll may fail")]
    fn none() -> Result<()> {
        Ok(())
    }

    #[test]
    fn a_file_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"abc").unwrap();
        let mut text = String::new();
        Stream::open(&path, &mut none).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| Stream::open(path, &mut none).err().unwrap();
        let missing = refused(&folder.path().join("no"));
        assert_eq!((missing.kind(), missing.errno()), (Kind::Os, Some(2)));
        assert!(refused(folder.path()).to_string().contains("not a folder"));
        assert_eq!(refused(Path::new("https://a.b/c.bed")).kind(), Kind::UnsupportedFormat);
    }

    #[cfg(unix)]
    mod pipes {
        use std::io::Write;
        use std::process::Command;
        use std::thread;

        use super::*;

        fn pipe(folder: &Path) -> std::path::PathBuf {
            let path = folder.join("pipe");
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            path
        }

        #[test]
        fn a_pipe_is_read_to_the_end_of_its_writer() {
            let folder = tempfile::tempdir().unwrap();
            let path = pipe(folder.path());
            let to = path.clone();
            let writer = thread::spawn(move || {
                thread::sleep(2 * SLICE);
                let mut file = File::options().write(true).open(to).unwrap();
                file.write_all(b"abc").unwrap();
                thread::sleep(2 * SLICE);
                file.write_all(b"def").unwrap();
            });
            let mut text = String::new();
            Stream::open(&path, &mut none).unwrap().read_to_string(&mut text).unwrap();
            writer.join().unwrap();
            assert_eq!(text, "abcdef");
        }

        #[test]
        fn a_writer_that_writes_nothing_ends_a_pipe() {
            let folder = tempfile::tempdir().unwrap();
            let path = pipe(folder.path());
            let to = path.clone();
            let writer = thread::spawn(move || drop(File::options().write(true).open(to).unwrap()));
            assert_eq!(Stream::open(&path, &mut none).unwrap().read(&mut [0; 8]).unwrap(), 0);
            writer.join().unwrap();
        }

        #[test]
        fn a_wait_for_a_writer_that_never_comes_is_ended_by_the_caller() {
            let folder = tempfile::tempdir().unwrap();
            let path = pipe(folder.path());
            let mut left = 3;
            let mut poll = || {
                left -= 1;
                if left == 0 { Err(Error::cancelled()) } else { Ok(()) }
            };
            let error = Stream::open(&path, &mut poll).unwrap().read(&mut [0; 8]).unwrap_err();
            assert_eq!(error_of(&path, error).unwrap().kind(), Kind::Cancelled);
        }
    }
}
