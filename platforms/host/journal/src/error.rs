//! Why the journal did not do what it was asked.

use rusqlite::ErrorCode;

use crate::position::{Epoch, Position};
use crate::record::FormatError;

/// Why an append, a wait or a read failed. Every waiter of a failed batch gets a copy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The disk is full. The record was not written; appends are accepted again by themselves
    /// when space returns. The operator must act.
    #[error("the disk is full: {0}")]
    Full(String),
    /// Reading, writing or syncing failed. An append that fails so was not written, and the
    /// journal reopens its files by itself. The operator must act.
    #[error("the disk failed: {0}")]
    Io(String),
    /// The append was decided on a state that a failure has voided. The owner must drop its
    /// state, reload it from the log and decide again.
    #[error("the state is of epoch {}, the journal is in epoch {}", seen.get(), current.get())]
    Stale {
        /// The epoch the caller saw.
        seen: Epoch,
        /// The epoch of the journal.
        current: Epoch,
    },
    /// More is waiting to be written than [`queue_bytes_max`](crate::Options::queue_bytes_max).
    /// The caller may try again later.
    #[error("too much is waiting to be written")]
    Busy,
    /// The record is larger than [`RECORD_BYTES_MAX`](crate::RECORD_BYTES_MAX). A developer must
    /// act.
    #[error("the record has {0} bytes, too many")]
    TooLarge(usize),
    /// The stored bytes are not what was written. Nothing at or after the position may be
    /// believed; the operator must restore the log.
    #[error("the log is damaged at {at}: {what}")]
    Damaged {
        /// The first place that cannot be believed.
        at: Position,
        /// What is wrong there.
        what: String,
    },
    /// There is no durable record at the position. A developer must act.
    #[error("there is no record at {0}")]
    Missing(Position),
    /// Another process has the log open. The operator must act.
    #[error("another process has the journal open")]
    Locked,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    pub(crate) fn damaged(at: Position, what: impl Into<String>) -> Self {
        Self::Damaged { at, what: what.into() }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(error.to_string()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::damaged(Position::START, error.to_string())
            }
            _ => Self::Io(describe(&error)),
        }
    }
}

impl From<std::io::Error> for JournalError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Full(error.to_string())
            }
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<FormatError> for JournalError {
    fn from(error: FormatError) -> Self {
        Self::Io(error.to_string())
    }
}

/// SQLite's text leaves out which operation failed; its extended code says it.
fn describe(error: &rusqlite::Error) -> String {
    match error.sqlite_error() {
        Some(code) => format!("{error} (code {})", code.extended_code),
        None => error.to_string(),
    }
}
