//! Who may depend on whom: the walls of the house, from `cargo metadata`.

use toml::Table;

use super::project::{Package, Project};
use super::{Finding, Rule};

/// The rooms, and who may enter which.
pub(super) const ROOMS: Rule = Rule {
    title: "rooms",
    why: "kernel ← machine ← service ← wasm; kernel ← ports ← {web, service, vault, platforms}; \
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
    Machine(&'p str),
    Service(&'p str),
    Wasm(&'p str),
    Document,
    Platform(&'p str),
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
        ["components", capability, "machine"] => Room::Machine(capability),
        ["components", capability, "service"] => Room::Service(capability),
        ["components", capability, "wasm", ..] => Room::Wasm(capability),
        ["components", "api", "document"] => Room::Document,
        ["platforms", platform, ..] => Room::Platform(platform),
        ["tests", ..] => Room::Tests,
        ["xtask", "compose"] => Room::Compose,
        ["xtask"] | ["xtask", "bundle"] => Room::Xtask,
        _ => return None,
    })
}

impl Room<'_> {
    fn may_enter(self, other: Room<'_>) -> bool {
        use Room::{
            Archive, Compose, Composition, Document, Edge, Kernel, Machine, Platform, Ports,
            PortsWasi, Service, Tests, Vault, Wasm, Web, Xtask,
        };
        match (self, other) {
            // `up --only spin` composes as Spin does.
            (Tests, _) | (Xtask | Platform("host"), Compose) => true,
            (_, Tests | Compose | Xtask) | (Kernel | Compose, _) => false,
            (_, Kernel) => true,
            (PortsWasi | Web | Service(_) | Vault | Edge | Platform(_), Ports) => true,
            // What platforms have in common, and nobody else (docs/adr/0029, 0035).
            (Platform(_) | Edge, Vault | Composition | Archive) => true,
            // Where stores are small and nothing runs between requests (docs/adr/0031).
            (Platform("cloudflare" | "spin"), Edge) => true,
            // It is made of what every service says of its routes.
            (Document, Service(_) | Web) => true,
            (PortsWasi | Service(_), Web) | (Wasm(_), PortsWasi) => true,
            (Service(own) | Wasm(own), Machine(of)) | (Wasm(own), Service(of)) => own == of,
            (Platform("cloudflare" | "spin"), Machine(_)) => true,
            (Platform("cloudflare"), Service(_) | Web) => true,
            (Platform(own), Platform(of)) => own == of,
            _ => false,
        }
    }

    /// Scenario scripts are shared by the tests of every altitude. A service that hears what a
    /// machine tells is tested with the machine (docs/adr/0023).
    fn may_test_with(self, other: Room<'_>) -> bool {
        other == Room::Tests || matches!((self, other), (Room::Service(_), Room::Machine(_)))
    }

    fn may_use(self, library: &str) -> bool {
        use Room::{Compose, Kernel, Machine, Platform, Ports, PortsWasi, Tests, Wasm, Xtask};
        let starts = |prefix: &str| library.starts_with(prefix);
        match self {
            Tests => true,
            Kernel => {
                PURE.contains(&library) || ["itoa", "jiff", "postcard", "uuid"].contains(&library)
            }
            Machine(_) => PURE.contains(&library),
            _ if starts("wasmtime") => self == Platform("host"),
            _ if starts("spin-") => matches!(self, PortsWasi | Platform("spin")),
            _ if library == "worker" => self == Platform("cloudflare"),
            _ if starts("wit-") => {
                matches!(self, PortsWasi | Wasm(_) | Platform("spin") | Compose)
            }
            _ if starts("rusqlite") => matches!(self, Ports | Platform(_)),
            _ if WAITING.iter().any(|prefix| starts(prefix)) => matches!(self, Platform(_)),
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
mod tests {
    use super::*;
    use crate::tidy::project::Dependency;

    fn edge(name: &str, folder: Option<&str>) -> Dependency {
        Dependency {
            name: name.into(),
            folder: folder.map(Into::into),
            dev: false,
            features: Vec::new(),
        }
    }

    fn project(folder: &str, edge: Dependency) -> Project {
        let package = Package {
            name: "planted".into(),
            folder: folder.into(),
            roots: Vec::new(),
            dependencies: vec![edge],
        };
        Project { packages: vec![package], ..Project::default() }
    }

    fn broken(from: &str, to: &str) -> bool {
        !rooms(&project(from, edge("other", Some(to)))).is_empty()
    }

    #[test]
    fn the_directions_of_the_house_are_allowed() {
        for (from, to) in [
            ("components/auctions/machine", "crates/kernel"),
            ("components/auctions/service", "components/auctions/machine"),
            ("components/auctions/wasm/service", "components/auctions/service"),
            ("components/auctions/service", "crates/web"),
            ("platforms/host", "platforms/host/journal"),
            ("platforms/cloudflare", "components/auctions/service"),
            ("platforms/spin", "components/auctions/machine"),
            ("tests/shapes", "xtask/compose"),
            ("platforms/host", "xtask/compose"),
            ("components/api/document", "components/auctions/service"),
            ("components/api/document", "crates/web"),
            ("crates/vault", "crates/ports"),
            ("platforms/host", "crates/ports"),
            ("platforms/host", "crates/vault"),
            ("platforms/spin", "crates/vault"),
            ("platforms/host", "crates/composition"),
            ("platforms/cloudflare", "crates/vault"),
            ("platforms/cloudflare", "crates/edge"),
            ("platforms/spin/wasm", "crates/edge"),
            ("crates/edge", "crates/vault"),
            ("crates/edge", "crates/archive"),
        ] {
            assert!(!broken(from, to), "{from} → {to}");
        }
    }

    #[test]
    fn every_other_direction_is_a_violation() {
        for (from, to) in [
            ("crates/kernel", "crates/ports"),
            ("components/auctions/machine", "crates/ports"),
            ("components/checkout/machine", "components/auctions/machine"),
            ("components/checkout/service", "components/auctions/service"),
            ("components/checkout/service", "components/auctions/machine"),
            ("components/auctions/service", "platforms/host"),
            ("components/auctions/service", "crates/ports-wasi"),
            ("platforms/host", "components/auctions/service"),
            ("platforms/host", "components/auctions/machine"),
            ("platforms/spin", "components/auctions/service"),
            ("platforms/spin", "platforms/host"),
            ("crates/web", "components/auctions/service"),
            ("crates/web", "tests/conformance"),
            ("platforms/spin", "xtask/compose"),
            ("platforms/host", "xtask"),
            ("components/api/document", "components/auctions/machine"),
            ("components/api/service", "components/auctions/service"),
            ("components/api/wasm", "components/api/document"),
            ("components/auctions/machine", "crates/vault"),
            ("components/identity/service", "crates/vault"),
            ("components/identity/service", "crates/composition"),
            ("components/identity/wasm", "crates/vault"),
            ("crates/ports-wasi", "crates/vault"),
            ("crates/ports", "crates/vault"),
            ("crates/vault", "crates/composition"),
            ("crates/composition", "crates/ports"),
            ("crates/composition", "platforms/host"),
            ("crates/archive", "crates/ports"),
            ("components/auctions/service", "crates/archive"),
            ("crates/edge", "components/auctions/machine"),
            ("crates/edge", "platforms/spin"),
            ("platforms/host", "crates/edge"),
            ("components/auctions/service", "crates/edge"),
        ] {
            assert!(broken(from, to), "{from} → {to}");
        }
    }

    #[test]
    fn tests_alone_may_share_what_is_in_tests() {
        let mut scripts = edge("scripts", Some("tests/scripts"));
        scripts.dev = true;
        assert_eq!(rooms(&project("components/auctions/machine", scripts)), []);
        assert!(broken("components/auctions/machine", "tests/scripts"));
    }

    #[test]
    fn a_service_is_tested_with_any_machine_and_linked_with_its_own() {
        let edge = |to| Dependency { dev: true, ..edge("other", Some(to)) };
        let machine = edge("components/auctions/machine");
        assert_eq!(rooms(&project("components/checkout/service", machine.clone())), []);
        assert_eq!(rooms(&project("crates/web", machine.clone())).len(), 1);
        assert_eq!(rooms(&project("components/checkout/machine", machine)).len(), 1);
        let service = edge("components/auctions/service");
        assert_eq!(rooms(&project("components/checkout/service", service)).len(), 1);
    }

    #[test]
    fn a_package_outside_the_house_is_a_violation() {
        assert_eq!(rooms(&project("attic", edge("serde", None))).len(), 1);
    }

    #[test]
    fn libraries_stay_in_their_rooms() {
        let used = |folder, name| libraries(&project(folder, edge(name, None))).is_empty();
        assert!(used("platforms/host", "wasmtime-wasi"));
        assert!(!used("platforms/spin", "wasmtime"));
        assert!(!used("components/auctions/service", "spin-sdk"));
        assert!(!used("platforms/host", "worker"));
        assert!(!used("components/auctions/machine", "tokio"));
        assert!(!used("components/auctions/machine", "rand"));
        assert!(!used("crates/web", "anyhow"));
        assert!(used("tests/shapes", "wasmtime"));
    }

    #[test]
    fn features_for_tests_are_not_shipped() {
        let mut memory = edge("ports", Some("crates/ports"));
        memory.features = vec!["memory".into()];
        assert_eq!(features(&project("components/auctions/service", memory)).len(), 1);
        let mut words = edge("service", Some("components/auctions/service"));
        words.features = vec!["document".into()];
        assert_eq!(features(&project("components/api/document", words.clone())).len(), 0);
        assert_eq!(features(&project("components/auctions/wasm/service", words)).len(), 1);
    }

    #[test]
    fn versions_and_lints_are_the_workspaces() {
        let mut planted = project("crates/web", edge("serde", None));
        let manifest = "[dependencies]\nserde = \"1\"\nkernel.workspace = true\n";
        planted.files = Project::of(&[("crates/web/Cargo.toml", manifest)]).files;
        assert_eq!(versions(&planted).len(), 1);
        assert_eq!(lints(&planted).len(), 1);
    }
}
