//! Who may depend on whom: the walls of the house, from `cargo metadata`.

use toml::Table;

use super::project::{Package, Project};
use super::{Finding, Rule};

/// The rooms, and who may enter which.
pub(super) const ROOMS: Rule = Rule {
    title: "rooms",
    why: "kernel ← machine ← service ← wasm; kernel ← ports ← {web, service, vault, platforms}; \
          kernel ← proof ← verifier ← wasm; machine ← sandbox ← wasm; \
          vault, composition, archive and edge are for platforms (ARCHITECTURE.md)",
    check: rooms,
};

/// Libraries that one room alone may name.
pub(super) const LIBRARIES: Rule = Rule {
    title: "libraries",
    why: "a platform's library outside its platform makes everything else depend on it, and a \
          machine takes nothing that could be undeterministic",
    check: libraries,
};

/// Features that no shipped build switches on.
pub(super) const FEATURES: Rule = Rule {
    title: "features",
    why: "in-memory ports and planted bugs are for tests, words about routes for the API document",
    check: features,
};

/// Versions stand in one place.
pub(super) const VERSIONS: Rule = Rule {
    title: "versions",
    why: "dependencies are declared once, in [workspace.dependencies]",
    check: versions,
};

/// No package escapes the lints.
pub(super) const LINTS: Rule = Rule {
    title: "lints of packages",
    why: "a package without [lints] is checked by nobody",
    check: lints,
};

/// A part of the house. The capability or platform is its own wall.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Room<'p> {
    Kernel,
    Ports,
    PortsWasi,
    Web,
    Vault,
    Composition,
    Archive,
    Edge,
    Proof,
    Machine(&'p str),
    Verifier(&'p str),
    Sandbox(&'p str),
    Service(&'p str),
    Wasm(&'p str),
    Document,
    Platform(&'p str),
    Client,
    Tests,
    Compose,
    Xtask,
}

fn room_of(folder: &str) -> Option<Room<'_>> {
    let parts: Vec<&str> = folder.split('/').collect();
    Some(match parts.as_slice() {
        ["crates", "kernel"] => Room::Kernel,
        ["crates", "ports"] => Room::Ports,
        ["crates", "ports-wasi"] => Room::PortsWasi,
        ["crates", "web"] => Room::Web,
        ["crates", "vault"] => Room::Vault,
        ["crates", "composition"] => Room::Composition,
        ["crates", "archive"] => Room::Archive,
        ["crates", "edge"] => Room::Edge,
        ["crates", "proof"] => Room::Proof,
        ["components", capability, "machine"] => Room::Machine(capability),
        ["components", capability, "verifier"] => Room::Verifier(capability),
        ["components", capability, "sandbox"] => Room::Sandbox(capability),
        ["components", capability, "service"] => Room::Service(capability),
        ["components", capability, "wasm", ..] => Room::Wasm(capability),
        ["components", "api", "document"] => Room::Document,
        ["platforms", platform, ..] => Room::Platform(platform),
        ["clients", ..] => Room::Client,
        ["tests", ..] => Room::Tests,
        ["xtask", "compose"] => Room::Compose,
        ["xtask"] | ["xtask", "bundle"] => Room::Xtask,
        _ => return None,
    })
}

impl Room<'_> {
    fn may_enter(self, other: Room<'_>) -> bool {
        use Room::{
            Archive, Client, Compose, Composition, Document, Edge, Kernel, Machine, Platform,
            Ports, PortsWasi, Proof, Sandbox, Service, Tests, Vault, Verifier, Wasm, Web, Xtask,
        };
        match (self, other) {
            // `up --only spin` composes as Spin does.
            (Tests, _) | (Xtask | Platform("host"), Compose) => true,
            // What others copy stands alone: a client is no part of what it speaks to.
            (_, Tests | Client | Compose | Xtask) | (Kernel | Client | Compose, _) => false,
            (_, Kernel) => true,
            (PortsWasi | Web | Service(_) | Vault | Edge | Platform(_), Ports) => true,
            // What platforms have in common, and nobody else (docs/adr/0029, 0035).
            (Platform(_) | Edge, Vault | Composition | Archive) => true,
            // Where stores are small and nothing runs between requests (docs/adr/0031).
            (Platform("cloudflare" | "spin"), Edge) => true,
            // A second opinion knows no machine (docs/adr/0041).
            (Verifier(_) | Service(_), Proof) => true,
            (Wasm(own), Verifier(of) | Sandbox(of)) => own == of,
            // It is made of what every service says of its routes.
            (Document, Service(_) | Web) => true,
            (PortsWasi | Service(_), Web) | (Wasm(_), PortsWasi) => true,
            (Service(own) | Wasm(own) | Sandbox(own), Machine(of)) | (Wasm(own), Service(of)) => {
                own == of
            }
            (Platform("cloudflare" | "spin"), Machine(_)) => true,
            (Platform("cloudflare"), Service(_) | Web) => true,
            (Platform(own), Platform(of)) => own == of,
            _ => false,
        }
    }

    /// Scenario scripts are shared by the tests of every altitude. A service that hears what a
    /// machine tells is tested with the machine, and so is a second opinion (docs/adr/0023, 0041).
    fn may_test_with(self, other: Room<'_>) -> bool {
        let over_a_machine = matches!(self, Room::Service(_) | Room::Verifier(_));
        other == Room::Tests || over_a_machine && matches!(other, Room::Machine(_))
    }

    fn may_use(self, library: &str) -> bool {
        use Room::{
            Client, Compose, Kernel, Machine, Platform, Ports, PortsWasi, Sandbox, Tests, Wasm,
            Xtask,
        };
        let starts = |prefix: &str| library.starts_with(prefix);
        match self {
            Tests => true,
            Kernel => {
                PURE.contains(&library) || ["itoa", "jiff", "postcard", "uuid"].contains(&library)
            }
            Machine(_) | Sandbox(_) => PURE.contains(&library),
            _ if starts("wasmtime") => self == Platform("host"),
            _ if starts("spin-") => matches!(self, PortsWasi | Platform("spin")),
            _ if library == "worker" => self == Platform("cloudflare"),
            _ if starts("wit-") => {
                matches!(self, PortsWasi | Wasm(_) | Platform("spin") | Compose)
            }
            _ if starts("rusqlite") => matches!(self, Ports | Platform(_)),
            _ if WAITING.iter().any(|prefix| starts(prefix)) => {
                matches!(self, Client | Platform(_))
            }
            _ if library == "anyhow" => matches!(self, Platform(_) | Xtask),
            _ => true,
        }
    }
}

fn rooms(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &project.packages {
        let Some(room) = room_of(&package.folder) else {
            findings.push(Finding::new(&package.folder, 0, "no room of the house has this folder"));
            continue;
        };
        for edge in package.dependencies.iter().filter(|edge| edge.name != package.name) {
            let Some(other) = edge.folder.as_deref() else { continue };
            let allowed = room_of(other).is_some_and(|other| {
                room.may_enter(other) || edge.dev && room.may_test_with(other)
            });
            if !allowed {
                let text = format!("{} may not depend on {}", package.name, edge.name);
                findings.push(Finding::new(&manifest(package), 0, text));
            }
        }
    }
    findings
}

fn libraries(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &project.packages {
        let Some(room) = room_of(&package.folder) else { continue };
        for edge in package.dependencies.iter().filter(|edge| edge.folder.is_none() && !edge.dev) {
            if !room.may_use(&edge.name) {
                let text = format!("{} may not use {}", package.name, edge.name);
                findings.push(Finding::new(&manifest(package), 0, text));
            }
        }
    }
    findings
}

fn features(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &project.packages {
        let room = room_of(&package.folder);
        if room == Some(Room::Tests) {
            continue;
        }
        let is_banned = |name: &str| {
            FOR_TESTS.contains(&name) || name == "document" && room != Some(Room::Document)
        };
        for edge in package.dependencies.iter().filter(|edge| edge.folder.is_some() && !edge.dev) {
            for feature in edge.features.iter().filter(|name| is_banned(name)) {
                let text = format!("{} switches on {}/{feature}", package.name, edge.name);
                findings.push(Finding::new(&manifest(package), 0, text));
            }
        }
    }
    findings
}

fn versions(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, table) in manifests(project) {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = table.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in dependencies {
                // A package of our own under another name cannot be inherited; it has no version.
                let ours = value.get("path").is_some();
                if !ours && value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    let text = format!("{name} is not taken from the workspace's table");
                    findings.push(Finding::new(&path, 0, text));
                }
            }
        }
    }
    findings
}

fn lints(project: &Project) -> Vec<Finding> {
    let bare = manifests(project).into_iter().filter(|(_, table)| !table.contains_key("lints"));
    bare.map(|(path, _)| Finding::new(&path, 0, "no [lints]")).collect()
}

/// The manifests of packages that parse; cargo complains about the others.
fn manifests(project: &Project) -> Vec<(String, Table)> {
    let manifests = project.packages.iter().filter_map(|package| {
        let path = manifest(package);
        let table = project.file(&path)?.text.parse().ok()?;
        Some((path, table))
    });
    manifests.collect()
}

fn manifest(package: &Package) -> String {
    format!("{}/Cargo.toml", package.folder)
}

/// What a machine may link: values, their bytes, their hashes.
const PURE: &[&str] = &["serde", "serde_json", "sha2", "thiserror"];
/// What waits or talks to the world, by the start of its name.
const WAITING: &[&str] = &["async-", "futures", "hyper", "reqwest", "rustls", "tokio"];
/// Features that exist for tests.
const FOR_TESTS: &[&str] = &["memory", "sabotage"];

#[cfg(test)]
mod tests;
