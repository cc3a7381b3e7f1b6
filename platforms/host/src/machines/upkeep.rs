//! A shard's memory: what a start knows of its entities, what a checkpoint stores, who may leave.

use std::sync::Arc;

use super::image::{Image, Instance as _};
use super::shard::{Resident, Shard, ShardError, Surroundings};
use crate::state::{Checkpoint, Entry};
use crate::timers::{Alarm, Timers};

impl<I: Image> Shard<I> {
    /// Takes over what the stored snapshots say about an entity.
    pub(crate) fn recover_snapshot(&mut self, key: &str, position: u64, wake: Option<i64>) {
        let resident = self.residents.entry(key.into()).or_default();
        resident.has_snapshot = true;
        resident.newest = position;
        resident.wake = wake;
    }

    /// Takes over one record of the journal's scan, in the order of the journal.
    pub(crate) fn recover_record(&mut self, key: &str, entry: Entry, wake: Option<i64>) {
        let resident = self.residents.entry(key.into()).or_default();
        if entry.position > resident.newest {
            resident.newest = entry.position;
            resident.tail.push(entry);
            resident.wake = wake;
        }
    }

    /// Hands the wakes of all entities to the timers, and drops entries that need no memory.
    pub(crate) fn finish_recovery(&mut self, timers: &Timers) {
        for (key, resident) in &self.residents {
            if let Some(at) = resident.wake {
                timers.set(Alarm { at, machine: Arc::clone(&self.machine), key: Arc::clone(key) });
            }
        }
        self.residents.retain(|_, resident| !resident.tail.is_empty());
    }

    /// Keys whose snapshot is worth writing: long tails, old tails, or everything.
    pub(crate) fn checkpoint_candidates(&self, durable: u64, everything: bool) -> Vec<Arc<str>> {
        let worth = |resident: &Resident<_>| {
            let oldest = resident.tail.first().map_or(durable, |first| first.position);
            let age = (durable >> BATCH_SHIFT).saturating_sub(oldest >> BATCH_SHIFT);
            resident.tail.len() >= TAIL_MAX_RECORDS || age > TAIL_MAX_AGE_BATCHES
        };
        let mut keys: Vec<Arc<str>> = self
            .residents
            .iter()
            .filter(|(_, resident)| !resident.tail.is_empty())
            .filter(|(_, resident)| everything || worth(resident))
            .map(|(key, _)| Arc::clone(key))
            .collect();
        // In the order of the table, and the same in every run.
        keys.sort_unstable();
        keys
    }

    /// The state of an entity for a checkpoint; none when there is nothing new.
    pub(crate) fn checkpoint(
        &mut self,
        around: &Surroundings,
        key: &str,
    ) -> Result<Option<Checkpoint>, ShardError> {
        let touched = self.residents.get(key).map_or(0, |resident| resident.touched_ms);
        let handle = self.load(around, key, touched)?;
        let snapshot = self.guarded(|instance| instance.snapshot(handle))?;
        let Some(resident) = self.residents.get(key) else { return Ok(None) };
        Ok(Some(Checkpoint {
            machine: self.image.name().to_owned(),
            key: key.into(),
            position: resident.newest,
            wake: resident.wake,
            snapshot,
            entries: resident.tail.clone(),
        }))
    }

    /// The checkpoint is stored: its records need no memory any more.
    pub(crate) fn checkpointed(&mut self, key: &str, position: u64) {
        if let Some(resident) = self.residents.get_mut(key) {
            resident.tail.retain(|entry| entry.position > position);
            resident.tail.shrink_to_fit();
            resident.has_snapshot = true;
        }
    }

    /// The oldest record that only the journal holds.
    pub(crate) fn oldest_tail(&self) -> Option<u64> {
        self.residents
            .values()
            .filter_map(|resident| resident.tail.first())
            .map(|entry| entry.position)
            .min()
    }

    /// Forgets entities that nobody touched since `before_ms` and whose snapshot is complete.
    pub(crate) fn evict(&mut self, before_ms: i64) -> usize {
        let idle: Vec<Arc<str>> = self
            .residents
            .iter()
            .filter(|(_, resident)| resident.tail.is_empty() && resident.touched_ms < before_ms)
            .map(|(key, _)| Arc::clone(key))
            .collect();
        for key in &idle {
            let handle = self.residents.remove(key).and_then(|resident| resident.handle);
            if let (Some(handle), Some(instance)) = (handle, self.instance.as_mut())
                && instance.drop_entity(handle).is_err()
            {
                self.lose_instance();
            }
        }
        idle.len()
    }
}

/// A tail this long is worth a snapshot.
const TAIL_MAX_RECORDS: usize = 64;
/// A tail that starts this many batches ago is worth a snapshot: it bounds the scan at start.
const TAIL_MAX_AGE_BATCHES: u64 = 100_000;
/// A position is the number of its batch and an offset of this many bits (`journal::Position`).
const BATCH_SHIFT: u32 = 24;
