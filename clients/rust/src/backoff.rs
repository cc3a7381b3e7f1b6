//! How long to wait before the next connection: full jitter, so that everybody whom a restart cut
//! does not come back at the same instant (rules.md B10).

use std::time::Duration;

/// Counts attempts that came to nothing.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next pause: anything up to a bound that doubles from 0.5 s to 30 s. `chance` is in
    /// [0, 1).
    pub fn pause(&mut self, chance: f64) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(DOUBLINGS)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(chance.clamp(0.0, 1.0))
    }

    /// The server said hello.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
const DOUBLINGS: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_half_a_minute_and_start_again() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..9).map(|_| backoff.pause(1.0).as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        backoff.reset();
        assert_eq!(backoff.pause(0.5), Duration::from_millis(250));
    }

    #[test]
    fn all_of_the_bound_is_used() {
        let pause = |chance| Backoff { failures: 3 }.pause(chance).as_millis();
        assert_eq!((pause(0.0), pause(0.25), pause(0.999)), (0, 1_000, 3_996));
    }
}
