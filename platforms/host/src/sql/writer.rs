//! The writer thread of one capability's file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use super::outbox::{self, Outgoing, Unsent};
use super::{Outcome, SqlError, Statement, guard, run};
use crate::priority::Turn;

/// What the thread is asked to do.
pub(super) enum Job {
    /// Statements in one transaction.
    Batch {
        /// All or none.
        statements: Vec<Statement>,
        /// Sent if the statements are committed.
        messages: Vec<Outgoing>,
        /// Told after the commit.
        reply: Reply<Vec<Outcome>>,
    },
    /// Read the outbox.
    Unsent {
        /// Most messages.
        limit: u32,
        /// Told what is in it.
        reply: Reply<Vec<Unsent>>,
    },
    /// Delete from the outbox.
    Forget {
        /// The last message to go.
        through: i64,
        /// Told when they are gone.
        reply: Reply<()>,
    },
    /// Write the projections that wait.
    Flush(Reply<()>),
}

/// Where an answer goes.
type Reply<T> = oneshot::Sender<Result<T, SqlError>>;
type Batch = (Vec<Statement>, Vec<Outgoing>, Reply<Vec<Outcome>>);

/// Handle of the thread.
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    projections: Arc<Projections>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Derived rows that wait: the newest statement of each key.
#[derive(Default)]
struct Projections {
    newest: Mutex<HashMap<String, Vec<Projection>>>,
    any: AtomicBool,
}

/// A statement, and the journal position of what it shows: requests end in any order.
struct Projection {
    statement: Statement,
    position: u64,
}

impl Writer {
    /// Opens the file and starts the thread.
    pub(super) fn start(
        path: &Path,
        prefix: &str,
        turn: Turn,
        sent: Arc<Notify>,
    ) -> rusqlite::Result<Self> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(outbox::SCHEMA)?;
        guard::install(&mut connection, prefix)?;
        let projections = Arc::new(Projections::default());
        let (jobs, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new().name(format!("sql-{prefix}")).spawn({
            let projections = Arc::clone(&projections);
            move || {
                turn.take();
                serve(&connection, &inbox, &projections, &sent);
            }
        });
        let thread =
            thread.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), projections, thread: Mutex::new(Some(thread)) })
    }

    /// Hands a job to the thread.
    pub(super) fn send(&self, job: Job) -> Result<(), SqlError> {
        let stopped = || SqlError::Unavailable("the writer stopped".to_owned());
        let jobs = self.jobs.lock();
        jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())
    }

    /// Keeps a projection; the later one of the same key and text stays.
    pub(super) fn project(
        &self,
        key: String,
        statement: Statement,
        position: u64,
    ) -> Result<(), SqlError> {
        let mut newest = self.projections.newest.lock();
        keep(newest.entry(key).or_default(), Projection { statement, position });
        self.projections.any.store(true, Ordering::Release);
        let crowded = newest.len() >= PROJECTIONS_MAX;
        drop(newest);
        if crowded {
            let (reply, _) = oneshot::channel();
            self.send(Job::Flush(reply))?;
        }
        Ok(())
    }

    /// Does anything wait?
    pub(super) fn has_projections(&self) -> bool {
        self.projections.any.load(Ordering::Acquire)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        *self.jobs.lock() = None;
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

/// Serves jobs until the handle is gone, then writes what still waits.
fn serve(connection: &Connection, inbox: &Receiver<Job>, projections: &Projections, sent: &Notify) {
    let mut written = Instant::now();
    loop {
        let next = inbox.recv_timeout(PROJECTION_INTERVAL.saturating_sub(written.elapsed()));
        match next {
            Ok(first) => {
                let mut jobs = vec![first];
                jobs.extend(inbox.try_iter().take(JOBS_PER_COMMIT_MAX));
                commit_jobs(connection, jobs, projections, sent);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                log_failure(write_projections(connection, projections));
                return;
            }
        }
        if written.elapsed() >= PROJECTION_INTERVAL {
            log_failure(write_projections(connection, projections));
            written = Instant::now();
        }
    }
}

fn log_failure(result: Result<(), SqlError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "projections not written; they will be rebuilt");
    }
}

/// One transaction for all batches, each in its own savepoint; replies follow the commit.
fn commit_jobs(connection: &Connection, jobs: Vec<Job>, projections: &Projections, sent: &Notify) {
    let mut batches = Vec::new();
    let mut flushes = Vec::new();
    let mut reads = Vec::new();
    for job in jobs {
        match job {
            Job::Batch { statements, messages, reply } => {
                batches.push((statements, messages, reply));
            }
            Job::Flush(reply) => flushes.push(reply),
            Job::Unsent { limit, reply } => reads.push((limit, reply)),
            Job::Forget { through, reply } => {
                let forgotten = unsynced(connection, || outbox::forget(connection, through));
                let _ = reply.send(forgotten);
            }
        }
    }
    // Projections go first, so that a batch never runs before an older projection.
    let flushed = write_projections(connection, projections);
    if let Err(error) = &flushed {
        tracing::warn!(%error, "projections not written; they will be rebuilt");
    }
    for reply in flushes {
        let _ = reply.send(flushed.clone());
    }
    commit_batches(connection, batches, sent);
    for (limit, reply) in reads {
        let _ = reply.send(outbox::unsent(connection, limit));
    }
}

fn commit_batches(connection: &Connection, mut batches: Vec<Batch>, sent: &Notify) {
    if batches.is_empty() {
        return;
    }
    let sends = batches.iter().any(|(_, messages, _)| !messages.is_empty());
    let mut finished = Vec::new();
    let committed = trusted(connection, "BEGIN IMMEDIATE").and_then(|()| {
        for (statements, messages, reply) in batches.drain(..) {
            let outcome = run_batch(connection, &statements, &messages);
            finished.push((outcome, reply));
        }
        trusted(connection, "COMMIT")
    });
    if let Err(error) = committed {
        let _ = trusted(connection, "ROLLBACK");
        for (_, reply) in finished {
            let _ = reply.send(Err(error.clone()));
        }
        for (_, _, reply) in batches {
            let _ = reply.send(Err(error.clone()));
        }
        return;
    }
    for (outcome, reply) in finished {
        let _ = reply.send(outcome);
    }
    if sends {
        sent.notify_one();
    }
}

fn run_batch(
    connection: &Connection,
    statements: &[Statement],
    messages: &[Outgoing],
) -> Result<Vec<Outcome>, SqlError> {
    trusted(connection, "SAVEPOINT batch")?;
    let outcomes: Result<Vec<Outcome>, SqlError> = statements
        .iter()
        .map(|statement| {
            guard::check(statement)?;
            run(connection, statement, false)
        })
        .collect();
    let outcomes = outcomes.and_then(|outcomes| {
        outbox::keep(connection, messages)?;
        Ok(outcomes)
    });
    if outcomes.is_err() {
        trusted(connection, "ROLLBACK TO batch")?;
    }
    trusted(connection, "RELEASE batch")?;
    outcomes
}

fn keep(kept: &mut Vec<Projection>, new: Projection) {
    match kept.iter_mut().find(|old| old.statement.sql == new.statement.sql) {
        Some(old) if old.position > new.position => {}
        Some(old) => *old = new,
        None => kept.push(new),
    }
}

/// Writes all waiting projections in one transaction that does not force a sync.
fn write_projections(connection: &Connection, projections: &Projections) -> Result<(), SqlError> {
    let waiting = std::mem::take(&mut *projections.newest.lock());
    if waiting.is_empty() {
        return Ok(());
    }
    let written = unsynced(connection, || {
        trusted(connection, "BEGIN IMMEDIATE")?;
        for Projection { statement, .. } in waiting.values().flatten() {
            if let Err(error) = run(connection, statement, false) {
                tracing::error!(%error, sql = statement.sql, "projection refused");
            }
        }
        trusted(connection, "COMMIT")
    });
    let mut newest = projections.newest.lock();
    if written.is_err() {
        for (key, projections) in waiting {
            let kept = newest.entry(key).or_default();
            projections.into_iter().for_each(|projection| keep(kept, projection));
        }
    }
    // Only now may a reader skip the flush: what it reads holds everything that waited.
    projections.any.store(!newest.is_empty(), Ordering::Release);
    written
}

/// Runs what may be done again after a power cut: its commit forces no sync.
fn unsynced(
    connection: &Connection,
    run: impl FnOnce() -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    trusted(connection, "PRAGMA synchronous = NORMAL")?;
    let done = run();
    if done.is_err() {
        // The next transaction must not run within what is left of this one.
        let _ = trusted(connection, "ROLLBACK");
    }
    trusted(connection, "PRAGMA synchronous = FULL")?;
    done
}

/// Runs a statement of the host itself, past the rules for guests.
fn trusted(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    guard::trusting(|| connection.execute_batch(sql)).map_err(guard::outward)
}

/// How long projections wait when nobody reads.
const PROJECTION_INTERVAL: Duration = Duration::from_secs(1);
/// Projections are written at once above this number.
const PROJECTIONS_MAX: usize = 20_000;
/// Most batches of one transaction.
const JOBS_PER_COMMIT_MAX: usize = 256;
