//! SQL in memory: SQLite with the rules that every platform enforces.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::limits::SQL_MAX_PARAMETERS;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::Value as Column;
use rusqlite::{Connection, ErrorCode, params_from_iter};

use crate::{Outcome, SqlError, Statement, Value};

/// Tables of one capability.
pub struct MemorySql {
    connection: Connection,
    /// Transactions are for the store to begin, not for statements.
    own_transaction: Arc<AtomicBool>,
    pending: RefCell<BTreeMap<String, Statement>>,
    break_batches: Cell<Option<u32>>,
    break_query: Cell<bool>,
}

impl MemorySql {
    pub(super) fn new(capability: &str) -> Self {
        let own_transaction = Arc::new(AtomicBool::new(false));
        let connection = connection(format!("{capability}_"), Arc::clone(&own_transaction));
        let connection = connection.unwrap_or_else(|error| panic!("SQLite in memory: {error}"));
        Self {
            connection,
            own_transaction,
            pending: RefCell::default(),
            break_batches: Cell::new(None),
            break_query: Cell::new(false),
        }
    }

    /// Lets `after` more batches pass and answers the next one as a store that is unavailable.
    pub fn break_batch(&self, after: u32) {
        self.break_batches.set(Some(after));
    }

    /// Answers the next query as a store that is unavailable.
    pub fn break_query(&self) {
        self.break_query.set(true);
    }

    /// Forgets the projections that no query has seen yet, as a crash would.
    pub fn lose_projections(&self) {
        self.pending.borrow_mut().clear();
    }

    pub(super) fn query(&self, statement: &Statement) -> Result<Outcome, SqlError> {
        if self.break_query.take() {
            return Err(SqlError::Unavailable("broken on purpose".to_owned()));
        }
        self.flush()?;
        self.run(statement, true)
    }

    pub(super) fn batch(&self, statements: &[Statement]) -> Result<Vec<Outcome>, SqlError> {
        self.flush()?;
        if let Some(left) = self.break_batches.get() {
            self.break_batches.set(left.checked_sub(1));
            if left == 0 {
                return Err(SqlError::Unavailable("broken on purpose".to_owned()));
            }
        }
        self.own("BEGIN")?;
        let outcomes = statements.iter().map(|statement| self.run(statement, false)).collect();
        self.own(if Result::is_ok(&outcomes) { "COMMIT" } else { "ROLLBACK" })?;
        outcomes
    }

    pub(super) fn project(&self, key: &str, statement: Statement) -> Result<(), SqlError> {
        check(&statement)?;
        self.connection.prepare(&statement.sql).map_err(error)?;
        self.pending.borrow_mut().insert(key.to_owned(), statement);
        Ok(())
    }

    fn flush(&self) -> Result<(), SqlError> {
        let pending = self.pending.take();
        pending.values().try_for_each(|statement| self.run(statement, false).map(drop))
    }

    fn run(&self, statement: &Statement, reading: bool) -> Result<Outcome, SqlError> {
        check(statement)?;
        let mut prepared = self.connection.prepare(&statement.sql).map_err(error)?;
        let reads_only = prepared.readonly();
        if reading && !reads_only {
            return Err(SqlError::Invalid("a query must not write".to_owned()));
        }
        let columns: Vec<_> = prepared.column_names().map(str::to_owned).collect();
        let parameters = params_from_iter(statement.parameters.iter().map(column));
        let mut found = prepared.query(parameters).map_err(error)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(error)? {
            let cells = (0..columns.len()).map(|index| row.get(index).map(value).map_err(error));
            rows.push(cells.collect::<Result<Vec<_>, _>>()?);
        }
        drop(found);
        let changes = if reads_only { 0 } else { self.connection.changes() };
        Ok(Outcome { columns, rows, changes })
    }

    fn own(&self, transaction: &str) -> Result<(), SqlError> {
        self.own_transaction.store(true, Ordering::Relaxed);
        let done = self.connection.execute_batch(transaction).map_err(error);
        self.own_transaction.store(false, Ordering::Relaxed);
        done
    }
}

fn connection(prefix: String, own: Arc<AtomicBool>) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        if allows(&prefix, &context, own.load(Ordering::Relaxed)) {
            Authorization::Allow
        } else {
            Authorization::Deny
        }
    }))?;
    Ok(connection)
}

fn allows(prefix: &str, context: &AuthContext<'_>, own_transaction: bool) -> bool {
    use AuthAction::{
        AlterTable, CreateIndex, CreateTable, Delete, DropIndex, DropTable, Function, Insert, Read,
        Recursive, Reindex, Select, Transaction, Update,
    };
    match context.action {
        CreateTable { table_name }
        | DropTable { table_name }
        | AlterTable { table_name, .. }
        | CreateIndex { table_name, .. }
        | DropIndex { table_name, .. }
        | Delete { table_name }
        | Insert { table_name }
        | Update { table_name, .. }
        // SQLite writes its own catalogue on the way; statements that name it were refused.
        | Read { table_name, .. } => {
            table_name.starts_with(prefix) || table_name.starts_with("sqlite_")
        }
        Select | Recursive | Reindex { .. } => true,
        Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
        Transaction { .. } => own_transaction,
        _ => false,
    }
}

fn check(statement: &Statement) -> Result<(), SqlError> {
    if statement.parameters.len() > SQL_MAX_PARAMETERS {
        return Err(SqlError::Invalid(format!("more than {SQL_MAX_PARAMETERS} parameters")));
    }
    if statement.sql.to_ascii_lowercase().contains("sqlite_") {
        return Err(SqlError::Invalid("the catalogue is not for statements".to_owned()));
    }
    Ok(())
}

fn error(error: rusqlite::Error) -> SqlError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => SqlError::Constraint(error.to_string()),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory
            | ErrorCode::SystemIoFailure,
        ) => SqlError::Unavailable(error.to_string()),
        _ => SqlError::Invalid(error.to_string()),
    }
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
