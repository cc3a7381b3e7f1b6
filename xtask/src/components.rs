//! The components: built for wasm, made whole, held to their promises and their size.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::command;
use crate::repo::Repo;
use crate::setup::{MACHINES, SERVICES};
use crate::steps::{Progress, Steps};
use crate::tidy::Lints;

/// One component that the repository ships.
struct Component {
    /// Package of the glue.
    package: &'static str,
    /// File name below target/components, as `spin.toml` has it.
    file: &'static str,
    kind: Kind,
    /// Largest size; raise it knowingly.
    bytes_max: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Imports nothing.
    Machine,
    /// Imports nothing; browsers run its core module.
    Module,
    /// Imports the ports and WASI, no platform.
    Service,
    /// Gives the ports, imports Spin.
    Edge,
    /// Imports WASI and Spin's cron plug-in.
    Tick,
}

const COMPONENTS: &[Component] = &[
    Component {
        package: "auction-machine-wasm",
        file: "auction_machine.wasm",
        kind: Kind::Machine,
        bytes_max: 1_250_000,
    },
    Component {
        package: "auctions-wasm",
        file: "auctions.wasm",
        kind: Kind::Service,
        bytes_max: 1_480_000,
    },
    Component {
        package: "identity-wasm",
        file: "identity.wasm",
        kind: Kind::Service,
        bytes_max: 900_000,
    },
    Component {
        package: "notifications-wasm",
        file: "notifications.wasm",
        kind: Kind::Service,
        bytes_max: 980_000,
    },
    // With what unpacks and packs four kinds of pictures.
    Component {
        package: "pictures-wasm",
        file: "pictures.wasm",
        kind: Kind::Service,
        bytes_max: 1_100_000,
    },
    Component { package: "qr-wasm", file: "qr.wasm", kind: Kind::Service, bytes_max: 500_000 },
    // A third of it are the modules for browsers, compressed.
    Component {
        package: "storefront-wasm",
        file: "storefront.wasm",
        kind: Kind::Service,
        bytes_max: 2_300_000,
    },
    Component {
        package: "auction-verifier-wasm",
        file: "auction_verifier.wasm",
        kind: Kind::Module,
        bytes_max: 900_000,
    },
    // With the machine.
    Component {
        package: "auction-sandbox-wasm",
        file: "auction_sandbox.wasm",
        kind: Kind::Module,
        bytes_max: 1_300_000,
    },
    // Two thirds of it are the document and its page.
    Component { package: "api-wasm", file: "api.wasm", kind: Kind::Service, bytes_max: 1_400_000 },
    // With the machines.
    Component { package: "edge-wasm", file: "edge.wasm", kind: Kind::Edge, bytes_max: 2_350_000 },
    Component { package: "tick-wasm", file: "tick.wasm", kind: Kind::Tick, bytes_max: 300_000 },
];

/// Builds every component into target/components.
pub(crate) fn build(repo: &Repo, steps: &mut Steps, lints: Lints) -> anyhow::Result<()> {
    let sizes = steps.run("build the components", |progress| {
        machines(repo, lints, progress)?;
        // Now the machine's digest is known, which edge.wasm tells, and what the storefront shows
        // to browsers is there.
        compile(repo, SERVICES, lints, progress)?;
        COMPONENTS.iter().map(|component| finish(repo, component)).collect::<Result<Vec<_>, _>>()
    })?;
    for (component, bytes) in COMPONENTS.iter().zip(sizes) {
        let Component { file, bytes_max, .. } = component;
        eprintln!("                  target/components/{file}: {bytes} of {bytes_max} bytes");
    }
    Ok(())
}

/// Builds those that import nothing; what links a machine as a library tells which one it is.
pub(crate) fn machines(repo: &Repo, lints: Lints, progress: &Progress) -> anyhow::Result<()> {
    fs::create_dir_all(repo.components()).context("cannot create target/components")?;
    compile(repo, MACHINES, lints, progress)?;
    for component in COMPONENTS.iter().filter(|one| one.kind.target() == MACHINES) {
        finish(repo, component)?;
    }
    Ok(())
}

fn compile(repo: &Repo, target: &str, lints: Lints, progress: &Progress) -> anyhow::Result<()> {
    let mut cargo = command::cargo(repo.root(), ["build", "--profile", "wasm", "--target"]);
    lints.with(&mut cargo);
    cargo.arg(target);
    if target == SERVICES {
        tell(repo, &mut cargo)?;
    }
    for component in COMPONENTS.iter().filter(|component| component.kind.target() == target) {
        cargo.args(["--package", component.package]);
    }
    command::run(&mut cargo, progress)?.or_fail("building the components")?;
    Ok(())
}

/// Tells what links the auction machine as a library which component it is, and the storefront
/// where the modules are that browsers run.
pub(crate) fn tell(repo: &Repo, cargo: &mut Command) -> anyhow::Result<()> {
    let machine = repo.components().join("auction_machine.wasm");
    let bytes = fs::read(&machine).with_context(|| {
        format!("cannot read {}: build the components first", machine.display())
    })?;
    cargo.env("AUCTION_MACHINE_SHA256", kernel::Digest::of(&[&bytes]).to_hex());
    cargo.env("AUCTION_VERIFIER_MODULE", repo.components().join("auction_verifier.core.wasm.gz"));
    cargo.env("AUCTION_SANDBOX_MODULE", repo.components().join("auction_sandbox.core.wasm.gz"));
    Ok(())
}

/// Takes a built module to its place; its size.
fn finish(repo: &Repo, component: &Component) -> anyhow::Result<usize> {
    let module = repo.module_of(component.package)?;
    let built = repo.target().join(component.kind.target()).join("wasm").join(module);
    let built = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    if component.kind == Kind::Module {
        let core = repo.components().join(component.file).with_extension("core.wasm");
        replace(&core, &built)?;
        replace(&core.with_extension("wasm.gz"), &compressed(&built)?)?;
    }
    let made = make(component, built).with_context(|| component.file.to_owned())?;
    replace(&repo.components().join(component.file), &made)?;
    Ok(made.len())
}

/// The component's bytes, if it keeps its promises.
fn make(component: &Component, built: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let made = match component.kind {
        Kind::Machine | Kind::Module => compose::wrap_machine(&built)?,
        Kind::Service | Kind::Edge | Kind::Tick => built,
    };
    promises(component.kind, &compose::imports_of(&made)?)?;
    let (bytes, bytes_max) = (made.len(), component.bytes_max);
    anyhow::ensure!(bytes <= bytes_max, "{bytes} bytes, over its budget of {bytes_max}");
    Ok(made)
}

/// Imports are what a component knows of the world.
fn promises(kind: Kind, imports: &[String]) -> anyhow::Result<()> {
    let broken: Vec<&str> = match kind {
        Kind::Machine | Kind::Module => imports.iter().map(String::as_str).collect(),
        Kind::Service => unknown(imports, SERVICE_KNOWS),
        Kind::Edge => unknown(imports, EDGE_KNOWS),
        Kind::Tick => unknown(imports, TICK_KNOWS),
    };
    anyhow::ensure!(broken.is_empty(), "it may not import {}", broken.join(", "));
    Ok(())
}

fn unknown<'i>(imports: &'i [String], known: &[&str]) -> Vec<&'i str> {
    let is_known = |name: &&str| known.iter().any(|prefix| name.starts_with(prefix));
    imports.iter().map(String::as_str).filter(|name| !is_known(name)).collect()
}

/// As it travels to browsers. Nothing of it is about the day or the computer.
fn compressed(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(module)?;
    Ok(packed.finish()?)
}

/// A host that starts meanwhile sees the old file or the new one, never half of it; a file that did
/// not change keeps its time stamp.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes)
        .and_then(|()| fs::rename(&fresh, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

impl Kind {
    fn target(self) -> &'static str {
        match self {
            Self::Machine | Self::Module => MACHINES,
            Self::Service | Self::Edge | Self::Tick => SERVICES,
        }
    }
}

/// What a service may import: the ports, and WASI that every platform gives.
const SERVICE_KNOWS: &[&str] = &["ecomauction:edge/", "wasi:"];
/// What edge.wasm may import: with it composed in, a service imports this and no more.
const EDGE_KNOWS: &[&str] = &["spin:sqlite/sqlite@3.1.0", "wasi:"];
/// The plug-in's world names two of its types.
const TICK_KNOWS: &[&str] = &["fermyon:spin-cron/cron-types@2.0.0", "wasi:", "metadata", "error"];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_service_names_no_platform() {
        let ports = names(&["ecomauction:edge/sql@0.1.0", "wasi:io/streams@0.2.12"]);
        promises(Kind::Service, &ports).unwrap();
        for platform in ["spin:sqlite/sqlite@3.1.0", "fermyon:spin/key-value@2.0.0", "cloudflare"] {
            let error = promises(Kind::Service, &names(&[platform])).unwrap_err();
            assert!(error.to_string().contains(platform));
        }
    }

    #[test]
    fn the_edge_imports_spin_and_gives_the_ports() {
        promises(Kind::Edge, &names(&["spin:sqlite/sqlite@3.1.0", "wasi:cli/exit@0.2.6"])).unwrap();
        promises(Kind::Edge, &names(&["ecomauction:edge/sql@0.1.0"])).unwrap_err();
    }

    #[test]
    fn a_machine_imports_nothing_at_all() {
        promises(Kind::Machine, &[]).unwrap();
        promises(Kind::Machine, &names(&["wasi:clocks/wall-clock@0.2.0"])).unwrap_err();
    }

    #[test]
    fn a_module_is_packed_the_same_way_every_time() {
        let packed = compressed(b"\0asm").unwrap();
        assert_eq!(packed, compressed(b"\0asm").unwrap());
        // A time of zero is none, 255 no system.
        assert_eq!(packed.get(..10).unwrap(), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    }

    #[test]
    fn a_component_over_its_budget_is_an_error() {
        let empty = b"\0asm\x0d\0\x01\0".to_vec();
        let component =
            Component { package: "x", file: "x.wasm", kind: Kind::Service, bytes_max: 8 };
        make(&component, empty.clone()).unwrap();
        let smaller = Component { bytes_max: 7, ..component };
        assert!(make(&smaller, empty).unwrap_err().to_string().contains("budget of 7"));
    }
}
