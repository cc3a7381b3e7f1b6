//! `ecomauction up`: opens the data directory, composes the manifest, recovers, serves, drains.

mod operators;
mod process;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use kernel::Digest;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::background::{Background, Tasks};
use crate::cli::{Only, Up};
use crate::data::DataDirectory;
use crate::engine::{Engines, Watch};
use crate::http::{Connections, HttpLimits, Router};
use crate::live::{Live, Seats};
use crate::machines::{MachineImage, Machines, Surroundings};
use crate::manifest::Manifest;
use crate::operator::{Health, Operator};
use crate::outbox::Outbox;
use crate::priority::Turn;
use crate::queues::Queues;
use crate::services::{Bounds, Platform, Service, Shared};
use crate::sql::SqlStore;
use crate::state::StateStore;
use crate::telemetry::{Meters, Recent};
use crate::timers::Timers;
use crate::vault::Vault;
use process::{EndSignals, raise_descriptor_limit};

/// Runs the platform until it is told to stop.
pub(crate) fn run(options: &Up) -> anyhow::Result<()> {
    let log = crate::telemetry::start_logs(options.dev);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let behind = crate::priority::runtime_behind()?;
    match options.only {
        None => runtime.block_on(serve(options, behind.handle(), log)),
        Some(Only::Spin) => runtime.block_on(serve_as_spin(options)),
    }
}

/// The machines of a manifest over an opened data directory, recovered.
pub(crate) struct Engine {
    /// wasmtime and its cache.
    pub(crate) engines: Engines,
    /// Entities.
    pub(crate) machines: Arc<Machines>,
    /// SHA-256 of the machines' components, by name.
    pub(crate) digests: BTreeMap<String, Digest>,
}

/// The Spin shape keeps its own folder: it shares no file with this host's.
async fn serve_as_spin(options: &Up) -> anyhow::Result<()> {
    let mut end = EndSignals::listen()?;
    let (state, overrides) = (options.data.join("spin"), overrides(options)?);
    tokio::select! {
        served = crate::spin_shape::run(&options.manifest, options.listen, &state, &overrides) => {
            served
        }
        () = end.received() => Ok(()),
    }
}

async fn serve(options: &Up, behind: &Handle, log: Arc<Recent>) -> anyhow::Result<()> {
    let started = std::time::Instant::now();
    raise_descriptor_limit();
    let mut end = EndSignals::listen()?;
    let manifest = Manifest::read(&options.manifest, &overrides(options)?)?;
    let data = DataDirectory::open(&options.data)?;
    // Listening first: a taken port is found before anything is touched.
    let public = bind(options.listen, "--listen")?;
    let operator = bind(options.operator_listen, "--operator-listen")?;
    let queues = Arc::new(open_queues(&manifest, &data)?);
    let engine = open_machines(&manifest, &data, options.watch())?;
    let machines = Arc::clone(&engine.machines);
    recover(&machines, &queues).await?;
    let shared = open_shared(&manifest, &data)?;
    let services = open_services(&manifest, &data, &engine, &shared, options.deliver_twice)?;
    migrate(&services).await?;
    let (meters, health) = (Arc::<Meters>::default(), Arc::new(Health::new(machines.clone())));
    let ((stop, stopped), (silence, silent)) = (watch::channel(false), watch::channel(false));
    let background = Background {
        machines: Arc::clone(&machines),
        services: services.clone(),
        queues: Arc::clone(&queues),
        meters: Arc::clone(&meters),
        behind: behind.clone(),
    };
    let mut beside = crate::background::start(&background, &manifest, &stopped, &silent)?;
    beside.tasks.spawn(rotate_keys(Arc::clone(&shared.vault), told(stopped.clone())));
    let live = live(options, &machines, &stopped);
    beside.tasks.spawn(crate::live::relay(Arc::clone(&machines), stopped.clone()));
    let connections = Arc::new(Connections {
        router: router(&manifest, &services),
        limits: options.limits(),
        meters,
        health: Arc::clone(&health),
        live: Arc::clone(&live),
    });
    let operators =
        operators::new(options, (&manifest, &data), &engine, &background, &health, log)?;
    beside.tasks.spawn(operators::remember(&operators, told(stopped.clone())));
    let (public_addr, operator_addr) = (public.local_addr()?, operator.local_addr()?);
    let listeners = answer((public, connections), (operator, operators), options, &stopped);
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%public_addr, %operator_addr, took_ms, app = manifest.name, "ready");
    if options.dev {
        eprintln!("{}", walkthrough(public_addr, operator_addr));
    }
    end.received().await;
    tracing::info!(drain_seconds = options.limits().drain.as_secs(), "stopping");
    health.drain();
    stop.send_replace(true);
    live.seats.left(FAREWELLS).await;
    ended(listeners, beside, &silence).await;
    finish(&machines, &services, &queues, &shared).await;
    tracing::info!("stopped");
    Ok(())
}

/// What sockets and streams work with.
fn live(options: &Up, machines: &Arc<Machines>, stopped: &watch::Receiver<bool>) -> Arc<Live> {
    let seats = Arc::new(Seats::new(options.sockets_per_client, options.sockets_per_user));
    Arc::new(Live { machines: Arc::clone(machines), seats, stopped: stopped.clone() })
}

/// Waits for those who ask, then for those who act, then for those who carry what was decided.
async fn ended(mut listeners: JoinSet<()>, beside: Tasks, silence: &watch::Sender<bool>) {
    let Tasks { mut tasks, mut carriers } = beside;
    while listeners.join_next().await.is_some() {}
    while tasks.join_next().await.is_some() {}
    silence.send_replace(true);
    while carriers.join_next().await.is_some() {}
}

/// Answers at both addresses until it is told to stop.
fn answer(
    (public, connections): (TcpListener, Arc<Connections>),
    (operator, operators): (TcpListener, Operator),
    options: &Up,
    stopped: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let (mut listeners, limits) = (JoinSet::new(), options.limits());
    let operator_limits = HttpLimits { drain: Duration::ZERO, ..limits.clone() };
    let stop = || told(stopped.clone());
    listeners.spawn(crate::http::serve(public, limits, connections, stop()));
    listeners.spawn(crate::http::serve(operator, operator_limits, operators.into(), stop()));
    listeners
}

/// Lets every component prepare its tables.
async fn migrate(services: &HashMap<String, Arc<Service>>) -> anyhow::Result<()> {
    for (id, service) in services {
        let migrated = service.migrate().await.with_context(|| format!("component {id}"))?;
        migrated.map_err(|why| anyhow::anyhow!("component {id} cannot migrate: {why}"))?;
    }
    Ok(())
}

fn router(manifest: &Manifest, services: &HashMap<String, Arc<Service>>) -> Router {
    Router::new(manifest.routes.iter().filter_map(|route| {
        Some((route.pattern.clone(), Arc::clone(services.get(&route.component)?)))
    }))
}

/// Writes what was written behind, so that the next start is quick.
async fn finish(
    machines: &Arc<Machines>,
    services: &HashMap<String, Arc<Service>>,
    queues: &Queues,
    shared: &Shared,
) {
    shared.mail.finish().await;
    crate::background::mark_published(machines, queues).await;
    for service in services.values() {
        if let Err(error) = service.platform().sql.flush().await {
            tracing::warn!(%error, "projections were not written; they will be rebuilt");
        }
    }
    let machines = Arc::clone(machines);
    let written = tokio::task::spawn_blocking(move || machines.checkpoint(true)).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(%error, "the last checkpoint failed; the journal has it all");
    }
}

/// Opens journal, snapshots and machines.
pub(crate) fn open_machines(
    manifest: &Manifest,
    data: &DataDirectory,
    watch: Watch,
) -> anyhow::Result<Engine> {
    let engines = Engines::new(&data.compiled(), watch)?;
    let mut images = Vec::new();
    for component in manifest.components.values() {
        for (name, machine) in &component.tool.machines {
            if images.iter().any(|(image, _): &(Arc<MachineImage>, u16)| image.name == *name) {
                bail!("machine {name} is declared twice");
            }
            let (compiled, digest) = engines.load(&engines.machines, &machine.source)?;
            let image = MachineImage::new(name, &engines.machines, &compiled, digest)
                .with_context(|| format!("machine {name} ({})", machine.source.display()))?;
            tracing::info!(
                machine = name,
                sha256 = image.digest,
                shards = machine.shards,
                "machine"
            );
            images.push((Arc::new(image), machine.shards));
        }
    }
    let around = Surroundings {
        journal: journal::Journal::open(&data.journal(), journal::Options::default())
            .context("cannot open the journal")?,
        state: StateStore::open_or_begin_anew(&data.state())
            .context("cannot open the snapshots")?,
        timers: Timers::default(),
        outbox: Outbox::new(manifest.subscriptions()),
        live: crate::live::Hub::default(),
        world: Arc::new(crate::clock::System),
    };
    let digests = images
        .iter()
        .filter_map(|(image, _)| Some((image.name.clone(), Digest::from_hex(&image.digest)?)));
    let digests = digests.collect();
    Ok(Engine { engines, digests, machines: Arc::new(Machines::new(images, around)) })
}

/// The machines of a data directory that no platform runs on.
pub(crate) async fn recovered(
    manifest: &Manifest,
    data: &DataDirectory,
    watch: Watch,
) -> anyhow::Result<Arc<Machines>> {
    let queues = open_queues(manifest, data)?;
    let engine = open_machines(manifest, data, watch)?;
    recover(&engine.machines, &queues).await?;
    Ok(engine.machines)
}

/// Recovers what journal and snapshots say. The mark of the bus is stored before the components'
/// can move past what the bus does not have.
async fn recover(machines: &Machines, queues: &Queues) -> anyhow::Result<()> {
    let published = match queues.published()? {
        Some(published) => published,
        None => {
            let settled = machines.settled_at_start()?;
            queues.push(Vec::new(), Some(settled)).await?;
            settled
        }
    };
    machines.recover(published).context("cannot recover from the journal")
}

fn open_shared(manifest: &Manifest, data: &DataDirectory) -> anyhow::Result<Shared> {
    let variable = |name| manifest.variables.get(name).map_or("", String::as_str);
    let smtp_url = variable("smtp_url");
    if smtp_url.is_empty() && variable("development") != "true" {
        tracing::warn!("mail is kept in the data directory and not sent: set smtp_url");
    }
    Shared::open(data, smtp_url, variable("mail_from"))
}

/// Keys grow old while the platform runs.
async fn rotate_keys(vault: Arc<Vault>, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    while tokio::time::timeout(ROTATION_INTERVAL, &mut stop).await.is_err() {
        if let Err(error) = vault.rotate() {
            tracing::error!(%error, "keys were not rotated");
        }
    }
}

/// Opens the queues of all subscriptions.
fn open_queues(manifest: &Manifest, data: &DataDirectory) -> anyhow::Result<Queues> {
    let names = manifest.subscriptions().map(|(id, consumer)| consumer.queue(&id));
    let world = Arc::new(crate::clock::System);
    Queues::open(&data.queues(), names, world).context("cannot open the queues")
}

fn open_services(
    manifest: &Manifest,
    data: &DataDirectory,
    engine: &Engine,
    shared: &Shared,
    twice: bool,
) -> anyhow::Result<HashMap<String, Arc<Service>>> {
    let Engine { engines, machines, digests } = engine;
    let mut services = HashMap::new();
    for (id, component) in &manifest.components {
        let prefix = component.tool.tables.clone().unwrap_or_else(|| format!("{id}_"));
        // Bids are with those who have machines.
        let turn = if component.tool.machines.is_empty() { Turn::Behind } else { Turn::First };
        let sql = SqlStore::open(&data.tables(id)?, &prefix, turn)
            .with_context(|| format!("cannot open the tables of {id}"))?;
        let platform = Platform {
            component: id.clone(),
            machines: Arc::clone(machines),
            granted: component.tool.entities.iter().cloned().collect(),
            signs_tokens: component.tool.signs_tokens,
            signs_proofs: component.tool.signs_proofs,
            engines: digests.clone(),
            version: manifest.version.clone().unwrap_or_default(),
            sql,
            shared: shared.clone(),
            allowed: component.outbound.clone(),
            bounds: Bounds::of(&component.tool),
            variables: component.variables.clone(),
        };
        let engine = engines.for_service(&component.source)?;
        let (compiled, _) = engines.load(engine, &component.source)?;
        let mut service = Service::new(engine, &compiled, Arc::new(platform))
            .with_context(|| format!("component {id} ({})", component.source.display()))?;
        if twice {
            service.consumes_twice();
        }
        services.insert(id.clone(), Arc::new(service));
    }
    shared.neighbours.fill(&services);
    Ok(services)
}

/// Variables from the command line and the environment.
fn overrides(options: &Up) -> anyhow::Result<BTreeMap<String, String>> {
    let mut overrides: BTreeMap<String, String> = std::env::vars()
        .filter_map(|(name, value)| {
            Some((name.strip_prefix("SPIN_VARIABLE_")?.to_lowercase(), value))
        })
        .collect();
    if options.dev {
        overrides.insert("development".to_owned(), "true".to_owned());
    }
    for variable in &options.variables {
        let (name, value) = variable.split_once('=').context("--variable takes NAME=VALUE")?;
        overrides.insert(name.to_owned(), value.to_owned());
    }
    Ok(overrides)
}

fn bind(address: std::net::SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart takes the port of connections that are still ending.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(CONNECTIONS_WAITING_MAX)
    };
    listen().with_context(|| format!("cannot listen on {address}; choose another with {option}"))
}

async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Curl lines to paste, for this address.
fn walkthrough(public: std::net::SocketAddr, operator: std::net::SocketAddr) -> String {
    include_str!("../../../docs/guide/walkthrough.md")
        .replace("http://127.0.0.1:8080", &format!("http://{public}"))
        .replace("http://127.0.0.1:9090", &format!("http://{operator}"))
}

/// Connections that wait to be accepted. Bidders come in crowds; one too many waits for a second.
const CONNECTIONS_WAITING_MAX: u32 = 4_096;
/// How long sockets may take to say goodbye.
const FAREWELLS: Duration = Duration::from_secs(3);
/// Pause between looks at the age of keys.
const ROTATION_INTERVAL: Duration = Duration::from_secs(60 * 60);
