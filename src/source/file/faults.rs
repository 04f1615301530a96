//! Faults of the operating system, on demand, for tests: what happens when any one call on an input fails.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Call number `at`, from 0, fails with this error number.
    Errno { errno: i32, at: usize },
    /// Every read gives so many bytes at most, and every second one is interrupted.
    Short { most: usize },
}

/// The fault planned for the files of a folder, and the calls on them so far.
#[derive(Debug)]
pub(crate) struct Faults {
    folder: PathBuf,
    fault: Fault,
    calls: AtomicUsize,
}

static PLANS: Mutex<Vec<Arc<Faults>>> = Mutex::new(Vec::new());

impl Faults {
    /// Plans a fault for all files below `folder`, in place of the one planned before.
    pub(crate) fn new(folder: &Path, fault: Fault) -> Arc<Self> {
        let plan = Arc::new(Self { folder: folder.to_path_buf(), fault, calls: AtomicUsize::new(0) });
        let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|other| other.folder != folder);
        plans.push(Arc::clone(&plan));
        plan
    }

    pub(super) fn of(path: &Path) -> Option<Arc<Self>> {
        PLANS.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|plan| path.starts_with(&plan.folder)).cloned()
    }

    /// Opens and reads so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// One more call: how many of the bytes it asks for it may have.
    pub(super) fn call(&self, wanted: usize) -> io::Result<usize> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::Errno { errno, at } if at == call => Err(io::Error::from_raw_os_error(errno)),
            Fault::Short { .. } if wanted > 0 && call % 2 == 1 => Err(io::Error::from_raw_os_error(libc::EINTR)),
            Fault::Short { most } => Ok(wanted.min(most)),
            Fault::Errno { .. } => Ok(wanted),
        }
    }
}
