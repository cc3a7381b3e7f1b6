//! A component: composed with its dependencies, checked against what Spin gives, linked.

use std::path::Path;

use anyhow::{Context as _, bail};
use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::handler::State;
use super::{manifest, sqlite, variables};
use crate::engine::compiled;

/// An engine with Spin's bounds: a thousand memories at once, and no more instances than those
/// serve. A request too many is answered with 500.
pub(super) fn engine() -> anyhow::Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES_MAX)
        .total_memories(INSTANCES_MAX)
        .total_stacks(INSTANCES_MAX)
        .total_tables(2 * INSTANCES_MAX)
        .total_core_instances(4 * INSTANCES_MAX)
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_tables_per_component(64)
        .max_memories_per_component(32)
        .max_tables_per_module(2)
        .max_memories_per_module(2)
        .max_memory_size(4 << 30)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(1 << 19);
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.wasm_component_model_async(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            // Not every system gives so many addresses; Spin does without, too.
            let error = format!("{error:#}");
            tracing::warn!(error, "no pool of instances, and no bound on them");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Ok(Engine::new(&config)?)
        }
    }
}

/// The component, ready to be instantiated. What was compiled is kept in `cache`.
pub(super) fn linked(
    engine: &Engine,
    id: &str,
    component: &manifest::Component,
    cache: &Path,
) -> anyhow::Result<InstancePre<State>> {
    let bytes = composed(id, component)?;
    check(&compose::imports_of(&bytes)?, &compose::exports_of(&bytes)?)?;
    let compiled = compiled(engine, &bytes, Some(cache))?;
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    sqlite::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    variables::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker.instantiate_pre(&compiled)?)
}

/// The component with its dependencies, as Spin composes them: flat.
fn composed(id: &str, component: &manifest::Component) -> anyhow::Result<Vec<u8>> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}; build it", path.display()))
    };
    let source = read(&component.source)?;
    let dependencies = component
        .dependencies
        .iter()
        .map(|(name, path)| Ok((name.as_str(), read(path)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if dependencies.is_empty() {
        return Ok(source);
    }
    let borrowed: Vec<_> =
        dependencies.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    Ok(compose::compose((id, &source), &borrowed)?)
}

/// Says what stands between the component and Spin, or between it and this shape.
fn check(imports: &[String], exports: &[String]) -> anyhow::Result<()> {
    let lacking = |giver| {
        let lacking = imports.iter().filter(|import| giver_of(import) == giver);
        lacking.map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    let (foreign, unlinked) = (lacking(Giver::Nobody), lacking(Giver::SpinAlone));
    if !foreign.is_empty() {
        bail!("Spin does not provide {foreign}, and no dependency exports it");
    }
    if !unlinked.is_empty() {
        bail!("Spin gives {unlinked}, `up --only spin` does not: it is for `spin up`");
    }
    let handles = |wanted: &str| exports.iter().any(|export| export.starts_with(wanted));
    if handles("wasi:http/handler@0.3.0") {
        return Ok(());
    }
    if SPIN_HANDLERS.iter().any(|handler| handles(handler)) {
        bail!("`up --only spin` calls wasi:http/handler@0.3.0 alone: it is for `spin up`");
    }
    bail!("it exports no wasi:http/handler@0.3.0, which an HTTP trigger calls")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Giver {
    Both,
    SpinAlone,
    Nobody,
}

fn giver_of(import: &str) -> Giver {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    let package = name.split_once('/').map_or(name, |(package, _)| package);
    let is_stable = |version: &str| {
        let minor = version.strip_prefix("0.2.").and_then(|patch| patch.parse::<u8>().ok());
        version == "0.3.0" || minor.is_some_and(|patch| patch <= WASI_0_2_PATCH_MAX)
    };
    match (package, version) {
        (package, version) if WASI.contains(&package) && is_stable(version) => Giver::Both,
        _ if LINKED.contains(&import) => Giver::Both,
        _ if SPIN_ALONE.contains(&import) || name.starts_with("fermyon:spin/") => Giver::SpinAlone,
        (package, version) if WASI.contains(&package) && version == "0.3.0-rc-2026-03-15" => {
            Giver::SpinAlone
        }
        _ => Giver::Nobody,
    }
}

/// Packages that Spin 4.1 gives in 0.2 and 0.3.
const WASI: [&str; 7] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];
const WASI_0_2_PATCH_MAX: u8 = 12;
/// What Spin 4.1 gives besides and this shape links.
const LINKED: [&str; 2] = ["wasi:config/store@0.2.0-draft-2024-09-27", "spin:sqlite/sqlite@3.1.0"];
/// What Spin 4.1 gives and nothing of ours uses.
const SPIN_ALONE: [&str; 9] = [
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
    "spin:key-value/key-value@3.0.0",
    "spin:variables/variables@3.0.0",
    "spin:redis/redis@3.0.0",
    "spin:mqtt/mqtt@3.0.0",
    "spin:mysql/mysql@3.0.0",
    "spin:postgres/postgres@4.2.0",
];
/// What Spin 4.1 calls besides.
const SPIN_HANDLERS: [&str; 3] =
    ["wasi:http/incoming-handler@0.2.", "wasi:http/handler@", "fermyon:spin/inbound-http"];
const INSTANCES_MAX: u32 = 1_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_spin_gives_is_told_from_what_is_linked() {
        for (import, giver) in [
            ("wasi:http/outgoing-handler@0.2.6", Giver::Both),
            ("wasi:http/types@0.3.0", Giver::Both),
            ("wasi:io/streams@0.2.12", Giver::Both),
            ("wasi:io/streams@0.2.13", Giver::Nobody),
            ("wasi:http/types@0.3.0-rc-2026-03-15", Giver::SpinAlone),
            ("wasi:config/store@0.2.0-draft-2024-09-27", Giver::Both),
            ("spin:sqlite/sqlite@3.1.0", Giver::Both),
            ("spin:sqlite/sqlite@4.0.0", Giver::Nobody),
            ("fermyon:spin/llm@2.0.0", Giver::SpinAlone),
            ("spin:key-value/key-value@3.0.0", Giver::SpinAlone),
            ("ecomauction:edge/sql@0.1.0", Giver::Nobody),
        ] {
            assert_eq!(giver_of(import), giver, "{import}");
        }
    }

    #[test]
    fn what_cannot_run_is_told_so() {
        let handler = "wasi:http/handler@0.3.0";
        let told = |imports: &[&str], exports: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let (imports, exports): (Vec<_>, Vec<_>) = (owned(imports), owned(exports));
            check(&imports, &exports).map_err(|error| error.to_string())
        };
        assert_eq!(told(&["wasi:io/streams@0.2.6"], &[handler]), Ok(()));
        let foreign = told(&["ecomauction:edge/sql@0.1.0"], &[handler]).unwrap_err();
        assert!(
            foreign.starts_with("Spin does not provide ecomauction:edge/sql@0.1.0"),
            "{foreign}"
        );
        let unlinked = told(&["spin:redis/redis@3.0.0"], &[handler]).unwrap_err();
        assert!(unlinked.contains("it is for `spin up`"), "{unlinked}");
        let older = told(&[], &["wasi:http/incoming-handler@0.2.6"]).unwrap_err();
        assert!(older.contains("it is for `spin up`"), "{older}");
        assert!(told(&[], &[]).unwrap_err().starts_with("it exports no"));
    }
}
