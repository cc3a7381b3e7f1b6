//! One instance of a machine component: the home of one shard's entities.

use wasmtime::component::{Component, InstancePre, Linker, ResourceAny};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};

use super::bindings::MachineComponentPre;
use super::bindings::exports::ecomauction::machine::machine::{Decision, Envelope, Guest, Wake};
use super::image::{Image, Instance, InstanceError};
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
}

impl Image for MachineImage {
    type Instance = MachineInstance;

    fn name(&self) -> &str {
        &self.name
    }

    fn instantiate(&self) -> Result<MachineInstance, InstanceError> {
        let limits = StoreLimitsBuilder::new().memory_size(SHARD_MEMORY_MAX_BYTES).build();
        let mut store = Store::new(&self.engine, limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(CALL_EPOCHS_MAX);
        let bindings = self.pre.instantiate(&mut store).map_err(trap)?;
        let guest = bindings.ecomauction_machine_machine().clone();
        Ok(MachineInstance { store, guest })
    }
}

impl Instance for MachineInstance {
    type Entity = ResourceAny;

    fn create(&mut self, key: &str) -> Result<ResourceAny, InstanceError> {
        self.arm();
        self.guest.entity().call_constructor(&mut self.store, key).map_err(trap)
    }

    fn restore(&mut self, key: &str, snapshot: &[u8]) -> Result<ResourceAny, InstanceError> {
        self.arm();
        let restored = self.guest.entity().call_restore(&mut self.store, key, snapshot);
        restored.map_err(trap)?.map_err(|why| InstanceError::Refused { what: "snapshot", why })
    }

    fn handle(
        &mut self,
        entity: ResourceAny,
        envelope: Envelope<'_>,
    ) -> Result<Decision, InstanceError> {
        self.arm();
        self.guest.entity().call_handle(&mut self.store, entity, envelope).map_err(trap)
    }

    fn apply(&mut self, entity: ResourceAny, fact: &[u8]) -> Result<(), InstanceError> {
        self.arm();
        let applied = self.guest.entity().call_apply(&mut self.store, entity, fact);
        applied.map_err(trap)?.map_err(|why| InstanceError::Refused { what: "fact", why })
    }

    fn query(
        &mut self,
        entity: ResourceAny,
        question: Envelope<'_>,
    ) -> Result<Vec<u8>, InstanceError> {
        self.arm();
        self.guest.entity().call_query(&mut self.store, entity, question).map_err(trap)
    }

    fn next_wake(&mut self, entity: ResourceAny) -> Result<Option<Wake>, InstanceError> {
        self.arm();
        self.guest.entity().call_next_wake(&mut self.store, entity).map_err(trap)
    }

    fn snapshot(&mut self, entity: ResourceAny) -> Result<Vec<u8>, InstanceError> {
        self.arm();
        self.guest.entity().call_snapshot(&mut self.store, entity).map_err(trap)
    }

    fn drop_entity(&mut self, entity: ResourceAny) -> Result<(), InstanceError> {
        self.arm();
        entity.resource_drop(&mut self.store).map_err(trap)
    }
}

impl MachineInstance {
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
