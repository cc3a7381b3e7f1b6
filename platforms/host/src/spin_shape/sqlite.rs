//! `spin:sqlite`: files in the state directory, opened anew by every `open`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use parking_lot::Mutex;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, params_from_iter};
use wasmtime::component::{Access, Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::application::State;

mod generated {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        inline: "
            package ecomauction:spin-shape;
            world sqlite { import spin:sqlite/sqlite@3.1.0; }
        ",
        path: "../../wit/deps/spin-sqlite",
        world: "ecomauction:spin-shape/sqlite",
        imports: { default: async | trappable },
        with: { "spin:sqlite/sqlite.connection": super::Connection },
    });
}

pub(super) use generated::spin::sqlite::sqlite::add_to_linker;
use generated::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};

/// The databases that a component may open, by label.
#[derive(Clone)]
pub(super) struct Databases(Arc<BTreeMap<String, PathBuf>>);

/// An open database. Cloning shares it.
#[derive(Clone)]
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Connection(Arc<Mutex<rusqlite::Connection>>);

type Rows = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl Databases {
    /// Without a runtime configuration Spin knows the label `default` only.
    pub(super) fn new(state_dir: &Path, labels: &[String]) -> anyhow::Result<Self> {
        let mut databases = BTreeMap::new();
        for label in labels {
            if label != "default" {
                bail!("database {label}: Spin needs a runtime configuration for it");
            }
            databases.insert(label.clone(), state_dir.join("sqlite_db.db"));
        }
        Ok(Self(Arc::new(databases)))
    }

    async fn open(&self, label: &str) -> Result<Connection, Error> {
        let path = self.0.get(label).ok_or(Error::AccessDenied)?.clone();
        blocking(move || {
            let mut connection = rusqlite::Connection::open(path).map_err(io)?;
            connection.authorizer(Some(deny_attach)).map_err(io)?;
            Ok(Connection(Arc::new(Mutex::new(connection))))
        })
        .await
    }
}

impl Connection {
    async fn execute(self, sql: String, parameters: Vec<Value>) -> Result<QueryResult, Error> {
        blocking(move || {
            let connection = self.0.lock();
            let mut statement = connection.prepare_cached(&sql).map_err(io)?;
            let columns: Vec<_> = statement.column_names().map(str::to_owned).collect();
            let width = columns.len();
            let rows = statement.query_map(params_from_iter(&parameters), |row| {
                let values = (0..width).map(|index| Ok(value(row.get_ref(index)?)));
                Ok(RowResult { values: values.collect::<rusqlite::Result<_>>()? })
            });
            let rows = rows.map_err(io)?.collect::<rusqlite::Result<_>>().map_err(io)?;
            Ok(QueryResult { columns, rows })
        })
        .await
    }

    fn last_insert_rowid(&self) -> i64 {
        self.0.lock().last_insert_rowid()
    }

    fn changes(&self) -> u64 {
        self.0.lock().changes()
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
            Self::Null => ValueRef::Null,
        }))
    }
}

impl Host for State {}

/// The synchronous forms: the whole instance waits for them.
impl HostConnection for State {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        Ok(match self.databases.open(&database).await {
            Ok(connection) => Ok(self.table.push(connection)?),
            Err(error) => Err(error),
        })
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.table.get(&connection)?.clone();
        Ok(connection.execute(statement, parameters).await)
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        Ok(self.table.get(&connection)?.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&connection)?.changes())
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

/// The asynchronous forms: other requests in the instance go on meanwhile.
impl<T: Send> HostConnectionWithStore<T> for HasSelf<State> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let databases = accessor.with(|mut access| access.get().databases.clone());
        match databases.open(&database).await {
            Ok(connection) => {
                Ok(Ok(accessor.with(|mut access| access.get().table.push(connection))?))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Rows, Error>> {
        let connection = accessor.with(|mut access| shared(&mut access, &connection))?;
        let QueryResult { columns, rows } = match connection.execute(statement, parameters).await {
            Ok(result) => result,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, rows)?;
            let end = FutureReader::new(&mut access, async { wasmtime::error::Ok(Ok(())) })?;
            Ok(Ok((columns, rows, end)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let connection = accessor.with(|mut access| shared(&mut access, &connection))?;
        Ok(connection.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        let connection = accessor.with(|mut access| shared(&mut access, &connection))?;
        Ok(connection.changes())
    }
}

fn shared<T>(
    access: &mut Access<'_, T, HasSelf<State>>,
    connection: &Resource<Connection>,
) -> wasmtime::Result<Connection> {
    Ok(access.get().table.get(connection)?.clone())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io(error)))
}

/// Files beside the database are nobody's business.
fn deny_attach(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

fn io(error: impl std::fmt::Display) -> Error {
    Error::Io(error.to_string())
}
