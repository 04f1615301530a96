//! Files that are written anew for every input, in memory where there is a `/dev/shm`.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file of this process.
pub struct Scratch {
    path: PathBuf,
    file: Option<File>,
}

impl Scratch {
    /// Named by what comes behind the process's number; it does not exist yet.
    pub fn new(suffix: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        Self { path: folder.join(format!("fastcov-fuzz-{}{suffix}", std::process::id())), file: None }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it hold `bytes` and nothing else.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&mut self, bytes: &[u8]) {
        let file = self.file.get_or_insert_with(|| File::create(&self.path).expect("a scratch file can be made"));
        file.set_len(0).and_then(|()| file.write_all_at(bytes, 0)).expect("a scratch file can be written");
    }

    /// Makes it not exist.
    pub fn remove(&mut self) {
        if self.file.take().is_some() {
            // Another run will overwrite it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}
