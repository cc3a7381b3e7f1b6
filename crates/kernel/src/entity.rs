//! Runs a [`Machine`] behind the contract of `wit/machine`: chain, facts, snapshots, idempotency.
//!
//! The same code answers inside the wasm component, natively on platforms without a component
//! model, and in tests. Durability is elsewhere: the platform appends a [`Decision`] before it lets
//! any part of it out.

use serde::{Deserialize, Serialize};

use crate::machine::{CommandKey, Context, Effect, Envelope, Machine, Place, Position, Wake};
use crate::{ChainHead, Digest, Timestamp, canonical};

/// One living entity: the state of a machine and where its log stands.
pub struct Entity<M> {
    key: String,
    at: Position,
    state: M,
}

/// A fact that happened, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Position, gap-free from 1.
    pub seq: u64,
    /// Chain head before the event.
    pub prev: ChainHead,
    /// Chain head after it: SHA-256(prev || public).
    pub head: ChainHead,
    /// What everyone may see: canonical JSON of `{data, event, seq, time}`.
    pub public: Vec<u8>,
    /// The whole event, hidden values included: a version byte and postcard.
    pub fact: Vec<u8>,
}

/// What one command led to. No events means that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// The events, already applied in memory.
    pub events: Vec<Recorded>,
    /// JSON reply.
    pub reply: Vec<u8>,
    /// Effects, in order.
    pub effects: Vec<Effect>,
    /// The next wake; it replaces the earlier one.
    pub wake: Option<Wake>,
}

/// The bytes are not a fact that follows, or not a snapshot of this machine and key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

/// How a fact stands in the log. The head is kept so that a change of the public rendering, or
/// facts in a wrong order, are found when the log is loaded.
#[derive(Serialize, Deserialize)]
struct Fact<E> {
    seq: u64,
    time: Timestamp,
    head: ChainHead,
    event: E,
}

#[derive(Serialize, Deserialize)]
struct Snapshot<K, S> {
    key: K,
    seq: u64,
    time: Option<Timestamp>,
    head: ChainHead,
    state: S,
}

impl<M: Machine> Entity<M> {
    /// An entity without history.
    pub fn new(key: &str) -> Self {
        let at = Position { seq: 0, time: None, head: ChainHead::genesis(key) };
        Self { key: key.to_owned(), at, state: M::default() }
    }

    /// The entity as it was when the snapshot was taken.
    pub fn restore(key: &str, snapshot: &[u8]) -> Result<Self, LoadError> {
        let read: Snapshot<String, M> = decode(M::SNAPSHOT_VERSION, snapshot, "snapshot")?;
        let Snapshot { key: own, seq, time, head, mut state } = read;
        if own != key {
            return Err(LoadError(format!("the snapshot is of {own}, not of {key}")));
        }
        if seq > SEQ_MAX {
            return Err(LoadError(format!("no log has {seq} events")));
        }
        state.revive().map_err(|misfit| LoadError(format!("snapshot: {misfit}")))?;
        Ok(Self { key: own, at: Position { seq, time, head }, state })
    }

    /// The state as bytes: a version byte and postcard.
    pub fn snapshot(&self) -> Vec<u8> {
        let Position { seq, time, head } = self.at;
        encode(
            M::SNAPSHOT_VERSION,
            &Snapshot { key: &self.key, seq, time, head, state: &self.state },
        )
    }

    /// Decides a command and applies its events.
    pub fn handle(&mut self, envelope: &Envelope<'_>) -> Decision {
        let mut context = context(&self.key, self.at, envelope);
        let Ok(seed) = envelope.seed.try_into() else {
            return self.malformed(&context, "a seed has 32 bytes".to_owned());
        };
        context.seed = seed;
        let command: M::Command = match serde_json::from_slice(envelope.body) {
            Ok(command) => command,
            Err(error) => return self.malformed(&context, error.to_string()),
        };
        if let Some(recalled) = self.state.recall(&context, &command) {
            let reply = recalled.unwrap_or_else(|refusal| self.state.refuse(&context, refusal));
            return self.unchanged(&reply);
        }
        let events = match self.state.decide(&context, &command) {
            Ok(events) => events,
            Err(refusal) => return self.unchanged(&self.state.refuse(&context, refusal)),
        };
        let (at, state) = (&mut self.at, &mut self.state);
        let recorded = events.iter().map(|event| record(at, state, context.now, event)).collect();
        context.at = self.at;
        let effects = if events.is_empty() {
            Vec::new()
        } else {
            self.state.effects(&self.key, self.at.seq, &events)
        };
        Decision {
            events: recorded,
            reply: canonical::to_vec(&self.state.reply(&context, &command)),
            effects,
            wake: self.state.wake(),
        }
    }

    /// Applies an event of the log. An error leaves the entity as it was.
    pub fn apply(&mut self, fact: &[u8]) -> Result<(), LoadError> {
        let Fact { seq, time, head, event } = decode(M::FACT_VERSION, fact, "fact")?;
        if self.at.seq.checked_add(1) != Some(seq) {
            return Err(LoadError(format!("fact {seq} does not follow {}", self.at.seq)));
        }
        if self.at.time.is_some_and(|last| time < last) {
            return Err(LoadError(format!("fact {seq} is older than the one before it")));
        }
        let mut public = Vec::with_capacity(PUBLIC_BYTES_TYPICAL);
        self.state
            .describe(seq, time, &event, &mut public)
            .map_err(|misfit| LoadError(format!("fact {seq}: {misfit}")))?;
        let prev = self.at.head;
        if prev.extend(&public) != head {
            return Err(LoadError(format!("fact {seq} does not give the chain head it was given")));
        }
        self.state.evolve(&Place { seq, time, prev, head }, &event);
        self.at = Position { seq, time: Some(time), head };
        Ok(())
    }

    /// Answers a question without changing anything: JSON in, JSON out.
    pub fn query(&self, envelope: &Envelope<'_>) -> Vec<u8> {
        let context = context(&self.key, self.at, envelope);
        match serde_json::from_slice(envelope.body) {
            Ok(query) => canonical::to_vec(&self.state.query(&context, &query)),
            Err(error) => canonical::to_vec(&self.state.malformed(&context, error.to_string())),
        }
    }

    /// The wake of the current state.
    pub fn next_wake(&self) -> Option<Wake> {
        self.state.wake()
    }

    /// The entity's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Where the log stands.
    pub fn position(&self) -> Position {
        self.at
    }

    /// The state.
    pub fn state(&self) -> &M {
        &self.state
    }

    fn malformed(&self, context: &Context<'_>, detail: String) -> Decision {
        self.unchanged(&self.state.malformed(context, detail))
    }

    fn unchanged(&self, reply: &M::Reply) -> Decision {
        Decision {
            events: Vec::new(),
            reply: canonical::to_vec(reply),
            effects: Vec::new(),
            wake: self.state.wake(),
        }
    }
}

fn context<'a>(key: &'a str, at: Position, envelope: &Envelope<'a>) -> Context<'a> {
    Context {
        key,
        command_key: CommandKey::new(envelope.command_id),
        principal: envelope.principal,
        now: at.time.map_or(envelope.now, |last| last.max(envelope.now)),
        seed: [0; Digest::LEN],
        at,
    }
}

/// Chains an event that was just decided and applies it.
fn record<M: Machine>(
    at: &mut Position,
    state: &mut M,
    time: Timestamp,
    event: &M::Event,
) -> Recorded {
    let (seq, prev) = (at.seq + 1, at.head);
    let mut public = Vec::with_capacity(PUBLIC_BYTES_TYPICAL);
    if let Err(misfit) = state.describe(seq, time, event, &mut public) {
        panic!("the machine decided an event that does not follow its state: {misfit}");
    }
    let head = prev.extend(&public);
    let fact = encode(M::FACT_VERSION, &Fact { seq, time, head, event });
    state.evolve(&Place { seq, time, prev, head }, event);
    *at = Position { seq, time: Some(time), head };
    Recorded { seq, prev, head, public, fact }
}

fn encode<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FACT_BYTES_TYPICAL);
    bytes.push(version);
    match postcard::to_extend(value, bytes) {
        Ok(bytes) => bytes,
        Err(error) => panic!("a value of our own cannot be written as postcard: {error}"),
    }
}

fn decode<'a, T: Deserialize<'a>>(
    version: u8,
    bytes: &'a [u8],
    what: &str,
) -> Result<T, LoadError> {
    let (own, rest) =
        bytes.split_first().ok_or_else(|| LoadError(format!("an empty {what} is no {what}")))?;
    if *own != version {
        return Err(LoadError(format!("{what} of version {own}, this machine reads {version}")));
    }
    match postcard::take_from_bytes(rest) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(LoadError(format!("bytes after the end of the {what}"))),
        Err(error) => Err(LoadError(format!("not a {what}: {error}"))),
    }
}

/// What every JSON reader takes: 2^53 − 1.
const SEQ_MAX: u64 = (1 << 53) - 1;
const PUBLIC_BYTES_TYPICAL: usize = 768;
const FACT_BYTES_TYPICAL: usize = 256;
