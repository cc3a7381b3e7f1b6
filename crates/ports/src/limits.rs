//! Rates: token buckets that the platform keeps in memory.

/// Buckets of a capability; a restart fills them.
pub trait Limits {
    /// Takes one token out of a bucket, or says in how many milliseconds there is one.
    async fn take(&self, bucket: &str, policy: Policy) -> Result<(), u64>;
}

/// How many, how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Tokens of a full bucket.
    pub capacity: u32,
    /// Time in which one token comes back, in milliseconds.
    pub refill_ms: u32,
}
