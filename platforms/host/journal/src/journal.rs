//! The journal as its users see it.

use parking_lot::Mutex;
use std::fs::{File, TryLockError};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::JournalError;
use crate::gate::Gate;
use crate::options::Options;
use crate::position::{Epoch, Position};
use crate::queue::Queue;
use crate::reader::Readers;
use crate::record::Record;
use crate::stats::{Counters, Stats};
use crate::store::Place;
use crate::writer::{Subscriber, Writer};

/// An append-only log of [`Record`]s with group commit. One process has a directory open at a
/// time. All functions may be called from any thread.
pub struct Journal {
    shared: Arc<Shared>,
    open: Mutex<Option<Open>>,
}

/// A record that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where it stands.
    pub position: Position,
    /// The record.
    pub record: Record,
}

/// What an open journal holds.
struct Open {
    driver: Driver,
    /// Keeps other processes out.
    _lock: File,
}

/// Who makes the writer go on.
enum Driver {
    Thread(JoinHandle<()>),
    /// Whoever calls [`Journal::step`].
    Caller(Box<Writer>),
}

pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) gate: Gate,
    pub(crate) readers: Readers,
    pub(crate) counters: Counters,
    pub(crate) retry_every: Duration,
    pub(crate) gather_max: Duration,
    pub(crate) checkpoint_bytes: u64,
    pub(crate) replies_early: bool,
    /// No thread writes: who waits has to step.
    pub(crate) stepped: bool,
}

impl Journal {
    /// Opens the log in the directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another process has it open, [`JournalError::Damaged`] when
    /// the end of the log is not what was written, or the disk's error.
    pub fn open(dir: &Path, options: Options) -> Result<Self, JournalError> {
        Self::open_inner(dir, &options, None, false)
    }

    /// Opens the log like [`open`](Self::open), but starts no thread: nothing is written until
    /// somebody calls [`step`](Self::step), so a simulation decides when. The functions that block
    /// step by themselves.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_stepped(dir: &Path, options: Options) -> Result<Self, JournalError> {
        Self::open_inner(dir, &options, None, true)
    }

    /// Opens the log like [`open`](Self::open), and hands every batch to the subscriber once it is
    /// durable and its waiters are released: in order, each record once, on the writer's thread,
    /// so the subscriber must be quick. Records found at opening are not handed out; scan them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_subscribed(
        dir: &Path,
        options: Options,
        subscriber: impl FnMut(Vec<Committed>) + Send + 'static,
    ) -> Result<Self, JournalError> {
        Self::open_inner(dir, &options, Some(Box::new(subscriber)), false)
    }

    /// Puts the record at the end of the log to be, and returns its position at once; it is not
    /// durable yet. Cheap enough to be called while an entity is locked. The order of the calls
    /// is the order of the log.
    ///
    /// `seen` is the epoch in which the state behind the record was built. After any error the
    /// owner must drop that state and reload it from the log.
    ///
    /// # Errors
    /// [`JournalError::Stale`] when the journal has failed since `seen`; the reason of the
    /// failure while it lasts; [`JournalError::Busy`]; [`JournalError::TooLarge`];
    /// [`JournalError::Closed`].
    pub fn append(&self, seen: Epoch, record: Record) -> Result<Position, JournalError> {
        self.shared.queue.append(seen, record)
    }

    /// The epoch to build state in: read it before reading the log.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.shared.queue.epoch()
    }

    /// Does the journal take records? False from a failed commit until a trial write worked again,
    /// which the journal tries by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.queue.is_open()
    }

    /// Everything up to here is durable.
    #[must_use]
    pub fn durable(&self) -> Position {
        self.shared.gate.durable()
    }

    /// Is this record durable? False for one that was lost, even when later ones are durable.
    #[must_use]
    pub fn is_durable(&self, position: Position) -> bool {
        self.shared.gate.is_durable(position)
    }

    /// Resolves once the record at the position is durable. Needs no particular executor.
    ///
    /// # Errors
    /// When the record was lost in a failure, with its reason: nothing may be said about it, and
    /// the owner must drop and reload its state. [`JournalError::Closed`] for a position that was
    /// never given out.
    pub fn wait(
        &self,
        position: Position,
    ) -> impl Future<Output = Result<(), JournalError>> + Send + '_ {
        self.shared.gate.wait(position)
    }

    /// [`wait`](Self::wait) for threads: blocks the calling one.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_blocking(&self, position: Position) -> Result<(), JournalError> {
        if self.shared.stepped {
            return self.step_until(position);
        }
        self.shared.gate.wait_blocking(position)
    }

    /// Commits what waits, or tries once to open the files anew after a failure; for a journal
    /// that was opened by [`open_stepped`](Self::open_stepped). False when there was nothing to do
    /// or the attempt failed.
    pub fn step(&self) -> bool {
        match self.open.lock().as_mut() {
            Some(Open { driver: Driver::Caller(writer), .. }) => writer.step(),
            _ => false,
        }
    }

    /// Reads one durable record from the file.
    ///
    /// # Errors
    /// [`JournalError::Missing`] when no durable record begins there, [`JournalError::Damaged`]
    /// when the stored bytes are not what was written (or `append` never gave the position out:
    /// the middle of a record looks the same), or the disk's error.
    pub fn read(&self, position: Position) -> Result<Record, JournalError> {
        if position > self.durable() {
            return Err(JournalError::Missing(position));
        }
        self.shared.readers.read(position)
    }

    /// Hands every record after the position, up to what is durable now, to `visit` in order.
    /// Everything is checked before it is handed out; an error of `visit` ends the scan.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] with the first place that cannot be believed,
    /// [`JournalError::Missing`] when `after` is no position of the log, the disk's error, or the
    /// error of `visit`.
    pub fn scan<E: From<JournalError>>(
        &self,
        after: Position,
        visit: impl FnMut(Position, Record) -> Result<(), E>,
    ) -> Result<(), E> {
        self.shared.readers.scan(after, self.durable(), visit)
    }

    /// Numbers for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.read(self.shared.queue.waiting())
    }

    /// Writes what waits, tidies the files and ends the threads. Later appends and reads are
    /// refused; dropping the journal does the same.
    pub fn close(&self) {
        self.shared.queue.close();
        // The lock is held over the join, so that whoever closes too returns when it is done.
        let mut open = self.open.lock();
        if let Some(Open { driver, _lock }) = open.take() {
            match driver {
                Driver::Thread(thread) => {
                    let _ = thread.join();
                }
                Driver::Caller(writer) => writer.finish(),
            }
        }
    }

    /// What is neither durable nor lost once nothing waits any more was never given out.
    fn step_until(&self, position: Position) -> Result<(), JournalError> {
        let mut wait = self.shared.gate.wait(position);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut wait).poll(&mut context) {
                return outcome;
            }
            if !self.step() {
                return Err(JournalError::Closed);
            }
        }
    }

    fn open_inner(
        dir: &Path,
        options: &Options,
        subscriber: Option<Subscriber>,
        stepped: bool,
    ) -> Result<Self, JournalError> {
        std::fs::create_dir_all(dir)?;
        let lock = lock(dir)?;
        let place = Place::new(dir, options);
        let store = place.open(None)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(options, store.last(), subscriber.is_some()),
            gate: Gate::new(store.last()),
            readers: Readers::new(place.clone()),
            counters: Counters::default(),
            retry_every: options.retry_every,
            gather_max: options.gather_max,
            checkpoint_bytes: options.checkpoint_bytes,
            replies_early: options.replies_early(),
            stepped,
        });
        let writer = Writer::new(Arc::clone(&shared), place, store, subscriber);
        let driver = if stepped {
            Driver::Caller(Box::new(writer))
        } else {
            Driver::Thread(writer.spawn()?)
        };
        Ok(Self { shared, open: Mutex::new(Some(Open { driver, _lock: lock })) })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock(dir: &Path) -> Result<File, JournalError> {
    let file = File::create(dir.join("journal.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
