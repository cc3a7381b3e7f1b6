//! Durable queues: one for every subscription that does not compact (docs/adr/0024).
//!
//! A message is taken under a lease, which hides it until the visibility time-out. It is deleted
//! when its consumer acknowledges it, comes again later when it was refused, and becomes a dead
//! letter when that happened too often. Of each key only the oldest message can be taken, so keys
//! keep their order and do not wait for each other. Everything is in one SQLite file and synced
//! before it is said.

mod dead;
mod event;
mod front;
mod lane;
mod log;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod model;
mod rows;
mod slots;
mod store;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Notify;

pub(crate) use dead::{DeadLetter, Stats, Which};
pub(crate) use event::Event;
use front::Front;
pub(crate) use store::{Taken, Taking, Verdict};
use writer::Writer;

use crate::clock::World;

/// Why the queues did not do something.
#[derive(Debug, Clone, thiserror::Error)]
#[error("queues: {0}")]
pub(crate) struct QueueError(String);

impl From<rusqlite::Error> for QueueError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// All queues of the host.
pub(crate) struct Queues {
    writer: Writer,
    reader: Arc<Mutex<Connection>>,
    known: BTreeMap<String, Known>,
    world: Arc<dyn World>,
}

/// A queue that somebody consumes.
struct Known {
    id: i64,
    /// Something may be there to take.
    stirred: Arc<Notify>,
}

impl Queues {
    /// Opens the file and makes the queues of these names. Leases of an earlier process are over.
    pub(crate) fn open(
        path: &Path,
        names: impl IntoIterator<Item = String>,
        world: Arc<dyn World>,
    ) -> Result<Self, QueueError> {
        let mut connection = store::open(path)?;
        let start = connection.transaction()?;
        log::fold(&start)?;
        store::end_leases(&start, world.now_ms())?;
        start.commit()?;
        let mut known = BTreeMap::new();
        for name in names {
            let id = store::queue(&connection, &name)?;
            known.insert(name, Known { id, stirred: Arc::default() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(path, flags)?;
        reader.busy_timeout(store::BUSY_MAX)?;
        let writer = Writer::start(connection)?;
        Ok(Self { writer, reader: Arc::new(Mutex::new(reader)), known, world })
    }

    /// The record of the journal up to which all messages are here, if that was ever said.
    pub(crate) fn published(&self) -> Result<Option<u64>, QueueError> {
        Ok(store::published(&self.reader.lock())?)
    }

    /// Puts messages into their queues, all or none. A message that its queue has is not put there
    /// again. With them, all messages of the journal's records up to `published` are here.
    pub(crate) async fn push(
        &self,
        batch: Vec<(String, Event)>,
        published: Option<u64>,
    ) -> Result<(), QueueError> {
        let now = self.world.now_ms();
        let mut rows = Vec::with_capacity(batch.len());
        let mut stirred: BTreeMap<i64, Arc<Notify>> = BTreeMap::new();
        for (name, event) in batch {
            let known = self.known(&name)?;
            stirred.insert(known.id, Arc::clone(&known.stirred));
            rows.push((known.id, event));
        }
        let pushing = move |file: &Connection, front: &mut Front| {
            front.push(file, rows, now)?;
            published.map_or(Ok(()), |through| store::set_published(file, through))
        };
        self.writer.ask(pushing).await?;
        stirred.values().for_each(|stirred| stirred.notify_one());
        Ok(())
    }

    /// Takes what may be delivered now, under one lease, after all that was asked before.
    pub(crate) fn take(
        &self,
        name: &str,
        taking: Taking,
    ) -> impl Future<Output = Result<Taken, QueueError>> + Send + use<> {
        let now = self.world.now_ms();
        let asked = self.known(name).map(|known| {
            let queue = known.id;
            self.writer.ask(move |file, front| front.take(file, queue, &taking, now))
        });
        async move { asked?.await }
    }

    /// Says what became of messages that were taken; how many became dead letters. What another
    /// lease has by now stays as it is.
    pub(crate) fn settle(
        &self,
        name: &str,
        lease: i64,
        max_receives: u32,
        verdicts: Vec<(i64, Verdict)>,
    ) -> impl Future<Output = Result<usize, QueueError>> + Send + use<> {
        let now = self.world.now_ms();
        let asked = self.known(name).map(|known| {
            let (queue, stirred) = (known.id, Arc::clone(&known.stirred));
            let settling = move |file: &Connection, front: &mut Front| {
                front.settle(file, queue, lease, max_receives, &verdicts, now)
            };
            (self.writer.ask(settling), stirred)
        });
        async move {
            let (settled, stirred) = asked?;
            let dead = settled.await;
            // Also after an error: somebody has to wait for the end of the lease.
            stirred.notify_one();
            dead
        }
    }

    /// There is more to take than was taken.
    pub(crate) fn stir(&self, name: &str) {
        if let Some(known) = self.known.get(name) {
            known.stirred.notify_one();
        }
    }

    /// Waits until something may be there to take, at most until that instant if there is one.
    pub(crate) async fn stirred(&self, name: &str, until: Option<i64>) {
        let Some(known) = self.known.get(name) else { return };
        let Some(until) = until else { return known.stirred.notified().await };
        // A long sleep is cut so that a step of the wall clock is noticed.
        let wait = until.saturating_sub(self.world.now_ms()).clamp(1, CLOCK_CHECK_MS);
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(1));
        let _ = tokio::time::timeout(wait, known.stirred.notified()).await;
    }

    /// Dead letters of a queue, oldest first, at most `limit` behind the place `after`; none when
    /// there is no such queue.
    pub(crate) async fn dead_letters(
        &self,
        name: &str,
        after: i64,
        limit: u32,
    ) -> Result<Option<Vec<DeadLetter>>, QueueError> {
        let name = name.to_owned();
        self.read(move |file| {
            let Some(queue) = dead::find(file, &name)? else { return Ok(None) };
            dead::letters(file, queue, after, limit).map(Some)
        })
        .await
    }

    /// Returns dead letters to their queue, each once; how many. None when there is no such queue.
    pub(crate) async fn redrive(
        &self,
        name: &str,
        which: Which,
    ) -> Result<Option<u64>, QueueError> {
        let (named, now) = (name.to_owned(), self.world.now_ms());
        let moved = self.writer.ask(move |file, front| {
            let Some(queue) = dead::find(file, &named)? else { return Ok(None) };
            front.redrive(file, queue, &which, now).map(Some)
        });
        let moved = moved.await?;
        self.stir(name);
        Ok(moved)
    }

    /// Deletes dead letters; how many. None when there is no such queue.
    pub(crate) async fn purge(&self, name: &str, which: Which) -> Result<Option<u64>, QueueError> {
        let named = name.to_owned();
        let purging = move |file: &Connection, _: &mut Front| {
            let Some(queue) = dead::find(file, &named)? else { return Ok(None) };
            dead::purge(file, queue, &which).map(Some)
        };
        self.writer.ask(purging).await
    }

    /// How every queue is doing, in the order of names. A message that becomes a row meanwhile is
    /// counted twice.
    pub(crate) async fn stats(&self) -> Result<Vec<Stats>, QueueError> {
        let now = self.world.now_ms();
        let held = self.writer.ask(move |_, front| Ok(front.held(now))).await?;
        let mut stats = self.read(move |file| dead::stats(file, now)).await?;
        for stats in &mut stats {
            let Some(known) = self.known.get(&stats.name) else { continue };
            stats.consumed = true;
            if let Some(held) = held.get(&known.id) {
                stats.depth += held.depth;
                stats.in_flight += held.in_flight;
                stats.oldest_at = [stats.oldest_at, held.oldest_at].into_iter().flatten().min();
            }
        }
        Ok(stats)
    }

    /// The last slot that a job began; a job that nobody knew has begun everything up to now.
    pub(crate) async fn last_slot(&self, component: &str, job: &str) -> Result<i64, QueueError> {
        let (component, job, now) = (component.to_owned(), job.to_owned(), self.world.now_ms());
        self.writer.ask(move |file, _| slots::last(file, &component, &job, now)).await
    }

    /// Marks a slot as begun, once over all lives of the host.
    pub(crate) async fn begin_slot(
        &self,
        component: &str,
        job: &str,
        slot: i64,
    ) -> Result<bool, QueueError> {
        let (component, job) = (component.to_owned(), job.to_owned());
        self.writer.ask(move |file, _| slots::begin(file, &component, &job, slot)).await
    }

    /// The clock that deliveries go by.
    pub(crate) fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    fn known(&self, name: &str) -> Result<&Known, QueueError> {
        self.known.get(name).ok_or_else(|| QueueError(format!("no queue {name}")))
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        let reader = Arc::clone(&self.reader);
        // One transaction: an answer of several statements is of one moment.
        let reading = move || {
            let mut reader = reader.lock();
            let moment = reader.transaction()?;
            read(&moment)
        };
        let done = tokio::task::spawn_blocking(reading).await;
        Ok(done.map_err(|error| QueueError(error.to_string()))??)
    }
}

const CLOCK_CHECK_MS: i64 = 1_000;
