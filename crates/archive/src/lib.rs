//! The log of one entity as a file of JSON lines: what it says, and how it is written and read.
//!
//! The first line says what the file is, then a line follows per commit, and the last line counts
//! and hashes those before it: a cut, changed or shuffled file is found. What the events mean is
//! for the machine to say, here they are bytes. Where logs are kept is the platforms' business.

mod format;
mod lines;

pub use format::{
    Body, Commit, Component, Effect, End, Envelope, Event, FORMAT, Header, VERSION, Wake,
};
pub use lines::{Next, Reader, Writer};

/// The bytes are no archive, or cannot stand in one; a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ArchiveError(pub String);
