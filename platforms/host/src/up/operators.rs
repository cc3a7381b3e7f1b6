//! What stands behind the operator address.

use std::sync::Arc;

use super::Engine;
use crate::background::Background;
use crate::cli::Up;
use crate::data::DataDirectory;
use crate::manifest::Manifest;
use crate::operator::{About, Guard, Health, Names, Operator};
use crate::telemetry::{Recent, SAMPLES_EVERY};

/// All of it.
pub(super) fn new(
    options: &Up,
    (manifest, data): (&Manifest, &DataDirectory),
    engine: &Engine,
    background: &Background,
    health: &Arc<Health>,
    log: Arc<Recent>,
) -> anyhow::Result<Operator> {
    let version = manifest.version.as_deref().unwrap_or_default();
    let digests = engine.digests.iter().map(|(name, digest)| (name.clone(), digest.to_hex()));
    let about = About {
        started_at: crate::clock::now_ms(),
        composition: format!("{} {version}", manifest.name),
        machines: digests.collect(),
        data: data.root().to_owned(),
    };
    Ok(Operator {
        health: Arc::clone(health),
        meters: Arc::clone(&background.meters),
        machines: Arc::clone(&background.machines),
        queues: Arc::clone(&background.queues),
        names: Names::new(&options.operator_hosts),
        guard: Guard::new(&crate::clock::System)?,
        about,
        log,
        samples: Arc::default(),
    })
}

/// Remembers how the last hour went, until it is told to stop.
pub(super) fn remember<S: Future<Output = ()> + Send + 'static>(
    operator: &Operator,
    stop: S,
) -> impl Future<Output = ()> + Send + use<S> {
    let (samples, meters) = (Arc::clone(&operator.samples), Arc::clone(&operator.meters));
    let machines = Arc::clone(&operator.machines);
    async move {
        let look = || {
            let commits = machines.around.journal.stats().batches;
            meters.totals(machines.loaded() as u64, commits)
        };
        samples.take(SAMPLES_EVERY, look, stop).await;
    }
}
