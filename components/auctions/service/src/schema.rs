//! Tables of the capability. Steps are append-only: a released one never changes.

/// Migrations in order.
pub(crate) const STEPS: &[&[&str]] = &[
    &[
        // What everyone may see, for lists. Derived from the machines: it can be rebuilt.
        "CREATE TABLE IF NOT EXISTS auctions_public (
        id TEXT PRIMARY KEY,
        seq INTEGER NOT NULL,
        title TEXT NOT NULL,
        description TEXT NOT NULL,
        category TEXT NOT NULL,
        format TEXT NOT NULL,
        seller TEXT NOT NULL,
        terms TEXT NOT NULL,
        currency TEXT NOT NULL,
        start_minor INTEGER NOT NULL,
        status TEXT NOT NULL,
        price_minor INTEGER,
        next_minimum_minor INTEGER,
        bid_count INTEGER NOT NULL,
        bidder_count INTEGER NOT NULL,
        leader TEXT,
        reserve TEXT NOT NULL,
        ends_at INTEGER NOT NULL,
        result TEXT,
        shown_minor INTEGER GENERATED ALWAYS AS (coalesce(price_minor, start_minor)) VIRTUAL
    )",
        "CREATE INDEX IF NOT EXISTS auctions_public_ending
            ON auctions_public (status, ends_at, id)",
        "CREATE INDEX IF NOT EXISTS auctions_public_category ON auctions_public (category, id)",
        "CREATE INDEX IF NOT EXISTS auctions_public_seller ON auctions_public (seller, id)",
        "CREATE INDEX IF NOT EXISTS auctions_public_price ON auctions_public (shown_minor, id)",
        "CREATE INDEX IF NOT EXISTS auctions_public_bids ON auctions_public (bid_count, id)",
        // Names are joined when auctions are read and never enter the chain.
        "CREATE TABLE IF NOT EXISTS auctions_sellers (
        user_id TEXT PRIMARY KEY,
        display_name TEXT NOT NULL
    )",
        // Requests that create (rules.md B11): reserved, then done with status, etag and body.
        "CREATE TABLE IF NOT EXISTS auctions_requests (
        caller TEXT NOT NULL,
        operation TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        auction_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        lease_until INTEGER NOT NULL,
        status INTEGER,
        etag TEXT,
        body BLOB,
        PRIMARY KEY (caller, operation, key)
    ) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS auctions_requests_age ON auctions_requests (created_at)",
    ],
    &[
        // Offered amounts that move with bidding.
        "ALTER TABLE auctions_public ADD COLUMN next_maximum_minor INTEGER",
        "ALTER TABLE auctions_public ADD COLUMN buy_now_minor INTEGER",
        // How many of its bidders stand in auctions_bidders.
        "ALTER TABLE auctions_public ADD COLUMN bidders_known INTEGER NOT NULL DEFAULT 0",
        // Who has bid where, for the dashboards.
        "CREATE TABLE IF NOT EXISTS auctions_bidders (
        user_id TEXT NOT NULL,
        auction_id TEXT NOT NULL,
        PRIMARY KEY (user_id, auction_id)
    ) WITHOUT ROWID",
        "CREATE TABLE IF NOT EXISTS auctions_watches (
        user_id TEXT NOT NULL,
        auction_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (user_id, auction_id)
    ) WITHOUT ROWID",
    ],
    &[
        // Tickets for sockets, by digest, until they are used or too old.
        "CREATE TABLE IF NOT EXISTS auctions_tickets (
        digest BLOB PRIMARY KEY,
        auction_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        roles TEXT NOT NULL,
        token_expires_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    ) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS auctions_tickets_age ON auctions_tickets (expires_at)",
    ],
    &[
        // Auctions whose QR code was made.
        "CREATE TABLE IF NOT EXISTS auctions_qr (auction_id TEXT PRIMARY KEY) WITHOUT ROWID",
    ],
];
