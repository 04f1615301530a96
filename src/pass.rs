//! Threads: the pool, the order of work, cancelling, progress. The only user of rayon.
//!
//! The calling thread does no work. It waits, and every 50 ms asks its caller whether to go on; Python signals, timeouts and progress
//! bars live there. Workers look at one flag.

mod stream;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::depth::merge::{Lanes, Merge, Piece, Totals};
use crate::depth::slab::Slab;
use crate::depth::{Counter, Job};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::plan::Span;
use crate::summary::{Depths, Summary};
pub use stream::{Next, Stream, WAITING};

/// How often the calling thread looks up.
const POLL: Duration = Duration::from_millis(50);
/// Spans a worker may be ahead of the merge, per worker.
const AHEAD: usize = 4;

/// What the calling thread is asked every 50 ms: bytes done so far; an error stops the call and becomes its result.
pub type Poll<'p> = &'p mut dyn FnMut(u64) -> Result<()>;

/// Tells the workers of one call to stop, and how far they are.
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
        Self { stop: AtomicBool::default(), done: AtomicU64::default(), own: Mutex::default(), spent: memory::spent() }
    }
}

impl Control {
    /// Whether the call is to stop: it was told to, or memory has run short.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || memory::short_since(self.spent)
    }

    /// Compressed bytes that have been counted.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// An error when the call is to stop.
    fn go_on(&self) -> Result<()> {
        match (memory::short_since(self.spent), self.stopped()) {
            (true, _) => Err(memory::short()),
            (false, true) => Err(Error::cancelled()),
            (false, false) => Ok(()),
        }
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Counts all spans of `job` with `workers` workers; counts go to `out`, one per position of all targets for each lane.
///
/// # Errors
///
/// The first error in the order of the file, what `poll` gives, or [`Kind::Internal`] for a panic.
pub fn count<const L: usize>(
    job: &Job<'_>,
    spans: &[Span],
    workers: usize,
    mut out: Lanes<'_, L>,
    control: &Control,
    poll: Poll<'_>,
) -> Result<Totals> {
    let again = out.each_mut().map(|lane| &mut **lane);
    let mut totals = pass(Merge::new(job, spans, Some(again)), workers, &Written, control, poll)?;
    for late in std::mem::take(&mut totals.late) {
        let before: i64 = job.targets[..late.target].iter().map(|t| t.interval.len()).sum();
        let first = before + late.positions.start - job.targets[late.target].interval.start;
        for count in &mut out[late.lane as usize][first as usize..(first + late.positions.len()) as usize] {
            *count += late.by;
        }
    }
    Ok(totals)
}

/// Lists the records of `job` without counting them, for what the totals say of the depth cap.
///
/// # Errors
///
/// As for [`count`].
pub fn survey(job: &Job<'_>, spans: &[Span], workers: usize, control: &Control, poll: Poll<'_>) -> Result<Totals> {
    pass(Merge::<1>::new(job, spans, None), workers, &Written, control, poll)
}

/// Counts all spans of `job` with `workers` workers; depths go to `summary` and are forgotten. Void where the totals say that the cap acts
/// or that something written has changed.
///
/// # Errors
///
/// As for [`count`].
pub fn summarize<S: Summary>(
    job: &Job<'_>,
    spans: &[Span],
    workers: usize,
    summary: &S,
    control: &Control,
    poll: Poll<'_>,
) -> Result<(Totals, S::Whole)> {
    let digested = Digested { summary, joined: Mutex::new(Joined { whole: S::Whole::default(), next: 0, waiting: BTreeMap::new() }) };
    let totals = pass(Merge::new(job, spans, None), workers, &digested, control, poll)?;
    Ok((totals, digested.joined.into_inner().unwrap_or_else(PoisonError::into_inner).whole))
}

/// What becomes of a piece.
trait Take<'o, const L: usize>: Sync {
    fn take(&self, piece: Piece<'o, L>) -> Result<Slab<L>>;
}

/// It is written where it belongs.
struct Written;

impl<'o, const L: usize> Take<'o, L> for Written {
    fn take(&self, piece: Piece<'o, L>) -> Result<Slab<L>> {
        piece.write()
    }
}

/// It is digested, and the part joined with those before it.
struct Digested<'s, S: Summary> {
    summary: &'s S,
    joined: Mutex<Joined<S>>,
}

struct Joined<S: Summary> {
    whole: S::Whole,
    next: usize,
    waiting: BTreeMap<usize, (usize, S::Part)>,
}

impl<'o, S: Summary> Take<'o, 1> for Digested<'_, S> {
    fn take(&self, piece: Piece<'o>) -> Result<Slab> {
        let (number, target) = (piece.number, piece.target);
        let mut depths = Depths::default();
        let slab = piece.read(&mut depths)?;
        let part = self.summary.digest(target, &depths);
        let mut guard = lock(&self.joined);
        let joined = &mut *guard;
        joined.waiting.insert(number, (target, part));
        while let Some((target, part)) = joined.waiting.remove(&joined.next) {
            self.summary.join(&mut joined.whole, target, part);
            joined.next += 1;
        }
        Ok(slab)
    }
}

/// One pass over all spans of a merge.
fn pass<'a, 'o, const L: usize>(
    merge: Merge<'a, 'o, L>,
    workers: usize,
    take: &impl Take<'o, L>,
    control: &Control,
    poll: Poll<'_>,
) -> Result<Totals> {
    let (job, spans) = (merge.job(), merge.spans());
    let state = State {
        job,
        spans,
        control,
        next: AtomicUsize::new(0),
        ahead: AHEAD * workers,
        merge: Mutex::new(merge),
        take,
        turn: Condvar::new(),
        failed: Mutex::new(None),
    };
    in_parallel(workers.min(spans.len()).max(1), control, poll, |_| state.work())?;
    if let Some(error) = lock(&state.failed).take() {
        return Err(error);
    }
    control.go_on().map_err(|e| e.path(job.bam.file.path()))?;
    let mut merge = state.merge.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut ready = Vec::new();
    merge.finish(&mut ready);
    for piece in ready {
        take.take(piece)?;
    }
    // Memory can run short at any time, and whoever saw it has left something out.
    control.go_on().map_err(|e| e.path(job.bam.file.path()))?;
    Ok(merge.totals)
}

/// Fills `out` in pieces, several at a time: `fill(first, piece)` is given the index of the piece's first element.
///
/// # Errors
///
/// What `fill` or `poll` gives, or [`Kind::Internal`] for a panic.
pub fn fill<T: Send>(
    out: &mut [T],
    workers: usize,
    control: &Control,
    poll: Poll<'_>,
    fill: impl Fn(usize, &mut [T]) -> Result<()> + Sync,
) -> Result<()> {
    const PIECE: usize = 1 << 20;
    if out.len() <= PIECE {
        // Not worth waking anyone.
        return fill(0, out);
    }
    let workers = workers.min(out.len().div_ceil(PIECE)).max(1);
    let pieces = Mutex::new(out.chunks_mut(PIECE).enumerate());
    let failed = Mutex::new(None);
    in_parallel(workers, control, poll, |_| {
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

struct State<'s, 'a, 'o, T, const L: usize> {
    job: &'a Job<'a>,
    spans: &'a [Span],
    control: &'s Control,
    next: AtomicUsize,
    ahead: usize,
    merge: Mutex<Merge<'a, 'o, L>>,
    take: &'s T,
    turn: Condvar,
    failed: Mutex<Option<Error>>,
}

impl<'o, T: Take<'o, L>, const L: usize> State<'_, '_, 'o, T, L> {
    /// One worker: takes spans in order until there is none.
    fn work(&self) {
        let mut counter = Counter::new(self.job);
        let mut slabs = Vec::new();
        loop {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&span) = self.spans.get(id) else { return };
            if !self.wait_for_turn(id) || !self.work_on(&mut counter, id, span, &mut slabs) {
                return;
            }
        }
    }

    /// Waits until the merge is near span `id`; false when the call is to stop.
    fn wait_for_turn(&self, id: usize) -> bool {
        let mut merge = lock(&self.merge);
        while !self.control.stopped() && !merge.totals.crowded && id >= merge.next_span() + self.ahead {
            merge = self.turn.wait_timeout(merge, POLL).unwrap_or_else(PoisonError::into_inner).0;
        }
        !self.control.stopped() && !merge.totals.crowded
    }

    fn work_on(&self, counter: &mut Counter<'_, L>, id: usize, span: Span, slabs: &mut Vec<Slab<L>>) -> bool {
        let mut result = counter.seek(id, span, 0);
        let mut read_to = span.start.frame();
        for index in 0.. {
            let part = result.and_then(|()| counter.next_part(slabs.pop().unwrap_or_default(), None));
            let go_on = part.as_ref().is_ok_and(|p| !p.last);
            if let Ok(part) = &part {
                self.control.done.fetch_add(part.read_to.saturating_sub(read_to), Ordering::Relaxed);
                read_to = part.read_to;
            }
            let mut ready = Vec::new();
            let mut merge = lock(&self.merge);
            let taken = self.control.go_on().and_then(|()| merge.deposit((id, index), part, &mut ready));
            let crowded = merge.totals.crowded;
            drop(merge);
            self.turn.notify_all();
            let written = taken.and_then(|()| self.take_all(ready, slabs));
            if let Err(error) = written {
                // Where a part was counted again, the work may have been broken off inside.
                let why = if error.kind() == Kind::Cancelled { self.control.go_on().err() } else { None };
                lock(&self.failed).get_or_insert(why.unwrap_or(error).path(self.job.bam.file.path()));
                self.control.stop();
            }
            if self.control.stopped() || crowded {
                return false;
            }
            if !go_on {
                return true;
            }
            result = Ok(());
        }
        true
    }

    fn take_all(&self, ready: Vec<Piece<'o, L>>, slabs: &mut Vec<Slab<L>>) -> Result<()> {
        for piece in ready {
            let slab = self.take.take(piece)?;
            if slabs.len() < 4 {
                slabs.push(slab);
            }
        }
        Ok(())
    }
}

/// A lock is only poisoned by a panic, and that ends the call by itself.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` on `workers` threads of the pool while this thread polls.
fn in_parallel(workers: usize, control: &Control, poll: Poll<'_>, work: impl Fn(usize) + Sync) -> Result<()> {
    memory::reserve(workers)?;
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
                    stopped = poll(control.done());
                    if stopped.is_err() {
                        control.stop();
                    }
                }
            }
        });
    };
    let own = lock(&control.own).clone();
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

fn make_pool(size: usize) -> Result<ThreadPool> {
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
        let control = Control::default();
        let panics = |i| assert!(i != 1, "worker {i} is broken");
        let error = in_parallel(3, &control, &mut |_| Ok(()), panics).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.to_string().contains("worker 1 is broken") && error.remedy().is_some(), "{error}");
        assert!(control.stopped());
        let done = AtomicUsize::new(0);
        in_parallel(3, &Control::default(), &mut |_| Ok(()), |_| {
            done.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(done.into_inner(), 3);
    }

    #[test]
    fn what_a_poll_gives_stops_the_workers_and_is_the_result() {
        let control = Control::default();
        let refuse = &mut |_| Err(Error::new(Kind::Timeout, "no more"));
        let wait = |_| {
            while !control.stopped() {
                std::thread::yield_now();
            }
        };
        assert_eq!(in_parallel(2, &control, refuse, wait).unwrap_err().kind(), Kind::Timeout);
    }
}
