//! Letters: sent through an SMTP server, or kept where there is none.
//!
//! What was sent is written down by its key, so that a message that comes twice sends one letter.
//! Between the server's word and ours a kill can fall: then the letter goes out again, under the
//! same `Message-ID`, by which mail programs know it.

mod smtp;
mod store;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;

use smtp::Smtp;
use store::Store;

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Letter {
    /// One address.
    pub(crate) to: String,
    /// Subject line.
    pub(crate) subject: String,
    /// Plain text.
    pub(crate) text: String,
    /// The same in HTML.
    pub(crate) html: Option<String>,
    /// Further header fields.
    pub(crate) headers: Vec<(String, String)>,
}

/// A letter that was kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Id.
    pub(crate) id: String,
    /// The letter.
    pub(crate) letter: Letter,
    /// When.
    pub(crate) sent_at: i64,
}

/// Why a letter was not sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MailError {
    /// For good.
    Rejected(String),
    /// For now.
    Unavailable(String),
}

/// The way out for letters.
pub(crate) struct MailRoom {
    store: Arc<Store>,
    smtp: Option<Smtp>,
    /// Keys of letters that are with the server now.
    under_way: Mutex<HashSet<String>>,
}

/// A letter that is with the server as long as this lives.
struct UnderWay<'a> {
    room: &'a MailRoom,
    key: &'a str,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.room.under_way.lock().remove(self.key);
    }
}

impl MailRoom {
    /// Opens the book of letters. Without an SMTP URL letters are kept in it.
    pub(crate) fn open(path: &Path, smtp_url: &str, from: &str) -> anyhow::Result<Self> {
        let store = Arc::new(Store::open(path).context("cannot open the book of letters")?);
        let smtp = match smtp_url {
            "" => None,
            url => Some(Smtp::new(url, from)?),
        };
        Ok(Self { store, smtp, under_way: Mutex::default() })
    }

    /// Sends or keeps a letter; a key that went through is not sent again.
    pub(crate) async fn send(&self, key: String, letter: Letter) -> Result<(), MailError> {
        let Some(smtp) = &self.smtp else {
            let kept = move |store: &Store| store.keep(&key, &letter, crate::clock::now_ms());
            return self.book(kept).await;
        };
        let Some(_under_way) = self.begin(&key) else {
            return Err(MailError::Unavailable("the same letter is under way".to_owned()));
        };
        let asked = key.clone();
        if self.book(move |store| store.was_sent(&asked)).await? {
            return Ok(());
        }
        smtp.send(&key, letter).await?;
        let sent = key.clone();
        self.book(move |store| store.mark_sent(&sent, crate::clock::now_ms())).await
    }

    /// Nothing when that letter is under way already: its message came twice.
    fn begin<'a>(&'a self, key: &'a str) -> Option<UnderWay<'a>> {
        let is_first = self.under_way.lock().insert(key.to_owned());
        is_first.then_some(UnderWay { room: self, key })
    }

    /// The newest letters that were kept, to that address or to all.
    pub(crate) async fn kept(&self, to: Option<String>, limit: u32) -> Vec<Kept> {
        let kept = self.book(move |store| store.kept(to.as_deref(), limit)).await;
        kept.unwrap_or_else(|error| {
            tracing::warn!(?error, "kept letters cannot be read");
            Vec::new()
        })
    }

    async fn book<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MailError> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        let unavailable = |error: &dyn std::fmt::Display| MailError::Unavailable(error.to_string());
        done.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))
    }
}
