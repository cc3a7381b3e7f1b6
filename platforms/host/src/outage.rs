//! `ecomauction outage declare`: the platform was away, and everyone gets the lost time back.
//!
//! The word goes to every entity; what it means is the machines' business. On a data directory that
//! no platform runs on it comes before whatever came due meanwhile, so that nothing ends that
//! nobody could bid on. A running platform is told at its operator address: what has ended by then
//! stays so.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::{OutageTask, Outages};
use crate::data::DataDirectory;
use crate::engine::Watch;
use crate::machines::{EntityError, Machines};
use crate::manifest::Manifest;
use crate::remote;

/// A time at which the platform was away.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outage {
    /// From when.
    pub(crate) from: Timestamp,
    /// Until when, exclusive.
    pub(crate) until: Timestamp,
    /// Beyond the lost time.
    pub(crate) grace_seconds: u32,
}

/// What became of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Declared {
    /// Entities that were told.
    told: u64,
    /// Of these, the ones that changed something.
    changed: u64,
    /// Of these, the ones that could not be told, and why.
    failed: Vec<String>,
}

/// Does it, and says what became of it.
pub(crate) fn run(options: &Outages) -> ExitCode {
    let OutageTask::Declare(wanted) = &options.task;
    let outage = Outage { from: wanted.from, until: wanted.until, grace_seconds: wanted.grace };
    let declared = match &wanted.data {
        Some(data) => in_data(data, &options.manifest, outage),
        None => remote::declare(&options.operator, outage),
    };
    let declared = match declared {
        Ok(declared) => declared,
        Err(error) => {
            eprintln!("ecomauction: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    if options.json {
        println!("{}", serde_json::to_string(&declared).unwrap_or_default());
    } else {
        let Declared { told, changed, failed } = &declared;
        println!("{changed} of {told} end later");
        failed.iter().for_each(|why| println!("FAILED {why}"));
    }
    if declared.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// On a data directory without its platform.
fn in_data(
    data: &std::path::Path,
    manifest: &std::path::Path,
    outage: Outage,
) -> anyhow::Result<Declared> {
    ensure!(data.is_dir(), "no data directory at {}", data.display());
    let manifest = Manifest::read(manifest, &std::collections::BTreeMap::new())?;
    let data = DataDirectory::open(data).context("stop the platform, or leave out --data")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let machines = crate::up::recovered(&manifest, &data, Watch::Nobody).await?;
        let declared = declare(&machines, outage).await?;
        let last = Arc::clone(&machines);
        tokio::task::spawn_blocking(move || last.checkpoint(true)).await??;
        Ok(declared)
    })
}

/// Tells every entity.
pub(crate) async fn declare(
    machines: &Arc<Machines>,
    outage: Outage,
) -> Result<Declared, EntityError> {
    let body = json!({ "outage": outage }).to_string();
    let mut declared = Declared::default();
    for machine in machines.names() {
        let (reader, named) = (Arc::clone(machines), machine.clone());
        let keys = tokio::task::spawn_blocking(move || reader.keys(&named)).await;
        let keys = keys.map_err(|error| EntityError::Unavailable(error.to_string()))??;
        let mut last = 0;
        for key in keys {
            declared.told += 1;
            let before = machines.newest(&machine, &key)?;
            match machines.declare(&machine, &key, body.as_bytes()).await {
                Ok(answer) if answer.after > before => {
                    declared.changed += 1;
                    last = answer.after.max(last);
                }
                Ok(_) => {}
                Err(error) => declared.failed.push(format!("{machine} {key}: {error}")),
            }
        }
        machines.durable_through(last).await?;
    }
    Ok(declared)
}
