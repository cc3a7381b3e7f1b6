//! Tables, and the condition on which a batch stands.

use ports::{Statement, Value};
use web::Problem;

/// Append-only: step n is version n + 1.
pub(crate) const STEPS: &[&[&str]] = &[
    &["CREATE TABLE IF NOT EXISTS identity_users (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        created_at INTEGER NOT NULL
    )"],
    &[
        // `email` is normalised; `handle` is the name of the development token. `version` counts
        // what changes rights or what others see. An erased account keeps its id and nothing else.
        "CREATE TABLE IF NOT EXISTS identity_accounts (
        id TEXT PRIMARY KEY,
        handle TEXT UNIQUE,
        email TEXT UNIQUE,
        display_name TEXT NOT NULL,
        password TEXT,
        created_at INTEGER NOT NULL,
        confirmed_at INTEGER,
        suspended_at INTEGER,
        erased_at INTEGER,
        totp_generation INTEGER NOT NULL DEFAULT 0,
        totp_on_at INTEGER,
        totp_step INTEGER NOT NULL DEFAULT 0,
        version INTEGER NOT NULL DEFAULT 1
    )",
        "INSERT INTO identity_accounts (id, handle, display_name, created_at)
        SELECT id, name, display_name, created_at FROM identity_users",
        "DROP TABLE identity_users",
        "CREATE INDEX IF NOT EXISTS identity_accounts_unconfirmed
        ON identity_accounts (created_at) WHERE confirmed_at IS NULL",
        // The letters that are due and the codes in them: the newest of an account and purpose. The
        // code follows from the row (codes.rs). An owner that is no account is nobody's letter.
        "CREATE TABLE IF NOT EXISTS identity_codes (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        purpose TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        UNIQUE (owner, purpose)
    )",
        "CREATE INDEX IF NOT EXISTS identity_codes_expires ON identity_codes (expires_at)",
        // A sign-in and all tokens that descend from it.
        "CREATE TABLE IF NOT EXISTS identity_families (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        revoked_at INTEGER
    )",
        "CREATE INDEX IF NOT EXISTS identity_families_account ON identity_families (account_id)",
        // Refresh tokens by their hash. No two access tokens of an account expire in one second:
        // that is how a sign-in is found by its access token.
        "CREATE TABLE IF NOT EXISTS identity_tokens (
        hash BLOB PRIMARY KEY,
        family_id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        issued_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        access_expires_at INTEGER NOT NULL,
        spent_at INTEGER,
        UNIQUE (account_id, access_expires_at)
    ) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS identity_tokens_family ON identity_tokens (family_id)",
        "CREATE INDEX IF NOT EXISTS identity_tokens_expires ON identity_tokens (expires_at)",
        // Where an account signed in before, as keyed digests of addresses.
        "CREATE TABLE IF NOT EXISTS identity_places (
        place BLOB PRIMARY KEY,
        account_id TEXT NOT NULL,
        seen_at INTEGER NOT NULL
    ) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS identity_places_account ON identity_places (account_id)",
        "CREATE TABLE IF NOT EXISTS identity_recovery_codes (
        account_id TEXT NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (account_id, hash)
    ) WITHOUT ROWID",
        "CREATE TABLE IF NOT EXISTS identity_links (
        provider TEXT NOT NULL,
        subject TEXT NOT NULL,
        account_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (provider, subject)
    ) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS identity_links_account ON identity_links (account_id)",
        // Ways to a provider that somebody has set out on.
        "CREATE TABLE IF NOT EXISTS identity_states (
        hash BLOB PRIMARY KEY,
        provider TEXT NOT NULL,
        browser BLOB NOT NULL,
        return_to TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) WITHOUT ROWID",
        // What a provider vouched for and nobody has picked up yet. With a code the ticket is for
        // linking, without one for signing in.
        "CREATE TABLE IF NOT EXISTS identity_tickets (
        hash BLOB PRIMARY KEY,
        account_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        subject TEXT NOT NULL,
        code_id TEXT,
        expires_at INTEGER NOT NULL
    ) WITHOUT ROWID",
        // Never holds a row, see `require`.
        "CREATE TABLE IF NOT EXISTS identity_requirements (holds INTEGER CHECK (holds = 1))",
    ],
    &[
        // A ticket belongs to the browser that went the way; the name is the provider's word for
        // the person. Tickets of before are minutes old at most: who had one begins again.
        "DROP TABLE identity_tickets",
        "CREATE TABLE identity_tickets (
        hash BLOB PRIMARY KEY,
        browser BLOB NOT NULL,
        account_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        subject TEXT NOT NULL,
        display_name TEXT NOT NULL,
        code_id TEXT,
        expires_at INTEGER NOT NULL
    ) WITHOUT ROWID",
    ],
    &[
        // Codes about accounts that there are: the newest of an account and purpose.
        "DROP TABLE identity_codes",
        "CREATE TABLE identity_codes (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        purpose TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        UNIQUE (owner, purpose)
    )",
        "CREATE INDEX identity_codes_expires ON identity_codes (expires_at)",
        // What waits for its proof stands here and not in the account (sign_ups.rs). The place is
        // a keyed digest; `expires_at` is the code's.
        "CREATE TABLE identity_sign_ups (
        code_id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        place BLOB NOT NULL,
        password TEXT,
        display_name TEXT,
        signed_up_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        UNIQUE (owner, place)
    )",
        "CREATE INDEX identity_sign_ups_expires ON identity_sign_ups (expires_at)",
        "UPDATE identity_accounts SET password = NULL
        WHERE confirmed_at IS NULL AND email IS NOT NULL",
        // How often a code was typed, by the places where it was.
        "CREATE TABLE identity_tries (
        code_id TEXT NOT NULL,
        place BLOB NOT NULL,
        tries INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (code_id, place)
    ) WITHOUT ROWID",
        "CREATE INDEX identity_tries_expires ON identity_tries (expires_at)",
    ],
    &[
        // The sweep looks at what is old and at nothing else.
        "CREATE INDEX identity_places_seen ON identity_places (seen_at)",
        "CREATE INDEX identity_states_expires ON identity_states (expires_at)",
        "CREATE INDEX identity_tickets_expires ON identity_tickets (expires_at)",
        "DROP INDEX identity_accounts_unconfirmed",
        "CREATE INDEX identity_accounts_unconfirmed ON identity_accounts (created_at)
        WHERE confirmed_at IS NULL AND email IS NOT NULL",
    ],
    &[
        // By what a family is shown, and where it was begun (device.rs), which nobody knows of
        // those of before. Their ids have digits alone of those that the kernel writes.
        "ALTER TABLE identity_families ADD COLUMN session_id TEXT",
        "ALTER TABLE identity_families ADD COLUMN device TEXT",
        "UPDATE identity_families
        SET session_id = 'ses_0' || substr(lower(hex(randomblob(16))), 1, 25)",
        "CREATE UNIQUE INDEX identity_families_session ON identity_families (session_id)",
        // Of a family's thousands one is not spent.
        "CREATE INDEX identity_tokens_unspent ON identity_tokens (family_id)
        WHERE spent_at IS NULL",
    ],
];

/// A statement that undoes its batch with a constraint unless the condition holds: what was decided
/// on is still so when it is written, and a message goes out with its change or not at all.
pub(crate) fn require(
    condition: &'static str,
    parameters: impl IntoIterator<Item = Value>,
) -> Statement {
    let insert = "INSERT INTO identity_requirements (holds) SELECT 0 WHERE NOT";
    Statement::new(format!("{insert} ({condition})"), parameters)
}

/// A text in a row; 500 when there is none.
pub(crate) fn text(row: &[Value], at: usize) -> Result<String, Problem> {
    optional_text(row, at).ok_or_else(Problem::internal)
}

/// A text in a row that may be null.
pub(crate) fn optional_text(row: &[Value], at: usize) -> Option<String> {
    row.get(at).and_then(Value::as_text).map(str::to_owned)
}

/// An integer in a row; 500 when there is none.
pub(crate) fn integer(row: &[Value], at: usize) -> Result<i64, Problem> {
    optional_integer(row, at).ok_or_else(Problem::internal)
}

/// An integer in a row that may be null.
pub(crate) fn optional_integer(row: &[Value], at: usize) -> Option<i64> {
    row.get(at).and_then(Value::as_integer)
}

/// The bytes in a row; 500 when there are none.
pub(crate) fn blob(row: &[Value], at: usize) -> Result<Vec<u8>, Problem> {
    row.get(at).and_then(Value::as_blob).map(<[u8]>::to_vec).ok_or_else(Problem::internal)
}

#[cfg(test)]
mod tests {
    use kernel::{Id, kind};
    use ports::memory::Memory;
    use ports::{Sql, ready};

    use super::*;

    #[test]
    fn sessions_of_before_have_ids_of_their_own_and_no_device() {
        let memory = Memory::new("identity", kernel::Timestamp::from_ms(0));
        let before = STEPS.get(..5).unwrap_or_default();
        assert!(ready(ports::migrate(&memory, "identity", before)).is_ok());
        let families = ["one", "two"].map(|id| {
            let sql = "INSERT INTO identity_families (id, account_id, created_at)
                VALUES (?1, 'ana', 0)";
            Statement::new(sql, [id.into()])
        });
        assert!(ready(Sql::batch(&memory, families.into())).is_ok());
        assert!(ready(ports::migrate(&memory, "identity", STEPS)).is_ok());
        let sql = "SELECT session_id FROM identity_families WHERE device IS NULL";
        let found = ready(Sql::query(&memory, Statement::new(sql, [])));
        let rows = found.map(|found| found.rows).unwrap_or_default();
        let ids: std::collections::BTreeSet<Id<kind::Session>> =
            rows.iter().filter_map(|row| text(row, 0).ok()?.parse().ok()).collect();
        assert_eq!(ids.len(), 2);
    }
}
