//! What a machine is: rules without I/O. [`crate::Entity`] runs one behind the contract of
//! `wit/machine`.
//!
//! A machine reads no clock and draws no randomness: the instant and the seed come with the
//! command. `decide` holds every business question, `evolve` none: what was decided once is only
//! recorded, so a log of older rules still gives the state it gave then.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ChainHead, Digest, Salt, Timestamp};

/// A command or question with everything that its answer may depend on.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Idempotency key of the command, unique per principal and entity.
    pub command_id: &'a str,
    /// Who asks (`usr_…`); none for the platform itself and for anonymous viewers.
    pub principal: Option<&'a str>,
    /// The platform's clock.
    pub now: Timestamp,
    /// 32 random bytes; salts and ids are derived from them. Questions need none.
    pub seed: &'a [u8],
    /// The command or question, JSON.
    pub body: &'a [u8],
}

/// Where an entity's log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Seq of the newest event, 0 before the first.
    pub seq: u64,
    /// Time of the newest event, none before the first.
    pub time: Option<Timestamp>,
    /// Chain head after it.
    pub head: ChainHead,
}

/// What a machine sees of a command or question beside its body.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The entity's key.
    pub key: &'a str,
    /// The command id, hashed.
    pub command_key: CommandKey,
    /// Who asks.
    pub principal: Option<&'a str>,
    /// The instant of the decision: never before the newest event.
    pub now: Timestamp,
    /// 32 random bytes.
    pub seed: [u8; Digest::LEN],
    /// The log as it stands.
    pub at: Position,
}

/// A command id in the 16 bytes that are remembered of it: the front of its SHA-256. Keys are
/// scoped to a principal, so finding a collision would only let somebody confuse itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CommandKey([u8; 16]);

/// Where an event stands in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Position, gap-free from 1.
    pub seq: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// Chain head before it.
    pub prev: ChainHead,
    /// Chain head after it.
    pub head: ChainHead,
}

/// Something the world must do after the decision is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Deliver a message at least once to whoever consumes the topic.
    Send(Message),
}

/// A message for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Topic, for example `auction.closed`.
    pub topic: &'static str,
    /// Ordering key, in practice the entity's key.
    pub key: String,
    /// JSON body.
    pub body: Vec<u8>,
}

/// When an entity wants to be called again, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// The instant.
    pub at: Timestamp,
    /// For logs: `open`, `close`, …
    pub reason: &'static str,
}

/// The event or the state does not follow from what was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(pub &'static str);

/// The rules of one kind of entity. `Self` is the state; its default is an entity without history.
pub trait Machine: Default + Serialize + DeserializeOwned {
    /// Leading byte of snapshots; a new layout gets a new number.
    const SNAPSHOT_VERSION: u8;
    /// Leading byte of facts; a new layout gets a new number.
    const FACT_VERSION: u8;

    /// What can be asked for.
    type Command: DeserializeOwned;
    /// What can be asked.
    type Query: DeserializeOwned;
    /// What can have happened, hidden values included.
    type Event: Serialize + DeserializeOwned;
    /// The answer to a command.
    type Reply: Serialize;
    /// Business said no.
    type Refusal;
    /// The answer to a question.
    type Answer: Serialize;

    /// The answer to a command that was accepted before: the same reply again, or a refusal when
    /// the command id came with another body. None for a command that is new.
    fn recall(
        &self,
        context: &Context<'_>,
        command: &Self::Command,
    ) -> Option<Result<Self::Reply, Self::Refusal>>;

    /// The events that a new command leads to. An empty list is an acceptance without change.
    fn decide(
        &self,
        context: &Context<'_>,
        command: &Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Appends what everyone may see of an event, by [`crate::canonical::write_event`]. `self` is
    /// the state before the event. Fails when the event cannot follow that state.
    fn describe(
        &self,
        seq: u64,
        time: Timestamp,
        event: &Self::Event,
        body: &mut Vec<u8>,
    ) -> Result<(), Misfit>;

    /// Records an event. Total: it is called for events that `describe` has passed, and does
    /// nothing where one could not follow.
    fn evolve(&mut self, place: &Place, event: &Self::Event);

    /// What the world must do because of a batch of events; `self` is the state after them.
    fn effects(&self, key: &str, seq: u64, events: &[Self::Event]) -> Vec<Effect>;

    /// The reply to a command that has just been accepted; `self` is the state after its events.
    fn reply(&self, context: &Context<'_>, command: &Self::Command) -> Self::Reply;

    /// The reply for a refusal.
    fn refuse(&self, context: &Context<'_>, refusal: Self::Refusal) -> Self::Reply;

    /// The reply to a body that is no command, with the reason.
    fn malformed(&self, context: &Context<'_>, detail: String) -> Self::Reply;

    /// Answers a question.
    fn query(&self, context: &Context<'_>, query: &Self::Query) -> Self::Answer;

    /// When the entity wants to be called.
    fn wake(&self) -> Option<Wake>;

    /// Checks a state that came from a snapshot and rebuilds what snapshots leave out.
    fn revive(&mut self) -> Result<(), Misfit>;
}

impl CommandKey {
    /// The smallest key.
    pub const MIN: Self = Self([0; 16]);
    /// The largest key.
    pub const MAX: Self = Self([0xff; 16]);

    /// The key of a command id.
    pub fn new(command_id: &str) -> Self {
        let digest = Digest::of(&[command_id.as_bytes()]);
        Self(digest.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

impl Context<'_> {
    /// The salt for a hidden value in the event `seq` of this decision.
    pub fn salt(&self, seq: u64) -> Salt {
        Salt::derive(&self.seed, seq)
    }

    /// Ten bytes for an id. They are published; the 22 bytes of the seed that stay secret still
    /// keep salts out of reach.
    pub fn id_bytes(&self) -> [u8; 10] {
        self.seed.last_chunk().copied().unwrap_or_default()
    }
}
