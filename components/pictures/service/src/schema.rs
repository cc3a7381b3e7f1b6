//! Tables of the capability. Steps are append-only: a released one never changes.

/// Migrations in order.
pub(crate) const STEPS: &[&[&str]] = &[&[
    // Every picture that has objects, written before them. Whether it stands somewhere is the
    // machine's to say, and is asked when `check_at` has come; null where it was told.
    "CREATE TABLE IF NOT EXISTS pictures_kept (
        picture_id TEXT PRIMARY KEY,
        auction_id TEXT NOT NULL,
        check_at INTEGER
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS pictures_kept_auction ON pictures_kept (auction_id)",
    "CREATE INDEX IF NOT EXISTS pictures_kept_due ON pictures_kept (check_at)
        WHERE check_at IS NOT NULL",
]];
