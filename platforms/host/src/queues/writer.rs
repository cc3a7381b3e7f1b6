//! The thread that writes the file: what waits shares one transaction and one sync.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
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
    inbox: Arc<Inbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> Result<Self, QueueError> {
        let inbox = Arc::<Inbox>::default();
        let front = Front::load(&connection, ROOM, 0)?;
        let scribe = Scribe { connection, front, is_stale: false };
        let thread = std::thread::Builder::new().name("queues".to_owned());
        let jobs = Arc::clone(&inbox);
        let thread = thread.spawn(move || scribe.serve(&jobs));
        let thread = thread.map_err(|error| QueueError(error.to_string()))?;
        Ok(Self { inbox, thread: Mutex::new(Some(thread)) })
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
        // Who is not run hears that the writer let go of it.
        self.inbox.put(job);
        async move { answer.await.map_err(|_| QueueError("the writer let go of it".to_owned()))? }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.inbox.close();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

/// Jobs that wait for the thread, which is waked when there are as many as it wants.
#[derive(Default)]
struct Inbox {
    waiting: Mutex<Waiting>,
    enough: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    wanted: usize,
    is_closed: bool,
}

impl Inbox {
    fn put(&self, job: Job) {
        let mut waiting = self.waiting.lock();
        if waiting.is_closed {
            return;
        }
        waiting.jobs.push(job);
        if waiting.jobs.len() >= waiting.wanted {
            self.enough.notify_one();
        }
    }

    fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.enough.notify_one();
    }

    /// What waits: at least one job, and as many as are expected unless it is too late for them.
    /// None when it is closed and empty.
    fn gather(&self, (expected, until): (usize, Instant)) -> Option<Vec<Job>> {
        let mut waiting = self.waiting.lock();
        waiting.wanted = expected.max(1);
        while waiting.jobs.len() < waiting.wanted && !waiting.is_closed {
            if waiting.wanted == 1 {
                self.enough.wait(&mut waiting);
            } else if self.enough.wait_until(&mut waiting, until).timed_out() {
                waiting.wanted = 1;
            }
        }
        // Nobody need wake a thread that works.
        waiting.wanted = usize::MAX;
        let count = waiting.jobs.len().min(JOBS_PER_COMMIT_MAX);
        Some(waiting.jobs.drain(..count).collect()).filter(|jobs: &Vec<Job>| !jobs.is_empty())
    }
}

/// Lets go of all who wait when the thread ends, however it does.
struct AtTheEnd<'a>(&'a Inbox);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.is_closed = true;
        waiting.jobs.clear();
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
    fn serve(mut self, inbox: &Inbox) {
        let _at_the_end = AtTheEnd(inbox);
        // Those whom a commit lets go come back with what they do next (docs/adr/0013).
        let mut company = (1, Instant::now());
        while let Some(jobs) = inbox.gather(company) {
            let began = Instant::now();
            let mut told = Vec::with_capacity(jobs.len());
            let committed = self.commit(jobs, &mut told);
            if let Err(error) = &committed {
                tracing::error!(%error, "the queues cannot be written");
                let _ = self.connection.execute_batch("ROLLBACK");
                self.is_stale = true;
            }
            company = (told.len(), Instant::now() + began.elapsed().min(GATHER_MAX));
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

/// Most jobs of one transaction.
const JOBS_PER_COMMIT_MAX: usize = 256;
/// How long after a commit company is waited for at most; else as long as the commit took.
const GATHER_MAX: Duration = Duration::from_millis(1);
/// What a crowd of messages may take before they become rows: a fraction of what the platform does.
const ROOM: Room = Room { message_bytes: 32 << 20, log_bytes: 64 << 20 };
