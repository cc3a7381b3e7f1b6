//! The machine of the simulation: the rules as a library, behind what the host asks of a machine.
//!
//! It notes what every entity looks like when the host has loaded it, so that snapshot and tail
//! can be compared with the whole log.

use std::collections::BTreeMap;
use std::sync::Arc;

use auction_machine::Auction;
use host::stepped::contract::{Decision, Effect, Envelope, Event, Message, Wake};
use host::stepped::{Image, Instance, InstanceError};
use kernel::{Digest, Entity, Timestamp};
use parking_lot::Mutex;

use crate::plants::{Plant, Twist};

/// The machine, and what is planted in it.
pub(crate) struct Rules {
    plant: Option<Plant>,
    notes: Arc<Notes>,
}

/// What a run sees of the machine beside the host.
#[derive(Default)]
pub(crate) struct Notes {
    /// Entities as they were when the host had loaded them.
    pub(crate) loaded: Mutex<Vec<Loaded>>,
    /// For a planted bug: entities that outlive their instance.
    pub(crate) kept: Mutex<BTreeMap<String, Entity<Auction>>>,
}

/// An entity that was loaded.
pub(crate) struct Loaded {
    pub(crate) key: String,
    pub(crate) seq: u64,
    pub(crate) state: Digest,
}

/// One instance.
pub(crate) struct Hall {
    entities: BTreeMap<u64, Living>,
    next: u64,
    plant: Option<Plant>,
    notes: Arc<Notes>,
}

/// One entity.
pub(crate) struct Living {
    pub(crate) entity: Entity<Auction>,
    pub(crate) twist: Twist,
}

impl Rules {
    pub(crate) fn new(plant: Option<Plant>) -> Self {
        Self { plant, notes: Arc::default() }
    }

    pub(crate) fn notes(&self) -> &Notes {
        &self.notes
    }
}

impl Image for Rules {
    type Instance = Hall;

    fn name(&self) -> &str {
        MACHINE
    }

    fn instantiate(&self) -> Result<Hall, InstanceError> {
        let (plant, notes) = (self.plant, Arc::clone(&self.notes));
        Ok(Hall { entities: BTreeMap::new(), next: 0, plant, notes })
    }
}

impl Hall {
    fn admit(&mut self, fresh: Entity<Auction>) -> u64 {
        let mut entity = fresh;
        if self.plant == Some(Plant::StateSurvivesFailedCommit)
            && let Some(kept) = self.notes.kept.lock().remove(entity.key())
        {
            entity = kept;
        }
        self.next += 1;
        self.entities.insert(self.next, Living { entity, twist: Twist::default() });
        self.next
    }

    fn living(&mut self, entity: u64) -> Result<&mut Living, InstanceError> {
        let living = self.entities.get_mut(&entity);
        living.ok_or_else(|| InstanceError::Trap(format!("there is no entity {entity}")))
    }
}

impl Instance for Hall {
    type Entity = u64;

    fn create(&mut self, key: &str) -> Result<u64, InstanceError> {
        Ok(self.admit(Entity::new(key)))
    }

    fn restore(&mut self, key: &str, snapshot: &[u8]) -> Result<u64, InstanceError> {
        let entity = Entity::restore(key, snapshot)
            .map_err(|error| InstanceError::Refused { what: "snapshot", why: error.to_string() })?;
        Ok(self.admit(entity))
    }

    fn handle(&mut self, entity: u64, envelope: Envelope<'_>) -> Result<Decision, InstanceError> {
        let plant = self.plant;
        let living = self.living(entity)?;
        let own = envelope.clone();
        let asked = living.twist.command(plant, &living.entity, envelope);
        let mut decided = outward(living.entity.handle(&kernel::Envelope {
            command_id: &asked.command_id,
            principal: own.principal,
            now: Timestamp::from_ms(asked.now),
            seed: own.seed,
            body: &asked.body,
        }));
        living.twist.decision(plant, own.now, &mut decided);
        Ok(decided)
    }

    fn apply(&mut self, entity: u64, fact: &[u8]) -> Result<(), InstanceError> {
        if self.plant.is_some_and(Plant::forgets_the_tail) {
            return Ok(());
        }
        let applied = self.living(entity)?.entity.apply(fact);
        applied.map_err(|error| InstanceError::Refused { what: "fact", why: error.to_string() })
    }

    fn query(&mut self, entity: u64, question: Envelope<'_>) -> Result<Vec<u8>, InstanceError> {
        let plant = self.plant;
        let living = self.living(entity)?;
        let answer = living.entity.query(&kernel::Envelope {
            command_id: question.command_id,
            principal: question.principal,
            now: Timestamp::from_ms(question.now),
            seed: question.seed,
            body: question.body,
        });
        Ok(living.twist.answer(plant, question.body, answer))
    }

    /// The host asks this once after it has loaded an entity.
    fn next_wake(&mut self, entity: u64) -> Result<Option<Wake>, InstanceError> {
        let entity = &self.living(entity)?.entity;
        let (key, seq) = (entity.key().to_owned(), entity.position().seq);
        let (state, next) = (state(entity), entity.next_wake().map(wake));
        self.notes.loaded.lock().push(Loaded { key, seq, state });
        Ok(next)
    }

    fn snapshot(&mut self, entity: u64) -> Result<Vec<u8>, InstanceError> {
        Ok(self.living(entity)?.entity.snapshot())
    }

    fn drop_entity(&mut self, entity: u64) -> Result<(), InstanceError> {
        self.entities.remove(&entity);
        Ok(())
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        if self.plant == Some(Plant::StateSurvivesFailedCommit) {
            let all = std::mem::take(&mut self.entities).into_values();
            let named = all.map(|living| (living.entity.key().to_owned(), living.entity));
            self.notes.kept.lock().extend(named);
        }
    }
}

/// An entity's whole state in few bytes.
pub(crate) fn state(entity: &Entity<Auction>) -> Digest {
    Digest::of(&[&entity.snapshot()])
}

/// As the glue of the component converts it (components/auctions/wasm/machine).
fn outward(decision: kernel::Decision) -> Decision {
    let event = |recorded: kernel::Recorded| Event {
        seq: recorded.seq,
        prev: recorded.prev.digest().as_bytes().to_vec(),
        head: recorded.head.digest().as_bytes().to_vec(),
        public: recorded.public,
        fact: recorded.fact,
    };
    let effect = |effect| match effect {
        kernel::Effect::Send(kernel::Message { topic, key, body }) => {
            Effect::Send(Message { topic: topic.to_owned(), key, body })
        }
    };
    Decision {
        events: decision.events.into_iter().map(event).collect(),
        reply: decision.reply,
        effects: decision.effects.into_iter().map(effect).collect(),
        wake: decision.wake.map(wake),
    }
}

fn wake(wake: kernel::Wake) -> Wake {
    Wake { at: wake.at.as_ms(), reason: wake.reason.to_owned() }
}

/// Name of the machine in the manifest.
const MACHINE: &str = "auction";
