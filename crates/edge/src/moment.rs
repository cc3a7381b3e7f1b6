//! Time and chance, as they are handed in.

use kernel::{Digest, Timestamp};

/// When something is done, and what nobody can guess.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The wall clock.
    pub(crate) now: Timestamp,
    /// Fresh for every call.
    pub(crate) random: [u8; 16],
}

impl Moment {
    /// Milliseconds since the epoch.
    pub(crate) fn ms(&self) -> i64 {
        self.now.as_ms()
    }

    /// A name that nothing else has.
    pub(crate) fn name(&self) -> String {
        let digits = Digest::of(&[b"name", &self.random]).to_hex();
        digits.get(..32).unwrap_or_default().to_owned()
    }

    /// The `nth` of many chances.
    pub(crate) fn chance(&self, nth: i64) -> u64 {
        let digest = Digest::of(&[b"chance", &self.random, &nth.to_le_bytes()]);
        digest.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}
