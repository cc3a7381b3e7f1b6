//! Messages that become rows of the table, and what the front must know of those that are.

use rusqlite::{Connection, params};

use super::Event;

/// Which rows a queue has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Messages.
    pub(super) messages: bool,
    /// Dead letters.
    pub(super) letters: bool,
}

/// What happened to a message before it became a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// When it came.
    pub(super) pushed_at: i64,
    /// The one time it was taken.
    pub(super) taken: Option<Lease>,
}

/// A taking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    /// Its name.
    pub(super) lease: i64,
    /// When it was.
    pub(super) at: i64,
    /// How long it hides its messages.
    pub(super) until: i64,
}

/// What the table has of a queue.
pub(super) fn find(file: &Connection, queue: i64) -> rusqlite::Result<Found> {
    let sql = "SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1),
                      EXISTS (SELECT 1 FROM dead WHERE queue = ?1)";
    let found = |row: &rusqlite::Row<'_>| Ok(Found { messages: row.get(0)?, letters: row.get(1)? });
    file.prepare_cached(sql)?.query_row([queue], found)
}

/// Is that message in the table, or among the dead letters?
pub(super) fn knows(
    file: &Connection,
    found: Found,
    queue: i64,
    event: &Event,
) -> rusqlite::Result<bool> {
    let is_in = |sql| {
        let named = params![queue, event.source, event.id];
        file.prepare_cached(sql)?.exists(named)
    };
    Ok(found.messages
        && is_in("SELECT 1 FROM messages WHERE queue = ?1 AND source = ?2 AND id = ?3")?
        || found.letters
            && is_in("SELECT 1 FROM dead WHERE queue = ?1 AND source = ?2 AND id = ?3")?)
}

/// Has the table a message of that key?
pub(super) fn has_key(file: &Connection, queue: i64, key: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM messages WHERE queue = ?1 AND key = ?2";
    file.prepare_cached(sql)?.exists(params![queue, key])
}

/// Makes a row of a message, behind those of its key.
pub(super) fn insert(
    file: &Connection,
    seq: i64,
    queue: i64,
    event: &Event,
    Row { pushed_at, taken }: Row,
) -> rusqlite::Result<()> {
    let Event { id, source, topic, key, time, body } = event;
    let (lease, at) = (taken.map(|taken| taken.lease), taken.map(|taken| taken.at));
    let visible_at = taken.map_or(pushed_at, |taken| taken.until);
    let mut insert = file.prepare_cached(
        "INSERT INTO messages
         (seq, queue, source, id, topic, key, time, body, pushed_at, visible_at, lease, first_at,
          last_at, receives, head)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?12 IS NOT NULL,
                 NOT EXISTS (SELECT 1 FROM messages WHERE queue = ?2 AND key = ?6))
         ON CONFLICT (queue, source, id) DO NOTHING",
    )?;
    let row =
        params![seq, queue, source, id, topic, key, time, body, pushed_at, visible_at, lease, at];
    insert.execute(row).map(|_| ())
}

/// The last place of a row that there ever was.
pub(super) fn last_seq(file: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'messages'";
    file.query_row(sql, [], |row| row.get(0))
}

/// Rows that the table numbers itself come behind that place.
pub(super) fn set_last_seq(file: &Connection, last: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'messages' AND seq < ?1";
    file.execute(sql, [last]).map(|_| ())
}

/// The last taking of rows that are still there.
pub(super) fn last_lease(file: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(lease), 0) FROM messages WHERE lease IS NOT NULL";
    file.query_row(sql, [], |row| row.get(0))
}
