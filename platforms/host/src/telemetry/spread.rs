//! How long requests took, counted so that it can be read back: the histogram for Prometheus only
//! writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts of durations in buckets that are an eighth of their octave wide: what is read back is at
/// most an eighth too long.
pub(super) struct Spread([AtomicU64; BUCKETS]);

/// The counts of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts([u64; BUCKETS]);

impl Default for Spread {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Spread {
    /// Counts a duration.
    pub(super) fn count(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.0.get(bucket(us)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts as they are.
    pub(super) fn read(&self) -> Counts {
        let read = |at: usize| self.0.get(at).map_or(0, |count| count.load(Ordering::Relaxed));
        Counts(std::array::from_fn(read))
    }
}

impl Counts {
    /// What came since an earlier moment.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let came = |at: usize| {
            let of = |counts: &Self| counts.0.get(at).copied().unwrap_or(0);
            of(self).saturating_sub(of(earlier))
        };
        Self(std::array::from_fn(came))
    }

    /// How many there are.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The microseconds within which this many of a thousand were done; none when there are none.
    pub(crate) fn within(&self, of_thousand: u64) -> Option<u64> {
        let total = self.total();
        let rank = total.saturating_mul(of_thousand).div_ceil(1_000).max(1);
        let mut done = 0_u64;
        let bucket = self.0.iter().position(|count| {
            done = done.saturating_add(*count);
            done >= rank
        });
        bucket.filter(|_| total > 0).map(longest)
    }
}

/// Where a duration is counted. What takes longer than a minute is in the last bucket.
fn bucket(us: u64) -> usize {
    let (octave, eighth) = match us {
        ..EIGHTHS => (0, us),
        _ => {
            let octave = us.ilog2() - EIGHTHS.ilog2();
            (u64::from(octave) + 1, (us >> octave) % EIGHTHS)
        }
    };
    usize::try_from(octave * EIGHTHS + eighth).map_or(BUCKETS - 1, |at| at.min(BUCKETS - 1))
}

/// The longest duration of a bucket, in microseconds.
fn longest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let (octave, eighth) = (bucket / EIGHTHS, bucket % EIGHTHS);
    match octave.checked_sub(1) {
        None => eighth,
        Some(octave) => ((EIGHTHS + eighth + 1) << octave) - 1,
    }
}

const EIGHTHS: u64 = 8;
/// Up to 67 seconds, more than a request has.
const BUCKETS: usize = 192;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_and_are_narrow() {
        let ends: Vec<usize> = (0..BUCKETS - 1).map(|at| bucket(longest(at) + 1)).collect();
        assert_eq!(ends, (1..BUCKETS).collect::<Vec<_>>());
        let long = (6..20).flat_map(|bits| (64..128).map(move |n| n << bits));
        for us in (0..4_096).chain(long) {
            let most = longest(bucket(us));
            assert!(most >= us && most - us <= us / 8, "{us}: {most}");
        }
        for us in [longest(BUCKETS - 1), u64::MAX] {
            assert_eq!(bucket(us), BUCKETS - 1);
        }
    }

    #[test]
    fn what_came_since_is_told_apart_from_what_was_there() {
        let spread = Spread::default();
        let nothing = spread.read();
        assert_eq!((nothing.total(), nothing.within(500)), (0, None));
        (0..10).for_each(|_| spread.count(Duration::from_secs(2)));
        let slow = spread.read();
        (0..98).for_each(|_| spread.count(Duration::from_micros(5)));
        (0..2).for_each(|_| spread.count(Duration::from_micros(1_000)));
        let came = spread.read().since(&slow);
        assert_eq!((came.total(), came.within(500), came.within(980)), (100, Some(5), Some(5)));
        assert_eq!(came.within(990), Some(1_023));
        assert!(slow.within(1).unwrap() >= 2_000_000);
    }
}
