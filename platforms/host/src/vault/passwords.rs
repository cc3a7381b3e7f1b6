//! Passwords: argon2id on threads of their own, few and behind everything else.
//!
//! A hash takes 19 MiB and tens of milliseconds, so hashing without a bound would be a way to fill
//! the memory and to starve bids (reliability.md 3.1).

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Why a password was neither hashed nor compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordError {
    /// The queue is full.
    Busy,
    /// A hash that cannot be read.
    Failed(String),
}

/// It is the one; its hash is weaker than new ones.
pub(crate) type Comparison = (bool, bool);

type Job = Box<dyn FnOnce() + Send>;

/// The threads that hash.
pub(crate) struct Passwords {
    jobs: SyncSender<Job>,
    /// What a password of nobody is compared with.
    nobody: Arc<OnceLock<String>>,
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
        Ok(Self { jobs, nobody: Arc::default() })
    }

    /// The hash of a password in PHC form.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move || hash(&password)).await
    }

    /// Compares; without a stored hash the same work is done, and nothing matches.
    pub(crate) async fn compare(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<Comparison, PasswordError> {
        let nobody = Arc::clone(&self.nobody);
        self.run(move || match stored {
            Some(stored) => compare(&password, &stored),
            None => {
                let nobody = match nobody.get() {
                    Some(nobody) => nobody,
                    None => {
                        let made = hash("nobody")?;
                        nobody.get_or_init(|| made)
                    }
                };
                compare(&password, nobody).map(|_| (false, false))
            }
        })
        .await
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
        answer.await.unwrap_or_else(|_| Err(gone()))
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

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let hashed = argon2()?.hash_password(password.as_bytes()).map_err(failed)?;
    Ok(hashed.to_string())
}

fn compare(password: &str, stored: &str) -> Result<Comparison, PasswordError> {
    let parsed = PasswordHash::new(stored).map_err(failed)?;
    let matches = match argon2()?.verify_password(password.as_bytes(), &parsed) {
        Ok(()) => true,
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(error) => return Err(failed(error)),
    };
    let params = Params::try_from(&parsed).map_err(failed)?;
    let is_weak = params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES;
    let outdated = is_weak || parsed.algorithm.as_str() != "argon2id";
    Ok((matches, outdated))
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

/// OWASP's least for argon2id (rules.md B12).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Passwords that wait; the last of them waits a few seconds, less than a request may take.
const WAITING_MAX: usize = 64;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_knows_its_password_and_nobody_has_one() {
        let passwords = Passwords::start().unwrap();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct horse".to_owned()).await.unwrap(), "salted");
        let compare = async |password: &str, stored: Option<&str>| {
            passwords.compare(password.to_owned(), stored.map(str::to_owned)).await
        };
        assert_eq!(compare("correct horse", Some(&hash)).await, Ok((true, false)));
        assert_eq!(compare("correct hors", Some(&hash)).await, Ok((false, false)));
        assert_eq!(compare("nobody", None).await, Ok((false, false)));
        assert!(matches!(compare("x", Some("$1$x")).await, Err(PasswordError::Failed(_))));
        let params = Params::new(8_192, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let weak = weak.hash_password(b"old").unwrap().to_string();
        assert_eq!(compare("old", Some(&weak)).await, Ok((true, true)));
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
