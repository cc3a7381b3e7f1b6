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

use super::handler::State;

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
pub(super) struct Databases {
    paths: Arc<BTreeMap<String, PathBuf>>,
    /// One for each open connection of the instance.
    open: Arc<()>,
}

/// An open database. Cloning shares it.
#[derive(Clone)]
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Connection(Arc<(Mutex<rusqlite::Connection>, Arc<()>)>);

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
        Ok(Self { paths: Arc::new(databases), open: Arc::default() })
    }

    /// The same databases for another instance.
    pub(super) fn anew(&self) -> Self {
        Self { paths: Arc::clone(&self.paths), open: Arc::default() }
    }

    async fn open(&self, label: &str) -> Result<Connection, Error> {
        let path = self.paths.get(label).ok_or(Error::AccessDenied)?.clone();
        let open = Arc::clone(&self.open);
        // Counted are the table's own, this one and the others.
        if Arc::strong_count(&open) > CONNECTIONS_MAX + 1 {
            return Err(io("too many connections opened"));
        }
        blocking(move || {
            // SQLite's busy time-out is rusqlite's, which is Spin's too: 5 s.
            let mut connection = rusqlite::Connection::open(path).map_err(io)?;
            connection.authorizer(Some(deny_attach)).map_err(io)?;
            Ok(Connection(Arc::new((Mutex::new(connection), open))))
        })
        .await
    }
}

impl Connection {
    async fn execute(self, sql: String, parameters: Vec<Value>) -> Result<QueryResult, Error> {
        blocking(move || {
            let connection = self.0.0.lock();
            let mut statement = connection.prepare_cached(&sql).map_err(io)?;
            let columns: Vec<_> = statement.column_names().map(str::to_owned).collect();
            let width = columns.len();
            let rows = statement.query_map(params_from_iter(&parameters), |row| {
                let values = (0..width).map(|index| Ok(value(row.get_ref(index)?)));
                Ok(RowResult { values: values.collect::<rusqlite::Result<_>>()? })
            });
            let (mut bytes, mut kept) = (0, Vec::new());
            for row in rows.map_err(io)? {
                let row = row.map_err(io)?;
                bytes += row.values.iter().map(size).sum::<usize>();
                if bytes > RESULT_MAX_BYTES {
                    return Err(io(format!(
                        "query result exceeds limit of {RESULT_MAX_BYTES} bytes"
                    )));
                }
                kept.push(row);
            }
            Ok(QueryResult { columns, rows: kept })
        })
        .await
    }

    fn last_insert_rowid(&self) -> i64 {
        self.0.0.lock().last_insert_rowid()
    }

    fn changes(&self) -> u64 {
        self.0.0.lock().changes()
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
        // As in Spin, what fails is told at the end of the rows.
        let (QueryResult { columns, rows }, end) =
            match connection.execute(statement, parameters).await {
                Ok(result) => (result, Ok(())),
                Err(error) => (QueryResult { columns: Vec::new(), rows: Vec::new() }, Err(error)),
            };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, rows)?;
            let end = FutureReader::new(&mut access, async { wasmtime::error::Ok(end) })?;
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

/// What a value costs the host.
fn size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
            Value::Integer(_) | Value::Real(_) | Value::Null => 0,
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

/// Spin's bounds.
const CONNECTIONS_MAX: usize = 256;
const RESULT_MAX_BYTES: usize = 128 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    async fn opened(folder: &Path) -> Connection {
        let databases = Databases::new(folder, &["default".to_owned()]).unwrap();
        databases.open("default").await.unwrap()
    }

    async fn run(connection: &Connection, sql: &str) -> Result<Vec<Vec<Value>>, String> {
        let result = connection.clone().execute(sql.to_owned(), Vec::new()).await;
        let result = result.map_err(|error| match error {
            Error::Io(why) => why,
            other => format!("{other:?}"),
        });
        Ok(result?.rows.into_iter().map(|row| row.values).collect())
    }

    #[tokio::test]
    async fn errors_have_the_words_of_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let connection = opened(folder.path()).await;
        run(&connection, "create table t (a primary key)").await.unwrap();
        run(&connection, "insert into t values (7)").await.unwrap();
        for (sql, words) in [
            ("insert into t values (7)", "UNIQUE constraint failed: t.a"),
            ("select * from u", "no such table: u"),
            ("select b from t", "no such column: b in select b from t at offset 7"),
            ("attach 'other.db' as o", "not authorized"),
        ] {
            assert_eq!(run(&connection, sql).await.unwrap_err(), words, "{sql}");
        }
        run(&connection, "attach ':memory:' as m").await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_counts_changes_and_rowids() {
        let folder = tempfile::tempdir().unwrap();
        let connection = opened(folder.path()).await;
        run(&connection, "create table t (a)").await.unwrap();
        run(&connection, "insert into t values (1), (2), (3)").await.unwrap();
        assert_eq!((connection.changes(), connection.last_insert_rowid()), (3, 3));
        run(&connection, "delete from t where a > 1").await.unwrap();
        assert_eq!(connection.changes(), 2);
        // Spin runs the first of several and says nothing. That helps nobody to find the slip.
        let several = run(&connection, "select 1; select 2").await.unwrap_err();
        assert_eq!(several, "Multiple statements provided");
    }

    #[tokio::test]
    async fn an_instance_has_a_bound_on_its_connections() {
        let folder = tempfile::tempdir().unwrap();
        let databases = Databases::new(folder.path(), &["default".to_owned()]).unwrap();
        assert!(matches!(databases.open("other").await, Err(Error::AccessDenied)));
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            open.push(databases.open("default").await.unwrap());
        }
        let refused = databases.open("default").await;
        assert!(matches!(refused, Err(Error::Io(why)) if why == "too many connections opened"));
        assert!(databases.anew().open("default").await.is_ok(), "another instance has its own");
        drop(open);
        assert!(databases.open("default").await.is_ok());
    }
}
