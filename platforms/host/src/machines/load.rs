//! Entities on their way into memory: from the snapshot and what the journal has after it, or from
//! the journal alone.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
mod tests;

use journal::Position;

use super::image::{Image, Instance as _, InstanceError};
use super::shard::{EntityOf, Shard, ShardError};
use super::{Surroundings, after_seq};

impl<I: Image> Shard<I> {
    /// The entity's handle, loaded from snapshot and journal when it is not in memory.
    pub(super) fn load(
        &mut self,
        around: &Surroundings,
        key: &str,
        now: i64,
    ) -> Result<EntityOf<I>, ShardError> {
        self.enter_epoch(around);
        if let Some(resident) = self.residents.get_mut(key) {
            if let Some(handle) = resident.handle {
                resident.touched_ms = now;
                return Ok(handle);
            }
            if resident.newest > around.journal.durable().get() {
                return Err(ShardError::NotYetDurable { position: resident.newest });
            }
        }
        let store = |error: rusqlite::Error| ShardError::Store(error.to_string());
        let snapshot = around.state.snapshot(self.image.name(), key).map_err(store)?;
        let tail = self.residents.get(key).map(|known| known.tail.clone()).unwrap_or_default();
        let newest_covered = snapshot.as_ref().map_or(0, |(_, position)| *position);
        let has_snapshot = snapshot.is_some();
        let restored = match snapshot {
            Some((bytes, _)) => {
                self.guarded(|instance| refusable(instance.restore(key, &bytes)))?
            }
            None => None,
        };
        // Snapshots can be made again: a newer machine need not read the ones of an older.
        let (handle, tail, covered) = match restored {
            Some(handle) => (handle, tail, newest_covered),
            None if has_snapshot => {
                let all = around.state.entries(self.image.name(), key, 0).map_err(store)?;
                (self.guarded(|instance| instance.create(key))?, after_seq(&all, &tail, 0), 0)
            }
            None => (self.guarded(|instance| instance.create(key))?, tail, 0),
        };
        for entry in tail.iter().filter(|entry| entry.position > covered) {
            let record = around.journal.read(Position::from_raw(entry.position));
            let record = record.map_err(|error| ShardError::Store(error.to_string()))?;
            for event in &record.events {
                self.guarded(|instance| instance.apply(handle, &event.fact))?;
            }
        }
        let wake = self.guarded(|instance| instance.next_wake(handle))?;
        let resident = self.residents.entry(key.into()).or_default();
        resident.handle = Some(handle);
        resident.has_snapshot = has_snapshot;
        resident.newest = resident.newest.max(newest_covered);
        resident.touched_ms = now;
        self.plan_wake(around, key, wake.map(|wake| wake.at));
        Ok(handle)
    }
}

/// None where the machine does not read that snapshot, which is no failure of its instance.
fn refusable<T>(restored: Result<T, InstanceError>) -> Result<Option<T>, InstanceError> {
    match restored {
        Ok(entity) => Ok(Some(entity)),
        Err(InstanceError::Refused { what, why }) => {
            tracing::debug!(what, why, "a snapshot is made again from the journal");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
