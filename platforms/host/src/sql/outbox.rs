//! Messages that batches cause, on their way to the queues: rows of the host's own table in the
//! capability's file. Guests can neither read nor write it (`guard`).

use rusqlite::{Connection, params};
use serde::de::IgnoredAny;

use super::{SqlError, guard};
use crate::clock::{System, World as _};

/// A message that a batch causes.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// Topic name.
    pub(crate) topic: String,
    /// Ordering key.
    pub(crate) key: String,
    /// JSON body.
    pub(crate) body: Vec<u8>,
}

/// A message that waits here.
#[derive(Debug, Clone)]
pub(crate) struct Unsent {
    /// Its place.
    pub(crate) seq: i64,
    /// Unlike any other, whatever becomes of the file.
    pub(crate) id: String,
    /// When its batch ran, milliseconds since the epoch.
    pub(crate) time: i64,
    /// The message.
    pub(crate) message: Outgoing,
}

/// Refuses what no consumer could be given.
pub(super) fn check(messages: &[Outgoing]) -> Result<(), SqlError> {
    let refuse = |why: String| Err(SqlError::Invalid(why));
    if messages.len() > MESSAGES_PER_BATCH_MAX {
        return refuse(format!("more than {MESSAGES_PER_BATCH_MAX} messages"));
    }
    for Outgoing { topic, body, .. } in messages {
        if body.len() > BODY_MAX_BYTES {
            return refuse(format!("a message for {topic} of more than {BODY_MAX_BYTES} bytes"));
        }
        if serde_json::from_slice::<IgnoredAny>(body).is_err() {
            return refuse(format!("a message for {topic} that is not JSON"));
        }
    }
    Ok(())
}

/// Adds messages to the transaction that runs.
pub(super) fn keep(connection: &Connection, messages: &[Outgoing]) -> Result<(), SqlError> {
    if messages.is_empty() {
        return Ok(());
    }
    let time = System.now_ms();
    let write = || {
        let mut insert = connection.prepare_cached(
            "INSERT INTO ecomauction_outbox (id, topic, key, time, body)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for Outgoing { topic, key, body } in messages {
            insert.execute(params![fresh_id(time)?, topic, key, time, body])?;
        }
        Ok(())
    };
    guard::trusting(write).map_err(guard::outward)
}

/// The oldest messages.
pub(super) fn unsent(connection: &Connection, limit: u32) -> Result<Vec<Unsent>, SqlError> {
    let read = || {
        let mut select = connection.prepare_cached(
            "SELECT seq, id, topic, key, time, body FROM ecomauction_outbox
             ORDER BY seq LIMIT ?1",
        )?;
        let rows = select.query_map([limit], |row| {
            let message = Outgoing { topic: row.get(2)?, key: row.get(3)?, body: row.get(5)? };
            Ok(Unsent { seq: row.get(0)?, id: row.get(1)?, time: row.get(4)?, message })
        })?;
        rows.collect::<rusqlite::Result<_>>()
    };
    guard::trusting(read).map_err(guard::outward)
}

/// Deletes the messages up to that one.
pub(super) fn forget(connection: &Connection, through: i64) -> Result<(), SqlError> {
    let delete = || {
        let sql = "DELETE FROM ecomauction_outbox WHERE seq <= ?1";
        connection.prepare_cached(sql)?.execute([through]).map(|_| ())
    };
    guard::trusting(delete).map_err(guard::outward)
}

fn fresh_id(time: i64) -> rusqlite::Result<String> {
    let mut random = [0; 10];
    let filled = System.fill(&mut random);
    filled.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let time = u64::try_from(time).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(time, &random).into_uuid().to_string())
}

/// The table that no guest may touch.
pub(super) const TABLE: &str = "ecomauction_outbox";
/// Makes it.
pub(super) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS ecomauction_outbox (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL,
    time INTEGER NOT NULL, body BLOB NOT NULL) STRICT";
/// Most messages of one batch.
const MESSAGES_PER_BATCH_MAX: usize = 1_000;
/// Longest body of a message.
const BODY_MAX_BYTES: usize = 256 << 10;
