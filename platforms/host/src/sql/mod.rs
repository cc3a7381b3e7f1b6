//! The guests' tables: one SQLite file per capability, primary data, durable before the answer.
//!
//! One writer thread per file gathers what waits into one transaction (group commit). Projections
//! are derived data: they wait in memory, newest per key, and are written before any query reads,
//! so nobody ever sees their absence; they alone do not force a sync.
//!
//! Messages that a batch causes are rows of the same transaction, in a table of the host's own.

mod guard;
mod outbox;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Notify, oneshot};

pub(crate) use guard::check;
pub(crate) use outbox::{Outgoing, Unsent};
use writer::{Job, Writer};

use crate::priority::Turn;

/// A value of a column or parameter.
pub(crate) use rusqlite::types::Value;

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// SQL text.
    pub(crate) sql: String,
    /// Parameters in order.
    pub(crate) parameters: Vec<Value>,
}

/// Rows of a query, or what a write changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Column names.
    pub(crate) columns: Vec<String>,
    /// Rows.
    pub(crate) rows: Vec<Vec<Value>>,
    /// Rows changed.
    pub(crate) changes: u64,
}

/// Why a statement did not run.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SqlError {
    /// A constraint said no.
    #[error("constraint: {0}")]
    Constraint(String),
    /// Not allowed, or not SQL.
    #[error("invalid: {0}")]
    Invalid(String),
    /// Full, busy or failing.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

/// One capability's tables.
pub(crate) struct SqlStore {
    path: std::path::PathBuf,
    prefix: String,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    /// Messages came into the outbox.
    sent: Arc<Notify>,
}

impl SqlStore {
    /// Opens the file; `prefix` is what the capability's tables begin with.
    pub(crate) fn open(path: &Path, prefix: &str, turn: Turn) -> rusqlite::Result<Arc<Self>> {
        let sent = Arc::new(Notify::new());
        let writer = Writer::start(path, prefix, turn, Arc::clone(&sent))?;
        let (path, prefix) = (path.to_owned(), prefix.to_owned());
        Ok(Arc::new(Self { path, prefix, writer, readers: Mutex::default(), sent }))
    }

    /// Runs one reading statement on the blocking pool.
    pub(crate) async fn query(self: &Arc<Self>, statement: Statement) -> Result<Outcome, SqlError> {
        if self.writer.has_projections() {
            self.submit(Job::Flush).await?;
        }
        let store = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || store.read(&statement));
        read.await.map_err(|error| SqlError::Unavailable(error.to_string()))?
    }

    /// Runs statements in one durable transaction; the messages are part of it.
    pub(crate) async fn batch(
        &self,
        statements: Vec<Statement>,
        messages: Vec<Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError> {
        outbox::check(&messages)?;
        self.submit_with(|reply| Job::Batch { statements, messages, reply }).await
    }

    /// Waits until messages may have come into the outbox.
    pub(crate) async fn sent(&self) {
        self.sent.notified().await;
    }

    /// The oldest messages of the outbox, at most `limit`.
    pub(crate) async fn unsent(&self, limit: u32) -> Result<Vec<Unsent>, SqlError> {
        self.submit_with(|reply| Job::Unsent { limit, reply }).await
    }

    /// Forgets the messages up to that one: they are somewhere else now.
    pub(crate) async fn forget_sent(&self, through: i64) -> Result<(), SqlError> {
        self.submit_with(|reply| Job::Forget { through, reply }).await
    }

    /// Keeps a projection for the next flush, unless a later one of the same key is kept already.
    pub(crate) fn project(
        &self,
        key: String,
        statement: Statement,
        position: u64,
    ) -> Result<(), SqlError> {
        self.writer.project(key, statement, position)
    }

    /// Writes what waits; part of a graceful stop.
    pub(crate) async fn flush(&self) -> Result<(), SqlError> {
        self.submit(Job::Flush).await
    }

    async fn submit(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<(), SqlError>>) -> Job,
    ) -> Result<(), SqlError> {
        self.submit_with(job).await
    }

    async fn submit_with<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, SqlError>>) -> Job,
    ) -> Result<T, SqlError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(job(reply))?;
        let gone = |_| SqlError::Unavailable("the writer stopped".to_owned());
        answer.await.map_err(gone)?
    }

    fn read(&self, statement: &Statement) -> Result<Outcome, SqlError> {
        guard::check(statement)?;
        let pooled = self.readers.lock().pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => self.connect_reader().map_err(guard::outward)?,
        };
        let outcome = run(&connection, statement, true);
        let mut readers = self.readers.lock();
        if readers.len() < READERS_MAX {
            readers.push(connection);
        }
        outcome
    }

    fn connect_reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        guard::install(&mut connection, &self.prefix)?;
        Ok(connection)
    }
}

/// Runs one statement on a guarded connection.
fn run(connection: &Connection, statement: &Statement, reading: bool) -> Result<Outcome, SqlError> {
    guard::timed(|| run_guarded(connection, statement, reading))
}

fn run_guarded(
    connection: &Connection,
    statement: &Statement,
    reading: bool,
) -> Result<Outcome, SqlError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(guard::outward)?;
    if reading && !prepared.readonly() {
        return Err(SqlError::Invalid("a query must not write".to_owned()));
    }
    if prepared.parameter_count() != statement.parameters.len() {
        return Err(SqlError::Invalid(format!(
            "the statement has {} parameters, {} were given",
            prepared.parameter_count(),
            statement.parameters.len()
        )));
    }
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let width = columns.len();
    let mut outcome = Outcome { columns, ..Outcome::default() };
    let parameters = rusqlite::params_from_iter(statement.parameters.iter());
    let mut rows = prepared.query(parameters).map_err(guard::outward)?;
    while let Some(row) = rows.next().map_err(guard::outward)? {
        if outcome.rows.len() >= ROWS_MAX {
            return Err(SqlError::Invalid(format!("more than {ROWS_MAX} rows: use LIMIT")));
        }
        let values: rusqlite::Result<Vec<Value>> = (0..width).map(|i| row.get(i)).collect();
        outcome.rows.push(values.map_err(guard::outward)?);
    }
    drop(rows);
    if !reading {
        outcome.changes = connection.changes();
    }
    Ok(outcome)
}

/// Idle read connections kept.
const READERS_MAX: usize = 8;
/// Most rows of one answer.
const ROWS_MAX: usize = 10_000;
