//! What a guest's SQL may not do, decided by SQLite's own parser (authorizer), not by reading text.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

use super::{SqlError, Statement};

/// Installs the rules on a connection of one capability.
pub(super) fn install(connection: &mut Connection, prefix: &str) -> rusqlite::Result<()> {
    let limit = i32::try_from(kernel::limits::SQL_MAX_PARAMETERS).unwrap_or(100);
    connection.set_limit(Limit::SQLITE_LIMIT_VARIABLE_NUMBER, limit)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_prepared_statement_cache_capacity(256);
    connection.progress_handler(PROGRESS_STEPS, Some(deadline()))?;
    let prefix = prefix.to_owned();
    connection.authorizer(Some(move |context: AuthContext<'_>| judge(&prefix, &context)))
}

thread_local! {
    static TRUSTED: Cell<bool> = const { Cell::new(false) };
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs the host's own statements (transactions, pragmas) past the rules.
pub(super) fn trusting<T>(run: impl FnOnce() -> T) -> T {
    TRUSTED.set(true);
    let result = run();
    TRUSTED.set(false);
    result
}

/// Refuses before parsing what is refused in any case.
pub(crate) fn check(statement: &Statement) -> Result<(), SqlError> {
    if statement.parameters.len() > kernel::limits::SQL_MAX_PARAMETERS {
        let most = kernel::limits::SQL_MAX_PARAMETERS;
        return Err(SqlError::Invalid(format!("more than {most} parameters")));
    }
    Ok(())
}

/// Sorts SQLite's errors by who must act.
#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
pub(super) fn outward(error: rusqlite::Error) -> SqlError {
    use rusqlite::ErrorCode as Code;
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(Code::ConstraintViolation) => SqlError::Constraint(text),
        Some(
            Code::DiskFull
            | Code::DatabaseBusy
            | Code::DatabaseLocked
            | Code::SystemIoFailure
            | Code::CannotOpen
            | Code::OutOfMemory
            | Code::OperationInterrupted
            | Code::ReadOnly,
        ) => SqlError::Unavailable(text),
        _ => SqlError::Invalid(text),
    }
}

fn judge(prefix: &str, context: &AuthContext<'_>) -> Authorization {
    if TRUSTED.get() {
        return Authorization::Allow;
    }
    let owns = |table: &str| {
        let is_host = table.eq_ignore_ascii_case(super::outbox::TABLE);
        !is_host && (table.starts_with(prefix) || table.starts_with("sqlite_"))
    };
    let allowed = match context.action {
        AuthAction::Select | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => function_name != "load_extension",
        AuthAction::Read { table_name, .. } => table_name.is_empty() || owns(table_name),
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::CreateTable { table_name }
        | AuthAction::DropTable { table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::CreateIndex { table_name, .. }
        | AuthAction::DropIndex { table_name, .. }
        | AuthAction::CreateVtable { table_name, .. }
        | AuthAction::DropVtable { table_name, .. }
        | AuthAction::CreateTrigger { table_name, .. }
        | AuthAction::DropTrigger { table_name, .. } => owns(table_name),
        AuthAction::Reindex { .. } | AuthAction::Analyze { .. } => true,
        _ => false,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

/// Runs one statement of a guest, for `STATEMENT_MAX` at most. The host's own have no deadline.
pub(super) fn timed<T>(run: impl FnOnce() -> T) -> T {
    BEGAN.set(Some(Instant::now()));
    let result = run();
    BEGAN.set(None);
    result
}

/// Interrupts a statement that runs too long. SQLite asks every `PROGRESS_STEPS` instructions,
/// which it counts over statements: only [`timed`] knows where one begins.
fn deadline() -> impl FnMut() -> bool + Send + 'static {
    || BEGAN.get().is_some_and(|began| began.elapsed() > STATEMENT_MAX)
}

const PROGRESS_STEPS: i32 = 100_000;
const STATEMENT_MAX: Duration = Duration::from_secs(2);
