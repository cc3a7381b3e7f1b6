//! Spin, as the edge wants it: `spin:sqlite` in its synchronous forms, WASI for the rest.

use std::time::{SystemTime, UNIX_EPOCH};

use edge::{Rows, StoreError, World};
use kernel::Timestamp;
use ports::{HttpRequest, HttpResponse, OutboundError, Value};

use crate::bindings::spin::sqlite::sqlite;
use crate::bindings::wasi::config::store;

/// What Spin gives to the component.
pub(crate) struct Spin;

/// An open database.
pub(crate) struct Connection(sqlite::Connection);

impl World for Spin {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection, StoreError> {
        sqlite::Connection::open(DATABASE).map(Connection).map_err(store_error)
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 cannot be told from one that was never set.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    #[allow(clippy::expect_used, reason = "a secret that can be guessed is worse than a trap")]
    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("wasi:random answers");
    }

    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        store::get(name).map_err(|error| error.to_string())
    }

    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        outgoing::send(request)
    }
}

impl edge::Connection for Connection {
    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError> {
        let parameters: Vec<_> = parameters.iter().map(outward).collect();
        let result = self.0.execute(sql, &parameters).map_err(store_error)?;
        let row = |row: sqlite::RowResult| row.values.into_iter().map(inward).collect();
        Ok(Rows { columns: result.columns, rows: result.rows.into_iter().map(row).collect() })
    }

    fn changes(&self) -> u64 {
        self.0.changes()
    }
}

fn outward(value: &Value) -> sqlite::Value {
    match value {
        Value::Null => sqlite::Value::Null,
        Value::Integer(integer) => sqlite::Value::Integer(*integer),
        Value::Real(real) => sqlite::Value::Real(*real),
        Value::Text(text) => sqlite::Value::Text(text.clone()),
        Value::Blob(bytes) => sqlite::Value::Blob(bytes.clone()),
    }
}

fn inward(value: sqlite::Value) -> Value {
    match value {
        sqlite::Value::Null => Value::Null,
        sqlite::Value::Integer(integer) => Value::Integer(integer),
        sqlite::Value::Real(real) => Value::Real(real),
        sqlite::Value::Text(text) => Value::Text(text),
        sqlite::Value::Blob(bytes) => Value::Blob(bytes),
    }
}

fn store_error(error: sqlite::Error) -> StoreError {
    StoreError(match error {
        sqlite::Error::Io(words) => words,
        sqlite::Error::NoSuchDatabase => format!("there is no database {DATABASE}"),
        sqlite::Error::AccessDenied => {
            format!("the manifest does not grant sqlite_databases = [\"{DATABASE}\"]")
        }
        sqlite::Error::InvalidConnection => "the connection is closed".to_owned(),
        sqlite::Error::DatabaseFull => "database or disk is full".to_owned(),
    })
}

/// The one label that works without a runtime configuration.
const DATABASE: &str = "default";
