//! How instances serve requests: as Spin reuses them, through wasmtime's own worker pool.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::application::State;
use super::sqlite::Databases;

/// Makes instances of one component.
pub(super) struct Instances {
    pre: ServicePre<State>,
    environment: BTreeMap<String, String>,
    variables: Arc<BTreeMap<String, String>>,
    databases: Databases,
}

impl Instances {
    /// Instances that own nothing but what the manifest grants.
    pub(super) fn new(
        pre: ServicePre<State>,
        environment: BTreeMap<String, String>,
        variables: Arc<BTreeMap<String, String>>,
        databases: Databases,
    ) -> Self {
        Self { pre, environment, variables, databases }
    }
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Idle;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Idle, Worker>> {
        let variables = Arc::clone(&self.variables);
        let state = State::new(&self.environment, variables, self.databases.clone());
        let mut store = Store::new(self.pre.engine(), state);
        let proxy = Proxy::P3(self.pre.instantiate_async(&mut store).await?);
        let expiration = Idle(Box::pin(tokio::time::sleep(IDLE_MAX)));
        Ok(Instance { store, proxy, view: State::http, expiration, state: Worker })
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
pub(super) struct Worker;

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
            tracing::error!(error = format!("{error:#}"), "instance failed");
        }
        drop(store);
    }
}

const REQUESTS_MAX: usize = 128;
const REQUESTS_AT_ONCE_MAX: usize = 16;
const IDLE_MAX: Duration = Duration::from_secs(1);
