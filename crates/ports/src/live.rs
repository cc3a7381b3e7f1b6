//! What platforms and capabilities agree on for live connections.

/// Close codes of api.md §4.
pub mod close {
    /// The platform stops; come back and go on.
    pub const RESTART: u16 = 4000;
    /// Sign in again.
    pub const BAD_AUTH: u16 = 4001;
    /// The entity is gone.
    pub const GONE: u16 = 4004;
    /// Too slow; come back and go on.
    pub const SLOW: u16 = 4008;
    /// History is another one: begin anew.
    pub const EPOCH_CHANGED: u16 = 4009;
    /// Too many messages.
    pub const RATE_LIMITED: u16 = 4029;
    /// The message is larger than it may be.
    pub const TOO_BIG: u16 = 1009;
}

/// Bounds of sockets (api.md §4, rules.md B10), the same on every platform.
pub mod bounds {
    /// Largest message of a client.
    pub const MESSAGE_MAX_BYTES: usize = 4 << 10;
    /// Frames that wait for a slow reader.
    pub const WAITING_MAX: usize = 256;
    /// Between pings; who misses two is gone.
    pub const PING_MS: i64 = 25_000;
    /// Before the end the time is told so often …
    pub const TIME_MS: i64 = 10_000;
    /// … in its last minute.
    pub const LAST_MS: i64 = 60_000;
    /// Messages that a client may send at once …
    pub const MESSAGES_AT_ONCE: u32 = 60;
    /// … and then one in so many milliseconds. More is a flood.
    pub const MESSAGE_EVERY_MS: u32 = 50;
    /// Pause after which a stream says that it is alive.
    pub const ALIVE_MS: i64 = 15_000;
    /// A stream ends after this long; its client comes back and goes on.
    pub const STREAM_MAX_MS: i64 = 10 * 60_000;
}
