//! Dead letters, and how the queues are doing.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Event;
use super::store::{count, event_at};

/// A message that its consumer could not handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// Its place among the dead letters.
    pub(crate) seq: i64,
    /// The message as it was sent.
    pub(crate) event: Event,
    /// How often it was received, over all its lives.
    pub(crate) receives: u32,
    /// How often it was returned to its queue before.
    pub(crate) redrives: u32,
    /// When it was received first.
    pub(crate) first_at: Option<i64>,
    /// When it was received last.
    pub(crate) last_at: Option<i64>,
    /// What was said about it last.
    pub(crate) error: Option<String>,
    /// When it was given up.
    pub(crate) dead_at: i64,
}

/// Which dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of the queue.
    All,
    /// Those whose message has one of these ids.
    Ids(Vec<String>),
}

/// How one queue is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// Its name.
    pub(crate) name: String,
    /// The manifest has a consumer for it.
    pub(crate) consumed: bool,
    /// Messages in it, those under way included.
    pub(crate) depth: u64,
    /// Messages under way.
    pub(crate) in_flight: u64,
    /// When its oldest message came into it.
    pub(crate) oldest_at: Option<i64>,
    /// Dead letters.
    pub(crate) dead: u64,
    /// Acknowledged since the queue was made.
    pub(crate) delivered: u64,
    /// Deliveries that failed and were repeated.
    pub(crate) retried: u64,
    /// Messages that became dead letters.
    pub(crate) died: u64,
    /// Dead letters that were returned.
    pub(crate) redriven: u64,
    /// Dead letters that were deleted.
    pub(crate) purged: u64,
}

/// The number of a queue.
pub(super) fn find(file: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    file.prepare_cached("SELECT id FROM queues WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Dead letters behind a place, oldest first.
pub(super) fn letters(
    file: &Connection,
    queue: i64,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut select = file.prepare_cached(
        "SELECT seq, receives, redrives, first_at, last_at, error, dead_at,
                source, id, topic, key, time, body
         FROM dead WHERE queue = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let rows = select.query_map(params![queue, after, limit], |row| {
        Ok(DeadLetter {
            seq: row.get(0)?,
            receives: row.get(1)?,
            redrives: row.get(2)?,
            first_at: row.get(3)?,
            last_at: row.get(4)?,
            error: row.get(5)?,
            dead_at: row.get(6)?,
            event: event_at(row, 7)?,
        })
    })?;
    rows.collect()
}

/// Moves dead letters back, behind what waits of their keys, in the order in which they died. They
/// keep id and history, and may be received as often as a new message.
pub(super) fn redrive(
    file: &Connection,
    queue: i64,
    which: &Which,
    now: i64,
) -> rusqlite::Result<u64> {
    let seqs = seqs(file, queue, which)?;
    let mut insert = file.prepare_cached(
        "INSERT INTO messages (queue, source, id, topic, key, time, body, pushed_at, receives,
                               forgiven, redrives, first_at, last_at, error, visible_at, head)
         SELECT queue, source, id, topic, key, time, body, pushed_at, receives,
                receives, redrives + 1, first_at, last_at, error, ?2,
                NOT EXISTS (SELECT 1 FROM messages
                            WHERE queue = dead.queue AND key = dead.key)
         FROM dead WHERE seq = ?1",
    )?;
    let mut delete = file.prepare_cached("DELETE FROM dead WHERE seq = ?1")?;
    for seq in &seqs {
        insert.execute(params![seq, now])?;
        delete.execute([seq])?;
        count(file, queue, "redriven")?;
    }
    Ok(seqs.len() as u64)
}

/// Deletes dead letters.
pub(super) fn purge(file: &Connection, queue: i64, which: &Which) -> rusqlite::Result<u64> {
    let seqs = seqs(file, queue, which)?;
    let mut delete = file.prepare_cached("DELETE FROM dead WHERE seq = ?1")?;
    for seq in &seqs {
        delete.execute([seq])?;
        count(file, queue, "purged")?;
    }
    Ok(seqs.len() as u64)
}

/// How every queue is doing at that instant.
pub(super) fn stats(file: &Connection, now: i64) -> rusqlite::Result<Vec<Stats>> {
    let mut select = file.prepare_cached(
        "SELECT name, delivered, retried, died, redriven, purged,
         (SELECT count(*) FROM messages WHERE queue = queues.id),
         (SELECT count(*) FROM messages WHERE queue = queues.id AND lease IS NOT NULL
                                          AND visible_at > ?1),
         (SELECT pushed_at FROM messages WHERE queue = queues.id ORDER BY seq LIMIT 1),
         (SELECT count(*) FROM dead WHERE queue = queues.id)
         FROM queues ORDER BY name",
    )?;
    let rows = select.query_map([now], |row| {
        Ok(Stats {
            name: row.get(0)?,
            consumed: false,
            delivered: row.get(1)?,
            retried: row.get(2)?,
            died: row.get(3)?,
            redriven: row.get(4)?,
            purged: row.get(5)?,
            depth: row.get(6)?,
            in_flight: row.get(7)?,
            oldest_at: row.get(8)?,
            dead: row.get(9)?,
        })
    })?;
    rows.collect()
}

/// The places of dead letters, in the order in which they died.
fn seqs(file: &Connection, queue: i64, which: &Which) -> rusqlite::Result<Vec<i64>> {
    let mut seqs = Vec::new();
    match which {
        Which::All => {
            let mut select = file.prepare_cached("SELECT seq FROM dead WHERE queue = ?1")?;
            for seq in select.query_map([queue], |row| row.get(0))? {
                seqs.push(seq?);
            }
        }
        Which::Ids(ids) => {
            let mut select =
                file.prepare_cached("SELECT seq FROM dead WHERE queue = ?1 AND id = ?2")?;
            for id in ids {
                for seq in select.query_map(params![queue, id], |row| row.get(0))? {
                    seqs.push(seq?);
                }
            }
        }
    }
    seqs.sort_unstable();
    seqs.dedup();
    Ok(seqs)
}
