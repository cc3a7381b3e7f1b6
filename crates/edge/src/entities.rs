//! Commands and questions to entities: each is one transaction, and what was decided is durable
//! before anything is said.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use kernel::{Effect, Envelope, Recorded, Timestamp};
use ports::{Engine, Entities, EntityError, PublicEvent};

use crate::commits::{self, Kept};
use crate::edge::{Decided, Edge};
use crate::log::{self, Address};
use crate::machines::{Hosted, Kind};
use crate::outbox::Sent;
use crate::world::{StoreError, World};

impl<W: World> Entities for Edge<W> {
    async fn call(
        &self,
        machine: &str,
        key: &str,
        command_id: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        let at = Address { machine, key };
        let kind = self.granted(machine)?;
        let (now, seed) = (self.world.now(), self.draw::<32>());
        let envelope = Envelope { command_id, principal, now, seed: &seed, body: &body };
        let (reply, _) = self.change(at, kind, now, |held| {
            self.wake_held(held, now);
            held.decide(&envelope)
        })?;
        Ok(reply)
    }

    async fn query(
        &self,
        machine: &str,
        key: &str,
        principal: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, EntityError> {
        let at = Address { machine, key };
        let kind = self.granted(machine)?;
        let now = self.world.now();
        let envelope = Envelope { command_id: "", principal, now, seed: &[0; 32], body: &body };
        let cached = self.cache.borrow_mut().take(at);
        let entity = self.store.read(|connection| {
            let row = log::row(connection, at)?;
            log::load(connection, kind, at, row.as_ref(), cached)
        })?;
        let is_due = is_due(&*entity, now);
        let answer = entity.query(&envelope);
        self.cache.borrow_mut().keep(at, entity);
        if !is_due {
            return Ok(answer);
        }
        let (answer, _) = self.change(at, kind, now, |held| {
            self.wake_held(held, now);
            held.entity.query(&envelope)
        })?;
        Ok(answer)
    }

    async fn events(
        &self,
        machine: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicEvent>, EntityError> {
        self.granted(machine)?;
        let at = Address { machine, key };
        Ok(self.store.read(|connection| log::events(connection, at, after, limit))?)
    }

    async fn engine(&self, machine: &str) -> Result<Engine, EntityError> {
        self.granted(machine)?;
        let version = self.composition.version().unwrap_or_default().to_owned();
        Ok(Engine { component_sha256: self.machines.component_sha256(machine)?, version })
    }
}

impl<W: World> Edge<W> {
    /// Wakes the entities that are due, whoever may call them, the earliest first and each in a
    /// transaction of its own; how many were woken. One that cannot be woken is left alone for a
    /// minute: see [`Edge::take_troubles`].
    pub fn wake_due(&self, limit: usize) -> Result<usize, StoreError> {
        let now = self.world.now();
        let mut woken = 0;
        for _ in 0..limit {
            let due = self
                .store
                .read(|connection| log::first_due(connection, self.machines.names(), now))?;
            let Some((machine, key)) = due else { break };
            let at = Address { machine: &machine, key: &key };
            // Before it is tried: one that takes the instance with it must not be the first again.
            let again = Some(now.plus_ms(TRIED_AGAIN_MS));
            self.store.write_soon(|connection| log::postpone(connection, at, now, again))?;
            match self.wake(at, now) {
                Ok(moved) => woken += usize::from(moved),
                Err(error) if is_busy(&error) => {
                    // The instance lives: no reason to wait.
                    self.store.write_soon(|connection| {
                        log::postpone(connection, at, now.plus_ms(TRIED_AGAIN_MS), Some(now))
                    })?;
                    return Err(StoreError(error.to_string()));
                }
                // Where it is the store that fails, this does too.
                Err(error) => self.leave_alone(at, now, &error.to_string())?,
            }
        }
        Ok(woken)
    }

    /// Wakes an entity; whether that led to anything.
    fn wake(&self, at: Address<'_>, now: Timestamp) -> Result<bool, EntityError> {
        let kind = self.linked(at.machine)?;
        let ((is_due, next), moved) = self.change(at, kind, now, |held| {
            self.wake_held(held, now);
            (is_due(&*held.entity, now), held.entity.wake_at())
        })?;
        if moved {
            return Ok(true);
        }
        if is_due {
            self.leave_alone(at, now, "it was woken and did nothing")?;
        } else {
            // Somebody was faster, or the wake had been put off.
            let tried = now.plus_ms(TRIED_AGAIN_MS);
            self.store.write(|connection| log::postpone(connection, at, tried, next))?;
        }
        Ok(false)
    }

    fn leave_alone(&self, at: Address<'_>, now: Timestamp, why: &str) -> Result<(), StoreError> {
        self.trouble(format!("{} {}: {why}", at.machine, at.key));
        let later = Some(now.plus_ms(LEFT_ALONE_MS));
        let tried = now.plus_ms(TRIED_AGAIN_MS);
        self.store.write(|connection| log::postpone(connection, at, tried, later))
    }

    /// Loads an entity, lets `work` decide, and makes it durable: what `work` returns, and whether
    /// there were events. Only then memory keeps the new state.
    fn change<T>(
        &self,
        at: Address<'_>,
        kind: Kind,
        now: Timestamp,
        work: impl FnOnce(&mut Held<'_>) -> T,
    ) -> Result<(T, bool), EntityError> {
        let cached = self.cache.borrow_mut().take(at);
        let (value, held) = self.store.write(|connection| {
            let row = log::row(connection, at)?;
            let entity = log::load(connection, kind, at, row.as_ref(), cached)?;
            let mut held = Held::of(at, entity);
            let value = work(&mut held);
            if !held.events.is_empty() {
                log::append(connection, at, &held.events)?;
                for kept in std::mem::take(&mut held.commands) {
                    let kept = kept.map_err(|error| EntityError::MachineFault(error.0))?;
                    commits::keep(connection, at, &kept)?;
                }
                log::save(connection, at, row.as_ref(), &*held.entity)?;
                let messages = std::mem::take(&mut held.messages);
                if self.decided.borrow().is_some() {
                    let pair = |sent: &Sent| (sent.topic.clone(), sent.body.clone());
                    held.sent = messages.iter().map(pair).collect();
                }
                self.outbox.send(connection, messages, now)?;
            }
            Ok::<_, EntityError>((value, held))
        })?;
        let moved = !held.events.is_empty();
        self.cache.borrow_mut().keep(at, held.entity);
        if moved && let Some(decided) = self.decided.borrow_mut().as_mut() {
            let events = held.events.into_iter().map(public).collect();
            decided.push(Decided { key: at.key.to_owned(), events, sent: held.sent });
        }
        Ok((value, moved))
    }

    /// Runs the wakes that are due: whatever comes next is decided on what they led to.
    fn wake_held(&self, held: &mut Held<'_>, now: Timestamp) {
        for _ in 0..WAKES_MAX {
            if !is_due(&*held.entity, now) {
                break;
            }
            let (before, seed) = (held.events.len(), self.draw::<32>());
            held.decide(&Envelope {
                command_id: "wake",
                principal: None,
                now,
                seed: &seed,
                body: b"\"wake\"",
            });
            if held.events.len() == before {
                break;
            }
        }
    }

    fn granted(&self, machine: &str) -> Result<Kind, EntityError> {
        if self.grants.entities.contains(machine) {
            self.linked(machine)
        } else {
            Err(EntityError::NotGranted)
        }
    }

    fn linked(&self, machine: &str) -> Result<Kind, EntityError> {
        let missing = || EntityError::MachineFault(format!("no machine {machine} is linked in"));
        self.machines.kind(machine).ok_or_else(missing)
    }
}

/// An entity in an open transaction, and what it has decided there.
struct Held<'a> {
    at: Address<'a>,
    entity: Box<dyn Hosted>,
    events: Vec<Recorded>,
    commands: Vec<Result<Kept, archive::ArchiveError>>,
    messages: Vec<Sent>,
    /// Of these, what those who follow are told.
    sent: Vec<(String, Vec<u8>)>,
}

impl<'a> Held<'a> {
    fn of(at: Address<'a>, entity: Box<dyn Hosted>) -> Self {
        let (events, commands, messages) = (Vec::new(), Vec::new(), Vec::new());
        Self { at, entity, events, commands, messages, sent: Vec::new() }
    }

    fn decide(&mut self, envelope: &Envelope<'_>) -> Vec<u8> {
        let decision = self.entity.handle(envelope);
        let Some(kept) = Kept::of(envelope, &decision) else { return decision.reply };
        self.commands.push(kept);
        self.events.extend(decision.events);
        let (Address { machine, key: entity }, seq) = (self.at, self.entity.position().seq);
        for (n, Effect::Send(message)) in decision.effects.into_iter().enumerate() {
            let kernel::Message { topic, key, body } = message;
            let id = format!("{machine}/{entity}/{seq}/{n}");
            let (source, topic) = (format!("/machines/{machine}"), topic.to_owned());
            self.messages.push(Sent { id, source, topic, key, body, time: None });
        }
        decision.reply
    }
}

fn public(event: Recorded) -> PublicEvent {
    let Recorded { seq, prev, head, public, .. } = event;
    let [prev, head] = [prev, head].map(|head| head.digest().as_bytes().to_vec());
    PublicEvent { seq, prev, head, public }
}

fn is_due(entity: &dyn Hosted, now: Timestamp) -> bool {
    entity.wake_at().is_some_and(|at| at <= now)
}

fn is_busy(error: &EntityError) -> bool {
    matches!(error, EntityError::Unavailable(why) if StoreError(why.clone()).is_busy())
}

impl From<StoreError> for EntityError {
    fn from(error: StoreError) -> Self {
        if error.is_constraint() {
            // The same event twice: no other try will get further.
            Self::MachineFault(error.0)
        } else {
            Self::Unavailable(error.0)
        }
    }
}

/// Most wakes of an entity that one command waits for.
const WAKES_MAX: usize = 64;
/// When a wake that ended with its instance is tried again.
const TRIED_AGAIN_MS: i64 = 10_000;
const LEFT_ALONE_MS: i64 = 60_000;
