//! Rates: token buckets in the store, since no instance lives for long. They may be lost in a power
//! cut, which fills them.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use kernel::Timestamp;
use ports::{Limits, Policy, Value};

use crate::edge::Edge;
use crate::world::{Connection, StoreError, World};

impl<W: World> Limits for Edge<W> {
    async fn take(&self, bucket: &str, policy: Policy) -> Result<(), u64> {
        let name = format!("{}/{bucket}", self.grants.component);
        let (now, [drawn]) = (self.world.now(), self.draw());
        let taken = self.store.write_soon(|connection| {
            if drawn % SWEEPS_ONE_IN == 0 {
                sweep(connection, now)?;
            }
            take(connection, &name, policy, now)
        });
        taken.unwrap_or_else(|error| {
            // Without what follows: it is somebody's address.
            let rate = name.split(':').next().unwrap_or_default();
            self.trouble(format!("rate {rate}: {error}"));
            // What cannot be counted is not granted: guessing would be free.
            Err(UNCOUNTED_MS)
        })
    }
}

/// A bucket is the instant at which it is full again.
fn take<C: Connection>(
    connection: &C,
    name: &str,
    policy: Policy,
    now: Timestamp,
) -> Result<Result<(), u64>, StoreError> {
    let (now, refill) = (now.as_ms(), i64::from(policy.refill_ms));
    let sql = "select full_at from edge_buckets where name = ?1";
    let found = connection.execute(sql, &[name.into()])?;
    let full_at = found.rows.first().and_then(|row| row.first()).and_then(Value::as_integer);
    // An empty bucket is full again after its span: who is to wait longer was told so by a clock
    // that was turned back since.
    let latest = now.saturating_add(refill.saturating_mul(policy.capacity.into()));
    let after = full_at.unwrap_or(now).clamp(now, latest).saturating_add(refill);
    let wait = after.saturating_sub(latest);
    if wait > 0 && full_at.is_none_or(|full_at| full_at <= latest) {
        return Ok(Err(wait.unsigned_abs()));
    }
    let sql = "insert into edge_buckets (name, full_at) values (?1, ?2) \
               on conflict do update set full_at = excluded.full_at";
    connection.execute(sql, &[name.into(), after.min(latest).into()])?;
    Ok(if wait > 0 { Err(wait.unsigned_abs()) } else { Ok(()) })
}

/// Forgets some of the buckets that are full.
fn sweep<C: Connection>(connection: &C, now: Timestamp) -> Result<(), StoreError> {
    let sql = "delete from edge_buckets where name in \
               (select name from edge_buckets where full_at <= ?1 order by full_at limit ?2)";
    connection.execute(sql, &[now.as_ms().into(), SWEPT_MAX.into()]).map(drop)
}

const SWEEPS_ONE_IN: u8 = 64;
/// More than can come between two sweeps, by far.
const SWEPT_MAX: i64 = 512;
const UNCOUNTED_MS: u64 = 1_000;
