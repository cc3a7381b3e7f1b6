//! What can be chosen when a journal is opened.

use std::time::Duration;

use crate::files::Files;

/// How a journal is opened. The defaults are the measured best for 700-byte records.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of a registered SQLite VFS, for tests that simulate a disk; none is the system's.
    pub vfs: Option<String>,
    /// How the files of that VFS are opened beside SQLite.
    pub files: Files,
    /// Page size of a new log in bytes, a power of two from 512 to 65536.
    pub page_bytes: u32,
    /// A row is closed when its body reaches this size.
    pub row_bytes_max: usize,
    /// A row is closed when it has this many records.
    pub row_records_max: u32,
    /// Appends are refused as busy while more bytes than this wait to be written.
    pub queue_bytes_max: usize,
    /// A batch waits this long at most for as many records as the last one had; zero commits
    /// whatever is there.
    pub gather_max: Duration,
    /// The write-ahead log is moved into the database after about this many bytes.
    pub checkpoint_bytes: u64,
    /// Pause between attempts to reopen the files after a failure.
    pub retry_every: Duration,
    /// A planted bug for proving the durability tests.
    #[cfg(feature = "sabotage")]
    pub sabotage: Option<Sabotage>,
}

/// Bugs that the durability tests must catch.
#[cfg(feature = "sabotage")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Commits without syncing the file.
    NoFsync,
    /// Releases the waiters before the batch is committed.
    ReplyBeforeFsync,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            vfs: None,
            files: Files::default(),
            page_bytes: 16 * 1024,
            row_bytes_max: 256 * 1024,
            row_records_max: 512,
            queue_bytes_max: 64 * 1024 * 1024,
            gather_max: Duration::from_millis(1),
            checkpoint_bytes: 16 * 1024 * 1024,
            retry_every: Duration::from_millis(100),
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }
}

impl Options {
    pub(crate) fn syncs(&self) -> bool {
        #[cfg(feature = "sabotage")]
        if self.sabotage == Some(Sabotage::NoFsync) {
            return false;
        }
        true
    }

    pub(crate) fn replies_early(&self) -> bool {
        #[cfg(feature = "sabotage")]
        if self.sabotage == Some(Sabotage::ReplyBeforeFsync) {
            return true;
        }
        false
    }
}
