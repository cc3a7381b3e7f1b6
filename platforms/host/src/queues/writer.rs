//! The thread that writes the file: what waits shares one transaction and one sync.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::QueueError;
use super::front::{Front, Room};

/// Runs within the transaction.
type Job = Box<dyn FnOnce(&Connection, &mut Front) -> Ran + Send>;
/// Told after the commit of what became of that.
type Told = Box<dyn FnOnce(Result<(), QueueError>)>;

/// A job that ran.
struct Ran {
    told: Told,
    failed: Option<QueueError>,
}

/// Handle of the thread.
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> Result<Self, QueueError> {
        let (jobs, inbox) = mpsc::channel();
        let front = Front::load(&connection, ROOM, 0)?;
        let scribe = Scribe { connection, front, is_stale: false };
        let thread = std::thread::Builder::new().name("queues".to_owned());
        let thread = thread.spawn(move || scribe.serve(&inbox));
        let thread = thread.map_err(|error| QueueError(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs something after all that was asked before; its answer comes when that is durable. An
    /// error undoes what shares its transaction.
    pub(super) fn ask<T, R>(
        &self,
        run: R,
    ) -> impl Future<Output = Result<T, QueueError>> + Send + use<T, R>
    where
        T: Send + 'static,
        R: FnOnce(&Connection, &mut Front) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection, front| {
            let done = run(connection, front).map_err(QueueError::from);
            let failed = done.as_ref().err().cloned();
            let told = Box::new(move |committed: Result<(), QueueError>| {
                let _ = reply.send(committed.and(done));
            });
            Ran { told, failed }
        });
        // Who is not sent, as who is not run, hears that the writer let go of it.
        let _ = self.jobs.lock().as_ref().map(|jobs| jobs.send(job));
        async move { answer.await.map_err(|_| QueueError("the writer let go of it".to_owned()))? }
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

/// What the thread has.
struct Scribe {
    connection: Connection,
    front: Front,
    /// The front may not be what the file says.
    is_stale: bool,
}

impl Scribe {
    fn serve(mut self, inbox: &Receiver<Job>) {
        let mut company = Company::default();
        while let Ok(first) = inbox.recv() {
            let jobs = company.gather(first, inbox);
            let mut told = Vec::with_capacity(jobs.len());
            let committed = self.commit(jobs, &mut told);
            if let Err(error) = &committed {
                tracing::error!(%error, "the queues cannot be written");
                let _ = self.connection.execute_batch("ROLLBACK");
                self.is_stale = true;
            }
            company.leave(told.len());
            told.into_iter().for_each(|told: Told| told(committed.clone()));
        }
    }

    fn commit(&mut self, jobs: Vec<Job>, told: &mut Vec<Told>) -> Result<(), QueueError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        if self.is_stale {
            self.front.load_again(&self.connection)?;
        }
        for job in jobs {
            let ran = job(&self.connection, &mut self.front);
            told.push(ran.told);
            if let Some(failed) = ran.failed {
                return Err(failed);
            }
        }
        self.front.finish(&self.connection)?;
        self.connection.execute_batch("COMMIT")?;
        self.is_stale = false;
        Ok(())
    }
}

/// Who is worth waiting for: those whom the last commit let go come back with what they do next
/// (docs/adr/0013).
#[derive(Default)]
struct Company {
    /// How many the last commit let go, and until when they are waited for.
    expected: Option<(usize, Instant)>,
}

impl Company {
    fn gather(&self, first: Job, inbox: &Receiver<Job>) -> Vec<Job> {
        let mut jobs = vec![first];
        jobs.extend(inbox.try_iter().take(JOBS_PER_COMMIT_MAX));
        let Some((expected, until)) = self.expected else { return jobs };
        while jobs.len() < expected {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match inbox.recv_timeout(left.min(QUIET_MAX)) {
                Ok(job) => jobs.push(job),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        jobs
    }

    fn leave(&mut self, count: usize) {
        self.expected = Some((count, Instant::now() + GATHER_MAX));
    }
}

/// Most jobs of one transaction.
const JOBS_PER_COMMIT_MAX: usize = 256;
/// Who did not come for so long comes later.
const QUIET_MAX: Duration = Duration::from_micros(100);
/// How long after a commit company is waited for.
const GATHER_MAX: Duration = Duration::from_millis(1);
/// What a crowd of messages may take before they become rows: a fraction of what the platform does.
const ROOM: Room = Room { message_bytes: 32 << 20, log_bytes: 64 << 20 };
