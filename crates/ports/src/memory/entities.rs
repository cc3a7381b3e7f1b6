//! Machines hosted in memory: the log is a vector, durability is the end of the call.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use kernel::{Decision, Effect, Entity, Envelope, Machine, Recorded, Timestamp, Wake};

use crate::{Engine, EntityError, Message, PublicEvent};

/// Machines by name, entities by key.
#[derive(Default)]
pub struct MemoryEntities {
    machines: RefCell<BTreeMap<String, Box<dyn Hosted>>>,
    messages: RefCell<Vec<Message>>,
    sent: Cell<u64>,
    break_next: Cell<Option<Break>>,
}

/// Where the next command breaks, as if the platform had crashed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// Nothing was decided.
    BeforeDecision,
    /// The decision is durable, but nobody hears the reply.
    AfterDecision,
}

impl MemoryEntities {
    /// Breaks the next command, once.
    pub fn break_next(&self, at: Break) {
        self.break_next.set(Some(at));
    }

    pub(super) fn host<M: Machine + 'static>(&self, name: &str) {
        let machine = Box::new(Hosts::<M>(BTreeMap::new()));
        self.machines.borrow_mut().insert(name.to_owned(), machine);
    }

    pub(super) fn call(
        &self,
        machine: &str,
        key: &str,
        envelope: &Envelope<'_>,
    ) -> Result<Vec<u8>, EntityError> {
        let broken = self.break_next.take();
        if broken == Some(Break::BeforeDecision) {
            return Err(EntityError::Unavailable("broken before the decision".to_owned()));
        }
        let mut machines = self.machines.borrow_mut();
        let hosted = machines.get_mut(machine).ok_or(EntityError::NotGranted)?;
        let decision = hosted.handle(key, envelope);
        self.send(machine, envelope.now, decision.effects);
        if broken == Some(Break::AfterDecision) {
            return Err(EntityError::Unavailable("broken after the decision".to_owned()));
        }
        Ok(decision.reply)
    }

    pub(super) fn query(
        &self,
        machine: &str,
        key: &str,
        envelope: &Envelope<'_>,
    ) -> Result<Vec<u8>, EntityError> {
        let machines = self.machines.borrow();
        Ok(machines.get(machine).ok_or(EntityError::NotGranted)?.query(key, envelope))
    }

    pub(super) fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        let machines = self.machines.borrow();
        Ok(machines.get(machine).ok_or(EntityError::NotGranted)?.events(key, after, limit))
    }

    pub(super) fn engine(&self, machine: &str) -> Result<Engine, EntityError> {
        let known = self.machines.borrow().contains_key(machine);
        let engine = || Engine { component_sha256: None, version: "memory".to_owned() };
        known.then(engine).ok_or(EntityError::NotGranted)
    }

    /// Wakes what is due, the earliest wake first; a machine that is due again at once is called
    /// again, a bounded number of times.
    pub(super) fn wake(&self, now: Timestamp, mut seed: impl FnMut() -> [u8; 32]) {
        for _ in 0..WAKES_MAX {
            let mut machines = self.machines.borrow_mut();
            let due = machines.iter_mut().filter_map(|(name, hosted)| {
                let (wake, key) = hosted.next_wake()?;
                (wake.at <= now).then_some((wake, key, name.clone(), hosted))
            });
            let first = due.min_by_key(|(wake, ..)| wake.at);
            let Some((_, key, name, hosted)) = first else { return };
            let seed = seed();
            let decision = hosted.handle(
                &key,
                &Envelope {
                    command_id: "wake",
                    principal: None,
                    now,
                    seed: &seed,
                    body: b"\"wake\"",
                },
            );
            drop(machines);
            self.send(&name, now, decision.effects);
        }
    }

    pub(super) fn take_messages(&self) -> Vec<Message> {
        self.messages.take()
    }

    fn send(&self, machine: &str, now: Timestamp, effects: Vec<Effect>) {
        let mut messages = self.messages.borrow_mut();
        for Effect::Send(kernel::Message { topic, key, body }) in effects {
            let id = self.sent.get().to_string();
            self.sent.set(self.sent.get() + 1);
            let (source, topic) = (format!("/machines/{machine}"), topic.to_owned());
            messages.push(Message { id, source, topic, key, time: now.as_ms(), body });
        }
    }
}

/// Most wakes that one move of the clock leads to.
const WAKES_MAX: usize = 10_000;

/// A machine without its type.
trait Hosted {
    fn handle(&mut self, key: &str, envelope: &Envelope<'_>) -> Decision;
    fn query(&self, key: &str, envelope: &Envelope<'_>) -> Vec<u8>;
    fn events(&self, key: &str, after: u64, limit: u32) -> Vec<PublicEvent>;
    fn next_wake(&self) -> Option<(Wake, String)>;
}

struct Hosts<M>(BTreeMap<String, (Entity<M>, Vec<Recorded>)>);

impl<M: Machine> Hosted for Hosts<M> {
    fn handle(&mut self, key: &str, envelope: &Envelope<'_>) -> Decision {
        let fresh = || (Entity::new(key), Vec::new());
        let (entity, log) = self.0.entry(key.to_owned()).or_insert_with(fresh);
        let decision = entity.handle(envelope);
        log.extend_from_slice(&decision.events);
        decision
    }

    fn query(&self, key: &str, envelope: &Envelope<'_>) -> Vec<u8> {
        match self.0.get(key) {
            Some((entity, _)) => entity.query(envelope),
            None => Entity::<M>::new(key).query(envelope),
        }
    }

    fn events(&self, key: &str, after: u64, limit: u32) -> Vec<PublicEvent> {
        let log = self.0.get(key).into_iter().flat_map(|(_, log)| log);
        let log = log.filter(|event| event.seq > after).take(limit as usize);
        log.map(|event| PublicEvent {
            seq: event.seq,
            prev: event.prev.digest().as_bytes().to_vec(),
            head: event.head.digest().as_bytes().to_vec(),
            public: event.public.clone(),
        })
        .collect()
    }

    fn next_wake(&self) -> Option<(Wake, String)> {
        let wakes = self.0.iter();
        let wakes = wakes.filter_map(|(key, (entity, _))| Some((entity.next_wake()?, key)));
        wakes.min_by_key(|(wake, _)| wake.at).map(|(wake, key)| (wake, key.clone()))
    }
}
