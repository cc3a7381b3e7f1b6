//! Tables of capabilities in D1, and beside them the outbox of what they tell.

use std::fmt;

use ports::{Clock as _, Message, Outcome, Outgoing, Sql, SqlError, Statement, Value};
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use worker::js_sys::futures::JsFuture;
use worker::js_sys::{Array, Error, Function, Object, Promise, Reflect};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::{D1Database, D1PreparedStatement, D1Result, Env};

use crate::messages::{self, Parcel};
use crate::ports::{WorkerPorts, drawn};
use crate::settings;
use crate::values;

impl Sql for WorkerPorts<'_> {
    async fn query(&self, statement: Statement) -> Result<Outcome, SqlError> {
        let prepared = prepared(&self.database()?, &statement)?;
        let rows = raw(&prepared).await.map_err(judge)?;
        let mut rows = rows.iter().map(|row| Array::from(&row));
        let columns = rows.next().unwrap_or_default();
        let columns = columns.iter().map(|name| name.as_string().unwrap_or_default()).collect();
        let rows = rows.map(|row| row.iter().map(values::inward).collect()).collect();
        Ok(Outcome { columns, rows, changes: 0 })
    }

    async fn batch_and_send(
        &self,
        statements: Vec<Statement>,
        messages: Vec<Outgoing>,
    ) -> Result<Vec<Outcome>, SqlError> {
        let database = self.database()?;
        let count = statements.len();
        let (rows, consumers) = self.outbox_rows(messages);
        let all = statements.iter().chain(&rows).map(|statement| prepared(&database, statement));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let results = database.batch(all).await.map_err(judge)?;
        consumers.iter().for_each(|component| self.tell(component));
        results.iter().take(count).map(outcome).collect()
    }

    async fn project(&self, _: &str, statement: Statement) -> Result<(), SqlError> {
        let prepared = prepared(&self.database()?, &statement)?;
        prepared.run().await.map(drop).map_err(judge)
    }
}

impl WorkerPorts<'_> {
    fn database(&self) -> Result<D1Database, SqlError> {
        self.env.d1(DATABASE).map_err(|error| SqlError::Unavailable(error.to_string()))
    }

    /// A row for every component that takes a message, and whose they are.
    fn outbox_rows(&self, messages: Vec<Outgoing>) -> (Vec<Statement>, Vec<String>) {
        let (mut rows, mut takers) = (Vec::new(), Vec::new());
        for Outgoing { topic, key, body } in messages {
            let id: String = drawn::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
            let source = format!("/components/{}", self.component);
            let body = String::from_utf8_lossy(&body).into_owned();
            settings::composition(|composition| {
                for (component, consumer) in composition.subscriptions() {
                    let takes = || {
                        let body = serde_json::from_str(&body).unwrap_or_default();
                        consumer.filter.is_open() || consumer.filter.takes(&body)
                    };
                    if consumer.topic == topic && takes() {
                        let cells = [
                            component.into(),
                            topic.into(),
                            key.as_str().into(),
                            id.as_str().into(),
                            source.as_str().into(),
                            self.now().as_ms().into(),
                            body.as_str().into(),
                        ];
                        rows.push(Statement::new(PUT, cells));
                        takers.push(component.to_owned());
                    }
                }
            });
        }
        (rows, takers)
    }
}

/// Makes the platform's own tables.
pub(crate) async fn migrate(ports: &WorkerPorts<'_>) -> Result<(), String> {
    let steps = SCHEMA.iter().map(|sql| Statement::new(*sql, [])).collect();
    ports.batch(steps).await.map(drop).map_err(|error| error.to_string())
}

/// What the outbox has for a component behind a place, in order.
pub(crate) async fn outbox_after(
    ports: &WorkerPorts<'_>,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, Message)>, String> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "select id, message_id, source, topic, key, time, body from edge_outbox \
        where component = ?1 and id > ?2 order by id limit ?3";
    let find = Statement::new(sql, [ports.component.into(), after.into(), limit.into()]);
    let found = ports.query(find).await.map_err(|error| error.to_string())?;
    let unreadable = || "a row of edge_outbox is not readable".to_owned();
    found.rows.into_iter().map(|row| messages::told(row).ok_or_else(unreadable)).collect()
}

/// Deletes what an inbox has read.
pub(crate) async fn forget_outbox(ports: &WorkerPorts<'_>, place: i64) -> Result<(), String> {
    let sql = "delete from edge_outbox where component = ?1 and id <= ?2";
    let delete = Statement::new(sql, [ports.component.into(), place.into()]);
    ports.batch(vec![delete]).await.map(drop).map_err(|error| error.to_string())
}

/// Keeps what the queue gave up, for people.
pub(crate) async fn keep_undelivered(env: &Env, parcel: &Parcel, why: &str) -> Result<(), String> {
    let ports = WorkerPorts::of(env, "undelivered");
    let text = serde_json::to_string(parcel).map_err(|error| error.to_string())?;
    let sql = "insert into edge_undelivered (component, parcel, why, at) values (?1, ?2, ?3, ?4)";
    let cells =
        [parcel.component.as_str().into(), text.into(), why.into(), ports.now().as_ms().into()];
    migrate(&ports).await?;
    ports.batch(vec![Statement::new(sql, cells)]).await.map(drop).map_err(|error| error.to_string())
}

fn prepared(database: &D1Database, statement: &Statement) -> Result<D1PreparedStatement, SqlError> {
    let parameters: Vec<JsValue> = statement.parameters.iter().map(values::outward).collect();
    let prepared = database.prepare(statement.sql.as_str());
    if parameters.is_empty() {
        return Ok(prepared);
    }
    prepared.bind(&parameters).map_err(|error| SqlError::Invalid(error.to_string()))
}

/// The names of the columns, then rows. As objects they would lose columns of one name, and numbers
/// would be first.
async fn raw(prepared: &D1PreparedStatement) -> worker::Result<Array> {
    let options = Object::new();
    Reflect::set(&options, &"columnNames".into(), &true.into())?;
    let statement = prepared.inner();
    let method: Function = Reflect::get(statement, &"raw".into())?.dyn_into()?;
    let promise: Promise = method.call1(statement, &options)?.dyn_into()?;
    Ok(JsFuture::from(promise).await?.dyn_into()?)
}

fn outcome(result: &D1Result) -> Result<Outcome, SqlError> {
    let unreadable = |error: worker::Error| SqlError::Unavailable(error.to_string());
    let rows: Vec<Row> = result.results().map_err(unreadable)?;
    let meta = result.meta().map_err(unreadable)?;
    let changes = meta.and_then(|meta| meta.changes).unwrap_or(0) as u64;
    let columns = rows.first().map(|row| row.columns.clone()).unwrap_or_default();
    Ok(Outcome { columns, rows: rows.into_iter().map(|row| row.values).collect(), changes })
}

/// Whose fault is it that a statement did not run?
#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn judge(error: worker::Error) -> SqlError {
    let words = match &error {
        worker::Error::D1(error) => AsRef::<Error>::as_ref(error).message().into(),
        other => other.to_string(),
    };
    if words.contains("constraint failed") {
        SqlError::Constraint(words)
    } else if INVALID.iter().any(|said| words.contains(said)) {
        SqlError::Invalid(words)
    } else {
        SqlError::Unavailable(words)
    }
}

/// A row as D1 gives it: an object whose members are in the order of the columns.
struct Row {
    columns: Vec<String>,
    values: Vec<Value>,
}

struct Cell(Value);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let (mut columns, mut values) = (Vec::new(), Vec::new());
                while let Some((column, Cell(value))) = map.next_entry::<String, Cell>()? {
                    columns.push(column);
                    values.push(value);
                }
                Ok(Row { columns, values })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of SQLite")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell(Value::Null))
            }

            fn visit_none<E>(self) -> Result<Cell, E> {
                Ok(Cell(Value::Null))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Cell, E> {
                Ok(Cell(Value::Integer(truth.into())))
            }

            fn visit_i64<E>(self, integer: i64) -> Result<Cell, E> {
                Ok(Cell(Value::Integer(integer)))
            }

            fn visit_f64<E>(self, real: f64) -> Result<Cell, E> {
                Ok(Cell(Value::Real(real)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell(Value::Text(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Cell, E> {
                Ok(Cell(Value::Text(text)))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Cell, E> {
                Ok(Cell(Value::Blob(bytes)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Cell, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(Cell(Value::Blob(bytes)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

const DATABASE: &str = "DATABASE";
const PUT: &str = "insert into edge_outbox \
    (component, topic, key, message_id, source, time, body) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const SCHEMA: &[&str] = &[
    "create table if not exists edge_outbox (id integer primary key autoincrement, \
     component text not null, topic text not null, key text not null, message_id text not null, \
     source text not null, time integer not null, body text not null)",
    "create index if not exists edge_outbox_in_order on edge_outbox (component, id)",
    "create table if not exists edge_undelivered (id integer primary key autoincrement, \
     component text not null, parcel text not null, why text not null, at integer not null)",
];
/// What D1 says when a developer must act.
const INVALID: &[&str] = &[
    "SQLITE_ERROR",
    "SQLITE_AUTH",
    "SQLITE_MISMATCH",
    "SQLITE_RANGE",
    "SQLITE_TOOBIG",
    "not authorized",
    "Wrong number of parameter bindings",
];
