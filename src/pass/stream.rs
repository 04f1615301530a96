//! A call that goes on while its caller looks at what it has given already.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::internal;
use super::pool::make_pool;
use super::watch::{Control, POLL};
use crate::error::{Error, Kind, Result};
use crate::memory;

/// Items that wait to be taken. One is being looked at, one is being made, and these hide that the two do not keep step.
pub const WAITING: usize = 2;

/// Items made in order by workers in the background, who wait when [`WAITING`] of them have not been taken.
///
/// The workers are threads of this stream alone. Were they those of the process, a caller who counts something else between two items would
/// wait for workers who wait for the caller.
pub struct Stream<T, R> {
    items: Option<Receiver<Result<T>>>,
    control: Arc<Control>,
    driver: Option<JoinHandle<Result<R>>>,
    process: u32,
}

impl<T: Send + 'static, R: Send + 'static> Stream<T, R> {
    /// Lets `work` begin on `workers` threads; it sends its items itself, and stops when it cannot or when [`Control::stopped`] says so.
    ///
    /// # Errors
    ///
    /// [`Kind::ResourceLimit`] when no thread can be started.
    pub fn start(workers: usize, work: impl FnOnce(&Arc<Control>, SyncSender<Result<T>>) -> Result<R> + Send + 'static) -> Result<Self> {
        memory::reserve(workers)?;
        let control = Arc::new(Control::with_pool(Some(Arc::new(make_pool(workers)?))));
        let (sender, items) = sync_channel(WAITING);
        let theirs = Arc::clone(&control);
        let guarded = move || {
            let result = catch_unwind(AssertUnwindSafe(|| work(&theirs, sender))).unwrap_or_else(|panic| Err(internal(&*panic)));
            // The last one to hold the threads lets them end.
            theirs.give_up_pool();
            result
        };
        #[expect(clippy::disallowed_methods, reason = "one thread for the stream, which the pool's must not wait for")]
        let driver = std::thread::Builder::new().name("fastcov-stream".into()).spawn(guarded).map_err(|e| {
            Error::new(Kind::ResourceLimit, format!("no thread could be started: {e}"))
                .hint("raise the limit of processes, or close others")
        })?;
        Ok(Self { items: Some(items), control, driver: Some(driver), process: std::process::id() })
    }

    /// How far the work is.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The next item, or what the work came to after the last one. While there is none `poll` is asked whether to go on.
    ///
    /// # Errors
    ///
    /// That of the work or of `poll`; it ends the stream. [`Kind::InvalidArgument`] when the stream has ended, or is another process's.
    pub fn next(&mut self, poll: &mut dyn FnMut(u64) -> Result<()>) -> Result<Next<T, R>> {
        let next = self.wait(poll);
        if !matches!(next, Ok(Next::Item(_))) {
            self.close();
        }
        next
    }

    fn wait(&mut self, poll: &mut dyn FnMut(u64) -> Result<()>) -> Result<Next<T, R>> {
        if self.process != std::process::id() {
            return Err(Error::new(Kind::InvalidArgument, "the stream was opened by another process")
                .hint("its threads are there, not here: open one in each process"));
        }
        let Some(items) = &self.items else {
            return Err(Error::new(Kind::InvalidArgument, "the stream is closed").hint("open another one"));
        };
        loop {
            poll(self.control.done())?;
            match items.recv_timeout(POLL) {
                Ok(item) => return item.map(Next::Item),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let ended = self.driver.take().map(JoinHandle::join);
        ended
            .map_or_else(
                || self.control.go_on().and(Err(Error::cancelled())),
                |result| result.unwrap_or_else(|panic| Err(internal(&*panic))),
            )
            .map(Next::End)
    }
}

impl<T, R> Stream<T, R> {
    /// Ends the work; when this returns, all workers have stopped.
    pub fn close(&mut self) {
        self.control.stop();
        if self.process != std::process::id() {
            // The threads were left behind by a fork, with whatever they had locked: nothing that is theirs is touched.
            std::mem::forget((self.items.take(), self.driver.take(), Arc::clone(&self.control)));
            return;
        }
        // Blocked senders wake up.
        self.items = None;
        if let Some(driver) = self.driver.take() {
            // What it came to does not matter any more.
            let _ = driver.join();
        }
    }
}

impl<T, R> Drop for Stream<T, R> {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a stream gives.
#[derive(Debug)]
pub enum Next<T, R> {
    /// An item.
    Item(T),
    /// The end, with the result of the work.
    End(R),
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn numbers(upto: usize, made: &'static AtomicUsize) -> Stream<usize, &'static str> {
        Stream::start(1, move |control, sender| {
            for i in 0..upto {
                if sender.send(Ok(i)).is_err() || control.stopped() {
                    return Err(Error::cancelled());
                }
                made.fetch_add(1, Ordering::SeqCst);
            }
            Ok("all")
        })
        .unwrap()
    }

    #[test]
    fn items_come_in_order_and_the_end_once() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let mut stream = numbers(20, &MADE);
        for i in 0..20 {
            assert!(matches!(stream.next(&mut |_| Ok(())).unwrap(), Next::Item(n) if n == i));
        }
        assert!(matches!(stream.next(&mut |_| Ok(())).unwrap(), Next::End("all")));
        assert_eq!(stream.next(&mut |_| Ok(())).unwrap_err().kind(), Kind::InvalidArgument);
    }

    #[test]
    fn who_makes_items_waits_for_who_takes_them_and_ends_with_them() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let mut stream = numbers(1_000, &MADE);
        for taken in 1..10 {
            assert!(matches!(stream.next(&mut |_| Ok(())).unwrap(), Next::Item(_)));
            std::thread::sleep(std::time::Duration::from_millis(5));
            assert!(MADE.load(Ordering::SeqCst) <= taken + WAITING);
        }
        stream.close();
        let made = MADE.load(Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(MADE.load(Ordering::SeqCst), made);
    }

    #[test]
    fn errors_and_panics_come_where_the_items_would() {
        let mut stream = Stream::<u8, ()>::start(1, |_, sender| {
            let _ = sender.send(Ok(1));
            panic!("inside");
        })
        .unwrap();
        assert!(matches!(stream.next(&mut |_| Ok(())).unwrap(), Next::Item(1)));
        let error = stream.next(&mut |_| Ok(())).unwrap_err();
        assert!(error.kind() == Kind::Internal && error.to_string().contains("inside"));
        let mut stream = Stream::<u8, ()>::start(1, |control, sender| {
            while !control.stopped() {
                std::thread::yield_now();
            }
            drop(sender);
            Ok(())
        })
        .unwrap();
        let mut asked = 0;
        let poll = &mut |_| {
            asked += 1;
            if asked == 3 { Err(Error::new(Kind::Timeout, "enough")) } else { Ok(()) }
        };
        assert_eq!(stream.next(poll).unwrap_err().kind(), Kind::Timeout);
    }
}
