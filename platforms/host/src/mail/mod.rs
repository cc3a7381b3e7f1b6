//! Letters: sent through an SMTP server, or kept where there is none.
//!
//! What was sent is written down by its key, so that a message that comes twice sends one letter.
//! Between the server's word and ours a kill can fall: then the letter goes out again, under the
//! same `Message-ID`, by which mail programs know it.

mod answer;
mod dispatch;
mod smtp;
mod store;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use dispatch::Dispatch;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MailError {
    /// For good.
    Rejected(String),
    /// For now.
    Unavailable(String),
}

impl From<store::BookError> for MailError {
    fn from(error: store::BookError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The way out for letters.
pub(crate) struct MailRoom {
    store: Arc<Store>,
    /// None where letters are kept.
    dispatch: Option<Dispatch>,
}

impl MailRoom {
    /// Opens the book of letters. Without an SMTP URL letters are kept in it.
    pub(crate) fn open(path: &Path, smtp_url: &str, from: &str) -> anyhow::Result<Self> {
        let store = Arc::new(Store::open(path).context("cannot open the book of letters")?);
        let dispatch = match smtp_url {
            "" => None,
            url => Some(Dispatch::new(Smtp::new(url, from)?, Arc::clone(&store))),
        };
        Ok(Self { store, dispatch })
    }

    /// Sends or keeps a letter; a key that went through is not sent again. It answers within a few
    /// seconds: a letter that takes longer goes on, and who asks again hears what became of it.
    pub(crate) async fn send(&self, key: String, letter: Letter) -> Result<(), MailError> {
        match &self.dispatch {
            Some(dispatch) => dispatch.send(key, letter).await,
            None => Ok(self.store.keep(key, letter, crate::clock::now_ms()).await?),
        }
    }

    /// Waits for the letters that are with the server, for a while: the next start would have to
    /// send them again.
    pub(crate) async fn finish(&self) {
        if let Some(dispatch) = &self.dispatch {
            dispatch.finish().await;
        }
    }

    /// The newest letters that were kept, to that address or to all.
    pub(crate) async fn kept(&self, to: Option<String>, limit: u32) -> Vec<Kept> {
        self.store.kept(to, limit).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "kept letters cannot be read");
            Vec::new()
        })
    }
}
