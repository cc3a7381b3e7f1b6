//! The verifier of a machine's logs: a component that imports nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::Value;
use wasmtime::component::Linker;
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};

use super::options::Verify;
use super::saved::Wrong;
use crate::engine::{Engines, lift};
use crate::manifest::Manifest;

#[allow(missing_docs, unreachable_pub, reason = "generated; the WIT carries the documentation")]
#[allow(clippy::all, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/verifier",
        world: "verifier-component",
    });
}

/// A verifier, ready to be asked once.
pub(super) struct Opinion {
    pre: bindings::VerifierComponentPre<StoreLimits>,
    engine: wasmtime::Engine,
}

impl Opinion {
    /// The one that was named, or that of the machine in the manifest, or that of its only machine.
    pub(super) fn open(
        engines: &Engines,
        options: &Verify,
        machine: Option<&str>,
    ) -> Result<Option<Self>, Wrong> {
        let source = match &options.verifier {
            Some(file) => Some(file.clone()),
            None => named(options, machine).map_err(Wrong::Usage)?,
        };
        let Some(source) = source else { return Ok(None) };
        let loaded = engines.load(&engines.machines, &source).and_then(|(component, _)| {
            let linker: Linker<StoreLimits> = Linker::new(&engines.machines);
            let pre = lift(linker.instantiate_pre(&component))?;
            lift(bindings::VerifierComponentPre::new(pre))
        });
        let pre = loaded.with_context(|| format!("{} is no verifier", source.display()));
        let engine = engines.machines.clone();
        Ok(Some(Self { pre: pre.map_err(Wrong::Usage)?, engine }))
    }

    /// What it says of a saved log.
    pub(super) fn on(&self, log: &[u8]) -> anyhow::Result<Value> {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_MAX_BYTES).build();
        let mut store = Store::new(&self.engine, limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(EPOCHS_MAX);
        let instance = lift(self.pre.instantiate(&mut store)).context("the verifier")?;
        let report = lift(instance.call_verify(&mut store, log)).context("the verifier")?;
        serde_json::from_slice(&report).context("the verifier's report is no JSON")
    }
}

fn named(options: &Verify, machine: Option<&str>) -> anyhow::Result<Option<PathBuf>> {
    let manifest = Manifest::read(&options.manifest, &BTreeMap::new())
        .context("which verifier? say --verifier FILE or --manifest FILE")?;
    if let Some(machine) = machine {
        return Ok(manifest.machine(machine)?.verifier.clone());
    }
    let machines = manifest.components.values().flat_map(|one| one.tool.machines.values());
    let verifiers: Vec<_> = machines.filter_map(|machine| machine.verifier.clone()).collect();
    match verifiers.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => bail!("the manifest has several verifiers: say --verifier FILE"),
    }
}

/// A log of a hundred thousand events takes a few hundred megabytes.
const MEMORY_MAX_BYTES: usize = 2 << 30;
/// Ten minutes.
const EPOCHS_MAX: u64 = 60_000;
