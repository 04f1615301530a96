//! The threads of this process: one pool, used by every call. The only place that names rayon.

#![expect(clippy::disallowed_types, reason = "this is the pool")]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::lock;
use super::watch::{POLL, Watch};
use crate::error::{Error, Kind, Result};
use crate::memory;

/// Fills `out` in pieces, several at a time: `fill(first, piece)` is given the index of the piece's first element.
///
/// # Errors
///
/// What `fill` or the watch gives, or [`Kind::Internal`] for a panic.
pub fn fill<T: Send>(out: &mut [T], workers: usize, watch: &Watch<'_>, fill: impl Fn(usize, &mut [T]) -> Result<()> + Sync) -> Result<()> {
    const PIECE: usize = 1 << 20;
    if out.len() <= PIECE {
        // Not worth waking anyone.
        return fill(0, out);
    }
    let workers = workers.min(out.len().div_ceil(PIECE)).max(1);
    let pieces = Mutex::new(out.chunks_mut(PIECE).enumerate());
    let failed = Mutex::new(None);
    let control = watch.control();
    in_parallel(workers, watch, |_| {
        loop {
            let Some((i, piece)) = lock(&pieces).next() else { return };
            if control.stopped() {
                return;
            }
            if let Err(error) = fill(i * PIECE, piece) {
                lock(&failed).get_or_insert(error);
                return;
            }
        }
    })?;
    lock(&failed).take().map_or_else(|| control.go_on(), Err)
}

/// Runs `work` on `workers` threads of the pool while this thread polls.
pub(super) fn in_parallel(workers: usize, watch: &Watch<'_>, work: impl Fn(usize) + Sync) -> Result<()> {
    memory::reserve(workers)?;
    let control = watch.control();
    let panicked = Mutex::new(None);
    let mut stopped = Ok(());
    let mut run = |pool: &ThreadPool| {
        pool.in_place_scope(|scope| {
            let (alive, all_gone) = channel::<()>();
            for i in 0..workers {
                let alive = alive.clone();
                let (work, panicked) = (&work, &panicked);
                scope.spawn(move |_| {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(i))) {
                        lock(panicked).get_or_insert(internal(&*panic));
                        control.stop();
                    }
                    drop(alive);
                });
            }
            drop(alive);
            while all_gone.recv_timeout(POLL) != Err(RecvTimeoutError::Disconnected) {
                if stopped.is_ok() {
                    stopped = watch.poll();
                    if stopped.is_err() {
                        control.stop();
                    }
                }
            }
        });
    };
    let own = control.own_pool();
    match own {
        Some(pool) => run(&pool),
        None => with_pool(run)?,
    }
    stopped?;
    lock(&panicked).take().map_or(Ok(()), Err)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// The error a caught panic becomes.
pub fn internal(panic: &(dyn Any + Send)) -> Error {
    let text = panic_text(panic);
    if text.ends_with("out of memory") {
        // What libdeflater says where its library got none.
        return memory::short();
    }
    Error::new(Kind::Internal, format!("fastcov {} failed inside: {}", env!("CARGO_PKG_VERSION"), crate::error::escape(text.as_bytes())))
        .hint("please report this with the call and, if possible, the file")
}

/// How many workers a call gets that asks for `asked`: as many as this process may use at most, all of them by default.
///
/// # Errors
///
/// [`Kind::InvalidArgument`] when `FASTCOV_NUM_THREADS` is not a number of 1 or more.
pub fn workers(asked: Option<usize>) -> Result<usize> {
    let size = pool_size()?;
    Ok(asked.map_or(size, |n| n.clamp(1, size)))
}

fn pool_size() -> Result<usize> {
    let Some(text) = std::env::var_os("FASTCOV_NUM_THREADS") else {
        // Affinity and cgroup quotas are taken into account.
        return Ok(std::thread::available_parallelism().map_or(1, usize::from));
    };
    text.to_str().and_then(|text| text.trim().parse().ok()).filter(|n: &usize| (1..=1024).contains(n)).ok_or_else(|| {
        let text = text.to_string_lossy();
        Error::new(Kind::InvalidArgument, format!("the environment variable FASTCOV_NUM_THREADS is {text:?}"))
            .hint("set it to a number from 1 to 1024, or unset it")
    })
}

/// Pools made by this process and by those it was forked from. A forked child has none of its parent's threads, so it must not use its
/// parent's pool, nor wait for a lock a thread of the parent held: slots are claimed by number and never waited for.
static POOLS: [OnceLock<(u32, ThreadPool)>; 64] = [const { OnceLock::new() }; 64];
static CLAIMED: AtomicUsize = AtomicUsize::new(0);
static CURRENT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The process whose thread is making a pool.
static MAKER: AtomicU32 = AtomicU32::new(0);

/// Runs `f` with this process's pool.
fn with_pool<R>(f: impl FnOnce(&ThreadPool) -> R) -> Result<R> {
    let pid = std::process::id();
    loop {
        if let Some((owner, pool)) = POOLS.get(CURRENT.load(Ordering::Acquire)).and_then(OnceLock::get)
            && *owner == pid
        {
            return Ok(f(pool));
        }
        let maker = MAKER.load(Ordering::Acquire);
        if maker == pid || MAKER.compare_exchange(maker, pid, Ordering::AcqRel, Ordering::Acquire).is_err() {
            std::thread::yield_now();
            continue;
        }
        // Another thread may have made it between the look above and the claim.
        if POOLS.get(CURRENT.load(Ordering::Acquire)).and_then(OnceLock::get).is_some_and(|(owner, _)| *owner == pid) {
            MAKER.store(0, Ordering::Release);
            continue;
        }
        let pool = make_pool(pool_size()?).inspect_err(|_| MAKER.store(0, Ordering::Release))?;
        let slot = CLAIMED.fetch_add(1, Ordering::Relaxed);
        let Some(cell) = POOLS.get(slot) else {
            // Sixty-four forks deep: a pool for this call alone.
            MAKER.store(0, Ordering::Release);
            return Ok(f(&pool));
        };
        // The slot is this thread's alone, so it is empty.
        let _ = cell.set((pid, pool));
        CURRENT.store(slot, Ordering::Release);
        MAKER.store(0, Ordering::Release);
    }
}

pub(super) fn make_pool(size: usize) -> Result<ThreadPool> {
    let build = |n| ThreadPoolBuilder::new().num_threads(n).thread_name(|i| format!("fastcov-{i}")).build();
    build(size).or_else(|_| build(1)).map_err(|e| {
        Error::new(Kind::ResourceLimit, format!("no thread could be started: {e}")).hint("raise the limit of processes, or close others")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_worker_is_an_internal_error_and_the_pool_works_on() {
        let watch = Watch::unattended();
        let panics = |i| assert!(i != 1, "worker {i} is broken");
        let error = in_parallel(3, &watch, panics).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.to_string().contains("worker 1 is broken") && error.remedy().is_some(), "{error}");
        assert!(watch.control().stopped());
        let done = AtomicUsize::new(0);
        in_parallel(3, &Watch::unattended(), |_| {
            done.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(done.into_inner(), 3);
    }

    #[test]
    fn an_error_of_the_poll_stops_the_workers_and_is_the_result() {
        let mut refuse = |_| Err(Error::new(Kind::Timeout, "no more"));
        let watch = Watch::new(&mut refuse);
        let control = watch.control();
        let wait = |_| {
            while !control.stopped() {
                std::thread::yield_now();
            }
        };
        assert_eq!(in_parallel(2, &watch, wait).unwrap_err().kind(), Kind::Timeout);
    }
}
