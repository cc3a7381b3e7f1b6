//! Machines that are linked in, by their name in the manifest and without their types.

use std::collections::BTreeMap;

use kernel::{Decision, Digest, Entity, Envelope, LoadError, Machine, Position, Timestamp};
use ports::EntityError;

/// The machines whose entities live in the store.
#[derive(Default)]
pub struct Machines(BTreeMap<String, Kind>);

impl Machines {
    /// Adds a machine under its name in the manifest.
    #[must_use]
    pub fn with<M: Machine + 'static>(self, name: &str) -> Self {
        self.with_component::<M>(name, None)
    }

    /// Adds a machine, and the SHA-256 of its component in hex, where that is known.
    #[must_use]
    pub fn with_component<M: Machine + 'static>(
        mut self,
        name: &str,
        sha256: Option<&str>,
    ) -> Self {
        let kind = Kind {
            component_sha256: sha256.and_then(Digest::from_hex),
            begin: |key| Box::new(Entity::<M>::new(key)),
            restore: |key, snapshot| Ok(Box::new(Entity::<M>::restore(key, snapshot)?)),
        };
        self.0.insert(name.to_owned(), kind);
        self
    }

    /// What an entity without history answers, without a store.
    pub fn of_nobody(
        &self,
        (machine, key): (&str, &str),
        principal: Option<&str>,
        now: Timestamp,
        body: &[u8],
    ) -> Result<Vec<u8>, EntityError> {
        let missing = || EntityError::MachineFault(format!("no machine {machine} is linked in"));
        let kind = self.kind(machine).ok_or_else(missing)?;
        let envelope = Envelope { command_id: "", principal, now, seed: &[0; 32], body };
        Ok((kind.begin)(key).query(&envelope))
    }

    /// SHA-256 of a machine's component; an error where the machine is not linked in.
    pub fn component_sha256(&self, machine: &str) -> Result<Option<Digest>, EntityError> {
        let missing = || EntityError::MachineFault(format!("no machine {machine} is linked in"));
        Ok(self.kind(machine).ok_or_else(missing)?.component_sha256)
    }

    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        self.0.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// How entities of one machine come into memory.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// SHA-256 of the machine's component.
    component_sha256: Option<Digest>,
    /// An entity without history.
    pub(crate) begin: fn(key: &str) -> Box<dyn Hosted>,
    /// An entity as it was when the snapshot was taken.
    pub(crate) restore: fn(key: &str, snapshot: &[u8]) -> Loaded,
}

/// An entity, or why the bytes are none.
pub(crate) type Loaded = Result<Box<dyn Hosted>, LoadError>;

/// An entity in memory.
pub(crate) trait Hosted {
    fn apply(&mut self, fact: &[u8]) -> Result<(), LoadError>;
    fn handle(&mut self, envelope: &Envelope<'_>) -> Decision;
    fn query(&self, envelope: &Envelope<'_>) -> Vec<u8>;
    fn wake_at(&self) -> Option<Timestamp>;
    fn position(&self) -> Position;
    fn snapshot(&self) -> Vec<u8>;
}

impl<M: Machine> Hosted for Entity<M> {
    fn apply(&mut self, fact: &[u8]) -> Result<(), LoadError> {
        Self::apply(self, fact)
    }

    fn handle(&mut self, envelope: &Envelope<'_>) -> Decision {
        Self::handle(self, envelope)
    }

    fn query(&self, envelope: &Envelope<'_>) -> Vec<u8> {
        Self::query(self, envelope)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.next_wake().map(|wake| wake.at)
    }

    fn position(&self) -> Position {
        Self::position(self)
    }

    fn snapshot(&self) -> Vec<u8> {
        Self::snapshot(self)
    }
}
