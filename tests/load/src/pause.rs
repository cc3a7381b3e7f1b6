//! Waiting, in the one place where a sleeping thread is what is wanted: a measurement takes time.

use std::time::{Duration, Instant};

/// Sleeps until then; not at all when it is over.
pub(crate) fn until(then: Instant) {
    sleep(then.saturating_duration_since(Instant::now()));
}

/// Sleeps that long.
#[allow(clippy::disallowed_methods, reason = "the thread of a benchmark serves nobody else")]
pub(crate) fn sleep(time: Duration) {
    std::thread::sleep(time);
}
