//! What the edge needs of its platform, as traits: in tests a file and a clock of their own stand
//! in.

use kernel::Timestamp;
use ports::{HttpRequest, HttpResponse, OutboundError, Value};

use crate::store;

/// Everything outside of the edge. Only requests to others wait.
#[allow(async_fn_in_trait, reason = "instances are single-threaded; no future needs Send")]
pub trait World {
    /// An open database.
    type Connection: Connection;

    /// A new connection to the default database.
    fn connect(&self) -> Result<Self::Connection, StoreError>;

    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with what nobody can guess.
    fn random(&self, bytes: &mut [u8]);

    /// A variable of the component, or none when it is not set. A provider that does not answer is
    /// an error, with a sentence for the deployer.
    fn variable(&self, name: &str) -> Result<Option<String>, String>;

    /// A variable that is set to something.
    fn setting(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.variable(name)?.filter(|value| !value.is_empty()))
    }

    /// Sends a request and waits for the whole response.
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError>;
}

/// An open SQLite database. Dropping it rolls an open transaction back. Opening one waits up to
/// five seconds for a lock that another holds.
pub trait Connection {
    /// Runs one statement.
    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError>;

    /// Rows that the last INSERT, UPDATE or DELETE changed.
    fn changes(&self) -> u64;

    /// Runs `work` in a transaction that an error undoes. By statements, where the store takes
    /// them.
    fn transaction<T, E: From<StoreError>>(
        &self,
        begin: Begin,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E>
    where
        Self: Sized,
    {
        store::by_statements(self, begin, work)
    }
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It reads one state of the database.
    Read,
    /// It takes the lock at once.
    Write,
}

/// What a statement returned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows, one value per column.
    pub rows: Vec<Vec<Value>>,
}

/// The store did not run a statement. SQLite's words are all that is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

impl StoreError {
    /// Did somebody else hold the lock for too long?
    pub fn is_busy(&self) -> bool {
        self.0.contains("database is locked") || self.0.contains("database table is locked")
    }

    /// Did a constraint refuse the statement?
    pub fn is_constraint(&self) -> bool {
        self.0.contains("constraint failed")
    }
}
