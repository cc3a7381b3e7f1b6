//! The one place where the host reads clocks and randomness.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z by the system's clock.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Seeds from the operating system, fetched many at a time.
pub(crate) struct Seeds {
    bytes: Vec<u8>,
}

impl Seeds {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// 32 bytes that nobody could guess; an error means that the system has no randomness.
    pub(crate) fn next(&mut self) -> Result<Vec<u8>, getrandom::Error> {
        if self.bytes.is_empty() {
            let mut bytes = vec![0; SEED_BYTES * 64];
            getrandom::fill(&mut bytes)?;
            self.bytes = bytes;
        }
        Ok(self.bytes.split_off(self.bytes.len().saturating_sub(SEED_BYTES)))
    }
}

const SEED_BYTES: usize = 32;
