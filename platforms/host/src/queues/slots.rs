//! Slots of jobs: which one a job began last.

use rusqlite::{Connection, params};

/// The last slot that a job began; a job that nobody knew has begun everything up to now.
pub(super) fn last(
    file: &Connection,
    component: &str,
    job: &str,
    now: i64,
) -> rusqlite::Result<i64> {
    let sql = "INSERT OR IGNORE INTO slots (component, job, last) VALUES (?1, ?2, ?3)";
    file.prepare_cached(sql)?.execute(params![component, job, now])?;
    file.prepare_cached("SELECT last FROM slots WHERE component = ?1 AND job = ?2")?
        .query_row([component, job], |row| row.get(0))
}

/// Marks a slot as begun; false when it or a later one was.
pub(super) fn begin(
    file: &Connection,
    component: &str,
    job: &str,
    slot: i64,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE slots SET last = ?3 WHERE component = ?1 AND job = ?2 AND last < ?3";
    let begun = file.prepare_cached(sql)?.execute(params![component, job, slot])?;
    Ok(begun == 1)
}
