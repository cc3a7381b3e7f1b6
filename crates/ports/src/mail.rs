//! Letters to people.

/// Sends letters, or keeps them where mail is captured.
pub trait Mail {
    /// Sends a letter. A key that was sent before is not sent again; all attempts under one key
    /// carry the same `Message-ID`.
    async fn send(&self, key: &str, letter: &Letter) -> Result<(), MailError>;

    /// The newest letters that were kept, to that address or to all. None where mail is sent.
    async fn captured(&self, to: Option<&str>, limit: u32) -> Vec<Captured>;
}

/// A letter in plain text, and the same in HTML.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letter {
    /// One address.
    pub to: String,
    /// Subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML, where there is one.
    pub html: Option<String>,
    /// Further header fields, for example `list-unsubscribe`.
    pub headers: Vec<(String, String)>,
}

/// A letter that was kept instead of sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Id of the letter.
    pub id: String,
    /// The letter.
    pub letter: Letter,
    /// When it was kept, milliseconds since 1970-01-01T00:00:00Z.
    pub sent_at: i64,
}

/// Why a letter was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The address or the letter was refused for good; trying again will not help.
    #[error("letter rejected: {0}")]
    Rejected(String),
    /// Try again later with the same key.
    #[error("mail unavailable: {0}")]
    Unavailable(String),
}
