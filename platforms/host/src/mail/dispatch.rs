//! Letters on their way to the mail server, each in a task of its own: whoever asked for one may
//! run out of time in the middle of a dialogue, and a dialogue that is cut there is a letter of
//! which nobody knows whether it was sent.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::smtp::Smtp;
use super::store::{BookError, Store};
use super::{Letter, MailError};

/// The way to one server.
pub(super) struct Dispatch {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<Store>,
    smtp: Smtp,
    /// How long somebody who asks is kept waiting.
    patience: Duration,
    /// Dialogues with the server.
    ways: Semaphore,
    /// What becomes of the letters that are under way, by key.
    under_way: Mutex<HashMap<String, Outcome>>,
    /// Letters that the server has and the book has not.
    unbooked: Mutex<BTreeSet<String>>,
    /// Letters that the server refused for good when nobody waited for its word, and its words.
    unheard: Mutex<HashMap<String, String>>,
}

/// Nothing until the task of a letter is done.
type Outcome = watch::Receiver<Option<Result<(), MailError>>>;

/// A letter that is under way as long as this lives; then those who wait hear what became of it.
struct UnderWay {
    shared: Arc<Shared>,
    key: String,
    tell: watch::Sender<Option<Result<(), MailError>>>,
    done: Option<Result<(), MailError>>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut under_way = self.shared.under_way.lock();
        // One who could listen is the map itself.
        let is_unheard = self.tell.receiver_count() <= 1;
        if let Some(Err(MailError::Rejected(why))) = &self.done
            && is_unheard
        {
            self.shared.keep(&self.key, why);
        }
        under_way.remove(&self.key);
        drop(under_way);
        if let Some(done) = self.done.take() {
            self.tell.send_replace(Some(done));
        }
    }
}

impl Dispatch {
    pub(super) fn new(smtp: Smtp, store: Arc<Store>) -> Self {
        Self::with_patience(smtp, store, PATIENCE)
    }

    pub(super) fn with_patience(smtp: Smtp, store: Arc<Store>, patience: Duration) -> Self {
        let shared = Shared {
            store,
            smtp,
            patience,
            ways: Semaphore::new(WAYS),
            under_way: Mutex::default(),
            unbooked: Mutex::default(),
            unheard: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a letter, or waits for the same one if it is under way. Dropping this future or
    /// waiting in vain leaves the letter on its way.
    pub(super) async fn send(&self, key: String, letter: Letter) -> Result<(), MailError> {
        let mut outcome = self.join(key, letter);
        let unavailable = |why: &str| Err(MailError::Unavailable(why.to_owned()));
        match timeout(self.shared.patience, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => {
                outcome.clone().unwrap_or_else(|| unavailable("the letter has no outcome"))
            }
            Ok(Err(_)) => unavailable("the letter was given up"),
            Err(_) => unavailable("the mail server takes its time; the letter is under way"),
        }
    }

    /// The letter of that key on its way: this one, unless it is there already.
    fn join(&self, key: String, letter: Letter) -> Outcome {
        let mut under_way = self.shared.under_way.lock();
        if let Some(outcome) = under_way.get(&key) {
            return outcome.clone();
        }
        let (tell, outcome) = watch::channel(None);
        under_way.insert(key.clone(), outcome.clone());
        let mut way = UnderWay { shared: Arc::clone(&self.shared), key, tell, done: None };
        tokio::spawn(async move {
            let shared = Arc::clone(&way.shared);
            way.done = Some(shared.deliver(&way.key, letter).await);
            drop(way);
        });
        outcome
    }

    #[cfg(test)]
    pub(super) fn is_under_way(&self, key: &str) -> bool {
        self.shared.under_way.lock().contains_key(key)
    }

    /// Waits until nothing is with the server, but not for ever.
    pub(super) async fn finish(&self) {
        let all = u32::try_from(WAYS).unwrap_or(u32::MAX);
        if timeout(FINISH_MAX, self.shared.ways.acquire_many(all)).await.is_err() {
            tracing::warn!("letters are left with the mail server; they will be sent again");
        }
        // Who waits for a way gets none any more.
        self.shared.ways.close();
        if let Err(error) = self.shared.book().await {
            tracing::warn!(%error, "letters that were sent are not written down");
        }
    }
}

impl Shared {
    /// Keeps a refusal that nobody heard for whoever asks again: the server need not say it twice.
    fn keep(&self, key: &str, why: &str) {
        let mut unheard = self.unheard.lock();
        if unheard.len() < UNHEARD_MAX {
            unheard.insert(key.to_owned(), why.to_owned());
        }
    }

    async fn deliver(&self, key: &str, letter: Letter) -> Result<(), MailError> {
        if let Some(why) = self.unheard.lock().remove(key) {
            return Err(MailError::Rejected(why));
        }
        if self.unbooked.lock().contains(key) {
            return Ok(self.book().await?);
        }
        if self.store.was_sent(key).await? {
            return Ok(());
        }
        // A task that waits for a way goes when whoever asked for it has gone: none pile up.
        let Ok(Ok(_way)) = timeout(self.patience, self.ways.acquire()).await else {
            return Err(MailError::Unavailable("too many letters are under way".to_owned()));
        };
        let unbooked = self.unbooked.lock().len();
        if unbooked >= UNBOOKED_MAX {
            self.book().await?;
        }
        self.smtp.send(key, letter).await?;
        self.unbooked.lock().insert(key.to_owned());
        Ok(self.book().await?)
    }

    /// Writes down what the server has. What fails is known until it succeeds: the letter is not
    /// sent again meanwhile.
    async fn book(&self) -> Result<(), BookError> {
        let keys: Vec<String> = self.unbooked.lock().iter().cloned().collect();
        if keys.is_empty() {
            return Ok(());
        }
        self.store.mark_sent(keys.clone(), crate::clock::now_ms()).await?;
        let mut unbooked = self.unbooked.lock();
        unbooked.retain(|key| !keys.contains(key));
        Ok(())
    }
}

/// A request has ten seconds, and a guest that sends letters begins none after the first three.
const PATIENCE: Duration = Duration::from_secs(4);
/// Dialogues at once: a server that stalls holds no more of them.
const WAYS: usize = 32;
/// Letters that may wait to be written down. When the book cannot be written at all, a kill would
/// send each of them again.
const UNBOOKED_MAX: usize = 100;
/// Most refusals that wait to be heard; of others the server is asked again.
const UNHEARD_MAX: usize = 10_000;
/// How long a stop waits for letters that are with the server.
const FINISH_MAX: Duration = Duration::from_secs(10);
