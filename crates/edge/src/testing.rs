//! What Spin gives, as a file and a clock of the tests; and a machine to play with.

mod counter;

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use composition::Composition;
use kernel::Timestamp;
use ports::{HttpRequest, HttpResponse, OutboundError, Value};
use rusqlite::types::Value as Column;
use tempfile::TempDir;

pub(crate) use counter::Counter;

use crate::{Connection, Edge, Machines, Rows, StoreError, World};

/// A database and a clock. Several edges on it are several instances.
pub(crate) struct Site {
    folder: TempDir,
    now: Arc<AtomicI64>,
    drawn: Arc<AtomicU64>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, now: Arc::new(AtomicI64::new(1_000)), drawn: Arc::default() }
    }

    pub(crate) fn clock(&self, ms: i64) {
        self.now.store(ms, Ordering::SeqCst);
    }

    /// A new instance of a component that may use the counters and has tables.
    pub(crate) fn edge(&self) -> Edge<Here> {
        self.edge_of("probe")
    }

    pub(crate) fn edge_of(&self, component: &str) -> Edge<Here> {
        self.made(component, "")
    }

    /// The probe with more keys in its manifest.
    pub(crate) fn edge_that(&self, keys: &str) -> Edge<Here> {
        self.made("probe", keys)
    }

    pub(crate) fn edge_without_entities(&self, component: &str) -> Edge<Here> {
        let mut edge = self.edge_of(component);
        edge.grants.entities.clear();
        edge
    }

    fn made(&self, component: &str, more: &str) -> Edge<Here> {
        let world = Here {
            path: self.folder.path().join("default.db"),
            now: Arc::clone(&self.now),
            drawn: Arc::clone(&self.drawn),
            death: Rc::default(),
        };
        let keys = format!("entities = [\"counter\"]\ntables = \"{component}_\"\n{more}");
        let neighbour = if component == "probe" { "other" } else { "probe" };
        let manifest = format!(
            "[component.{component}.tool.ecomauction]\n{keys}\n\
             [component.{neighbour}.tool.ecomauction]\ntables = \"{neighbour}_\""
        );
        let composition = Composition::parse(&manifest).unwrap();
        let machines = Machines::default().with::<Counter>("counter");
        Edge::open(world, machines, composition, component).unwrap()
    }

    /// Runs a statement past all rules.
    pub(crate) fn run(&self, sql: &str) -> Vec<Vec<Value>> {
        self.edge().store.look(|connection| connection.execute(sql, &[])).unwrap().rows
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.run(sql)[0][0].as_integer().unwrap()
    }
}

/// How the connections of an instance end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// From then on the disk fails.
    Failing,
    /// The instance is gone.
    Panic,
}

pub(crate) struct Here {
    path: PathBuf,
    now: Arc<AtomicI64>,
    drawn: Arc<AtomicU64>,
    /// After how many statements, and how.
    pub(crate) death: Rc<Cell<Option<(usize, Death)>>>,
}

impl World for Here {
    type Connection = File;

    fn connect(&self) -> Result<File, StoreError> {
        let connection = rusqlite::Connection::open(&self.path).map_err(error)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(error)?;
        Ok(File { connection, death: Rc::clone(&self.death) })
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now.load(Ordering::SeqCst))
    }

    fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.drawn.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }

    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(match name {
            "known" => Some("value".to_owned()),
            "platform_secret" => Some("a secret of 32 characters at least".to_owned()),
            _ => None,
        })
    }

    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
        Err(OutboundError::Forbidden(request.url.clone()))
    }
}

pub(crate) struct File {
    connection: rusqlite::Connection,
    death: Rc<Cell<Option<(usize, Death)>>>,
}

impl Connection for File {
    fn execute(&self, sql: &str, parameters: &[Value]) -> Result<Rows, StoreError> {
        match self.death.get() {
            Some((0, Death::Failing)) => return Err(StoreError("disk I/O error".to_owned())),
            Some((0, Death::Panic)) => panic!("the instance is gone"),
            Some((left, how)) => self.death.set(Some((left - 1, how))),
            None => {}
        }
        let mut prepared = self.connection.prepare(sql).map_err(error)?;
        let columns: Vec<_> = prepared.column_names().map(str::to_owned).collect();
        let parameters = rusqlite::params_from_iter(parameters.iter().map(column));
        let mut found = prepared.query(parameters).map_err(error)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(error)? {
            let cells = (0..columns.len()).map(|index| row.get(index).map(value).map_err(error));
            rows.push(cells.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Rows { columns, rows })
    }

    fn changes(&self) -> u64 {
        self.connection.changes()
    }
}

fn error(error: rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}

fn column(value: &Value) -> Column {
    match value {
        Value::Null => Column::Null,
        Value::Integer(integer) => Column::Integer(*integer),
        Value::Real(real) => Column::Real(*real),
        Value::Text(text) => Column::Text(text.clone()),
        Value::Blob(bytes) => Column::Blob(bytes.clone()),
    }
}

fn value(column: Column) -> Value {
    match column {
        Column::Null => Value::Null,
        Column::Integer(integer) => Value::Integer(integer),
        Column::Real(real) => Value::Real(real),
        Column::Text(text) => Value::Text(text),
        Column::Blob(bytes) => Value::Blob(bytes),
    }
}
