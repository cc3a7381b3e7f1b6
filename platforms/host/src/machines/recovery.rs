//! Start and checkpoints: what is in snapshots, what must be read from the journal.

use journal::Position;
use parking_lot::Mutex;

use super::image::Image;
use super::shard::{Shard, ShardError};
use super::{EntityError, Machines};
use crate::outbox::{Marks, Message, Sending};
use crate::state::{Checkpoint, Entry, Known};

impl<I: Image> Machines<I> {
    /// Learns from snapshots and journal where every entity stands, and sets all timers. States are
    /// loaded when they are first needed. The bus has the messages of all records up to
    /// `published`.
    pub(crate) fn recover(&self, published: u64) -> Result<(), EntityError> {
        let known = self.around.state.known().map_err(store)?;
        for Known { machine, key, position, wake } in &known {
            if let Ok(shard) = self.shard(machine, key) {
                shard.lock().recover_snapshot(key, *position, *wake);
            }
        }
        let scan_after = self.around.state.mark(SCAN_AFTER).map_err(store)?;
        let settled = self.around.state.mark(SETTLED).map_err(store)?;
        let marks = Marks { settled, published };
        let start = Position::from_raw(scan_after.min(settled).min(marks.published));
        let mut records = 0_u64;
        let scanned = self.around.journal.scan(start, |position, record| {
            records += 1;
            let key = &record.entity.key;
            if position.get() > scan_after
                && let Ok(shard) = self.shard(&record.entity.machine, key)
            {
                let first_seq = record.events.first().map_or(0, |event| event.seq);
                let entry = Entry { first_seq, position: position.get() };
                shard.lock().recover_record(key, entry, record.wake.as_ref().map(|w| w.at));
            }
            if !record.effects.is_empty() {
                let machine = &record.entity.machine.as_str().into();
                let (position, time) = (position.get(), record.envelope.now);
                let sending = Sending { position, machine, time };
                self.around.outbox.push_again(sending, &record.effects, marks);
            }
            Ok::<_, journal::JournalError>(())
        });
        scanned.map_err(|error| EntityError::Unavailable(error.to_string()))?;
        for shard in self.shards() {
            shard.lock().finish_recovery(&self.around.timers);
        }
        let timers = self.around.timers.len();
        tracing::info!(snapshots = known.len(), records, timers, "recovered");
        Ok(())
    }

    /// What the components have of an earlier life. A data directory without queues has no mark for
    /// the bus: this one is taken for it, and must be stored as such before it moves.
    pub(crate) fn settled_at_start(&self) -> Result<u64, EntityError> {
        self.around.state.mark(SETTLED).map_err(store)
    }

    /// Writes snapshots of entities whose tail is worth it (of all with a tail when `everything`),
    /// and moves the marks from which the next start scans. Returns how many were written.
    pub(crate) fn checkpoint(&self, everything: bool) -> Result<usize, EntityError> {
        let durable = self.durable_in_outbox();
        let settled = self.around.outbox.settled(durable, &self.around.is_durable());
        let mut written = 0;
        for shard in self.shards() {
            let candidates = shard.lock().checkpoint_candidates(durable, everything);
            for keys in candidates.chunks(CHECKPOINT_CHUNK) {
                written += self.checkpoint_chunk(shard, keys)?;
            }
        }
        let oldest = self.shards().filter_map(|shard| shard.lock().oldest_tail()).min();
        let scan_after = oldest.map_or(durable, |oldest| durable.min(oldest.saturating_sub(1)));
        let marks = [(SCAN_AFTER, scan_after), (SETTLED, settled)];
        self.around.state.write(&[], &marks).map_err(store)?;
        Ok(written)
    }

    /// The bus has the messages of all records up to this one; those that are `leaving` count as
    /// gone.
    pub(crate) fn published(&self, leaving: &[Message]) -> u64 {
        let durable = self.durable_in_outbox();
        self.around.outbox.published(durable, leaving, &self.around.is_durable())
    }

    /// The newest durable record. The messages of all up to it are in the outbox.
    fn durable_in_outbox(&self) -> u64 {
        let durable = self.around.journal.durable().get();
        // Every shard once: after a failed commit none may wait for traffic to forget what was
        // lost, and messages of records up to `durable` are in the outbox once their shard was
        // locked after it was read.
        self.shards().for_each(|shard| shard.lock().enter_epoch(&self.around));
        durable
    }

    /// Takes idle entities with complete snapshots out of memory.
    pub(crate) fn evict(&self, before_ms: i64) -> usize {
        self.shards().map(|shard| shard.lock().evict(before_ms)).sum()
    }

    fn checkpoint_chunk(
        &self,
        shard: &Mutex<Shard<I>>,
        keys: &[std::sync::Arc<str>],
    ) -> Result<usize, EntityError> {
        let mut checkpoints: Vec<Checkpoint> = Vec::with_capacity(keys.len());
        for key in keys {
            match shard.lock().checkpoint(&self.around, key) {
                Ok(checkpoint) => checkpoints.extend(checkpoint),
                // Its turn comes with the next checkpoint.
                Err(ShardError::NotYetDurable { .. }) => {}
                Err(error) => return Err(super::outward(error)),
            }
        }
        // A snapshot of a state whose newest record is not durable must not be stored.
        let newest = checkpoints.iter().map(|checkpoint| checkpoint.position).max().unwrap_or(0);
        let journal = &self.around.journal;
        journal
            .wait_blocking(Position::from_raw(newest))
            .map_err(|error| EntityError::Unavailable(error.to_string()))?;
        self.around.state.write(&checkpoints, &[]).map_err(store)?;
        for checkpoint in &checkpoints {
            shard.lock().checkpointed(&checkpoint.key, checkpoint.position);
        }
        Ok(checkpoints.len())
    }
}

fn store(error: rusqlite::Error) -> EntityError {
    EntityError::Unavailable(error.to_string())
}

/// Every record up to here is covered by a snapshot.
const SCAN_AFTER: &str = "scan_after";
/// Components have handled every message of records up to here that comes to them by the outbox.
const SETTLED: &str = "settled";
/// Snapshots of one transaction; the shard is locked for one of them at a time.
const CHECKPOINT_CHUNK: usize = 256;
