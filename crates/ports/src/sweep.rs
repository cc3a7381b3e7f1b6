//! Forgetting what is old, a little at a time.

use kernel::Timestamp;

use crate::{Clock, Sql, SqlError, Statement};

/// Runs the statements of `round` again and again, until all of them find little: each deletes rows
/// that are old at the instant that it is given, and at most [`SWEEP_MAX_ROWS`] of them, so that
/// the write lock is not held for long. What is left after many rounds waits for the next run.
pub async fn sweep<P: Sql + Clock>(
    ports: &P,
    round: impl Fn(Timestamp) -> Vec<Statement>,
) -> Result<(), SqlError> {
    for _ in 0..ROUNDS_MAX {
        let outcomes = ports.batch(round(ports.now())).await?;
        if outcomes.iter().all(|outcome| outcome.changes < SWEEP_MAX_ROWS.unsigned_abs()) {
            break;
        }
    }
    Ok(())
}

/// Most rows that a statement of a sweep deletes.
pub const SWEEP_MAX_ROWS: i64 = 500;
const ROUNDS_MAX: u32 = 40;
