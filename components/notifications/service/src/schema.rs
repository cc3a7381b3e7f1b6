//! Tables of the capability. Steps are append-only: a released one never changes.

/// Migrations in order.
pub(crate) const STEPS: &[&[&str]] = &[FIRST, TERMS_AND_AGES];

const FIRST: &[&str] = &[
    // Where letters go. Without an address the account was erased: the row keeps late messages from
    // bringing anything back, and holds nothing but the id.
    "CREATE TABLE IF NOT EXISTS notifications_contacts (
        user_id TEXT PRIMARY KEY,
        email TEXT,
        display_name TEXT NOT NULL,
        told_at INTEGER NOT NULL
    )",
    // Auctions that have opened.
    "CREATE TABLE IF NOT EXISTS notifications_auctions (
        id TEXT PRIMARY KEY,
        seq INTEGER NOT NULL,
        title TEXT NOT NULL,
        seller TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        scheduled_end INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        has_ended INTEGER NOT NULL DEFAULT 0,
        soon_told INTEGER NOT NULL DEFAULT 0
    )",
    "CREATE INDEX IF NOT EXISTS notifications_auctions_soon
        ON notifications_auctions (has_ended, soon_told, ends_at)",
    // Who watches what; a row of somebody who no longer does keeps an older message from counting.
    "CREATE TABLE IF NOT EXISTS notifications_watchers (
        auction_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        watching INTEGER NOT NULL,
        told_at INTEGER NOT NULL,
        PRIMARY KEY (auction_id, user_id)
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS notifications_watchers_user ON notifications_watchers (user_id)",
    // What was switched, on or off; everything else is on.
    "CREATE TABLE IF NOT EXISTS notifications_preferences (
        user_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        is_on INTEGER NOT NULL,
        PRIMARY KEY (user_id, kind)
    ) WITHOUT ROWID",
    // One row for each fact and person. No address: it is looked up when the letter is sent.
    "CREATE TABLE IF NOT EXISTS notifications_letters (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        user_id TEXT NOT NULL,
        auction_id TEXT NOT NULL,
        facts TEXT NOT NULL,
        status TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        last_error TEXT,
        fact_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        sent_at INTEGER
    )",
    "CREATE INDEX IF NOT EXISTS notifications_letters_user
        ON notifications_letters (user_id, created_at, id)",
    "CREATE INDEX IF NOT EXISTS notifications_letters_auction
        ON notifications_letters (auction_id, kind, fact_at)",
];

const TERMS_AND_AGES: &[&str] = &[
    // The event that told the terms; other facts of the auction may have been heard before.
    "ALTER TABLE notifications_auctions ADD COLUMN terms_seq INTEGER NOT NULL DEFAULT 0",
    "UPDATE notifications_auctions SET terms_seq = seq",
    "CREATE INDEX IF NOT EXISTS notifications_auctions_age
        ON notifications_auctions (has_ended, ends_at)",
    "CREATE INDEX IF NOT EXISTS notifications_letters_age ON notifications_letters (created_at)",
    "CREATE INDEX IF NOT EXISTS notifications_watchers_age ON notifications_watchers (told_at)",
];
