//! The thread that writes the book of letters: what waits shares one transaction and one sync.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::store::BookError;

/// Runs within the transaction; what it returns runs after the commit and is told of it.
type Job = Box<dyn FnOnce(&Connection) -> Told + Send>;
type Told = Box<dyn FnOnce(Result<(), BookError>)>;

/// Handle of the thread.
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> Result<Self, BookError> {
        let (jobs, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new().name("letters".to_owned());
        let thread = thread.spawn(move || {
            crate::priority::step_back();
            serve(&connection, &inbox);
        });
        let thread = thread.map_err(|error| BookError(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs something; its answer comes when that is durable. An error undoes it and nothing else.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BookError> {
        let stopped = || BookError("the writer stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let done = alone(connection, run);
            Box::new(move |committed| {
                let _ = reply.send(committed.and(done));
            })
        });
        let sent = self.jobs.lock().as_ref().map(|jobs| jobs.send(job));
        sent.ok_or_else(stopped)?.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
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

fn serve(connection: &Connection, inbox: &Receiver<Job>) {
    while let Ok(first) = inbox.recv() {
        let mut jobs = vec![first];
        jobs.extend(inbox.try_iter().take(JOBS_PER_COMMIT_MAX));
        let mut told: Vec<Told> = Vec::with_capacity(jobs.len());
        let committed = connection.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
            told.extend(jobs.drain(..).map(|job| job(connection)));
            connection.execute_batch("COMMIT")
        });
        let committed = committed.map_err(|error| {
            tracing::error!(%error, "the book of letters cannot be written");
            let _ = connection.execute_batch("ROLLBACK");
            BookError::from(error)
        });
        // Who was not run hears that the writer let go of it.
        told.into_iter().for_each(|told| told(committed.clone()));
    }
}

/// Runs within a savepoint of its own.
fn alone<T>(
    connection: &Connection,
    run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, BookError> {
    if connection.is_autocommit() {
        // An error of the one before was so bad that it undid the transaction.
        return Err(BookError("the transaction was undone".to_owned()));
    }
    connection.execute_batch("SAVEPOINT job")?;
    let done = run(connection);
    if done.is_err() {
        connection.execute_batch("ROLLBACK TO job")?;
    }
    connection.execute_batch("RELEASE job")?;
    Ok(done?)
}

/// Most jobs of one transaction.
const JOBS_PER_COMMIT_MAX: usize = 256;
