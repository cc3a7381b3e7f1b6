//! Entities of all machines: routing to shards, and waiting for durability before telling.

mod bindings;
mod census;
mod image;
mod instance;
mod load;
mod recovery;
mod replay;
mod shard;
mod upkeep;

use std::collections::HashMap;
use std::sync::Arc;

use journal::Position;
use parking_lot::Mutex;

use crate::state::Entry;

pub use bindings::exports::ecomauction::machine::machine as contract;
pub(crate) use census::{COUNTED_MAX, Census, Touched};
pub use image::{Image, Instance, InstanceError};
pub(crate) use instance::MachineImage;
pub(crate) use replay::Retelling;
pub use replay::{Difference, Replay};
pub use shard::Answer;
pub(crate) use shard::Surroundings;
use shard::{Shard, ShardError};

/// Why an entity did not answer.
#[derive(Debug, thiserror::Error)]
pub enum EntityError {
    /// No such machine in the manifest.
    #[error("no machine {0}")]
    NoMachine(String),
    /// The machine trapped or broke its contract; nothing changed.
    #[error("machine fault: {0}")]
    Machine(String),
    /// The store refused; nothing was said.
    #[error("store unavailable: {0}")]
    Unavailable(String),
}

/// One event of a public log.
pub struct PublicEvent {
    /// Position in the log.
    pub seq: u64,
    /// Head before.
    pub prev: [u8; 32],
    /// Head after.
    pub head: [u8; 32],
    /// Canonical JSON.
    pub public: Vec<u8>,
}

/// All machines of the host.
pub(crate) struct Machines<I: Image = MachineImage> {
    machines: HashMap<String, Vec<Mutex<Shard<I>>>>,
    /// Journal, snapshots, timers, outbox.
    pub(crate) around: Surroundings,
}

impl<I: Image> Machines<I> {
    pub(crate) fn new(images: Vec<(Arc<I>, u16)>, around: Surroundings) -> Self {
        let epoch = around.journal.epoch();
        let shards = |image: &Arc<I>, count| {
            (0..count).map(|_| Mutex::new(Shard::new(Arc::clone(image), epoch))).collect()
        };
        let machines = images
            .into_iter()
            .map(|(image, count)| (image.name().to_owned(), shards(&image, count)))
            .collect();
        Self { machines, around }
    }

    /// Sends a command. Its answer may not leave the process before its position is durable.
    pub(crate) async fn call(
        &self,
        machine: &str,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, EntityError> {
        self.on_shard(machine, key, |shard, around| {
            shard.command(around, key, command_id, principal, body)
        })
        .await
    }

    /// Asks a question. Its answer may not leave the process before its position is durable.
    pub(crate) async fn query(
        &self,
        machine: &str,
        key: &str,
        principal: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, EntityError> {
        self.on_shard(machine, key, |shard, around| shard.query(around, key, principal, body)).await
    }

    /// Public events with `seq > after`, at most `limit`. Reads files: call it off the async
    /// threads.
    pub(crate) fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        let unavailable = |error: String| EntityError::Unavailable(error);
        let (tail, newest) = self.shard(machine, key)?.lock().tail(key);
        let from_tail = tail.first().is_some_and(|first| first.first_seq <= after + 1);
        let stored = if from_tail {
            Vec::new()
        } else {
            let stored = self.around.state.entries(machine, key, after);
            stored.map_err(|error| unavailable(error.to_string()))?
        };
        let journal = &self.around.journal;
        journal
            .wait_blocking(Position::from_raw(newest))
            .map_err(|error| unavailable(error.to_string()))?;
        let mut events = Vec::new();
        for entry in after_seq(&stored, &tail, after) {
            let record = journal
                .read(Position::from_raw(entry.position))
                .map_err(|error| unavailable(error.to_string()))?;
            for event in record.events.into_iter().filter(|event| event.seq > after) {
                if events.len() >= limit as usize {
                    return Ok(events);
                }
                let journal::Event { seq, prev, head, public, .. } = event;
                events.push(PublicEvent { seq, prev, head, public });
            }
        }
        Ok(events)
    }

    /// Sends a command of the platform itself, before whatever is due.
    pub(crate) async fn declare(
        &self,
        machine: &str,
        key: &str,
        body: &[u8],
    ) -> Result<Answer, EntityError> {
        let command_id = format!("outage:{}", self.around.world.now_ms());
        self.on_shard(machine, key, |shard, around| shard.declare(around, key, &command_id, body))
            .await
    }

    /// The newest record of an entity.
    pub(crate) fn newest(&self, machine: &str, key: &str) -> Result<u64, EntityError> {
        Ok(self.shard(machine, key)?.lock().tail(key).1)
    }

    /// Names of the machines.
    pub(crate) fn names(&self) -> Vec<String> {
        self.machines.keys().cloned().collect()
    }

    /// Keys of a machine's entities, sorted. Reads the store of snapshots: call it off the async
    /// threads.
    pub(crate) fn keys(&self, machine: &str) -> Result<Vec<String>, EntityError> {
        let known = self.around.state.known();
        let known = known.map_err(|error| EntityError::Unavailable(error.to_string()))?;
        let known = known.into_iter().filter(|known| known.machine == machine);
        let mut keys: Vec<String> = known.map(|known| known.key).collect();
        for shard in self.machines.get(machine).into_iter().flatten() {
            keys.extend(shard.lock().residents.keys().map(|key| key.to_string()));
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// Runs a wake.
    pub(crate) fn wake(&self, machine: &str, key: &str) -> Result<(), EntityError> {
        let shard = self.shard(machine, key)?;
        match shard.lock().wake(&self.around, key) {
            Ok(()) => Ok(()),
            Err(error) => Err(outward(error)),
        }
    }

    /// Waits until a record is durable.
    pub(crate) async fn durable_through(&self, position: u64) -> Result<(), EntityError> {
        let journal = &self.around.journal;
        let waited = journal.wait(Position::from_raw(position)).await;
        waited.map_err(|error| EntityError::Unavailable(error.to_string()))
    }

    /// All shards.
    pub(crate) fn shards(&self) -> impl Iterator<Item = &Mutex<Shard<I>>> {
        self.machines.values().flatten()
    }

    /// How many entities are loaded.
    pub(crate) fn loaded(&self) -> usize {
        self.shards().map(|shard| shard.lock().loaded()).sum()
    }

    /// Runs a step under the shard's lock, once the entity can be loaded.
    async fn on_shard(
        &self,
        machine: &str,
        key: &str,
        step: impl Fn(&mut Shard<I>, &Surroundings) -> Result<Answer, ShardError>,
    ) -> Result<Answer, EntityError> {
        let shard = self.shard(machine, key)?;
        loop {
            let outcome = step(&mut shard.lock(), &self.around);
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(ShardError::NotYetDurable { position }) => {
                    // An error means that the record is lost; the next step sees the new epoch.
                    let _ = self.around.journal.wait(Position::from_raw(position)).await;
                }
                Err(error) => return Err(outward(error)),
            }
        }
    }

    fn shard(&self, machine: &str, key: &str) -> Result<&Mutex<Shard<I>>, EntityError> {
        let unknown = || EntityError::NoMachine(machine.to_owned());
        let shards = self.machines.get(machine).ok_or_else(unknown)?;
        let slot = fnv(key.as_bytes()) % shards.len().max(1) as u64;
        shards.get(usize::try_from(slot).unwrap_or(0)).ok_or_else(unknown)
    }
}

/// The entries that can hold events after `after`, oldest first.
fn after_seq(stored: &[Entry], tail: &[Entry], after: u64) -> Vec<Entry> {
    let first_of_tail = tail.first().map_or(u64::MAX, |entry| entry.first_seq);
    let all: Vec<Entry> = stored
        .iter()
        .filter(|entry| entry.first_seq < first_of_tail)
        .chain(tail)
        .copied()
        .collect();
    let start = all.partition_point(|entry| entry.first_seq <= after + 1).saturating_sub(1);
    all.get(start..).unwrap_or_default().to_vec()
}

fn outward(error: ShardError) -> EntityError {
    match error {
        ShardError::Machine(error) => EntityError::Machine(error.to_string()),
        ShardError::NotYetDurable { .. } | ShardError::Store(_) => {
            EntityError::Unavailable(error.to_string())
        }
    }
}

/// FNV-1a: stable, so that tests and operators can tell where a key lives.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
