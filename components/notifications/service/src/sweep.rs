//! Forgetting what is old.

use kernel::Timestamp;
use ports::{Ports, SWEEP_MAX_ROWS, Statement, Value};

/// Deletes letters, and auctions that are over with who watched them, when they are old.
pub(crate) async fn run<P: Ports>(ports: &P) -> Result<(), String> {
    ports::sweep(ports, round).await.map_err(|error| error.to_string())
}

fn round(now: Timestamp) -> Vec<Statement> {
    let delete = |sql: &str, kept_ms: i64| {
        let values: [Value; 2] = [now.plus_ms(-kept_ms).as_ms().into(), SWEEP_MAX_ROWS.into()];
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

/// As long as the platform knows which letters it has sent.
const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
const UNKNOWN_KEPT_MS: i64 = 400 * 24 * 60 * 60 * 1_000;
