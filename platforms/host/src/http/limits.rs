//! Bounds of the listener (reliability.md 3.3).

use std::time::Duration;

/// What one connection and one request may use.
#[derive(Debug, Clone)]
pub(crate) struct HttpLimits {
    /// Open connections; more are closed at once.
    pub(crate) connections_max: usize,
    /// Largest request body.
    pub(crate) body_max_bytes: usize,
    /// Head of a request: read buffer.
    pub(crate) head_max_bytes: usize,
    /// Header fields of a request.
    pub(crate) headers_max: usize,
    /// A connection without a complete request head for this long is closed.
    pub(crate) head_timeout: Duration,
    /// A body that is not complete after this long is refused.
    pub(crate) body_timeout: Duration,
    /// How long running requests may go on after a stop was asked for.
    pub(crate) drain: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            body_max_bytes: 256 << 10,
            head_max_bytes: 64 << 10,
            headers_max: 100,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}
