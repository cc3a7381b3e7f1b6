//! The wasmtime engines and the cache of compiled components.
//!
//! Machines run synchronously and import nothing. Services run on fibers, so that one which waits
//! for the disk parks. Only components that know WASI 0.3 need the component model's own
//! concurrency, which makes every call dearer: they have an engine to themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ProfilingStrategy,
};

/// Length of one epoch; deadlines are counted in it.
pub(crate) const EPOCH: Duration = Duration::from_millis(10);
/// Most service instances alive at once.
pub(crate) const SERVICE_INSTANCES_MAX: u32 = 512;

/// The engines of one host process.
pub(crate) struct Engines {
    /// For machines.
    pub(crate) machines: Engine,
    services: Engine,
    streaming_services: Engine,
    cache: Option<PathBuf>,
    watch: Watch,
    ticking: Arc<AtomicBool>,
}

/// Who looks at the components while they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Nobody.
    Nobody,
    /// Linux `perf`, by a map of function names.
    Perf,
}

impl Engines {
    /// Engines whose compiled components are kept in `cache`.
    pub(crate) fn new(cache: &Path, watch: Watch) -> anyhow::Result<Self> {
        std::fs::create_dir_all(cache)
            .with_context(|| format!("cannot create {}", cache.display()))?;
        Self::build(Some(cache.to_owned()), watch)
    }

    /// Engines that keep nothing on disk.
    pub(crate) fn without_cache() -> anyhow::Result<Self> {
        Self::build(None, Watch::Nobody)
    }

    fn build(cache: Option<PathBuf>, watch: Watch) -> anyhow::Result<Self> {
        let engine = |mut config: Config| {
            if watch == Watch::Perf {
                config.profiler(ProfilingStrategy::PerfMap);
            }
            lift(Engine::new(&config))
        };
        let machines = engine(machine_config())?;
        let services = engine(service_config(false))?;
        let streaming_services = engine(service_config(true))?;
        let ticking = Arc::new(AtomicBool::new(true));
        let all = [machines.clone(), services.clone(), streaming_services.clone()];
        tick(all, Arc::clone(&ticking))?;
        Ok(Self { machines, services, streaming_services, cache, watch, ticking })
    }

    /// The engine that a service needs.
    pub(crate) fn for_service(&self, source: &Path) -> anyhow::Result<&Engine> {
        let imports = compose::imports_of(&read(source)?)
            .with_context(|| format!("{} is not a component", source.display()))?;
        let streams = imports.iter().any(|import| import.contains("@0.3."));
        Ok(if streams { &self.streaming_services } else { &self.services })
    }

    /// Loads a component, compiled before if these bytes were seen by this engine before.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        source: &Path,
    ) -> anyhow::Result<(Component, String)> {
        let bytes = read(source)?;
        // `perf` looks up mapped files by their own symbols, and only other code in its map.
        let cache = self.cache.as_deref().filter(|_| self.watch != Watch::Perf);
        let component = compiled(engine, &bytes, cache);
        let component = component.with_context(|| format!("compiling {}", source.display()))?;
        Ok((component, hex(&Sha256::digest(&bytes))))
    }
}

/// A component, compiled before if the folder has seen these bytes and an engine like this one.
pub(crate) fn compiled(
    engine: &Engine,
    bytes: &[u8],
    cache: Option<&Path>,
) -> anyhow::Result<Component> {
    let Some(cache) = cache else { return lift(Component::new(engine, bytes)) };
    let digest = hex(&Sha256::digest(bytes));
    let artefact = cache.join(format!("{digest}-{}.cwasm", compatibility(engine)));
    if artefact.exists() {
        // The directory holds only what this host wrote under a name that pins source bytes
        // and engine settings; wasmtime checks its own header again.
        match crate::precompiled::open(engine, &artefact) {
            Ok(component) => return Ok(component),
            Err(error) => tracing::warn!(%error, "compiled component unusable; compiling again"),
        }
    }
    let compiled = lift(engine.precompile_component(bytes))?;
    let unfinished = artefact.with_extension("unfinished");
    std::fs::write(&unfinished, &compiled)?;
    std::fs::rename(&unfinished, &artefact)?;
    crate::precompiled::open(engine, &artefact)
}

impl Drop for Engines {
    fn drop(&mut self) {
        self.ticking.store(false, Ordering::Relaxed);
    }
}

fn machine_config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    config
}

fn read(source: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(source)
        .with_context(|| format!("cannot read the component {}; build it first", source.display()))
}

fn service_config(concurrency: bool) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SERVICE_INSTANCES_MAX);
    pool.total_core_instances(SERVICE_INSTANCES_MAX * 8);
    pool.total_memories(SERVICE_INSTANCES_MAX);
    pool.total_tables(SERVICE_INSTANCES_MAX * 4);
    pool.total_stacks(SERVICE_INSTANCES_MAX);
    // Addresses alone: what an instance may use of it is a bound of its component.
    pool.max_memory_size(composition::MEMORY_LARGEST_BYTES);
    pool.linear_memory_keep_resident(1 << 20);
    pool.table_keep_resident(64 << 10);
    pool.max_core_instances_per_component(16);
    pool.max_tables_per_component(16);
    pool.max_unused_warm_slots(SERVICE_INSTANCES_MAX);
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.concurrency_support(concurrency);
    config.wasm_component_model_async(concurrency);
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// A short name for everything that makes compiled code unusable elsewhere.
fn compatibility(engine: &Engine) -> String {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Advances the engines' epochs until the host goes away.
fn tick(engines: [Engine; 3], ticking: Arc<AtomicBool>) -> anyhow::Result<()> {
    std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
        while ticking.load(Ordering::Relaxed) {
            std::thread::park_timeout(EPOCH);
            engines.iter().for_each(Engine::increment_epoch);
        }
    })?;
    Ok(())
}

/// A result of wasmtime's as one of this host's; the text keeps the whole chain of causes.
pub(crate) fn lift<T>(result: wasmtime::Result<T>) -> anyhow::Result<T> {
    result.map_err(|error| anyhow::anyhow!("{error:#}"))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
