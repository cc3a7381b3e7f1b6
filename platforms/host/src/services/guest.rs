//! What one service instance carries: its limits, its grants, its way to the platform.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::gate::Gate;
use crate::engine::SERVICE_MEMORY_MAX_BYTES;
use crate::machines::Machines;
use crate::sql::SqlStore;
use crate::vault::Vault;

/// What the platform gives to one component.
pub(crate) struct Platform {
    /// Component id.
    pub(crate) component: String,
    /// All entities.
    pub(crate) machines: Arc<Machines>,
    /// Machines that the component may call.
    pub(crate) granted: BTreeSet<String>,
    /// Its tables.
    pub(crate) sql: Arc<SqlStore>,
    /// Keys.
    pub(crate) vault: Arc<Vault>,
    /// Its variables.
    pub(crate) variables: BTreeMap<String, String>,
}

/// The store's data of one instance.
pub(crate) struct Guest {
    /// The platform, as this component sees it.
    pub(crate) platform: Arc<Platform>,
    /// Memory limits.
    pub(crate) limits: StoreLimits,
    /// Epochs in which the current request was running.
    pub(crate) epochs_used: u64,
    /// What the current request may not say yet.
    pub(super) gate: Gate,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl Guest {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(SERVICE_MEMORY_MAX_BYTES).build();
        // No files, no network, no arguments; what a guest prints goes nowhere.
        let wasi = WasiCtx::builder().build();
        let (gate, resources) = (Gate::default(), ResourceTable::new());
        Self { platform, limits, epochs_used: 0, gate, wasi, resources }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}
