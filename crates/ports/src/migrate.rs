//! Migrations: each capability counts its own in `<capability>_migrations`.

use crate::{Clock, Sql, SqlError, Statement, Value};

/// Brings a capability's tables up to date. `steps` is append-only: step n is version n + 1. Every
/// step runs in one batch with its version, which comes first: of two deployments that start at
/// once the slower one meets it, and not a column that is there already.
pub async fn migrate<P: Sql + Clock>(
    ports: &P,
    capability: &str,
    steps: &[&[&str]],
) -> Result<(), SqlError> {
    let table = format!("{capability}_migrations");
    let columns = "version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL";
    let create = format!("CREATE TABLE IF NOT EXISTS {table} ({columns})");
    ports.batch(vec![Statement::new(create, [])]).await?;
    let newest = format!("SELECT coalesce(max(version), 0) FROM {table}");
    let newest = ports.query(Statement::new(newest, [])).await?;
    let applied = newest.rows.first().and_then(|row| row.first()).and_then(Value::as_integer);
    let applied = applied.unwrap_or(0);
    for (version, step) in (1_i64..).zip(steps) {
        if version <= applied {
            continue;
        }
        let record = format!("INSERT INTO {table} (version, applied_at) VALUES (?1, ?2)");
        let record = Statement::new(record, [version.into(), ports.now().as_ms().into()]);
        let statements = step.iter().map(|sql| Statement::new(*sql, []));
        match ports.batch([record].into_iter().chain(statements).collect()).await {
            // Another deployment was faster.
            Ok(_) | Err(SqlError::Constraint(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
