//! Checks available memory before allocating, and keeps a reserve so that a call can fail cleanly.
//!
//! In a Rust program an allocation that fails ends the process. Where memory is given out in advance (most systems) none fails; in a
//! process whose address space is limited (`ulimit -v`, many cluster schedulers) it may. So large allocations are made in a way that can be
//! refused, and for everything else there is a [`Reserve`]: what it gives lets a call go on to the next place where it looks whether to
//! stop, and fail in order.
#![allow(unsafe_code)] // An allocator is one by contract.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::error::{Error, Kind, Result};

/// What a worker takes besides the result: its stack and buffers.
const PER_WORKER: u64 = 8 << 20;
/// Size of the reserve. It is never written to, so it takes address space and no memory.
const RESERVED: usize = 16 << 20;
/// Allocations this large never use the reserve; their callers handle failure.
const LARGE: usize = RESERVED / 2;

/// [`RESERVED`] bytes of unused address space.
static RESERVE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// How often it was given back to the system because an allocation failed.
static SPENT: AtomicU64 = AtomicU64::new(0);

/// Whether the system gives this process `bytes`, and what its workers need: a limit of its address space (`ulimit -v`) may be lower than
/// the memory of the machine.
pub fn is_given(bytes: u64, workers: usize) -> bool {
    let Ok(wanted) = usize::try_from(bytes.saturating_add(PER_WORKER.saturating_mul(workers as u64))) else { return false };
    let given = pages::take(wanted);
    if given.is_null() {
        return false;
    }
    // SAFETY: they were allocated just now and are not shared.
    unsafe { pages::give_back(given, wanted) };
    true
}

/// Memory this process can still get: what the system calls available, or what its cgroup leaves if that is less.
pub fn available() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let meminfo = read("/proc/meminfo")?;
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let system = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes").zip(number("/sys/fs/cgroup/memory/memory.usage_in_bytes")))
        .map(|(max, used)| max.saturating_sub(used));
    Some(group.map_or(system, |g| g.min(system)))
}

/// A length in a file as one in memory. A length beyond the address space becomes its end, which no allocation or slice reaches.
#[inline]
pub fn len(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// A buffer of `len` zeros, where `len` comes out of a file.
///
/// # Errors
///
/// [`Kind::ResourceLimit`] when the system does not give it.
pub fn buffer(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| refused(len as u64))?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// Makes `bytes` as long as `len`, with zeros; the amortized room it takes may be twice that.
///
/// # Errors
///
/// As for [`buffer`]; `bytes` is as it was.
pub fn extend(bytes: &mut Vec<u8>, len: usize) -> Result<()> {
    let more = len.saturating_sub(bytes.len());
    bytes.try_reserve(more).map_err(|_| refused(more as u64))?;
    bytes.resize(len, 0);
    Ok(())
}

/// Makes room for `more` items in `items`; the amortized room it takes may be twice that.
///
/// # Errors
///
/// As for [`buffer`]; `items` is as it was.
pub fn room<T>(items: &mut Vec<T>, more: usize) -> Result<()> {
    items.try_reserve(more).map_err(|_| refused((more * size_of::<T>()) as u64))
}

/// Puts memory by, unless there is some, where a call that uses `workers` threads begins.
///
/// # Errors
///
/// [`Kind::ResourceLimit`] when the system gives too little.
pub fn reserve(workers: usize) -> Result<()> {
    if RESERVE.load(Ordering::Acquire).is_null() {
        let new = pages::take(RESERVED);
        if new.is_null() {
            return Err(refused(RESERVED as u64));
        }
        if RESERVE.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // SAFETY: it was allocated just now and is not shared.
            unsafe { pages::give_back(new, RESERVED) };
        }
    }
    if is_given(0, workers) { Ok(()) } else { Err(refused(PER_WORKER * workers as u64)) }
}

/// How often the reserve was needed so far.
pub fn spent() -> u64 {
    SPENT.load(Ordering::Relaxed)
}

/// Whether an allocation has failed since [`spent`] gave `before`.
pub fn short_since(before: u64) -> bool {
    spent() != before
}

/// The error of a call that had too little memory.
pub fn short() -> Error {
    remedied("the system gives this process no more memory".into())
}

fn refused(bytes: u64) -> Error {
    remedied(format!("the system gives this process no {bytes} bytes of memory more"))
}

fn remedied(what: String) -> Error {
    Error::new(Kind::ResourceLimit, what)
        .hint("raise the limit of its address space ('ulimit -v', or what the scheduler allows), or use fewer n_cores")
}

/// An allocator that gives up the reserve before it says no; a program makes it its global one around [`System`].
#[derive(Debug)]
pub struct Reserve<A = System>(pub A);

/// What `ask` gives, asked again with the reserve given back if it gave nothing.
fn insist(size: usize, mut ask: impl FnMut() -> *mut u8) -> *mut u8 {
    let given = ask();
    if !given.is_null() || size >= LARGE {
        return given;
    }
    SPENT.fetch_add(1, Ordering::Relaxed);
    let reserve = RESERVE.swap(ptr::null_mut(), Ordering::AcqRel);
    if !reserve.is_null() {
        // SAFETY: so much was taken, and the swap made it this thread's alone.
        unsafe { pages::give_back(reserve, RESERVED) };
    }
    // Another thread may have given it back just before.
    ask()
}

// SAFETY: every call goes on as it came, or is repeated after null was returned, when nothing was done; nothing here allocates or unwinds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Reserve<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of the allocator behind.
        insist(layout.size(), || unsafe { self.0.alloc(layout) })
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of the allocator behind.
        unsafe { self.0.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of the allocator behind.
        insist(layout.size(), || unsafe { self.0.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of the allocator behind.
        insist(size, || unsafe { self.0.realloc(at, layout, size) })
    }
}

/// Memory from the system itself. What the C library has to give may lie where only some threads get any.
#[cfg(unix)]
mod pages {
    use std::ptr;

    /// `len` bytes that are never written, null if the system has none.
    #[expect(clippy::disallowed_methods, reason = "pages of no file")]
    pub fn take(len: usize) -> *mut u8 {
        let (allowed, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
        // SAFETY: pages of no file, at an address where nothing is.
        let at = unsafe { libc::mmap(ptr::null_mut(), len, allowed, kind, -1, 0) };
        if at == libc::MAP_FAILED { ptr::null_mut() } else { at.cast() }
    }

    /// # Safety
    ///
    /// [`take`] returned `at` for `len`, and it is not in use.
    pub unsafe fn give_back(at: *mut u8, len: usize) {
        // SAFETY: they were mapped as one and are no longer used.
        unsafe { libc::munmap(at.cast(), len) };
    }
}

/// The system's allocator, on platforms without `mmap`.
#[cfg(not(unix))]
mod pages {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::ptr;

    pub fn take(len: usize) -> *mut u8 {
        let Ok(layout) = Layout::from_size_align(len.max(1), 16) else { return ptr::null_mut() };
        // SAFETY: the layout has a size.
        unsafe { System.alloc(layout) }
    }

    /// # Safety
    ///
    /// [`take`] returned `at` for `len`, and it is not in use.
    pub unsafe fn give_back(at: *mut u8, len: usize) {
        if let Ok(layout) = Layout::from_size_align(len.max(1), 16) {
            // SAFETY: it was allocated there with this layout.
            unsafe { System.dealloc(at, layout) };
        }
    }
}
