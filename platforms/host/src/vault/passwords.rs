//! Passwords: argon2id on threads of their own, few and behind everything else.
//!
//! A hash takes 19 MiB and tens of milliseconds, so hashing without a bound would be a way to fill
//! the memory and to starve bids (reliability.md 3.1).

use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use ports::{Comparison, PasswordError};
use tokio::sync::oneshot;
use vault::{SALT_BYTES, hash_password, verify_password};

type Job = Box<dyn FnOnce() + Send>;

/// The threads that hash.
pub(crate) struct Passwords {
    jobs: SyncSender<Job>,
}

impl Passwords {
    /// Starts them.
    pub(super) fn start() -> anyhow::Result<Self> {
        let (jobs, inbox) = sync_channel::<Job>(WAITING_MAX);
        let inbox = Arc::new(Mutex::new(inbox));
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        for n in 0..(cores / 2).max(1) {
            let inbox = Arc::clone(&inbox);
            let thread = std::thread::Builder::new().name(format!("password-{n}"));
            thread.spawn(move || work(&inbox))?;
        }
        Ok(Self { jobs })
    }

    /// The hash of a password in PHC form.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move || {
            let mut salt = [0; SALT_BYTES];
            let drawn = getrandom::fill(&mut salt);
            drawn.map_err(|error| PasswordError::Failed(format!("no randomness: {error}")))?;
            hash_password(&password, &salt)
        })
        .await
    }

    /// Compares; without a stored hash the same work is done, and nothing matches.
    pub(crate) async fn compare(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<Comparison, PasswordError> {
        self.run(move || verify_password(&password, stored.as_deref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move || {
            // Who gave up waiting gets no work done.
            if !reply.is_closed() {
                let _ = reply.send(work());
            }
        });
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(PasswordError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(gone()),
        }
        match tokio::time::timeout(WAIT_MAX, answer).await {
            Ok(answered) => answered.unwrap_or_else(|_| Err(gone())),
            // A machine with other things to do hashes slowly. Told so, a caller tries again.
            Err(_) => Err(PasswordError::Busy),
        }
    }
}

fn gone() -> PasswordError {
    PasswordError::Failed("the thread is gone".to_owned())
}

fn work(inbox: &Mutex<Receiver<Job>>) {
    crate::priority::step_back();
    loop {
        let job = inbox.lock().recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

/// Passwords that wait; the last of them waits a few seconds.
const WAITING_MAX: usize = 64;
/// How long one waits; less than a request may take.
const WAIT_MAX: Duration = Duration::from_secs(6);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_knows_its_password_and_nobody_has_one() {
        let passwords = Passwords::start().unwrap();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert_ne!(hash, passwords.hash("correct horse".to_owned()).await.unwrap(), "salted");
        let compare = async |password: &str, stored: Option<&str>| {
            let compared = passwords.compare(password.to_owned(), stored.map(str::to_owned)).await;
            compared.map(|Comparison { matches, outdated }| (matches, outdated))
        };
        assert_eq!(compare("correct horse", Some(&hash)).await, Ok((true, false)));
        assert_eq!(compare("correct hors", Some(&hash)).await, Ok((false, false)));
        assert_eq!(compare("nobody", None).await, Ok((false, false)));
        assert!(matches!(compare("x", Some("$1$x")).await, Err(PasswordError::Failed(_))));
    }

    #[tokio::test]
    async fn a_full_queue_is_told_at_once() {
        let passwords = Passwords::start().unwrap();
        let hashes = (0..WAITING_MAX + 64).map(|n| passwords.hash(format!("password {n}")));
        let mut all: Vec<_> = hashes.map(Box::pin).collect();
        let mut busy = 0;
        for hashing in &mut all {
            let waker = std::task::Waker::noop();
            let polled = hashing.as_mut().poll(&mut std::task::Context::from_waker(waker));
            busy += usize::from(polled == std::task::Poll::Ready(Err(PasswordError::Busy)));
        }
        assert!((1..=64).contains(&busy), "{busy} were refused");
    }
}
