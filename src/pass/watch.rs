//! The watch over a running call: cancelling, polling, progress, and memory that runs short.

#![expect(clippy::disallowed_types, reason = "a watch holds the pool its call works with")]

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rayon::ThreadPool;

use super::lock;
use crate::error::{Error, Result};
use crate::memory;

/// How often the calling thread polls.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Compressed bytes that were read.
    pub done: u64,
    /// Compressed bytes to read, 0 while that is not known.
    pub total: u64,
    /// The call is over, so that only a progress bar still wants to know.
    pub over: bool,
}

/// What the calling thread asks its caller every 50 ms; an error stops the call and becomes its result.
pub type Poll<'p> = &'p mut dyn FnMut(Progress) -> Result<()>;

/// What the workers of one call see: whether to stop. They say how far they are.
#[derive(Debug)]
pub struct Control {
    stop: AtomicBool,
    done: AtomicU64,
    /// Threads of this call alone, where it does not use those of the process.
    own: Mutex<Option<Arc<ThreadPool>>>,
    /// [`memory::spent`] at the begin of the call.
    spent: u64,
}

impl Default for Control {
    fn default() -> Self {
        Self::with_pool(None)
    }
}

impl Control {
    /// Of a call that works with threads of its own.
    pub(super) fn with_pool(own: Option<Arc<ThreadPool>>) -> Self {
        Self { stop: AtomicBool::default(), done: AtomicU64::default(), own: Mutex::new(own), spent: memory::spent() }
    }

    /// Whether the call is to stop: it was told to, or memory has run short.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || memory::short_since(self.spent)
    }

    /// Compressed bytes that were read.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn add_done(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An error when the call is to stop.
    pub(super) fn go_on(&self) -> Result<()> {
        match (memory::short_since(self.spent), self.stopped()) {
            (true, _) => Err(memory::short()),
            (false, true) => Err(Error::cancelled()),
            (false, false) => Ok(()),
        }
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn own_pool(&self) -> Option<Arc<ThreadPool>> {
        lock(&self.own).clone()
    }

    pub(super) fn give_up_pool(&self) {
        lock(&self.own).take();
    }
}

/// A [`Control`] with the caller's poll; it stays on the calling thread.
pub struct Watch<'p> {
    control: Arc<Control>,
    poll: RefCell<Option<Poll<'p>>>,
    total: Cell<u64>,
}

impl<'p> Watch<'p> {
    /// A watch that polls the caller.
    pub fn new(poll: Poll<'p>) -> Self {
        Self { control: Arc::default(), poll: RefCell::new(Some(poll)), total: Cell::new(0) }
    }

    /// A watch without a caller to poll.
    pub fn unattended() -> Watch<'static> {
        Watch::over(Arc::default())
    }

    /// A watch over a call that is controlled from another thread.
    pub fn over(control: Arc<Control>) -> Watch<'static> {
        Watch { control, poll: RefCell::new(None), total: Cell::new(0) }
    }

    /// What the workers see.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The call will read `bytes` compressed bytes. What was said first stands, so that a call on several files can say it for all of them.
    pub fn expect(&self, bytes: u64) {
        if self.total.get() == 0 {
            self.total.set(bytes);
        }
    }

    /// Polls the caller.
    ///
    /// # Errors
    ///
    /// What the caller gives: the call is to stop with it.
    pub fn poll(&self) -> Result<()> {
        self.tell(false)
    }

    /// Tells the caller that the call is over.
    ///
    /// # Errors
    ///
    /// What the caller gives.
    pub fn finish(&self) -> Result<()> {
        self.tell(true)
    }

    fn tell(&self, over: bool) -> Result<()> {
        let Some(poll) = &mut *self.poll.borrow_mut() else { return Ok(()) };
        let total = self.total.get();
        let done = if over { total } else { self.control.done().min(total) };
        poll(Progress { done, total, over })
    }
}
