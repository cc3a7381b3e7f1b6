//! Bounds of the listener (reliability.md 3.3).

use std::net::IpAddr;
use std::time::Duration;

/// What one connection and one request may use.
#[derive(Debug, Clone)]
pub(crate) struct HttpLimits {
    /// Open connections; more are closed at once.
    pub(crate) connections_max: usize,
    /// Open connections of one client, which is an address of IPv4 or a /64 network of IPv6; more
    /// are closed at once.
    pub(crate) connections_per_client_max: usize,
    /// Proxies in canonical form: the bound of a client is not theirs, and their word on the
    /// client's address is taken.
    pub(crate) proxies: Vec<IpAddr>,
    /// Largest request body.
    pub(crate) body_max_bytes: usize,
    /// Path and query of a request.
    pub(crate) target_max_bytes: usize,
    /// Head of a request, its first line included.
    pub(crate) head_max_bytes: usize,
    /// Header fields of a request.
    pub(crate) headers_max: usize,
    /// A connection on which a request head is not complete after this long is closed.
    pub(crate) head_timeout: Duration,
    /// A connection without a request for this long is closed.
    pub(crate) idle_timeout: Duration,
    /// A body that is not complete after this long is refused.
    pub(crate) body_timeout: Duration,
    /// How long running requests may go on after a stop was asked for.
    pub(crate) drain: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            connections_per_client_max: CONNECTIONS_PER_CLIENT_MAX,
            proxies: Vec::new(),
            body_max_bytes: 256 << 10,
            target_max_bytes: 8 << 10,
            head_max_bytes: 32 << 10,
            headers_max: 100,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}

/// A quarter of all: people of an office or a mobile network share an address.
pub(crate) const CONNECTIONS_PER_CLIENT_MAX: usize = 4_096;
