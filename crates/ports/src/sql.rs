//! Tables of a capability.

use crate::Outgoing;

/// SQLite dialect; at most `kernel::limits::SQL_MAX_PARAMETERS` parameters a statement, no
/// transaction statements, no PRAGMA, table names prefixed by the capability.
pub trait Sql {
    /// Runs one reading statement; sees every batch and projection that was reported done.
    async fn query(&self, statement: Statement) -> Result<Outcome, SqlError>;

    /// Runs all statements in one transaction, durable before it returns; one error undoes all.
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, SqlError> {
        self.batch_and_send(statements, Vec::new()).await
    }

    /// As [`Sql::batch`]. The messages are part of the transaction: they are sent at least once if
    /// it commits, else never.
    async fn batch_and_send(
        &self,
        statements: Vec<Statement>,
        messages: Vec<Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError>;

    /// Writes derived data that can be rebuilt: visible to every later `query`, durable soon. A
    /// later projection under the same key may replace one that was not written yet.
    async fn project(&self, key: &str, statement: Statement) -> Result<(), SqlError>;
}

/// One statement with its parameters (`?1`, `?2`, …).
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// A single SQL statement.
    pub sql: String,
    /// Parameters in order.
    pub parameters: Vec<Value>,
}

impl Statement {
    /// A statement and its parameters.
    pub fn new(sql: impl Into<String>, parameters: impl IntoIterator<Item = Value>) -> Self {
        Self { sql: sql.into(), parameters: parameters.into_iter().collect() }
    }
}

/// A column's or parameter's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// 64-bit integer.
    Integer(i64),
    /// Floating point; never money.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// The integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    /// The bytes, if it is a blob.
    pub fn as_blob(&self) -> Option<&[u8]> {
        if let Self::Blob(bytes) = self { Some(bytes) } else { None }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Rows of a query, or what a write changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows, one value per column.
    pub rows: Vec<Vec<Value>>,
    /// Rows changed by a write.
    pub changes: u64,
}

/// Why a statement did not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// A constraint refused the batch; the caller decides what that means.
    #[error("constraint: {0}")]
    Constraint(String),
    /// Not allowed or not SQL; a developer must act.
    #[error("invalid statement: {0}")]
    Invalid(String),
    /// Nothing was written; try again later.
    #[error("store unavailable: {0}")]
    Unavailable(String),
}
