//! What the host asks of a machine. A component answers it (`instance`); the simulation answers it
//! with the same rules as a library (docs/adr/0016).

use super::bindings::exports::ecomauction::machine::machine::{Decision, Envelope, Wake};

/// A machine that can be instantiated.
pub trait Image: Send + Sync {
    /// What it is instantiated as.
    type Instance: Instance;

    /// Name in the manifest.
    fn name(&self) -> &str;
    /// A fresh instance without entities.
    ///
    /// # Errors
    /// When the platform has no room for it.
    fn instantiate(&self) -> Result<Self::Instance, InstanceError>;
}

/// A living instance: the home of one shard's entities. After an error all of them are lost.
pub trait Instance: Send {
    /// Names an entity of the instance.
    type Entity: Copy + Send;

    /// A new entity without history.
    ///
    /// # Errors
    /// When the machine traps.
    fn create(&mut self, key: &str) -> Result<Self::Entity, InstanceError>;
    /// An entity from its snapshot.
    ///
    /// # Errors
    /// When the machine traps or refuses the bytes.
    fn restore(&mut self, key: &str, snapshot: &[u8]) -> Result<Self::Entity, InstanceError>;
    /// Decides and applies.
    ///
    /// # Errors
    /// When the machine traps.
    fn handle(
        &mut self,
        entity: Self::Entity,
        envelope: Envelope<'_>,
    ) -> Result<Decision, InstanceError>;
    /// Applies a fact of the log.
    ///
    /// # Errors
    /// When the machine traps or refuses the bytes.
    fn apply(&mut self, entity: Self::Entity, fact: &[u8]) -> Result<(), InstanceError>;
    /// Answers a question.
    ///
    /// # Errors
    /// When the machine traps.
    fn query(
        &mut self,
        entity: Self::Entity,
        question: Envelope<'_>,
    ) -> Result<Vec<u8>, InstanceError>;
    /// The wake of the entity's state.
    ///
    /// # Errors
    /// When the machine traps.
    fn next_wake(&mut self, entity: Self::Entity) -> Result<Option<Wake>, InstanceError>;
    /// The entity's state as bytes.
    ///
    /// # Errors
    /// When the machine traps.
    fn snapshot(&mut self, entity: Self::Entity) -> Result<Vec<u8>, InstanceError>;
    /// Forgets an entity.
    ///
    /// # Errors
    /// When the machine traps.
    fn drop_entity(&mut self, entity: Self::Entity) -> Result<(), InstanceError>;
}

/// What happened inside the machine that should never happen.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The component trapped, ran too long or out of memory. Every entity in it is lost and must
    /// be loaded again.
    #[error("machine trapped: {0}")]
    Trap(String),
    /// The component refused bytes that it wrote itself.
    #[error("machine refused its own {what}: {why}")]
    Refused {
        /// `snapshot` or `fact`.
        what: &'static str,
        /// The machine's words.
        why: String,
    },
}
