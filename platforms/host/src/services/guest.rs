//! What one service instance carries: its limits, its grants, its way to the platform.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::Digest;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::bounds::{Bounds, Memory};
use super::gate::Gate;
use super::neighbours::Neighbours;
use crate::data::DataDirectory;
use crate::machines::Machines;
use crate::mail::MailRoom;
use crate::objects::ObjectStore;
use crate::outbound::{Allowed, Outbound};
use crate::rates::Rates;
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
    /// May it sign access tokens?
    pub(crate) signs_tokens: bool,
    /// May it sign proofs?
    pub(crate) signs_proofs: bool,
    /// SHA-256 of the components that decide, by machine.
    pub(crate) engines: BTreeMap<String, Digest>,
    /// Version of the application.
    pub(crate) version: String,
    /// Its tables.
    pub(crate) sql: Arc<SqlStore>,
    /// What it shares with all components.
    pub(crate) shared: Shared,
    /// Servers that the component may ask.
    pub(crate) allowed: Vec<Allowed>,
    /// What it may use.
    pub(crate) bounds: Bounds,
    /// Its variables.
    pub(crate) variables: BTreeMap<String, String>,
}

/// What all components share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Keys.
    pub(crate) vault: Arc<Vault>,
    /// The way out for letters.
    pub(crate) mail: Arc<MailRoom>,
    /// Token buckets.
    pub(crate) rates: Arc<Rates>,
    /// Requests to other servers.
    pub(crate) outbound: Outbound,
    /// Each other.
    pub(crate) neighbours: Neighbours,
    /// Bytes under names.
    pub(crate) objects: Arc<ObjectStore>,
}

impl Shared {
    /// Opens it. Without an SMTP URL letters are kept.
    pub(crate) fn open(data: &DataDirectory, smtp_url: &str, from: &str) -> anyhow::Result<Self> {
        Ok(Self {
            vault: Arc::new(Vault::open(&data.keys())?),
            mail: Arc::new(MailRoom::open(&data.mail(), smtp_url, from)?),
            rates: Arc::default(),
            outbound: Outbound::new()?,
            neighbours: Neighbours::default(),
            objects: Arc::new(ObjectStore::open(&data.objects())?),
        })
    }
}

/// The store's data of one instance.
pub(crate) struct Guest {
    /// The platform, as this component sees it.
    pub(crate) platform: Arc<Platform>,
    /// Its memory.
    pub(super) memory: Memory,
    /// Epochs in which the current request was running.
    pub(crate) epochs_used: u64,
    /// Does another component wait for the current request?
    pub(super) is_asked: bool,
    /// What the current request may not say yet.
    pub(super) gate: Gate,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl Guest {
    pub(crate) fn new(platform: Arc<Platform>) -> Self {
        let memory = Memory::up_to(platform.bounds.memory_max_bytes);
        // No files, no network, no arguments; what a guest prints goes nowhere.
        let wasi = WasiCtx::builder().build();
        let (gate, resources) = (Gate::default(), ResourceTable::new());
        Self { platform, memory, epochs_used: 0, is_asked: false, gate, wasi, resources }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}
