//! Threads that step back: bids come first wherever the system lets a thread do so.

use tokio::runtime::{Builder, Runtime};

/// When a thread gets a processor that several want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// As bids do.
    First,
    /// When bids are served.
    Behind,
}

impl Turn {
    /// Takes it, for this thread.
    pub(crate) fn take(self) {
        if self == Self::Behind {
            step_back();
        }
    }
}

/// Lets all other threads go before this one.
pub(crate) fn step_back() {
    let own = rustix::thread::gettid();
    // Whoever was started far behind stays there.
    if rustix::process::getpriority_process(Some(own)).is_ok_and(|nice| nice < NICENESS) {
        let _ = rustix::process::setpriority_process(Some(own), NICENESS);
    }
}

/// A runtime whose threads step back. Letters may cost more than the bids that cause them, and they
/// have time.
pub(crate) fn runtime_behind() -> std::io::Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name("behind").on_thread_start(step_back);
    builder.enable_all().build()
}

/// A tenth of a processor that others want for themselves, and all of what they leave.
const NICENESS: i32 = 10;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap()
    }

    #[test]
    fn who_steps_back_does_so_alone() {
        let own = niceness();
        let behind = std::thread::spawn(|| {
            Turn::Behind.take();
            niceness()
        });
        assert_eq!((behind.join().unwrap(), niceness()), (own.max(NICENESS), own));
        let runtime = runtime_behind().unwrap();
        let task = runtime.spawn(async { niceness() });
        assert_eq!(runtime.block_on(task).unwrap(), own.max(NICENESS));
    }
}
