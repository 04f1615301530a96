//! A pass over the records of a file, for any [`Consumer`]: threads, the order of parts, back-pressure, cancelling, progress, memory.
//!
//! Workers read spans of the file. Each span comes in *parts* of bounded size, and each part in *batches* of checked records that are still
//! in cache. What a consumer makes of a part is joined in the order of the file. Where a part has to know more than its own records tell,
//! the consumer says so ([`Consumer::screen`], [`Consumer::join`]) and a worker takes the part again, outside every lock. A span that began
//! where no record starts is read again from its true start. `docs/design/004-passes-and-consumers.md` has the reasons.
//!
//! The calling thread does no work: every 50 ms it polls its caller ([`Watch`]).

mod both;
mod consumer;
mod order;
mod pool;
mod stream;
#[cfg(test)]
mod tests;
mod watch;
mod work;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use both::{Both, BothAgain, BothReady};
pub use consumer::{Consumer, Flow, PartStart, Reads};
pub use pool::{fill, internal, workers};
pub use stream::{Next, Stream, WAITING};
pub use watch::{Control, Poll, Progress, Watch};
pub use work::run;

/// Only a panic poisons a lock, and a panic ends the call anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
