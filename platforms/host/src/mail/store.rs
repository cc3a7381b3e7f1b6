//! The book of letters: which keys went through, and the letters that were kept.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Kept, Letter};

/// One SQLite file.
pub(super) struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Keeps a letter, once for each key.
    pub(super) fn keep(&self, key: &str, letter: &Letter, now_ms: i64) -> rusqlite::Result<()> {
        let Letter { to, subject, text, html, headers } = letter;
        let headers = serde_json::to_string(headers).unwrap_or_default();
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        if mark(&transaction, key, now_ms)? {
            transaction
                .prepare_cached(
                    "INSERT INTO letters (recipient, subject, text, html, headers, sent_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![to, subject, text, html, headers, now_ms])?;
            let oldest = transaction.last_insert_rowid().saturating_sub(KEPT_MAX);
            transaction.execute("DELETE FROM letters WHERE id <= ?1", [oldest])?;
        }
        transaction.commit()
    }

    /// Did a letter go through under this key?
    pub(super) fn was_sent(&self, key: &str) -> rusqlite::Result<bool> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached("SELECT 1 FROM sent WHERE key = ?1")?;
        Ok(statement.query_row([key], |_| Ok(())).optional()?.is_some())
    }

    /// A letter went through under this key.
    pub(super) fn mark_sent(&self, key: &str, now_ms: i64) -> rusqlite::Result<()> {
        mark(&self.connection.lock(), key, now_ms).map(drop)
    }

    /// The newest letters.
    pub(super) fn kept(&self, to: Option<&str>, limit: u32) -> rusqlite::Result<Vec<Kept>> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, recipient, subject, text, html, headers, sent_at FROM letters
             WHERE ?1 IS NULL OR recipient = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![to, limit], |row| {
            let headers: String = row.get(5)?;
            Ok(Kept {
                id: row.get::<_, i64>(0)?.to_string(),
                letter: Letter {
                    to: row.get(1)?,
                    subject: row.get(2)?,
                    text: row.get(3)?,
                    html: row.get(4)?,
                    headers: serde_json::from_str(&headers).unwrap_or_default(),
                },
                sent_at: row.get(6)?,
            })
        })?;
        rows.collect()
    }
}

/// Writes a key down; false when it is known. Old keys go: no message comes again after so long.
fn mark(connection: &Connection, key: &str, now_ms: i64) -> rusqlite::Result<bool> {
    let mut insert = connection
        .prepare_cached("INSERT INTO sent (key, sent_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    let is_new = insert.execute(params![key, now_ms])? == 1;
    if is_new {
        let before = now_ms.saturating_sub(KEYS_KEPT_MS);
        connection.prepare_cached("DELETE FROM sent WHERE sent_at < ?1")?.execute([before])?;
    }
    Ok(is_new)
}

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sent (key TEXT PRIMARY KEY, sent_at INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sent_age ON sent (sent_at);
    CREATE TABLE IF NOT EXISTS letters (
        id INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL, subject TEXT NOT NULL,
        text TEXT NOT NULL, html TEXT, headers TEXT NOT NULL, sent_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS letters_recipient ON letters (recipient, id);
";
/// Letters that are kept, the newest.
const KEPT_MAX: i64 = 10_000;
/// How long keys are known.
const KEYS_KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn letter(to: &str, subject: &str) -> Letter {
        let headers = vec![("x-one".to_owned(), "1".to_owned())];
        Letter { to: to.to_owned(), subject: subject.to_owned(), headers, ..Letter::default() }
    }

    #[test]
    fn a_key_keeps_one_letter_and_the_newest_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.db");
        let store = Store::open(&path).unwrap();
        store.keep("k1", &letter("a@x", "first"), 1).unwrap();
        store.keep("k1", &letter("a@x", "again"), 2).unwrap();
        store.keep("k2", &letter("b@x", "second"), 3).unwrap();
        store.keep("k3", &letter("a@x", "third"), 4).unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        let subjects = |to, limit| -> Vec<String> {
            let kept = store.kept(to, limit).unwrap();
            kept.into_iter().map(|kept| kept.letter.subject).collect()
        };
        assert_eq!(subjects(None, 10), ["third", "second", "first"]);
        assert_eq!(subjects(Some("a@x"), 1), ["third"]);
        assert_eq!(subjects(Some("c@x"), 1), [""; 0]);
        assert_eq!(store.kept(Some("b@x"), 1).unwrap()[0].letter, letter("b@x", "second"));
        assert!(store.was_sent("k2").unwrap() && !store.was_sent("k4").unwrap());
        store.mark_sent("k4", 4 + KEYS_KEPT_MS).unwrap();
        assert!(store.was_sent("k4").unwrap() && !store.was_sent("k2").unwrap());
    }
}
