//! What an object has: its own SQLite store, and the world of the Worker.

use std::cell::Cell;

use edge::{Begin, Rows, StoreError, World};
use kernel::Timestamp;
use ports::{HttpRequest, HttpResponse, OutboundError, Value};
use wasm_bindgen::prelude::*;
use worker::js_sys;
use worker::{Env, SqlStorage, Storage};

use crate::{outward, settings, values, wire};

/// The world as an object sees it.
pub(crate) struct ObjectWorld {
    pub(crate) env: Env,
    pub(crate) sql: SqlStorage,
    pub(crate) storage: JsValue,
}

impl ObjectWorld {
    pub(crate) fn of(env: &Env, storage: &Storage) -> Self {
        let raw: &JsValue = storage.as_raw().as_ref();
        Self { env: env.clone(), sql: storage.sql(), storage: raw.clone() }
    }
}

impl World for ObjectWorld {
    type Connection = Connection;

    fn connect(&self) -> Result<Connection, StoreError> {
        let (sql, storage) = (self.sql.clone(), self.storage.clone().unchecked_into());
        Ok(Connection { sql, storage, changes: Cell::new(0) })
    }

    fn now(&self) -> Timestamp {
        wire::now()
    }

    #[allow(clippy::expect_used, reason = "a secret that can be guessed is worse than a panic")]
    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the runtime has randomness");
    }

    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(settings::variable(&self.env, name))
    }

    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        outward::send(request).await
    }
}

/// The store of an object. Nothing else writes to it, and nobody else sees it.
pub(crate) struct Connection {
    sql: SqlStorage,
    storage: SyncStorage,
    changes: Cell<u64>,
}

#[wasm_bindgen]
extern "C" {
    /// The part of `ctx.storage` that `worker` lacks.
    #[wasm_bindgen(extends = js_sys::Object)]
    type SyncStorage;

    /// Runs a function in a transaction; an exception undoes it.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &SyncStorage,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;
}

impl edge::Connection for Connection {
    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError> {
        let rows = self.rows(sql, parameters)?;
        if is_change(sql) {
            let counted = self.rows("select changes()", &[])?;
            let changed = counted.rows.first().and_then(|row| row.first());
            self.changes.set(changed.and_then(Value::as_integer).unwrap_or(0).unsigned_abs());
        }
        Ok(rows)
    }

    fn changes(&self) -> u64 {
        self.changes.get()
    }

    fn transaction<T, E: From<StoreError>>(
        &self,
        begin: Begin,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if begin == Begin::Read {
            // Nothing else runs until this returns.
            return work(self);
        }
        let (mut work, mut done) = (Some(work), None);
        let mut run = || {
            let outcome = work.take().map(|work| work(self));
            let is_undone = !matches!(outcome, Some(Ok(_)));
            done = outcome;
            if is_undone { Err(JsValue::from_str("undone")) } else { Ok(JsValue::UNDEFINED) }
        };
        let committed = self.storage.transaction_sync(&mut run);
        match (done, committed) {
            (Some(Ok(_)), Err(error)) => Err(store_error(error.into()).into()),
            (Some(done), _) => done,
            (None, _) => Err(StoreError("the transaction did not run".to_owned()).into()),
        }
    }
}

impl Connection {
    fn rows(&self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError> {
        let parameters: Vec<_> = parameters.iter().map(values::outward).collect();
        let cursor = self.sql.exec_raw(sql, parameters).map_err(store_error)?;
        let columns = cursor.column_names();
        let mut rows = Vec::new();
        for row in cursor.raw() {
            let row = row.map_err(store_error)?;
            rows.push(row.into_iter().map(|value| values::inward(value.into())).collect());
        }
        Ok(Rows { columns, rows })
    }
}

/// Whose count of rows is ever asked for.
fn is_change(sql: &str) -> bool {
    let word = sql.trim_start().split_ascii_whitespace().next().unwrap_or_default();
    ["insert", "update", "delete"].iter().any(|change| word.eq_ignore_ascii_case(change))
}

#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn store_error(error: worker::Error) -> StoreError {
    StoreError(error.to_string())
}
