//! What entities and components send, as part of the transaction that causes it.

use kernel::Timestamp;

use crate::world::{Connection, StoreError};

/// A message on its way to whoever consumes its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Unique within the source, and the same whenever the decision is made again.
    pub(crate) id: String,
    /// `/machines/auction`, `/components/identity`.
    pub(crate) source: String,
    /// Topic name, versioned.
    pub(crate) topic: String,
    /// Ordering key.
    pub(crate) key: String,
    /// JSON body.
    pub(crate) body: Vec<u8>,
}

/// Who takes messages: in the open transaction, so that both are durable or neither.
pub(crate) trait Outbox<C: Connection> {
    /// Writes messages down for their consumers.
    fn send(&self, connection: &C, messages: Vec<Sent>, now: Timestamp) -> Result<(), StoreError>;
}

/// Nobody consumes anything.
pub(crate) struct Nobody;

impl<C: Connection> Outbox<C> for Nobody {
    fn send(&self, _: &C, _: Vec<Sent>, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
