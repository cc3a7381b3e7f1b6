//! The file of the queues, and what happens to a message in it. Time comes in; whoever calls holds
//! the transaction.

use std::path::Path;
use std::time::Duration;

use composition::PUT_OFF_MAX_MS;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::Lease;
use super::{Event, QueueError};

/// How to take.
#[derive(Debug, Clone)]
pub(crate) struct Taking {
    /// Most messages.
    pub(crate) limit: u32,
    /// How long what is taken is hidden.
    pub(crate) visibility_ms: i64,
    /// A message that was received this often and came back anyway is dead.
    pub(crate) max_receives: u32,
    /// Also take a message that may be what broke its batch; such a one travels alone.
    pub(crate) suspects: bool,
}

/// What was taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Names this taking.
    pub(crate) lease: i64,
    /// The messages, each of another key; empty when nothing can be taken now.
    pub(crate) messages: Vec<Leased>,
    /// When nothing was taken: the instant at which something can be.
    pub(crate) next_at: Option<i64>,
}

/// A message under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leased {
    /// Its place in the file.
    pub(crate) seq: i64,
    /// How often it was received, this time included.
    pub(crate) receives: u32,
    /// The same since it was returned from the dead letters, if it was.
    pub(crate) attempts: u32,
    /// May be what broke its batch.
    pub(crate) suspect: bool,
    /// The message.
    pub(crate) event: Event,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its consumer has done with it.
    Done,
    /// Its consumer wants it again later.
    Refused {
        /// The consumer's words.
        why: String,
        /// Not before.
        at: i64,
    },
    /// It broke its consumer.
    Broke {
        /// What happened.
        why: String,
        /// Not before.
        at: i64,
    },
    /// The platform failed; that counts for nothing.
    Spared {
        /// What happened.
        why: String,
        /// Not before.
        at: i64,
    },
    /// The consumer broke over it or over another of its batch: from here on it travels alone. It
    /// does not die of the company that it was in.
    Unclear {
        /// What happened.
        why: String,
    },
}

impl Verdict {
    /// What was wrong, if anything.
    pub(crate) fn why(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Refused { why, .. }
            | Self::Broke { why, .. }
            | Self::Spared { why, .. }
            | Self::Unclear { why } => Some(why),
        }
    }
}

/// Opens or makes the file.
pub(super) fn open(path: &Path) -> Result<Connection, QueueError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

/// The number of a queue, made when missing.
pub(super) fn queue(file: &Connection, name: &str) -> rusqlite::Result<i64> {
    file.execute("INSERT OR IGNORE INTO queues (name) VALUES (?1)", [name])?;
    file.query_row("SELECT id FROM queues WHERE name = ?1", [name], |row| row.get(0))
}

/// Nobody holds a lease any more, and what was never taken waits for no clock that ran ahead.
pub(super) fn end_leases(file: &Connection, now: i64) -> rusqlite::Result<usize> {
    let sql = "UPDATE messages SET visible_at = ?1
        WHERE lease IS NOT NULL OR receives = 0 AND visible_at > ?1";
    file.execute(sql, [now])
}

/// The record of the journal up to which all messages are here, if that was ever said.
pub(super) fn published(file: &Connection) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT through FROM published";
    file.query_row(sql, [], |row| row.get(0)).optional()
}

/// All messages of records up to that one are here, those of this transaction included.
pub(super) fn set_published(file: &Connection, through: u64) -> rusqlite::Result<()> {
    file.prepare_cached(
        "INSERT INTO published VALUES (1, ?1) ON CONFLICT (one)
         DO UPDATE SET through = excluded.through WHERE through < excluded.through",
    )?
    .execute([through])
    .map(|_| ())
}

/// The oldest messages of keys that nobody holds, and when each can be taken.
pub(super) fn ready(
    file: &Connection,
    queue: i64,
    taking: &Taking,
    now: i64,
) -> rusqlite::Result<Vec<(i64, Leased)>> {
    // Further ahead than anything is ever put off: the clock was turned back.
    let horizon = now.saturating_add(taking.visibility_ms.max(PUT_OFF_MAX_MS));
    file.prepare_cached(
        "UPDATE messages SET visible_at = ?2 WHERE queue = ?1 AND head = 1 AND visible_at > ?3",
    )?
    .execute(params![queue, now, horizon])?;
    bury_unanswered(file, queue, taking.max_receives, now)?;
    // A lease that ran out says that something broke, and nobody knows over what.
    let mut select = file.prepare_cached(
        "SELECT seq, receives, receives - forgiven, suspect OR lease IS NOT NULL, visible_at,
                source, id, topic, key, time, body
         FROM messages WHERE queue = ?1 AND head = 1 AND visible_at <= ?2
         AND (?3 OR NOT (suspect OR lease IS NOT NULL))
         ORDER BY visible_at, seq LIMIT ?4",
    )?;
    let rows = select.query_map(params![queue, now, taking.suspects, taking.limit], |row| {
        let (seq, receives, attempts) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (suspect, event) = (row.get(3)?, event_at(row, 5)?);
        Ok((row.get(4)?, Leased { seq, receives, attempts, suspect, event }))
    })?;
    rows.collect()
}

/// Marks a row as taken.
pub(super) fn mark(
    file: &Connection,
    mut leased: Leased,
    Lease { lease, at, until }: Lease,
) -> rusqlite::Result<Leased> {
    file.prepare_cached(
        "UPDATE messages SET suspect = suspect OR lease IS NOT NULL, lease = ?2, visible_at = ?3,
         receives = receives + 1, first_at = coalesce(first_at, ?4), last_at = ?4
         WHERE seq = ?1",
    )?
    .execute(params![leased.seq, lease, until, at])?;
    leased.receives += 1;
    leased.attempts += 1;
    Ok(leased)
}

/// Settles messages of a lease; those that another lease has by now are left alone. How many became
/// dead letters.
pub(super) fn settle(
    file: &Connection,
    queue: i64,
    lease: i64,
    max_receives: u32,
    verdicts: &[(i64, Verdict)],
    now: i64,
) -> rusqlite::Result<usize> {
    let mut dead = 0;
    for (seq, verdict) in verdicts {
        let mut held = file.prepare_cached(
            "SELECT receives - forgiven >= ?3 FROM messages WHERE seq = ?1 AND lease = ?2",
        )?;
        let held = held.query_row(params![seq, lease, max_receives], |row| row.get(0));
        let Some(is_last) = held.optional()? else { continue };
        match verdict {
            Verdict::Done => {
                remove(file, queue, *seq)?;
                count(file, queue, "delivered")?;
            }
            Verdict::Refused { why, .. } | Verdict::Broke { why, .. } if is_last => {
                bury(file, queue, *seq, why, now)?;
                dead += 1;
            }
            Verdict::Refused { why, at } => put_off(file, queue, *seq, why, (*at, false))?,
            Verdict::Broke { why, at } => put_off(file, queue, *seq, why, (*at, true))?,
            Verdict::Unclear { why } => put_off(file, queue, *seq, why, (now, true))?,
            Verdict::Spared { why, at } => {
                put_off(file, queue, *seq, why, (*at, false))?;
                let forgive = "UPDATE messages SET forgiven = forgiven + 1 WHERE seq = ?1";
                file.prepare_cached(forgive)?.execute([seq])?;
            }
        }
    }
    Ok(dead)
}

/// Adds to what was acknowledged.
pub(super) fn count_delivered(file: &Connection, queue: i64, more: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE queues SET delivered = delivered + ?2 WHERE id = ?1";
    file.prepare_cached(sql)?.execute([queue, more]).map(|_| ())
}

/// Adds one to a total of a queue.
pub(super) fn count(file: &Connection, queue: i64, total: &str) -> rusqlite::Result<()> {
    let sql = format!("UPDATE queues SET {total} = {total} + 1 WHERE id = ?1");
    file.prepare_cached(&sql)?.execute([queue]).map(|_| ())
}

/// The event in the columns `source, id, topic, key, time, body`, which begin at that one.
pub(super) fn event_at(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Event> {
    Ok(Event {
        source: row.get(first)?,
        id: row.get(first + 1)?,
        topic: row.get(first + 2)?,
        key: row.get(first + 3)?,
        time: row.get(first + 4)?,
        body: row.get(first + 5)?,
    })
}

/// When something can be taken.
pub(super) fn next_at(
    file: &Connection,
    queue: i64,
    taking: &Taking,
) -> rusqlite::Result<Option<i64>> {
    let mut select = file.prepare_cached(
        "SELECT min(visible_at) FROM messages WHERE queue = ?1 AND head = 1
         AND (?2 OR NOT (suspect OR lease IS NOT NULL))",
    )?;
    select.query_row(params![queue, taking.suspects], |row| row.get(0))
}

/// Messages whose last lease ran out without a word, and which may not be received once more.
fn bury_unanswered(
    file: &Connection,
    queue: i64,
    max_receives: u32,
    now: i64,
) -> rusqlite::Result<()> {
    let mut select = file.prepare_cached(
        "SELECT seq FROM messages WHERE queue = ?1 AND head = 1 AND lease IS NOT NULL
         AND visible_at <= ?2 AND suspect AND receives - forgiven >= ?3 ORDER BY seq",
    )?;
    let rows = select.query_map(params![queue, now, max_receives], |row| row.get(0))?;
    let seqs: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    for seq in seqs {
        bury(file, queue, seq, "no answer within the visibility time-out", now)?;
    }
    Ok(())
}

/// Makes a dead letter of a message; its history goes along.
fn bury(file: &Connection, queue: i64, seq: i64, why: &str, now: i64) -> rusqlite::Result<()> {
    file.prepare_cached(
        "INSERT INTO dead (queue, source, id, topic, key, time, body, pushed_at, receives,
                           redrives, first_at, last_at, error, dead_at)
         SELECT queue, source, id, topic, key, time, body, pushed_at, receives,
                redrives, first_at, last_at, ?2, ?3
         FROM messages WHERE seq = ?1",
    )?
    .execute(params![seq, why, now])?;
    remove(file, queue, seq)?;
    count(file, queue, "died")
}

/// Takes a message out of its queue; the next of its key is free to go.
fn remove(file: &Connection, queue: i64, seq: i64) -> rusqlite::Result<()> {
    let key: String = file
        .prepare_cached("DELETE FROM messages WHERE seq = ?1 RETURNING key")?
        .query_row([seq], |row| row.get(0))?;
    file.prepare_cached(
        "UPDATE messages SET head = 1 WHERE seq =
         (SELECT seq FROM messages WHERE queue = ?1 AND key = ?2 ORDER BY seq LIMIT 1)",
    )?
    .execute(params![queue, key])
    .map(|_| ())
}

/// A message comes again, not before an instant, and alone if it is suspect.
fn put_off(
    file: &Connection,
    queue: i64,
    seq: i64,
    why: &str,
    (at, suspect): (i64, bool),
) -> rusqlite::Result<()> {
    file.prepare_cached(
        "UPDATE messages SET lease = NULL, visible_at = ?2, error = ?3, suspect = ?4
         WHERE seq = ?1",
    )?
    .execute(params![seq, at, why, suspect])?;
    count(file, queue, "retried")
}

/// The log is written over and over in few pages; a rarer checkpoint copies each less often.
const CHECKPOINT_PAGES: u32 = 4_000;
/// How long a connection waits for another.
pub(super) const BUSY_MAX: Duration = Duration::from_secs(5);

/// `head` is set on the oldest message of each key: only those can be taken, so a message that
/// waits costs the others of its queue nothing. `forgiven` are the receives before a redrive.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS queues (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        delivered INTEGER NOT NULL DEFAULT 0, retried INTEGER NOT NULL DEFAULT 0,
        died INTEGER NOT NULL DEFAULT 0, redriven INTEGER NOT NULL DEFAULT 0,
        purged INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL,
        source TEXT NOT NULL, id TEXT NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL,
        time INTEGER NOT NULL, body BLOB NOT NULL, pushed_at INTEGER NOT NULL,
        receives INTEGER NOT NULL DEFAULT 0, forgiven INTEGER NOT NULL DEFAULT 0,
        redrives INTEGER NOT NULL DEFAULT 0, first_at INTEGER, last_at INTEGER, error TEXT,
        head INTEGER NOT NULL, visible_at INTEGER NOT NULL, lease INTEGER,
        suspect INTEGER NOT NULL DEFAULT 0, UNIQUE (queue, source, id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS messages_of_key ON messages (queue, key, seq);
    CREATE INDEX IF NOT EXISTS messages_ready ON messages (queue, visible_at, seq) WHERE head = 1;
    CREATE INDEX IF NOT EXISTS messages_leased ON messages (queue, visible_at)
        WHERE lease IS NOT NULL;
    CREATE INDEX IF NOT EXISTS messages_in_order ON messages (queue, seq);
    CREATE TABLE IF NOT EXISTS dead (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL,
        source TEXT NOT NULL, id TEXT NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL,
        time INTEGER NOT NULL, body BLOB NOT NULL, pushed_at INTEGER NOT NULL,
        receives INTEGER NOT NULL, redrives INTEGER NOT NULL, first_at INTEGER, last_at INTEGER,
        error TEXT, dead_at INTEGER NOT NULL, UNIQUE (queue, source, id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS dead_in_order ON dead (queue, seq);
    CREATE TABLE IF NOT EXISTS front (number INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS published (one INTEGER PRIMARY KEY CHECK (one = 1),
        through INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS slots (
        component TEXT NOT NULL, job TEXT NOT NULL, last INTEGER NOT NULL,
        PRIMARY KEY (component, job)
    ) STRICT;
";
