//! Messages of topics, as a consumer gets them.

/// A message as it was sent; it may come more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stable over redeliveries.
    pub id: String,
    /// Topic name.
    pub topic: String,
    /// Ordering and compaction key.
    pub key: String,
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
