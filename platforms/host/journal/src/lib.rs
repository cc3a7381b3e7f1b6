//! The host's journal: an append-only log of commits, durable before anything is said.
//!
//! Every commit of an entity is one [`Record`]. Appenders put records into a queue; one thread
//! takes all that waits, packs them into rows of an SQLite table, and commits them as one
//! transaction with one sync. Then every waiter of the batch is released. So a reply waits for
//! the disk once, and many replies share the wait.
//!
//! What is promised:
//! - the order of [`Journal::append`] is the order of the log, and what survives a power cut is a
//!   prefix of it that holds everything a [`Journal::wait`] has confirmed;
//! - an append that failed is not in the log, nothing that was appended after it in the same
//!   [`Epoch`] is either, and no later append may build on it;
//! - changed, lost or misplaced bytes are reported with their position and never served.
//!
//! Elsewhere: what a record means, entities and their snapshots, delivery of effects, timers.
//!
//! The journal is a small struct and not a trait. It is a port by its surface, which shows
//! nothing of SQLite but two options, so a segment log can take its place behind the same
//! functions; a trait with one implementation would only be a second copy of the signatures.
//!
//! ```
//! use journal::{EntityKey, Envelope, Journal, Options, Position, Record};
//!
//! # let dir = tempfile::tempdir().unwrap();
//! let journal = Journal::open(dir.path(), Options::default())?;
//! let record = Record {
//!     entity: EntityKey { machine: "auction".into(), key: "auc_1".into() },
//!     envelope: Envelope {
//!         command_id: "cmd_1".into(),
//!         principal: None,
//!         now: 0,
//!         seed: [0; 32],
//!         body: b"\"wake\"".to_vec(),
//!     },
//!     events: vec![],
//!     reply: None,
//!     effects: vec![],
//!     wake: None,
//! };
//! let position = journal.append(journal.epoch(), record.clone())?;
//! journal.wait_blocking(position)?;
//! assert_eq!(journal.read(position)?, record);
//! journal.scan(Position::START, |at, found| {
//!     assert_eq!((at, found), (position, record.clone()));
//!     Ok::<_, journal::JournalError>(())
//! })?;
//! # Ok::<_, journal::JournalError>(())
//! ```

#![forbid(unsafe_code)]

mod error;
mod files;
mod gate;
mod journal;
mod options;
mod position;
mod queue;
mod reader;
mod record;
mod row;
mod stats;
mod store;
mod writer;

pub use error::JournalError;
pub use files::{Bytes, Files};
pub use journal::{Committed, Journal};
pub use options::Options;
#[cfg(feature = "sabotage")]
pub use options::Sabotage;
pub use position::{Epoch, Position};
pub use record::{Effect, EntityKey, Envelope, Event, FormatError, Record, Wake};
pub use row::RECORD_BYTES_MAX;
pub use stats::{COMMIT_BOUNDS_US, Stats};
