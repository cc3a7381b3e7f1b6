//! One instance of a machine component: the home of one shard's entities.

use wasmtime::component::{Component, InstancePre, Linker, ResourceAny};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};

use super::bindings::MachineComponentPre;
use super::bindings::exports::ecomauction::machine::machine::{Decision, Envelope, Guest, Wake};
use crate::engine::lift;

/// A machine, linked and ready to be instantiated.
pub(crate) struct MachineImage {
    /// Name in the manifest.
    pub(crate) name: String,
    /// SHA-256 of the component, hex.
    pub(crate) digest: String,
    engine: Engine,
    pre: MachineComponentPre<StoreLimits>,
}

/// What happened inside the machine that should never happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstanceError {
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

/// A living instance.
pub(crate) struct MachineInstance {
    store: Store<StoreLimits>,
    guest: Guest,
}

impl MachineImage {
    /// Links the component; fails when it imports anything.
    pub(crate) fn new(
        name: &str,
        engine: &Engine,
        component: &Component,
        digest: String,
    ) -> anyhow::Result<Self> {
        let linker: Linker<StoreLimits> = Linker::new(engine);
        let pre: InstancePre<StoreLimits> = lift(linker.instantiate_pre(component))?;
        let pre = lift(MachineComponentPre::new(pre))?;
        Ok(Self { name: name.to_owned(), digest, engine: engine.clone(), pre })
    }

    /// A fresh instance without entities.
    pub(crate) fn instantiate(&self) -> Result<MachineInstance, InstanceError> {
        let limits = StoreLimitsBuilder::new().memory_size(SHARD_MEMORY_MAX_BYTES).build();
        let mut store = Store::new(&self.engine, limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(CALL_EPOCHS_MAX);
        let bindings = self.pre.instantiate(&mut store).map_err(trap)?;
        let guest = bindings.ecomauction_machine_machine().clone();
        Ok(MachineInstance { store, guest })
    }
}

impl MachineInstance {
    /// A new entity without history.
    pub(crate) fn create(&mut self, key: &str) -> Result<ResourceAny, InstanceError> {
        self.arm();
        self.guest.entity().call_constructor(&mut self.store, key).map_err(trap)
    }

    /// An entity from its snapshot.
    pub(crate) fn restore(
        &mut self,
        key: &str,
        snapshot: &[u8],
    ) -> Result<ResourceAny, InstanceError> {
        self.arm();
        let restored = self.guest.entity().call_restore(&mut self.store, key, snapshot);
        restored.map_err(trap)?.map_err(|why| InstanceError::Refused { what: "snapshot", why })
    }

    /// Decides and applies.
    pub(crate) fn handle(
        &mut self,
        entity: ResourceAny,
        envelope: Envelope<'_>,
    ) -> Result<Decision, InstanceError> {
        self.arm();
        self.guest.entity().call_handle(&mut self.store, entity, envelope).map_err(trap)
    }

    /// Applies a fact of the log.
    pub(crate) fn apply(&mut self, entity: ResourceAny, fact: &[u8]) -> Result<(), InstanceError> {
        self.arm();
        let applied = self.guest.entity().call_apply(&mut self.store, entity, fact);
        applied.map_err(trap)?.map_err(|why| InstanceError::Refused { what: "fact", why })
    }

    /// Answers a question.
    pub(crate) fn query(
        &mut self,
        entity: ResourceAny,
        question: Envelope<'_>,
    ) -> Result<Vec<u8>, InstanceError> {
        self.arm();
        self.guest.entity().call_query(&mut self.store, entity, question).map_err(trap)
    }

    /// The wake of the entity's state.
    pub(crate) fn next_wake(&mut self, entity: ResourceAny) -> Result<Option<Wake>, InstanceError> {
        self.arm();
        self.guest.entity().call_next_wake(&mut self.store, entity).map_err(trap)
    }

    /// The entity's state as bytes.
    pub(crate) fn snapshot(&mut self, entity: ResourceAny) -> Result<Vec<u8>, InstanceError> {
        self.arm();
        self.guest.entity().call_snapshot(&mut self.store, entity).map_err(trap)
    }

    /// Forgets an entity.
    pub(crate) fn drop_entity(&mut self, entity: ResourceAny) -> Result<(), InstanceError> {
        self.arm();
        entity.resource_drop(&mut self.store).map_err(trap)
    }

    fn arm(&mut self) {
        self.store.set_epoch_deadline(CALL_EPOCHS_MAX);
    }
}

fn trap(error: wasmtime::Error) -> InstanceError {
    InstanceError::Trap(format!("{error:#}"))
}

/// A call may take this many epochs (10 ms each); it holds its shard meanwhile.
const CALL_EPOCHS_MAX: u64 = 50;
/// Memory of one shard's instance.
const SHARD_MEMORY_MAX_BYTES: usize = 4 << 30;
