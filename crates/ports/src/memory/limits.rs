//! Token buckets on the clock of the test.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kernel::Timestamp;

use crate::Policy;

/// Buckets, by the instant at which they are full again.
#[derive(Default)]
pub struct MemoryLimits {
    full_at: RefCell<BTreeMap<String, i64>>,
}

impl MemoryLimits {
    pub(super) fn take(&self, bucket: &str, policy: Policy, now: Timestamp) -> Result<(), u64> {
        let now = now.as_ms();
        let refill = i64::from(policy.refill_ms);
        let mut buckets = self.full_at.borrow_mut();
        let full_at = buckets.entry(bucket.to_owned()).or_insert(now);
        let after = (*full_at).max(now).saturating_add(refill);
        let wait = after.saturating_sub(now).saturating_sub(refill * i64::from(policy.capacity));
        if wait > 0 {
            return Err(wait.unsigned_abs());
        }
        *full_at = after;
        Ok(())
    }
}
