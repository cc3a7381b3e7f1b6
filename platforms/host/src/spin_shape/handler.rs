//! How instances serve requests: as Spin reuses them, through wasmtime's own worker pool.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::hosts::AllowedHosts;
use super::outward::{Outward, Surroundings};
use super::sqlite::Databases;
use super::stdio::Lines;

/// What the manifest grants a component.
pub(super) struct Grants {
    /// Its id.
    pub(super) component: Arc<str>,
    /// What it sees at `/`.
    pub(super) files: Option<PathBuf>,
    /// Its environment.
    pub(super) environment: BTreeMap<String, String>,
    /// Its variables.
    pub(super) variables: Arc<BTreeMap<String, String>>,
    /// Its databases.
    pub(super) databases: Databases,
    /// Where it may send requests.
    pub(super) allowed: Arc<AllowedHosts>,
}

/// What one instance of a component owns.
pub(super) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outward: Outward,
    pub(super) table: ResourceTable,
    pub(super) databases: Databases,
    pub(super) variables: Arc<BTreeMap<String, String>>,
}

/// Makes instances of one component.
pub(super) struct Instances {
    pre: ServicePre<State>,
    grants: Grants,
    around: Arc<Surroundings>,
}

impl State {
    /// A fresh instance's state.
    fn new(grants: &Grants, around: &Arc<Surroundings>) -> wasmtime::Result<Self> {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(Lines::of(&grants.component)).stderr(Lines::of(&grants.component));
        for (name, value) in &grants.environment {
            wasi.env(name, value);
        }
        if let Some(files) = &grants.files {
            wasi.preopened_dir(files, "/", FsPerms::ReadOnly)?;
        }
        let (allowed, around) = (Arc::clone(&grants.allowed), Arc::clone(around));
        Ok(Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outward: Outward { allowed, around },
            table: ResourceTable::new(),
            databases: grants.databases.anew(),
            variables: Arc::clone(&grants.variables),
        })
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outward, table: &mut self.table, ctx: &mut self.http }
    }
}

impl Instances {
    /// Instances that own nothing but what the manifest grants.
    pub(super) fn new(pre: ServicePre<State>, grants: Grants, around: Arc<Surroundings>) -> Self {
        Self { pre, grants, around }
    }
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Idle;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Idle, Worker>> {
        let state = State::new(&self.grants, &self.around)?;
        let mut store = Store::new(self.pre.engine(), state);
        let proxy = Proxy::P3(self.pre.instantiate_async(&mut store).await?);
        let expiration = Idle(Box::pin(tokio::time::sleep(IDLE_MAX)));
        let state = Worker(Arc::clone(&self.grants.component));
        Ok(Instance { store, proxy, view: State::http, expiration, state })
    }
}

/// Drops an instance that had nothing to do for a second.
pub(super) struct Idle(Pin<Box<Sleep>>);

impl WorkerExpiration for Idle {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        since: Instant,
    ) -> Poll<()> {
        // What a response leaves to be done is waited for, however long it takes.
        if status != WorkerStatus::Idle {
            return Poll::Pending;
        }
        let deadline = tokio::time::Instant::from_std(since + IDLE_MAX);
        if deadline != self.0.deadline() {
            self.0.as_mut().reset(deadline);
        }
        self.0.as_mut().poll(context)
    }
}

/// Spin's limits of reuse.
pub(super) struct Worker(Arc<str>);

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        match (concurrent, total) {
            (_, REQUESTS_MAX..) => ShouldAccept::Never,
            (REQUESTS_AT_ONCE_MAX.., _) => ShouldAccept::No,
            _ => ShouldAccept::Yes,
        }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, State>,
        (): (),
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        // Spin has no deadline unless it is told one.
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<State>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            let component: &str = &self.0;
            tracing::error!(component, error = format!("{error:#}"), "instance failed");
        }
        drop(store);
    }
}

const REQUESTS_MAX: usize = 128;
const REQUESTS_AT_ONCE_MAX: usize = 16;
const IDLE_MAX: Duration = Duration::from_secs(1);
