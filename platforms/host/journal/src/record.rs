//! What the journal keeps: one record per commit of an entity, and its bytes.
//!
//! The bytes are a version byte followed by the postcard form of that version. Bytes that were
//! written once decode forever; a golden test holds version 1.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

/// One commit of an entity: the command, what was decided, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose commit it is.
    pub entity: EntityKey,
    /// The command that was decided.
    pub envelope: Envelope,
    /// The events of the decision in order.
    pub events: Vec<Event>,
    /// The machine's reply, if the writer wants it kept.
    #[serde(with = "serde_bytes")]
    pub reply: Option<Vec<u8>>,
    /// What the world must do once the record is durable, in order.
    pub effects: Vec<Effect>,
    /// The entity's next wake after the decision; it replaces the earlier one.
    pub wake: Option<Wake>,
}

/// Names an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey {
    /// Name of the machine, for example `auction`.
    pub machine: String,
    /// Key of the entity within the machine.
    pub key: String,
}

/// The command with everything its decision depended on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Idempotency key of the command.
    pub command_id: String,
    /// Who asked; none for the platform itself.
    pub principal: Option<String>,
    /// Receive time in milliseconds since 1970-01-01T00:00:00Z.
    pub now: i64,
    /// Random bytes from which the decision derived its salts.
    #[serde(with = "serde_bytes")]
    pub seed: [u8; 32],
    /// The command as the machine got it.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// One event of an entity's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the entity's log, gap-free from 1.
    pub seq: u64,
    /// Chain head before the event.
    #[serde(with = "serde_bytes")]
    pub prev: [u8; 32],
    /// Chain head after the event.
    #[serde(with = "serde_bytes")]
    pub head: [u8; 32],
    /// What everyone may see.
    #[serde(with = "serde_bytes")]
    pub public: Vec<u8>,
    /// The whole fact, hidden values included.
    #[serde(with = "serde_bytes")]
    pub fact: Vec<u8>,
}

/// What the world must do because of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Deliver a message at least once to whoever consumes the topic.
    Send {
        /// Topic name.
        topic: String,
        /// Ordering and compaction key.
        key: String,
        /// Message body.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
    },
}

/// When the entity wants to be called again, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// Reason, for logs.
    pub reason: String,
}

impl Record {
    /// The bytes of the record in the newest version.
    ///
    /// # Errors
    /// Never in practice: only a serializer that cannot grow its output could refuse.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes)?;
        Ok(bytes)
    }

    /// The record that the bytes hold, of any version that was ever written.
    ///
    /// # Errors
    /// When the version is unknown, or the bytes are not exactly one record of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let (version, body) = bytes.split_first().ok_or(FormatError::Empty)?;
        if *version != VERSION {
            return Err(FormatError::UnknownVersion(*version));
        }
        match postcard::take_from_bytes(body).map_err(|_| FormatError::NotARecord)? {
            (record, []) => Ok(record),
            (_, rest) => Err(FormatError::TrailingBytes(rest.len())),
        }
    }

    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        out.push(VERSION);
        postcard::serialize_with_flavor(self, Appender(out)).map_err(|_| FormatError::NotARecord)
    }
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// There are no bytes.
    #[error("the record is empty")]
    Empty,
    /// A newer program wrote the record, or it is not a record at all.
    #[error("the record has the unknown version {0}")]
    UnknownVersion(u8),
    /// The bytes do not have the version's form.
    #[error("the bytes are not a record")]
    NotARecord,
    /// More bytes follow the record.
    #[error("{0} bytes follow the record")]
    TrailingBytes(usize),
}

/// Appends to a buffer that already holds other records; postcard's own flavor would start one
/// of its own and copy.
struct Appender<'a>(&'a mut Vec<u8>);

impl Flavor for Appender<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

const VERSION: u8 = 1;
