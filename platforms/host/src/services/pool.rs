//! The pool of one service's instances.
//!
//! An instance is reused, newest first, and thrown away after a trap, a deadline or when it grew
//! large. Guests yield every epoch, so that a busy one shares its thread; the sum of their running
//! epochs is bounded, and so is the time of a request as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

use super::bindings::{config, consumer_face, http_face, imports, lifecycle_face, schedule_face};
use super::gate::Gate;
use super::guest::{Guest, Platform};
use super::writes::Writes;
use super::{consume, face, socket};
use crate::engine::lift;

/// Why a service gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// It trapped; the request alone is lost.
    #[error("service trapped: {0}")]
    Trap(String),
    /// It took too long.
    #[error("service exceeded its deadline")]
    Deadline,
    /// What it saw was lost before it was durable; nothing was said.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// All instances are busy.
    #[error("too many requests at once")]
    Overloaded,
    /// The component does not export what was asked for.
    #[error("the component does not export {0}")]
    Missing(&'static str),
}

/// One service.
pub(crate) struct Service {
    platform: Arc<Platform>,
    engine: Engine,
    pre: InstancePre<Guest>,
    http: Option<http_face::HttpFaceIndices>,
    consumer: Option<consumer_face::ConsumerFaceIndices>,
    schedule: Option<schedule_face::ScheduleFaceIndices>,
    lifecycle: Option<lifecycle_face::LifecycleFaceIndices>,
    idle: Mutex<Vec<Instance>>,
    permits: Semaphore,
    /// Turns of requests that write, where few may at once, or else of those with large bodies.
    pub(crate) writes: Option<Writes>,
    /// Handles every batch twice, the next one with both at once?
    twice: Option<AtomicBool>,
    /// Instances made since the start.
    pub(crate) instantiated: AtomicU64,
}

struct Instance {
    store: Store<Guest>,
    http: Option<http_face::HttpFace>,
    consumer: Option<consumer_face::ConsumerFace>,
    schedule: Option<schedule_face::ScheduleFace>,
    lifecycle: Option<lifecycle_face::LifecycleFace>,
    served: u32,
}

impl Instance {
    async fn handle(&mut self, request: face::Request<'_>) -> Result<face::Response, ServiceError> {
        let http = self.http.as_ref().ok_or(ServiceError::Missing("http"))?;
        let handled = http.ecomauction_edge_http().call_handle(&mut self.store, request);
        handled.await.map_err(trap)
    }
}

impl Service {
    /// Links a component to the ports.
    pub(crate) fn new(
        engine: &Engine,
        component: &Component,
        platform: Arc<Platform>,
    ) -> anyhow::Result<Self> {
        let mut linker: Linker<Guest> = Linker::new(engine);
        lift(wasmtime_wasi::p2::add_to_linker_async(&mut linker))?;
        lift(imports::Ports::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest))?;
        lift(config::Imports::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest))?;
        super::stubs::streaming_face(&mut linker, engine, component)?;
        let pre = lift(linker.instantiate_pre(component))?;
        let bounds = &platform.bounds;
        let large = bounds.body_max_bytes.map(|_| LARGE_BODIES_AT_ONCE_MAX);
        let writes = bounds.writes_at_once_max.or(large).map(Writes::new);
        Ok(Self {
            writes,
            http: http_face::HttpFaceIndices::new(&pre).ok(),
            consumer: consumer_face::ConsumerFaceIndices::new(&pre).ok(),
            schedule: schedule_face::ScheduleFaceIndices::new(&pre).ok(),
            lifecycle: lifecycle_face::LifecycleFaceIndices::new(&pre).ok(),
            platform,
            engine: engine.clone(),
            pre,
            idle: Mutex::default(),
            permits: Semaphore::new(INSTANCES_MAX),
            twice: None,
            instantiated: AtomicU64::new(0),
        })
    }

    /// The platform as the component sees it.
    pub(crate) fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// Handles a request.
    pub(crate) async fn http(
        &self,
        request: face::Request<'_>,
    ) -> Result<face::Response, ServiceError> {
        self.with_instance(async |instance: &mut Instance| instance.handle(request).await).await
    }

    /// Handles a request of another component, which waits for it.
    pub(crate) async fn asked(
        &self,
        request: face::Request<'_>,
    ) -> Result<face::Response, ServiceError> {
        self.with_instance(async |instance: &mut Instance| {
            instance.store.data_mut().is_asked = true;
            instance.handle(request).await
        })
        .await
    }

    /// Asks whether a request may become a socket.
    pub(crate) async fn open(
        &self,
        request: socket::Request<'_>,
    ) -> Result<Result<socket::Opened, face::Response>, ServiceError> {
        self.with_instance(async |instance: &mut Instance| {
            let face = instance.http.as_ref().ok_or(ServiceError::Missing("http"))?;
            let opened = face.ecomauction_edge_socket().call_open(&mut instance.store, request);
            opened.await.map_err(trap)
        })
        .await
    }

    /// Encodes what a decision led to, for those who follow.
    pub(crate) async fn tell(
        &self,
        key: &str,
        events: &[socket::PublicEvent<'_>],
        sent: &[socket::Sent<'_>],
    ) -> Result<socket::Told, ServiceError> {
        self.with_instance(async |instance: &mut Instance| {
            let face = instance.http.as_ref().ok_or(ServiceError::Missing("http"))?;
            let face = face.ecomauction_edge_socket();
            face.call_tell(&mut instance.store, key, events, sent).await.map_err(trap)
        })
        .await
    }

    /// Handles a frame of a client.
    pub(crate) async fn message(
        &self,
        context: &str,
        text: &str,
        received_at: i64,
    ) -> Result<socket::Answered, ServiceError> {
        self.with_instance(async |instance: &mut Instance| {
            let face = instance.http.as_ref().ok_or(ServiceError::Missing("http"))?;
            let face = face.ecomauction_edge_socket();
            let answered = face.call_message(&mut instance.store, context, text, received_at);
            answered.await.map_err(trap)
        })
        .await
    }

    /// The frame that tells the time.
    pub(crate) async fn time(&self) -> Result<Option<String>, ServiceError> {
        self.with_instance(async |instance: &mut Instance| {
            let face = instance.http.as_ref().ok_or(ServiceError::Missing("http"))?;
            face.ecomauction_edge_socket().call_time(&mut instance.store).await.map_err(trap)
        })
        .await
    }

    /// From now on every batch of messages is handled twice.
    pub(crate) fn consumes_twice(&mut self) {
        self.twice = Some(AtomicBool::default());
    }

    /// Handles a batch of messages.
    pub(crate) async fn consume(
        &self,
        batch: &[consume::Message],
    ) -> Result<Vec<consume::Outcome>, ServiceError> {
        let Some(at_once) = &self.twice else { return self.consume_once(batch).await };
        if at_once.fetch_not(Ordering::Relaxed) {
            tokio::join!(self.consume_once(batch), self.consume_once(batch)).1
        } else {
            // Whatever came of it, nobody heard.
            let _ = self.consume_once(batch).await;
            self.consume_once(batch).await
        }
    }

    async fn consume_once(
        &self,
        batch: &[consume::Message],
    ) -> Result<Vec<consume::Outcome>, ServiceError> {
        self.with_instance(async |instance: &mut Instance| {
            let consumer = instance.consumer.as_ref().ok_or(ServiceError::Missing("consumer"))?;
            let consumer = consumer.ecomauction_edge_consumer();
            consumer.call_consume(&mut instance.store, batch).await.map_err(trap)
        })
        .await
    }

    /// Runs a job for a slot of its schedule.
    pub(crate) async fn run_job(
        &self,
        job: &str,
        slot: i64,
    ) -> Result<Result<(), String>, ServiceError> {
        self.with_instance(async |instance: &mut Instance| {
            let schedule = instance.schedule.as_ref().ok_or(ServiceError::Missing("schedule"))?;
            let schedule = schedule.ecomauction_edge_schedule();
            schedule.call_run(&mut instance.store, job, slot).await.map_err(trap)
        })
        .await
    }

    /// Refuses a component without what the manifest wants of it.
    pub(crate) fn check_faces(&self, consumes: bool, has_jobs: bool) -> Result<(), ServiceError> {
        if consumes && self.consumer.is_none() {
            return Err(ServiceError::Missing("consumer, but the manifest has consumers for it"));
        }
        if has_jobs && self.schedule.is_none() {
            return Err(ServiceError::Missing("schedule, but the manifest has crons for it"));
        }
        Ok(())
    }

    /// Runs migrations; a component without them is fine.
    pub(crate) async fn migrate(&self) -> Result<Result<(), String>, ServiceError> {
        if self.lifecycle.is_none() {
            return Ok(Ok(()));
        }
        self.with_instance(async |instance: &mut Instance| {
            let lifecycle =
                instance.lifecycle.as_ref().ok_or(ServiceError::Missing("lifecycle"))?;
            let lifecycle = lifecycle.ecomauction_edge_lifecycle();
            lifecycle.call_migrate(&mut instance.store).await.map_err(trap)
        })
        .await
    }

    /// Runs something in an instance; its outcome leaves when all that it saw is durable.
    async fn with_instance<T>(
        &self,
        run: impl AsyncFnOnce(&mut Instance) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        // Dropping the future in the middle of a call loses the instance, which is what a
        // deadline wants.
        let gated = async {
            let (value, mut gate) = self.ahead_of_the_disk(run).await?;
            let opened = gate.open(&self.platform).await;
            opened.map_err(|error| ServiceError::Unavailable(error.to_string()))?;
            Ok(value)
        };
        tokio::time::timeout(self.platform.bounds.request_max, gated)
            .await
            .unwrap_or(Err(ServiceError::Deadline))
    }

    /// The instance is free again while its request waits for the disk: a few that are always in
    /// use stay in the processor's caches.
    async fn ahead_of_the_disk<T>(
        &self,
        run: impl AsyncFnOnce(&mut Instance) -> Result<T, ServiceError>,
    ) -> Result<(T, Gate), ServiceError> {
        let _permit = self.permit().await?;
        let pooled = self.idle.lock().pop();
        let mut instance = match pooled {
            Some(instance) => instance,
            None => self.instantiate().await?,
        };
        let guest = instance.store.data_mut();
        (guest.epochs_used, guest.is_asked) = (0, false);
        instance.store.set_epoch_deadline(1);
        let value = run(&mut instance).await?;
        let gate = std::mem::take(&mut instance.store.data_mut().gate);
        instance.served += 1;
        let is_large = instance.store.data().memory.is_large();
        if instance.served < REQUESTS_PER_INSTANCE_MAX && !is_large {
            self.idle.lock().push(instance);
        }
        Ok((value, gate))
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, ServiceError> {
        match self.permits.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(_) => match tokio::time::timeout(QUEUE_MAX, self.permits.acquire()).await {
                Ok(Ok(permit)) => Ok(permit),
                Ok(Err(_)) | Err(_) => Err(ServiceError::Overloaded),
            },
        }
    }

    async fn instantiate(&self) -> Result<Instance, ServiceError> {
        self.instantiated.fetch_add(1, Ordering::Relaxed);
        let mut store = Store::new(&self.engine, Guest::new(Arc::clone(&self.platform)));
        store.limiter(|guest| &mut guest.memory);
        store.set_epoch_deadline(1);
        let epochs_max = self.platform.bounds.epochs_max;
        store.epoch_deadline_callback(move |mut context| {
            let guest = context.data_mut();
            guest.epochs_used += 1;
            if guest.epochs_used > epochs_max {
                Ok(UpdateDeadline::Interrupt)
            } else {
                Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
            }
        });
        let made = self.pre.instantiate_async(&mut store).await.map_err(trap)?;
        let http = self.http.as_ref().map(|indices| indices.load(&mut store, &made)).transpose();
        let consumer =
            self.consumer.as_ref().map(|indices| indices.load(&mut store, &made)).transpose();
        let schedule =
            self.schedule.as_ref().map(|indices| indices.load(&mut store, &made)).transpose();
        let lifecycle =
            self.lifecycle.as_ref().map(|indices| indices.load(&mut store, &made)).transpose();
        Ok(Instance {
            http: http.map_err(trap)?,
            consumer: consumer.map_err(trap)?,
            schedule: schedule.map_err(trap)?,
            lifecycle: lifecycle.map_err(trap)?,
            store,
            served: 0,
        })
    }
}

fn trap(error: wasmtime::Error) -> ServiceError {
    if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        return ServiceError::Deadline;
    }
    ServiceError::Trap(format!("{error:#}"))
}

/// Most instances of one service.
const INSTANCES_MAX: usize = 200;
/// Bodies at once that are larger than everyone may send, of a service that nothing else bounds.
const LARGE_BODIES_AT_ONCE_MAX: usize = 8;
/// How long a request waits for an instance.
const QUEUE_MAX: Duration = Duration::from_secs(2);
/// An instance is replaced after this many requests: memory that a guest lost comes back.
const REQUESTS_PER_INSTANCE_MAX: u32 = 100_000;
