//! Chance that follows from a seed, and the clock that only moves when it is moved.

use std::sync::atomic::{AtomicI64, Ordering};

use host::stepped::World;
use parking_lot::Mutex;

/// SplitMix64: enough chance for a test, and the same on every computer.
#[derive(Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below the limit; 0 below 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// A number in the range, both ends included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// An index into something of that length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub(crate) fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(self.index(of.len()))
    }
}

/// The world of one run: the hands of its clock, and seeds that anybody could guess.
pub(crate) struct Clockwork {
    now: AtomicI64,
    chance: Mutex<Chance>,
}

impl Clockwork {
    pub(crate) fn new(now: i64, seed: u64) -> Self {
        Self { now: AtomicI64::new(now), chance: Mutex::new(Chance::new(seed)) }
    }

    pub(crate) fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, now: i64) {
        self.now.store(now, Ordering::Relaxed);
    }

    pub(crate) fn turn(&self, ms: i64) {
        self.set(self.now().saturating_add(ms));
    }
}

impl World for Clockwork {
    fn now_ms(&self) -> i64 {
        self.now()
    }

    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        let mut chance = self.chance.lock();
        for chunk in bytes.chunks_mut(8) {
            let drawn = chance.next().to_le_bytes();
            chunk.iter_mut().zip(drawn).for_each(|(slot, byte)| *slot = byte);
        }
        Ok(())
    }
}
