//! The book of letters: which keys went through, and the letters that were kept.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::writer::Writer;
use super::{Kept, Letter};

/// The book was not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the book of letters: {0}")]
pub(super) struct BookError(pub(super) String);

impl From<rusqlite::Error> for BookError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// One SQLite file. What is written at once shares a sync.
pub(super) struct Store {
    reader: Arc<Mutex<Connection>>,
    writer: Writer,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, BookError> {
        let connection = open(path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(SCHEMA)?;
        let reader = Arc::new(Mutex::new(open(path)?));
        Ok(Self { reader, writer: Writer::start(connection)? })
    }

    /// Keeps a letter, once for each key.
    pub(super) async fn keep(
        &self,
        key: String,
        letter: Letter,
        now_ms: i64,
    ) -> Result<(), BookError> {
        let keep = move |connection: &Connection| {
            if !mark(connection, &key, now_ms)? {
                return Ok(());
            }
            let Letter { to, subject, text, html, headers } = letter;
            let headers = serde_json::to_string(&headers).unwrap_or_default();
            connection
                .prepare_cached(
                    "INSERT INTO letters (recipient, subject, text, html, headers, sent_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![to, subject, text, html, headers, now_ms])?;
            let oldest = connection.last_insert_rowid().saturating_sub(KEPT_MAX);
            connection.execute("DELETE FROM letters WHERE id <= ?1", [oldest]).map(drop)
        };
        self.writer.ask(keep).await
    }

    /// Did a letter go through under this key?
    pub(super) async fn was_sent(&self, key: &str) -> Result<bool, BookError> {
        let key = key.to_owned();
        let look = move |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT 1 FROM sent WHERE key = ?1")?;
            Ok(select.query_row([key], |_| Ok(())).optional()?.is_some())
        };
        self.read(look).await
    }

    /// Letters went through under these keys.
    pub(super) async fn mark_sent(&self, keys: Vec<String>, now_ms: i64) -> Result<(), BookError> {
        let note = move |connection: &Connection| {
            keys.iter().try_for_each(|key| mark(connection, key, now_ms).map(drop))
        };
        self.writer.ask(note).await
    }

    /// The newest letters.
    pub(super) async fn kept(
        &self,
        to: Option<String>,
        limit: u32,
    ) -> Result<Vec<Kept>, BookError> {
        self.read(move |connection| kept(connection, to.as_deref(), limit)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BookError> {
        let reader = Arc::clone(&self.reader);
        let read = tokio::task::spawn_blocking(move || look(&reader.lock())).await;
        Ok(read.map_err(|error| BookError(error.to_string()))??)
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

fn kept(connection: &Connection, to: Option<&str>, limit: u32) -> rusqlite::Result<Vec<Kept>> {
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

    #[tokio::test]
    async fn a_key_keeps_one_letter_and_the_newest_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.db");
        let store = Store::open(&path).unwrap();
        for (key, to, subject, at) in [
            ("k1", "a@x", "first", 1),
            ("k1", "a@x", "again", 2),
            ("k2", "b@x", "second", 3),
            ("k3", "a@x", "third", 4),
        ] {
            store.keep(key.to_owned(), letter(to, subject), at).await.unwrap();
        }
        drop(store);
        let store = Store::open(&path).unwrap();
        let subjects = async |to: Option<&str>, limit| -> Vec<String> {
            let kept = store.kept(to.map(str::to_owned), limit).await.unwrap();
            kept.into_iter().map(|kept| kept.letter.subject).collect()
        };
        assert_eq!(subjects(None, 10).await, ["third", "second", "first"]);
        assert_eq!(subjects(Some("a@x"), 1).await, ["third"]);
        assert_eq!(subjects(Some("c@x"), 1).await, [""; 0]);
        let second = store.kept(Some("b@x".to_owned()), 1).await.unwrap().remove(0);
        assert_eq!(second.letter, letter("b@x", "second"));
        assert!(store.was_sent("k2").await.unwrap() && !store.was_sent("k4").await.unwrap());
        store.mark_sent(vec!["k4".to_owned()], 4 + KEYS_KEPT_MS).await.unwrap();
        assert!(store.was_sent("k4").await.unwrap() && !store.was_sent("k2").await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keys_that_come_together_share_a_sync() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.db");
        let store = Arc::new(Store::open(&path).unwrap());
        // Frames of the log: every commit adds at least one, whatever it says.
        let frames = || -> i64 {
            let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
            store.reader.lock().query_row(checkpoint, [], |row| row.get(1)).unwrap()
        };
        let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
        store.reader.lock().query_row(truncate, [], |_| Ok(())).unwrap();
        // The first job holds the writer until the others wait.
        let (begun, is_begun) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let mut tasks = tokio::task::JoinSet::new();
        let slow = Arc::clone(&store);
        tasks.spawn(async move {
            let wait = move |_: &Connection| {
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok(())
            };
            slow.writer.ask(wait).await
        });
        is_begun.recv().unwrap();
        for key in 0..100 {
            let mut marking = Box::pin({
                let store = Arc::clone(&store);
                async move { store.mark_sent(vec![format!("k{key}")], 1).await }
            });
            // One look at it sends the job.
            assert!(futures_pending(&mut marking).await);
            tasks.spawn(marking);
        }
        go_on.send(()).unwrap();
        while let Some(marked) = tasks.join_next().await {
            marked.unwrap().unwrap();
        }
        assert!(store.was_sent("k0").await.unwrap() && store.was_sent("k99").await.unwrap());
        assert!(frames() < 20, "{} frames for 100 keys", frames());
    }

    async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        });
        polled.await
    }

    #[tokio::test]
    async fn an_error_undoes_its_job_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("mail.db")).unwrap();
        let broken = store.writer.ask(|connection| {
            mark(connection, "broken", 1)?;
            connection.execute("INSERT INTO nothing VALUES (1)", []).map(drop)
        });
        let (broken, fine) = tokio::join!(broken, store.mark_sent(vec!["fine".to_owned()], 1));
        assert!(broken.is_err() && fine.is_ok(), "{broken:?} {fine:?}");
        assert!(!store.was_sent("broken").await.unwrap() && store.was_sent("fine").await.unwrap());
    }
}
