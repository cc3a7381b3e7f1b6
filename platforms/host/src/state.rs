//! Snapshots of entities and where their records stand in the journal.
//!
//! Derived data: written behind the journal, and rebuilt from it when lost. What this file says is
//! consistent in itself (one transaction a checkpoint), so it may be old but never wrong.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

/// One record of an entity: the first event in it, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Seq of the record's first event.
    pub(crate) first_seq: u64,
    /// Place in the journal.
    pub(crate) position: u64,
}

/// What a checkpoint writes about one entity.
pub(crate) struct Checkpoint {
    /// Machine name.
    pub(crate) machine: String,
    /// Entity key.
    pub(crate) key: Box<str>,
    /// The newest record that the snapshot covers.
    pub(crate) position: u64,
    /// The entity's wake.
    pub(crate) wake: Option<i64>,
    /// The state.
    pub(crate) snapshot: Vec<u8>,
    /// Records since the checkpoint before.
    pub(crate) entries: Vec<Entry>,
}

/// What is known of an entity that has a snapshot.
pub(crate) struct Known {
    /// Machine name.
    pub(crate) machine: String,
    /// Entity key.
    pub(crate) key: String,
    /// The newest record that the snapshot covers.
    pub(crate) position: u64,
    /// Its wake.
    pub(crate) wake: Option<i64>,
}

/// The file.
pub(crate) struct StateStore {
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
    place: PathBuf,
    disk: Option<String>,
}

impl StateStore {
    /// Opens or makes it.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        Self::open_on(path, None)
    }

    /// Opens it. A file that cannot be read is set aside: the journal says it all again.
    pub(crate) fn open_or_begin_anew(path: &Path) -> anyhow::Result<Self> {
        let opened = Self::open(path).and_then(|store| store.known().map(|_| store));
        let error = match opened {
            Err(error) if is_unreadable(&error) => error,
            opened => return Ok(opened?),
        };
        let aside = path.with_extension("unreadable");
        tracing::warn!(%error, aside = %aside.display(), "the snapshots cannot be read");
        std::fs::rename(path, &aside)?;
        for part in ["db-wal", "db-shm"] {
            match std::fs::remove_file(path.with_extension(part)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)?,
                _ => {}
            }
        }
        Ok(Self::open(path)?)
    }

    /// Opens it on a simulated disk: the name of a VFS that is registered with SQLite.
    pub(crate) fn open_on(path: &Path, disk: Option<&str>) -> rusqlite::Result<Self> {
        let writer = connect(path, disk)?;
        writer.execute_batch(SCHEMA)?;
        Ok(Self {
            reader: Mutex::new(connect(path, disk)?),
            writer: Mutex::new(writer),
            place: path.to_owned(),
            disk: disk.map(str::to_owned),
        })
    }

    /// The snapshot of an entity and the newest record that it covers.
    pub(crate) fn snapshot(
        &self,
        machine: &str,
        key: &str,
    ) -> rusqlite::Result<Option<(Vec<u8>, u64)>> {
        let reader = self.reader.lock();
        let mut statement = reader.prepare_cached(
            "SELECT snapshot, position FROM entities WHERE machine = ?1 AND key = ?2",
        )?;
        statement.query_row([machine, key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    /// Where the records of an entity with events after `after` stand, oldest first.
    pub(crate) fn entries(
        &self,
        machine: &str,
        key: &str,
        after: u64,
    ) -> rusqlite::Result<Vec<Entry>> {
        let reader = self.reader.lock();
        let mut statement = reader.prepare_cached(
            "SELECT entries FROM segments WHERE machine = ?1 AND key = ?2 AND first_seq >=
             (SELECT coalesce(max(first_seq), 0) FROM segments
              WHERE machine = ?1 AND key = ?2 AND first_seq <= ?3 + 1)
             ORDER BY first_seq",
        )?;
        let rows = statement.query_map(params![machine, key, after], |row| row.get(0))?;
        let mut entries = Vec::new();
        for row in rows {
            let bytes: Vec<u8> = row?;
            let segment: Vec<Entry> = postcard::from_bytes(&bytes).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(
                    0,
                    rusqlite::types::Type::Blob,
                    Box::new(error),
                )
            })?;
            entries.extend(segment);
        }
        Ok(entries)
    }

    /// Every entity that has a snapshot.
    pub(crate) fn known(&self) -> rusqlite::Result<Vec<Known>> {
        let reader = self.reader.lock();
        let mut statement = reader.prepare("SELECT machine, key, position, wake FROM entities")?;
        let rows = statement.query_map([], |row| {
            Ok(Known {
                machine: row.get(0)?,
                key: row.get(1)?,
                position: row.get(2)?,
                wake: row.get(3)?,
            })
        })?;
        rows.collect()
    }

    /// How many entities of a machine have a snapshot, counted up to `most`. It has a connection to
    /// itself: who loads an entity does not wait for who counts.
    pub(crate) fn count(&self, machine: &str, most: u64) -> rusqlite::Result<u64> {
        connect(&self.place, self.disk.as_deref())?.query_row(
            "SELECT count(*) FROM (SELECT 1 FROM entities WHERE machine = ?1 LIMIT ?2)",
            params![machine, most],
            |row| row.get(0),
        )
    }

    /// A number that was stored under a name, or 0.
    pub(crate) fn mark(&self, name: &str) -> rusqlite::Result<u64> {
        Ok(self.stored_mark(name)?.unwrap_or(0))
    }

    /// A number that was stored under a name, if one was.
    pub(crate) fn stored_mark(&self, name: &str) -> rusqlite::Result<Option<u64>> {
        let reader = self.reader.lock();
        let sql = "SELECT value FROM marks WHERE name = ?1";
        reader.query_row(sql, [name], |row| row.get(0)).optional()
    }

    /// Writes checkpoints and marks in one transaction.
    pub(crate) fn write(
        &self,
        checkpoints: &[Checkpoint],
        marks: &[(&str, u64)],
    ) -> rusqlite::Result<()> {
        let mut writer = self.writer.lock();
        let transaction = writer.transaction()?;
        for checkpoint in checkpoints {
            write_checkpoint(&transaction, checkpoint)?;
        }
        for (name, value) in marks {
            transaction.execute(
                "INSERT INTO marks (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            )?;
        }
        transaction.commit()
    }
}

fn write_checkpoint(connection: &Connection, checkpoint: &Checkpoint) -> rusqlite::Result<()> {
    let Checkpoint { machine, key, position, wake, snapshot, entries } = checkpoint;
    connection
        .prepare_cached(
            "INSERT INTO entities (machine, key, position, wake, snapshot)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (machine, key) DO UPDATE SET
             position = excluded.position, wake = excluded.wake, snapshot = excluded.snapshot",
        )?
        .execute(params![machine, key, position, wake, snapshot])?;
    if let Some(first) = entries.first() {
        let bytes = postcard::to_allocvec(entries)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO segments (machine, key, first_seq, entries)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![machine, key, first.first_seq, bytes])?;
    }
    Ok(())
}

fn connect(path: &Path, disk: Option<&str>) -> rusqlite::Result<Connection> {
    let connection = match disk {
        Some(disk) => Connection::open_with_flags_and_vfs(path, OpenFlags::default(), disk)?,
        None => Connection::open(path)?,
    };
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(connection)
}

/// Not a matter of space, rights or locks: the bytes are wrong.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS entities (
        machine TEXT NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL, wake INTEGER,
        snapshot BLOB NOT NULL, PRIMARY KEY (machine, key)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS segments (
        machine TEXT NOT NULL, key TEXT NOT NULL, first_seq INTEGER NOT NULL,
        entries BLOB NOT NULL, PRIMARY KEY (machine, key, first_seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn entries_start_at_the_segment_that_holds_the_next_event() {
        let path = std::env::temp_dir().join(format!("state-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let store = StateStore::open(&path).unwrap();
        let segment = |first: u64| Checkpoint {
            machine: "m".to_owned(),
            key: "k".into(),
            position: first + 1,
            wake: None,
            snapshot: vec![1],
            entries: vec![
                Entry { first_seq: first, position: first },
                Entry { first_seq: first + 1, position: first + 1 },
            ],
        };
        store.write(&[segment(1), segment(3), segment(5)], &[("scan_after", 4)]).unwrap();
        let firsts = |after| -> Vec<u64> {
            store.entries("m", "k", after).unwrap().iter().map(|entry| entry.first_seq).collect()
        };
        assert_eq!(firsts(0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(firsts(2), [3, 4, 5, 6]);
        assert_eq!(firsts(5), [5, 6]);
        assert_eq!(store.mark("scan_after").unwrap(), 4);
        let count = |machine, most| store.count(machine, most).unwrap();
        assert_eq!((count("m", 9), count("m", 0), count("other", 9)), (1, 0, 0));
        let _ = std::fs::remove_file(&path);
    }
}
