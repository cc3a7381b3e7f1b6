//! Token buckets of the guests, in memory: a restart fills them.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use parking_lot::Mutex;

/// The buckets of all components.
#[derive(Default)]
pub(crate) struct Rates {
    /// Keys are digests under a secret of the process: nobody can aim at another's bucket.
    hasher: RandomState,
    /// When each bucket is full again.
    full_at: Mutex<HashMap<u64, i64>>,
}

impl Rates {
    /// Takes a token, or says in how many milliseconds there is one.
    pub(crate) fn take(
        &self,
        component: &str,
        bucket: &str,
        (capacity, refill_ms): (u32, u32),
        now_ms: i64,
    ) -> Result<(), u64> {
        let key = self.hasher.hash_one((component, bucket));
        let refill = i64::from(refill_ms);
        let mut buckets = self.full_at.lock();
        let span = refill.saturating_mul(i64::from(capacity));
        let full_at = buckets.get(&key).copied().unwrap_or(now_ms).max(now_ms);
        // An empty bucket is full again after its span: who is to wait longer was told so by a
        // clock that was turned back since.
        let latest = now_ms.saturating_add(span);
        if full_at > latest {
            buckets.insert(key, latest);
        }
        let after = full_at.min(latest).saturating_add(refill);
        let wait = after.saturating_sub(latest);
        if wait > 0 {
            return Err(wait.unsigned_abs());
        }
        if buckets.len() >= BUCKETS_MAX {
            make_room(&mut buckets, now_ms);
        }
        buckets.insert(key, after);
        Ok(())
    }
}

/// Forgets what is full, and if that is not enough, the half that is full soonest: those who hammer
/// stay.
fn make_room(buckets: &mut HashMap<u64, i64>, now_ms: i64) {
    buckets.retain(|_, full_at| *full_at > now_ms);
    if buckets.len() < BUCKETS_MAX / 2 {
        return;
    }
    let mut instants: Vec<i64> = buckets.values().copied().collect();
    let middle = instants.len() / 2;
    let (_, median, _) = instants.select_nth_unstable(middle);
    let median = *median;
    buckets.retain(|_, full_at| *full_at > median);
}

/// A bucket takes some 24 bytes.
const BUCKETS_MAX: usize = 1_000_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_refills_and_tells_when() {
        let rates = Rates::default();
        let take = |bucket: &str, now| rates.take("c", bucket, (3, 1_000), now);
        assert_eq!([take("a", 0), take("a", 0), take("a", 0)], [Ok(()); 3]);
        assert_eq!(take("a", 0), Err(1_000));
        assert_eq!(take("b", 0), Ok(()), "another bucket");
        assert_eq!(take("a", 400), Err(600));
        assert_eq!((take("a", 1_000), take("a", 1_000)), (Ok(()), Err(1_000)));
        assert_eq!([take("a", 9_000), take("a", 9_000), take("a", 9_000)], [Ok(()); 3]);
        assert_eq!(take("a", 9_000), Err(1_000), "no more than full");
        assert_eq!(rates.take("other", "a", (3, 1_000), 9_000), Ok(()));
    }

    #[test]
    fn a_clock_that_is_turned_back_locks_nobody_out() {
        let rates = Rates::default();
        let take = |now| rates.take("c", "a", (3, 1_000), now);
        let hour = 3_600_000;
        assert_eq!([take(hour), take(hour), take(hour)], [Ok(()); 3]);
        assert_eq!(take(0), Err(1_000), "as empty as it was");
        assert_eq!((take(1_000), take(1_000)), (Ok(()), Err(1_000)));
    }

    #[test]
    fn memory_is_bounded_and_who_hammers_is_remembered() {
        let rates = Rates::default();
        for _ in 0..10 {
            rates.take("c", "eve", (10, 1_000), 0).unwrap();
        }
        for n in 0..BUCKETS_MAX + 10 {
            rates.take("c", &n.to_string(), (10, 1_000), 0).unwrap();
        }
        assert!(rates.full_at.lock().len() <= BUCKETS_MAX);
        assert!(rates.take("c", "eve", (10, 1_000), 0).is_err());
    }
}
