//! One input file: opened once, read at positions, watched for change.
//!
//! Files are never mapped into memory: a mapped file that is cut short while it is read kills the whole process (SIGBUS).

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::{Error, Kind, Result};

#[cfg(all(test, unix))]
pub(crate) mod faults;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { len: metadata.len(), modified: metadata.modified().ok(), inode }
    }
}

/// A file as it was at some time. It has not been written since when its state is still this one, and [`State::is_settled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    identity: Identity,
    device: u64,
    /// When its content, its name or its rights were last changed; unlike the modification time, it cannot be set back.
    changed: SystemTime,
}

impl State {
    /// The clock behind a change time may lag by milliseconds, or by seconds on another machine.
    const SETTLED: Duration = Duration::from_secs(2);

    /// That of a file; `None` where the system does not tell enough.
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let seconds = u64::try_from(metadata.ctime()).ok()?;
        let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, u32::try_from(metadata.ctime_nsec()).ok()?))?;
        Some(Self { identity: Identity::of(metadata), device: metadata.dev(), changed })
    }

    /// That of a file; `None` where the system does not tell enough.
    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// Whether its last change is so long ago at `now` that another one would have another time.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        now.duration_since(self.changed).is_ok_and(|age| age > Self::SETTLED)
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.identity.len
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.identity.len == 0
    }
}

/// A regular file, open for reading at any offset from any thread.
#[derive(Debug)]
pub struct InputFile {
    path: PathBuf,
    file: File,
    identity: Identity,
    #[cfg(all(test, unix))]
    faults: Option<std::sync::Arc<faults::Faults>>,
    #[cfg(not(any(unix, windows)))]
    cursor: std::sync::Mutex<()>,
}

impl InputFile {
    /// Opens `path`.
    ///
    /// # Errors
    ///
    /// [`Kind::Os`] when it cannot be opened or is not a regular file, [`Kind::UnsupportedFormat`] for a URL.
    pub fn open(path: &Path) -> Result<Self> {
        refuse_url(path)?;
        #[cfg(all(test, unix))]
        let faults = faults::Faults::of(path);
        #[cfg(all(test, unix))]
        faults.as_ref().map_or(Ok(0), |plan| plan.call(0)).map_err(|e| Error::os(path, e))?;
        let mut options = File::options();
        options.read(true);
        // Opening a FIFO for reading would wait for a writer for ever.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_CLOEXEC);
        #[expect(clippy::disallowed_methods, reason = "this is where files are opened")]
        let file = options.open(path).map_err(|e| Error::os(path, e))?;
        let metadata = file.metadata().map_err(|e| Error::os(path, e))?;
        if metadata.is_dir() {
            return Err(Error::os(path, is_a_directory()).hint("give a file, not a folder"));
        }
        if !metadata.is_file() {
            return Err(Error::new(Kind::UnsupportedFormat, "not a regular file").path(path).hint("save it as a file first"));
        }
        Ok(Self {
            path: path.to_path_buf(),
            file,
            identity: Identity::of(&metadata),
            #[cfg(all(test, unix))]
            faults,
            #[cfg(not(any(unix, windows)))]
            cursor: std::sync::Mutex::new(()),
        })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.identity.len
    }

    /// Whether it was empty when it was opened.
    pub fn is_empty(&self) -> bool {
        self.identity.len == 0
    }

    /// When it was last written.
    pub fn modified(&self) -> Option<SystemTime> {
        self.identity.modified
    }

    /// What it is like now; `None` where the system does not tell enough.
    pub fn state(&self) -> Option<State> {
        // Where calls are to fail, all of them are made.
        #[cfg(all(test, unix))]
        if self.faults.is_some() {
            return None;
        }
        State::of(&self.file.metadata().ok()?)
    }

    /// Fills as much of `buffer` as the file holds from `offset` on; returns how much.
    ///
    /// # Errors
    ///
    /// [`Kind::Os`] when the operating system refuses.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_some(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::os(&self.path, e).offset(offset + done as u64)),
            }
        }
        Ok(done)
    }

    #[cfg(unix)]
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(test)]
        let buffer = match &self.faults {
            Some(plan) => {
                let most = plan.call(buffer.len())?;
                &mut buffer[..most]
            }
            None => buffer,
        };
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        let _cursor = self.cursor.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (&self.file).seek(SeekFrom::Start(offset))?;
        (&self.file).read(buffer)
    }

    /// Refuses a file that is not what it was when it was opened.
    ///
    /// # Errors
    ///
    /// [`Kind::FileChanged`].
    pub fn check_unchanged(&self) -> Result<()> {
        let now = self.file.metadata().map_err(|e| Error::os(&self.path, e))?;
        if Identity::of(&now) == self.identity {
            return Ok(());
        }
        Err(Error::new(Kind::FileChanged, "the file was changed while it was read")
            .path(&self.path)
            .hint("wait until it is written completely and call again"))
    }
}

/// With its number where there is one, so that Python gives it the right class.
pub(super) fn is_a_directory() -> io::Error {
    #[cfg(unix)]
    return io::Error::from_raw_os_error(libc::EISDIR);
    #[cfg(not(unix))]
    return io::Error::from(io::ErrorKind::IsADirectory);
}

/// Refuses what names a place on the net.
pub(super) fn refuse_url(path: &Path) -> Result<()> {
    let text = path.as_os_str().as_encoded_bytes();
    let scheme = text.iter().position(|&b| b == b':').map_or(&text[..0], |i| &text[..i]);
    let is_url = scheme.len() > 1 && text[scheme.len()..].starts_with(b"://") && scheme.iter().all(u8::is_ascii_alphanumeric);
    if is_url {
        return Err(Error::new(Kind::UnsupportedFormat, "a URL is not read").path(path).hint("give a local file"));
    }
    Ok(())
}
