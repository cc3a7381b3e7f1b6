//! One shard: one machine instance and the entities that live in it. Its lock makes it the single
//! writer of each of them.
//!
//! The law (load → decide → append → release) is here and in `Machines`: the shard decides and
//! appends under its lock; the caller waits for durability before anything is told.

use std::collections::HashMap;
use std::sync::Arc;

use journal::{
    Effect, EntityKey, Envelope as JournalEnvelope, Epoch, Event, Journal, Position, Record, Wake,
};

use super::bindings::exports::ecomauction::machine::machine as wit;
use super::image::{Image, Instance, InstanceError};
use crate::clock::{Seed, Seeds, World};
use crate::live::Hub;
use crate::outbox::{Outbox, Sending};
use crate::state::{Entry, StateStore};
use crate::timers::{Alarm, Timers};

/// What a shard needs around it.
pub(crate) struct Surroundings {
    /// The log.
    pub(crate) journal: Journal,
    /// Snapshots.
    pub(crate) state: StateStore,
    /// Wakes.
    pub(crate) timers: Timers,
    /// Messages.
    pub(crate) outbox: Outbox,
    /// Who follows which log.
    pub(crate) live: Hub,
    /// Time and chance.
    pub(crate) world: Arc<dyn World>,
}

impl Surroundings {
    /// Asks the journal about positions.
    pub(crate) fn is_durable(&self) -> impl Fn(u64) -> bool + '_ {
        |position| self.journal.is_durable(Position::from_raw(position))
    }
}

/// An answer, and what must be durable before it may be told.
pub struct Answer {
    /// JSON.
    pub reply: Vec<u8>,
    /// The entity's newest record; 0 when there is nothing to wait for.
    pub after: u64,
}

/// Why a shard has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShardError {
    /// The entity must be loaded again, but its newest record is not durable yet: wait, then retry.
    #[error("the entity's newest record is being written")]
    NotYetDurable {
        /// Wait for this record.
        position: u64,
    },
    /// The machine is at fault; nothing changed.
    #[error("{0}")]
    Machine(#[from] InstanceError),
    /// A store is; nothing was said.
    #[error("store: {0}")]
    Store(String),
}

/// Entities of one instance.
pub(crate) struct Shard<I: Image> {
    pub(super) image: Arc<I>,
    pub(super) machine: Arc<str>,
    pub(super) instance: Option<I::Instance>,
    pub(super) residents: HashMap<Arc<str>, Resident<EntityOf<I>>>,
    pub(super) epoch: Epoch,
    pub(super) seeds: Seeds,
}

/// What the host knows of an entity that is loaded or has records after its snapshot.
pub(super) struct Resident<E> {
    pub(super) handle: Option<E>,
    pub(super) tail: Vec<Entry>,
    pub(super) newest: u64,
    pub(super) wake: Option<i64>,
    pub(super) touched_ms: i64,
    pub(super) has_snapshot: bool,
}

/// How an instance names its entities.
pub(super) type EntityOf<I> = <<I as Image>::Instance as Instance>::Entity;

impl<E> Default for Resident<E> {
    fn default() -> Self {
        Self {
            handle: None,
            tail: Vec::new(),
            newest: 0,
            wake: None,
            touched_ms: 0,
            has_snapshot: false,
        }
    }
}

impl<I: Image> Shard<I> {
    pub(crate) fn new(image: Arc<I>, epoch: Epoch) -> Self {
        let machine = image.name().into();
        Self {
            image,
            machine,
            instance: None,
            residents: HashMap::new(),
            epoch,
            seeds: Seeds::new(),
        }
    }

    /// Decides a command, appends what it decided and applies it.
    pub(crate) fn command(
        &mut self,
        around: &Surroundings,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, ShardError> {
        let now = around.world.now_ms();
        self.wake_if_due(around, key, now)?;
        let seed = self.seed(around)?;
        self.decide(around, key, wit::Envelope { command_id, principal, now, seed: &seed, body })
    }

    /// Decides a command of the platform itself as things stand: what is due has not happened yet.
    pub(crate) fn declare(
        &mut self,
        around: &Surroundings,
        key: &str,
        command_id: &str,
        body: &[u8],
    ) -> Result<Answer, ShardError> {
        let (now, seed) = (around.world.now_ms(), self.seed(around)?);
        let envelope = wit::Envelope { command_id, principal: None, now, seed: &seed, body };
        self.decide(around, key, envelope)
    }

    /// Answers a question.
    pub(crate) fn query(
        &mut self,
        around: &Surroundings,
        key: &str,
        principal: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, ShardError> {
        let now = around.world.now_ms();
        self.wake_if_due(around, key, now)?;
        let handle = self.load(around, key, now)?;
        let question = wit::Envelope { command_id: "", principal, now, seed: &[], body };
        let reply = self.guarded(|instance| instance.query(handle, question))?;
        let after = self.residents.get(key).map_or(0, |resident| resident.newest);
        self.forget_if_new(key)?;
        Ok(Answer { reply, after })
    }

    /// Runs the entity's wake; the machine decides what is due.
    pub(crate) fn wake(&mut self, around: &Surroundings, key: &str) -> Result<(), ShardError> {
        let now = around.world.now_ms();
        // The alarm is spent: whatever comes next is set anew, the same instant included.
        self.plan_wake(around, key, None);
        let command_id = format!("wake:{now}");
        let decided = self.seed(around).and_then(|seed| {
            let (command_id, seed) = (command_id.as_str(), seed.as_slice());
            let envelope = wit::Envelope { command_id, principal: None, now, seed, body: WAKE };
            self.decide(around, key, envelope)
        });
        let next = self.residents.get(key).and_then(|resident| resident.wake);
        if decided.is_err() || next.is_some_and(|at| at <= now) {
            self.plan_wake(around, key, Some(now.saturating_add(REARM_MS)));
        }
        decided.map(|_| ())
    }

    /// Where the entity's records after its snapshot stand, and its newest one.
    pub(crate) fn tail(&self, key: &str) -> (Vec<Entry>, u64) {
        let resident = self.residents.get(key);
        resident.map_or((Vec::new(), 0), |resident| (resident.tail.clone(), resident.newest))
    }

    /// How many entities are loaded.
    pub(crate) fn loaded(&self) -> usize {
        self.residents.values().filter(|resident| resident.handle.is_some()).count()
    }

    /// After a failed append: forgets everything that was built on lost records and asks every
    /// entity again when it wants to be woken.
    pub(crate) fn enter_epoch(&mut self, around: &Surroundings) {
        let epoch = around.journal.epoch();
        if epoch == self.epoch {
            return;
        }
        self.epoch = epoch;
        self.lose_instance();
        // Each asks for itself: newer records of other entities may be durable behind a lost one.
        let is_durable = around.is_durable();
        let soon = around.world.now_ms().saturating_add(REARM_MS);
        for (key, resident) in &mut self.residents {
            resident.tail.retain(|entry| is_durable(entry.position));
            if !is_durable(resident.newest) {
                // Without a tail the snapshot is the newest; loading says where it stands.
                resident.newest = resident.tail.last().map_or(0, |entry| entry.position);
            }
            resident.wake = Some(soon);
            let (machine, key) = (Arc::clone(&self.machine), Arc::clone(key));
            around.timers.set(Alarm { at: soon, machine, key });
        }
    }

    fn wake_if_due(
        &mut self,
        around: &Surroundings,
        key: &str,
        now: i64,
    ) -> Result<(), ShardError> {
        self.load(around, key, now)?;
        let due = self.residents.get(key).and_then(|resident| resident.wake);
        if due.is_some_and(|at| at <= now) { self.wake(around, key) } else { Ok(()) }
    }

    fn decide(
        &mut self,
        around: &Surroundings,
        key: &str,
        envelope: wit::Envelope<'_>,
    ) -> Result<Answer, ShardError> {
        let handle = self.load(around, key, envelope.now)?;
        let decision = self.guarded(|instance| instance.handle(handle, envelope.clone()))?;
        if decision.events.is_empty() {
            let after = self.residents.get(key).map_or(0, |resident| resident.newest);
            self.plan_wake(around, key, decision.wake.map(|wake| wake.at));
            self.forget_if_new(key)?;
            return Ok(Answer { reply: decision.reply, after });
        }
        let first_seq = decision.events.first().map_or(0, |event| event.seq);
        let wake_at = decision.wake.as_ref().map(|wake| wake.at);
        let time = envelope.now;
        let (record, reply) = self.record(key, envelope, decision)?;
        let messages = record.effects.clone();
        let topic = around.live.topic(&self.machine, key);
        let followed = topic.map(|topic| (topic, record.events.clone(), record.effects.clone()));
        let position = around.journal.append(self.epoch, record).map_err(|error| {
            // The state in memory is ahead of the log: nothing of it may be seen.
            self.lose_instance();
            ShardError::Store(error.to_string())
        })?;
        let position = position.get();
        let sending = Sending { position, machine: &self.machine, time };
        around.outbox.push(sending, &messages, &around.is_durable());
        if let Some((topic, events, effects)) = followed {
            around.live.decided(topic, position, events, effects);
        }
        if let Some(resident) = self.residents.get_mut(key) {
            resident.tail.push(Entry { first_seq, position });
            resident.newest = position;
        }
        self.plan_wake(around, key, wake_at);
        Ok(Answer { reply, after: position })
    }

    fn record(
        &self,
        key: &str,
        envelope: wit::Envelope<'_>,
        decision: wit::Decision,
    ) -> Result<(Record, Vec<u8>), ShardError> {
        let head = |bytes: &[u8]| {
            <[u8; 32]>::try_from(bytes)
                .map_err(|_| ShardError::Store("a chain head or seed is not 32 bytes".to_owned()))
        };
        let mut events = Vec::with_capacity(decision.events.len());
        for event in decision.events {
            let (prev, head) = (head(&event.prev)?, head(&event.head)?);
            let wit::Event { seq, public, fact, .. } = event;
            events.push(Event { seq, prev, head, public, fact });
        }
        let effects = decision.effects.into_iter().map(|effect| match effect {
            wit::Effect::Send(wit::Message { topic, key, body }) => {
                Effect::Send { topic, key, body }
            }
        });
        let record = Record {
            entity: EntityKey { machine: self.image.name().to_owned(), key: key.to_owned() },
            reply: None,
            envelope: JournalEnvelope {
                command_id: envelope.command_id.to_owned(),
                principal: envelope.principal.map(str::to_owned),
                now: envelope.now,
                seed: head(envelope.seed)?,
                body: envelope.body.to_vec(),
            },
            events,
            effects: effects.collect(),
            wake: decision.wake.map(|wake| Wake { at: wake.at, reason: wake.reason }),
        };
        Ok((record, decision.reply))
    }

    /// An entity that was only asked about and never existed takes no room.
    fn forget_if_new(&mut self, key: &str) -> Result<(), ShardError> {
        let is_new = self.residents.get(key).is_some_and(|resident| {
            !resident.has_snapshot && resident.tail.is_empty() && resident.newest == 0
        });
        if is_new {
            let handle = self.residents.remove(key).and_then(|resident| resident.handle);
            if let Some(handle) = handle {
                self.guarded(|instance| instance.drop_entity(handle))?;
            }
        }
        Ok(())
    }

    pub(super) fn plan_wake(&mut self, around: &Surroundings, key: &str, wake: Option<i64>) {
        let Some((key, _)) = self.residents.get_key_value(key) else { return };
        let key = Arc::clone(key);
        let Some(resident) = self.residents.get_mut(&key) else { return };
        if resident.wake == wake {
            return;
        }
        let alarm = |at| Alarm { at, machine: Arc::clone(&self.machine), key: Arc::clone(&key) };
        if let Some(at) = resident.wake {
            around.timers.cancel(&alarm(at));
        }
        if let Some(at) = wake {
            around.timers.set(alarm(at));
        }
        resident.wake = wake;
    }

    fn seed(&mut self, around: &Surroundings) -> Result<Seed, ShardError> {
        self.seeds.next(&*around.world).map_err(|error| ShardError::Store(error.to_string()))
    }

    /// Runs something in the instance, made on demand; after a trap all entities are loaded anew.
    pub(super) fn guarded<T>(
        &mut self,
        run: impl FnOnce(&mut I::Instance) -> Result<T, InstanceError>,
    ) -> Result<T, ShardError> {
        let instance = match &mut self.instance {
            Some(instance) => instance,
            none => none.insert(self.image.instantiate()?),
        };
        run(instance).map_err(|error| {
            tracing::error!(machine = %self.machine, %error, "machine failed; shard reloads");
            self.lose_instance();
            error.into()
        })
    }

    pub(super) fn lose_instance(&mut self) {
        self.instance = None;
        for resident in self.residents.values_mut() {
            resident.handle = None;
        }
    }
}

/// The body of a wake (wit/machine).
const WAKE: &[u8] = b"\"wake\"";
/// After a failure, entities are asked for their wakes this much later.
const REARM_MS: i64 = 250;
