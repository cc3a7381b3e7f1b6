//! Transactions on the one database that all components share.

use crate::world::{Begin, Connection, Rows, StoreError, World};

/// Two connections: what must outlive a power cut is written by one, what can be made again by the
/// other.
pub struct Store<C> {
    durable: C,
    relaxed: C,
}

impl<C: Connection> Store<C> {
    /// Opens the database and brings the edge's own tables up to date.
    pub fn open(world: &impl World<Connection = C>) -> Result<Self, StoreError> {
        let (durable, relaxed) = (world.connect()?, world.connect()?);
        tune(&durable, "pragma journal_mode = wal")?;
        tune(&durable, "pragma synchronous = full")?;
        tune(&relaxed, "pragma synchronous = normal")?;
        let store = Self { durable, relaxed };
        crate::schema::bring_up_to_date(&store)?;
        Ok(store)
    }

    /// Runs `work` in a transaction that is durable when this returns; an error undoes all of it.
    /// The lock is taken first: who decides on what it read is never refused at the end
    /// (docs/adr/0002).
    pub fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&C) -> Result<T, E>,
    ) -> Result<T, E> {
        self.durable.transaction(Begin::Write, work)
    }

    /// As [`Store::write`], for what can be made again: it may be lost in a power cut.
    pub fn write_soon<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&C) -> Result<T, E>,
    ) -> Result<T, E> {
        self.relaxed.transaction(Begin::Write, work)
    }

    /// Runs one reading statement.
    pub fn look<T>(&self, work: impl FnOnce(&C) -> T) -> T {
        work(&self.durable)
    }

    /// Reads one state of the database with several statements.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&C) -> Result<T, E>,
    ) -> Result<T, E> {
        self.durable.transaction(Begin::Read, work)
    }
}

/// Says how a database is to be written. A server decides that by itself and refuses to be told:
/// libSQL's calls it an unsupported statement, an object's storage does not authorise it.
fn tune<C: Connection>(connection: &C, pragma: &str) -> Result<(), StoreError> {
    let is_refused =
        |words: &str| words.contains("unsupported statement") || words.contains("not authorized");
    match patiently(|| connection.execute(pragma, &[])) {
        Err(error) if !is_refused(&error.0) => Err(error),
        _ => Ok(()),
    }
}

/// A transaction by its statements.
pub(crate) fn by_statements<C: Connection, T, E: From<StoreError>>(
    connection: &C,
    begin: Begin,
    work: impl FnOnce(&C) -> Result<T, E>,
) -> Result<T, E> {
    let begin = match begin {
        Begin::Read => "begin",
        Begin::Write => "begin immediate",
    };
    patiently(|| connection.execute(begin, &[]))
        .or_else(|error| begin_anew(connection, begin, error))?;
    let done = work(connection).and_then(|value| {
        connection.execute("commit", &[])?;
        Ok(value)
    });
    if done.is_err() {
        // Where SQLite rolled back by itself there is nothing left to undo.
        let _ = connection.execute("rollback", &[]);
    }
    done
}

/// A transaction is still open where its end failed, or where a panic left it.
fn begin_anew<C: Connection>(
    connection: &C,
    begin: &str,
    error: StoreError,
) -> Result<Rows, StoreError> {
    if !error.0.contains("within a transaction") {
        return Err(error);
    }
    connection.execute("rollback", &[])?;
    patiently(|| connection.execute(begin, &[]))
}

/// Tries again while others hold the lock: each try waits for five seconds by itself.
fn patiently(run: impl Fn() -> Result<Rows, StoreError>) -> Result<Rows, StoreError> {
    let mut tried = run();
    for _ in 1..TRIES {
        if !tried.as_ref().is_err_and(StoreError::is_busy) {
            break;
        }
        tried = run();
    }
    tried
}

const TRIES: usize = 4;
