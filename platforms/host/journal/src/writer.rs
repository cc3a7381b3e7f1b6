//! What writes, usually on a thread of its own, and the thread that checkpoints behind it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::Instant;

use crate::error::JournalError;
use crate::journal::{Committed, Shared};
use crate::position::Position;
use crate::queue::{Batch, Company};
use crate::row::Row;
use crate::store::{Place, Store};

/// Gets the records of each batch after they are durable and their waiters are released.
pub(crate) type Subscriber = Box<dyn FnMut(Vec<Committed>) + Send>;

/// The writer's side of a journal; it owns the only connection that writes.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    place: Place,
    store: Option<Store>,
    subscriber: Option<Subscriber>,
    /// None where no thread may run: the writer then moves the log itself.
    checkpointer: Option<Checkpointer>,
    wakers: Vec<Waker>,
    /// Bytes committed since the write-ahead log last started over.
    unmoved: u64,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        place: Place,
        store: Store,
        subscriber: Option<Subscriber>,
    ) -> Self {
        Self {
            shared,
            place,
            store: Some(store),
            subscriber,
            checkpointer: None,
            wakers: Vec::new(),
            unmoved: 0,
        }
    }

    pub(crate) fn spawn(mut self) -> Result<JoinHandle<()>, JournalError> {
        self.checkpointer = Some(Checkpointer::spawn(Arc::clone(&self.shared))?);
        let thread = std::thread::Builder::new().name("journal".to_owned());
        Ok(thread.spawn(move || self.run())?)
    }

    fn run(mut self) {
        let ended = Ended(Arc::clone(&self.shared));
        let mut company = Company { records: 1, until: Instant::now() };
        while let Some(batch) = self.shared.queue.take(company) {
            match self.write(batch).and_then(|next| self.move_log().map(|()| next)) {
                Ok(next) => company = next,
                Err(error) => {
                    self.fail(error);
                    if !self.reopen() {
                        break;
                    }
                }
            }
        }
        self.close();
        drop(ended);
    }

    /// What the thread does between two waits: commits what is there, or tries once to open the
    /// files anew. False when there was nothing to do, or no success.
    pub(crate) fn step(&mut self) -> bool {
        if self.store.is_none() {
            return self.reopen_once();
        }
        let Some(batch) = self.shared.queue.take_now() else { return false };
        if let Err(error) = self.write(batch).and_then(|_| self.move_log()) {
            self.fail(error);
        }
        true
    }

    /// What the thread does at its end, once the queue is closed.
    pub(crate) fn finish(mut self) {
        let ended = Ended(Arc::clone(&self.shared));
        while self.store.is_some() && self.step() {}
        self.close();
        drop(ended);
    }

    /// Commits a batch and releases its waiters. Returns the company that the next one has to
    /// expect: those who waited here, and those who came meanwhile.
    fn write(&mut self, Batch { mut rows, records }: Batch) -> Result<Company, JournalError> {
        let last = rows.last().map_or(Position::START, Row::last);
        if self.shared.replies_early {
            self.shared.gate.open_upto(last, &mut self.wakers);
        }
        let start = Instant::now();
        let store = self.store.as_mut().ok_or(JournalError::Closed)?;
        store.commit(&mut rows, last)?;
        let took = start.elapsed();
        let (mut count, mut bytes) = (0, 0);
        for row in &rows {
            count += u64::from(row.records());
            bytes += row.body().len() as u64;
        }
        self.unmoved += bytes;
        self.shared.counters.committed(rows.len() as u64, count, bytes, took);
        self.shared.gate.open_upto(last, &mut self.wakers);
        let (came, _) = self.shared.queue.waiting();
        let patience = self.shared.gather_max.min(took.saturating_mul(GATHER_COMMITS));
        let company = Company { records: count + came, until: Instant::now() + patience };
        self.shared.queue.recycle(rows);
        if let Some(subscriber) = &mut self.subscriber {
            subscriber(records);
        }
        Ok(company)
    }

    /// Gives up on everything that is not durable. The connection goes with it: what it believes
    /// about the file may be wrong.
    fn fail(&mut self, error: JournalError) {
        self.store = None;
        self.shared.counters.failed();
        let voided = self.shared.queue.fail(&error);
        self.shared.gate.fail_upto(voided.upto, &error);
        if let Some(checkpointer) = &mut self.checkpointer
            && checkpointer.wait().is_err()
        {
            self.shared.counters.checkpoint_failed();
        }
    }

    /// Opens the files anew until that succeeds; false when the journal is closed meanwhile.
    fn reopen(&mut self) -> bool {
        while self.shared.queue.pause(self.shared.retry_every) {
            if self.reopen_once() {
                return true;
            }
        }
        false
    }

    fn reopen_once(&mut self) -> bool {
        let _alone = self.shared.readers.exclude();
        match self.place.open(Some(self.shared.gate.durable())) {
            Ok(store) => {
                self.store = Some(store);
                self.unmoved = 0;
                self.shared.queue.resume();
                true
            }
            Err(error) => {
                self.shared.queue.still_failed(&error);
                false
            }
        }
    }

    /// Keeps the write-ahead log short. The checkpointer does the bulk while commits go on; it
    /// can never catch the last frames, and without those the log does not start over, so the
    /// writer moves them between two batches.
    ///
    /// A checkpoint that fails is a failure of the journal: what it should have synced is not
    /// copied again before the files are opened anew.
    fn move_log(&mut self) -> Result<(), JournalError> {
        let long = self.unmoved >= self.shared.checkpoint_bytes;
        let copied = match &mut self.checkpointer {
            Some(checkpointer) => checkpointer.outcome(long),
            None => long.then_some(Ok(())),
        };
        let Some(copied) = copied else { return Ok(()) };
        let store = self.store.as_ref().ok_or(JournalError::Closed)?;
        let moved = copied.and_then(|()| store.checkpoint());
        match moved {
            Ok(()) => self.unmoved = 0,
            Err(_) => self.shared.counters.checkpoint_failed(),
        }
        moved
    }

    fn close(mut self) {
        self.shared.queue.close();
        let copied = self.checkpointer.take().map_or(Ok(()), Checkpointer::stop);
        self.shared.readers.close();
        if let Some(store) = self.store.take()
            && copied.and_then(|()| store.close()).is_err()
        {
            self.shared.counters.checkpoint_failed();
        }
    }
}

/// Gathering lasts this many commits at most: where the disk is quick, waiting long would be the
/// larger part of a lone client's time.
const GATHER_COMMITS: u32 = 6;

/// Leaves nobody waiting, even when the thread ends by a panic of the subscriber.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        let error = JournalError::Closed;
        self.0.queue.close();
        let voided = self.0.queue.fail(&error);
        self.0.gate.fail_upto(voided.upto, &error);
        self.0.gate.close();
    }
}

/// Copies the write-ahead log into the database while the writer goes on.
struct Checkpointer {
    orders: SyncSender<()>,
    outcomes: Receiver<Result<(), JournalError>>,
    /// One at a time: after a failure none begins before the writer knows of it.
    is_ordered: bool,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    fn spawn(shared: Arc<Shared>) -> Result<Self, JournalError> {
        let (orders, inbox) = sync_channel(1);
        let (reports, outcomes) = sync_channel(1);
        let thread =
            std::thread::Builder::new().name("journal-checkpoint".to_owned()).spawn(move || {
                while inbox.recv().is_ok() && reports.send(shared.readers.checkpoint()).is_ok() {}
            })?;
        Ok(Self { orders, outcomes, is_ordered: false, thread })
    }

    /// How the checkpoint that was ordered has ended, once. Orders one if it is `wanted` and none
    /// is under way.
    fn outcome(&mut self, wanted: bool) -> Option<Result<(), JournalError>> {
        if !self.is_ordered {
            self.is_ordered = wanted && self.orders.try_send(()).is_ok();
            return None;
        }
        let outcome = self.outcomes.try_recv().ok()?;
        self.is_ordered = false;
        Some(outcome)
    }

    /// Lets the one under way end, and says how it did.
    fn wait(&mut self) -> Result<(), JournalError> {
        if std::mem::take(&mut self.is_ordered) {
            return self.outcomes.recv().unwrap_or(Err(JournalError::Closed));
        }
        Ok(())
    }

    fn stop(mut self) -> Result<(), JournalError> {
        let last = self.wait();
        drop(self.orders);
        let _ = self.thread.join();
        last
    }
}
