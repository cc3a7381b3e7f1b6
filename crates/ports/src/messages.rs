//! Messages of topics: what a capability sends with its writes, and what a consumer gets.

/// A message that a write causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Topic name, versioned: `identity.user-erased.v1`.
    pub topic: &'static str,
    /// Ordering key: messages of one key reach a consumer in order.
    pub key: String,
    /// JSON body.
    pub body: Vec<u8>,
}

/// A message as it was sent; it may come more than once. The fields are the attributes of
/// CloudEvents 1.0 in binary form: `topic` is `type`, `key` is `subject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stable over redeliveries, and unique within the source.
    pub id: String,
    /// Who sent it: `/machines/auction`, `/components/identity`.
    pub source: String,
    /// Topic name, versioned.
    pub topic: String,
    /// Ordering and compaction key.
    pub key: String,
    /// When it was sent, milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// JSON body.
    pub body: Vec<u8>,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Done; never deliver it again.
    Ack,
    /// Deliver it again later; the text is for the log.
    Retry(String),
}
