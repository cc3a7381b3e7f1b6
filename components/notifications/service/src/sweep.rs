//! Forgetting what is old, a little at a time.

use kernel::Timestamp;
use ports::{Ports, Sql, Statement, Value};

/// Deletes letters, and auctions that are over with who watched them, when they are old.
pub(crate) async fn run<P: Ports>(ports: &P) -> Result<(), String> {
    for _ in 0..ROUNDS_MAX {
        let outcomes = Sql::batch(ports, round(ports.now())).await;
        let outcomes = outcomes.map_err(|error| error.to_string())?;
        if outcomes.iter().all(|outcome| outcome.changes < ROWS_MAX.unsigned_abs()) {
            break;
        }
    }
    Ok(())
}

/// One batch: each statement takes at most [`ROWS_MAX`] rows.
fn round(now: Timestamp) -> Vec<Statement> {
    let delete = |sql: &str, kept_ms: i64| {
        let values: [Value; 2] = [now.plus_ms(-kept_ms).as_ms().into(), ROWS_MAX.into()];
        Statement::new(sql, values)
    };
    vec![
        delete(
            "DELETE FROM notifications_letters WHERE id IN
            (SELECT id FROM notifications_letters WHERE created_at <= ?1 LIMIT ?2)",
            KEPT_MS,
        ),
        delete(
            "DELETE FROM notifications_watchers WHERE (auction_id, user_id) IN
            (SELECT w.auction_id, w.user_id FROM notifications_auctions a
            JOIN notifications_watchers w ON w.auction_id = a.id
            WHERE a.has_ended = 1 AND a.ends_at <= ?1 LIMIT ?2)",
            KEPT_MS,
        ),
        delete(
            "DELETE FROM notifications_auctions WHERE id IN
            (SELECT id FROM notifications_auctions a WHERE has_ended = 1 AND ends_at <= ?1
            AND NOT EXISTS (SELECT 1 FROM notifications_watchers w WHERE w.auction_id = a.id)
            LIMIT ?2)",
            KEPT_MS,
        ),
        // Whoever watched what was over and forgotten by then, or has never opened.
        delete(
            "DELETE FROM notifications_watchers WHERE (auction_id, user_id) IN
            (SELECT w.auction_id, w.user_id FROM notifications_watchers w WHERE w.told_at <= ?1
            AND NOT EXISTS (SELECT 1 FROM notifications_auctions a WHERE a.id = w.auction_id)
            LIMIT ?2)",
            UNKNOWN_KEPT_MS,
        ),
    ]
}

/// Most rows of a table in one batch: the write lock is not held for long.
const ROWS_MAX: i64 = 500;
/// Most batches of one run; the next run goes on.
const ROUNDS_MAX: u32 = 40;
/// As long as the platform knows which letters it has sent.
const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
const UNKNOWN_KEPT_MS: i64 = 400 * 24 * 60 * 60 * 1_000;
