//! Tables of capabilities. Batches are durable before they are answered; projections are written at
//! once too, so that every instance sees them, but nobody waits for the disk.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use ports::{Outcome, Sql, SqlError, Statement};

use crate::edge::Edge;
use crate::guard::Kind;
use crate::outbox::Sent;
use crate::world::{Connection, StoreError, World};

impl<W: World> Sql for Edge<W> {
    async fn query(&self, statement: Statement) -> Result<Outcome, SqlError> {
        let kind = self.guard.check(&statement).map_err(SqlError::Invalid)?;
        if kind != Kind::Read {
            return Err(SqlError::Invalid("a query must not write".to_owned()));
        }
        self.store.look(|connection| run(connection, kind, &statement))
    }

    async fn batch_and_send(
        &self,
        statements: Vec<Statement>,
        messages: Vec<ports::Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError> {
        let outgoing = |ports::Outgoing { topic, key, body }| {
            let topic = topic.to_owned();
            Outgoing { topic, key, body }
        };
        self.batch_and_tell(statements, messages.into_iter().map(outgoing).collect())
    }

    async fn project(&self, _: &str, statement: Statement) -> Result<(), SqlError> {
        let kind = self.guard.check(&statement).map_err(SqlError::Invalid)?;
        self.store.write_soon(|connection| run(connection, kind, &statement)).map(drop)
    }
}

/// A message that a batch causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Topic name, versioned.
    pub topic: String,
    /// Ordering key.
    pub key: String,
    /// JSON body.
    pub body: Vec<u8>,
}

impl<W: World> Edge<W> {
    /// As [`Sql::batch_and_send`], with topics that are known when it runs.
    pub fn batch_and_tell(
        &self,
        statements: Vec<Statement>,
        messages: Vec<Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError> {
        let kinds = statements.iter().map(|statement| self.guard.check(statement));
        let kinds = kinds.collect::<Result<Vec<_>, _>>().map_err(SqlError::Invalid)?;
        self.store.write(|connection| {
            let statements = kinds.iter().zip(&statements);
            let outcomes = statements.map(|(kind, statement)| run(connection, *kind, statement));
            let outcomes = outcomes.collect::<Result<Vec<_>, _>>()?;
            if !messages.is_empty() {
                let messages = messages.into_iter().map(|message| self.sent(message)).collect();
                self.outbox.send(connection, messages, self.world.now())?;
            }
            Ok(outcomes)
        })
    }

    fn sent(&self, Outgoing { topic, key, body }: Outgoing) -> Sent {
        let id = self.draw::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let source = format!("/components/{}", self.grants.component);
        Sent { id, source, topic, key, body, time: None }
    }
}

fn run<C: Connection>(
    connection: &C,
    kind: Kind,
    statement: &Statement,
) -> Result<Outcome, SqlError> {
    let found = connection.execute(&statement.sql, &statement.parameters).map_err(judge)?;
    if found.rows.len() > ROWS_MAX {
        return Err(SqlError::Invalid(format!("more than {ROWS_MAX} rows: use LIMIT")));
    }
    // SQLite keeps the count of the last one that changed rows.
    let changes = if kind == Kind::Change { connection.changes() } else { 0 };
    Ok(Outcome { columns: found.columns, rows: found.rows, changes })
}

/// Whose fault is it that a component's statement did not run?
fn judge(error: StoreError) -> SqlError {
    if error.is_constraint() {
        SqlError::Constraint(error.0)
    } else if error.is_busy() || OUTAGES.iter().any(|words| error.0.contains(words)) {
        SqlError::Unavailable(error.0)
    } else {
        SqlError::Invalid(error.0)
    }
}

impl From<StoreError> for SqlError {
    /// The edge's own statement did not run.
    fn from(error: StoreError) -> Self {
        if error.is_constraint() {
            // Deferred to the commit.
            Self::Constraint(error.0)
        } else {
            Self::Unavailable(error.0)
        }
    }
}

/// What SQLite says when neither the statement nor the data is to blame.
const OUTAGES: &[&str] = &[
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    "unable to open database file",
    "out of memory",
    "interrupted",
];
/// Most rows of one answer.
const ROWS_MAX: usize = 10_000;
