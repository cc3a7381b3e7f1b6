//! The one place where the host reads clocks and randomness.
//!
//! Whatever decides or plans gets both from a [`World`], so that a simulation can bring its own.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z by the system's clock.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Where time and chance come from.
pub trait World: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;
    /// Fills the bytes with what nobody could guess; an error means that there is no randomness.
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The operating system's.
pub(crate) struct System;

impl World for System {
    fn now_ms(&self) -> i64 {
        now_ms()
    }

    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(bytes).map_err(std::io::Error::other)
    }
}

/// Seeds, fetched many at a time.
pub(crate) struct Seeds {
    seeds: Vec<Seed>,
}

/// What nobody could guess.
pub(crate) type Seed = [u8; 32];

impl Seeds {
    pub(crate) const fn new() -> Self {
        Self { seeds: Vec::new() }
    }

    /// The next seed; an error means that the system has no randomness.
    pub(crate) fn next(&mut self, world: &dyn World) -> std::io::Result<Seed> {
        if let Some(seed) = self.seeds.pop() {
            return Ok(seed);
        }
        let mut fresh = [Seed::default(); SEEDS_AT_ONCE];
        world.fill(fresh.as_flattened_mut())?;
        let [first, rest @ ..] = fresh;
        self.seeds.extend(rest);
        Ok(first)
    }
}

const SEEDS_AT_ONCE: usize = 64;
