//! A world for tests: a file, a clock that is turned, answers that were prepared.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel::Timestamp;
use ports::{HttpRequest, HttpResponse, OutboundError, Value};
use rusqlite::types::ValueRef;

use crate::moment::Moment;
use crate::store::Store;
use crate::world::{Connection, Rows, StoreError, World};

/// One instance's view of the world; several may share a file.
pub(crate) struct Bench {
    path: PathBuf,
    /// Milliseconds since the epoch.
    pub(crate) now_ms: Cell<i64>,
    random: Cell<u64>,
    /// Variables of the component.
    pub(crate) variables: RefCell<BTreeMap<String, String>>,
    /// The provider of variables does not answer.
    pub(crate) is_mute: Cell<bool>,
    /// Answers to the next requests; without one there is no connection.
    pub(crate) answers: RefCell<VecDeque<Result<HttpResponse, OutboundError>>>,
    /// Requests that were sent.
    pub(crate) requests: RefCell<Vec<HttpRequest>>,
}

impl Bench {
    /// Over the database in a folder.
    pub(crate) fn over(folder: &Path) -> Self {
        Self {
            path: folder.join("edge.db"),
            now_ms: Cell::new(1_795_651_200_000),
            random: Cell::new(0),
            variables: RefCell::default(),
            is_mute: Cell::new(false),
            answers: RefCell::default(),
            requests: RefCell::default(),
        }
    }

    /// As another instance, whose chances differ.
    pub(crate) fn with_chances(self, from: u64) -> Self {
        self.random.set(from);
        self
    }

    /// Its store.
    pub(crate) fn store(&self) -> Store<File> {
        Store::open(self).unwrap()
    }

    /// Turns the clock.
    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }

    /// Now, and fresh chances.
    pub(crate) fn moment(&self) -> Moment {
        let mut random = [0; 16];
        self.random(&mut random);
        Moment { now: self.now(), random }
    }

    /// Sets a variable.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
}

impl World for Bench {
    type Connection = File;

    fn connect(&self) -> Result<File, StoreError> {
        let file = rusqlite::Connection::open(&self.path).map_err(told)?;
        file.busy_timeout(Duration::from_secs(5)).map_err(told)?;
        Ok(File(file))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms.get())
    }

    fn random(&self, bytes: &mut [u8]) {
        let next = self.random.get() + 1;
        self.random.set(next);
        bytes.fill(0);
        for (byte, next) in bytes.iter_mut().zip(next.to_le_bytes()) {
            *byte = next;
        }
    }

    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        if self.is_mute.get() {
            return Err("the provider does not answer".to_owned());
        }
        Ok(self.variables.borrow().get(name).cloned())
    }

    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        self.requests.borrow_mut().push(request.clone());
        let absent = || Err(OutboundError::Unavailable("nobody listens".to_owned()));
        self.answers.borrow_mut().pop_front().unwrap_or_else(absent)
    }
}

/// A database file.
pub(crate) struct File(rusqlite::Connection);

impl Connection for File {
    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError> {
        let mut statement = self.0.prepare(sql).map_err(told)?;
        let columns = statement.column_names().map(str::to_owned).collect::<Vec<_>>();
        let inward = parameters.iter().map(inward);
        let mut found = statement.query(rusqlite::params_from_iter(inward)).map_err(told)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(told)? {
            rows.push((0..columns.len()).map(|at| outward(row.get_ref(at).unwrap())).collect());
        }
        Ok(Rows { columns, rows })
    }

    fn changes(&self) -> u64 {
        self.0.changes()
    }
}

fn inward(value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Sqlite;
    match value {
        Value::Null => Sqlite::Null,
        Value::Integer(integer) => Sqlite::Integer(*integer),
        Value::Real(real) => Sqlite::Real(*real),
        Value::Text(text) => Sqlite::Text(text.clone()),
        Value::Blob(bytes) => Sqlite::Blob(bytes.clone()),
    }
}

fn outward(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

fn told(error: rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}
