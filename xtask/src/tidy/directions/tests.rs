//! Every direction that is allowed, and some of the others.

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
        ("components/auctions/verifier", "crates/proof"),
        ("components/auctions/service", "crates/proof"),
        ("components/auctions/wasm/verifier", "components/auctions/verifier"),
        ("components/auctions/sandbox", "components/auctions/machine"),
        ("components/auctions/wasm/sandbox", "components/auctions/sandbox"),
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
        ("components/auctions/verifier", "components/auctions/machine"),
        ("components/auctions/service", "components/auctions/verifier"),
        ("components/auctions/verifier", "crates/ports"),
        ("components/auctions/sandbox", "components/auctions/service"),
        ("components/storefront/service", "components/auctions/sandbox"),
        ("crates/proof", "crates/vault"),
        ("clients/rust", "crates/kernel"),
        ("platforms/host", "clients/rust"),
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
    assert!(used("clients/rust", "tokio-tungstenite"));
    assert!(!used("clients/rust", "anyhow"));
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
