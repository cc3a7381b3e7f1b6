//! Shape two: the service composed with edge.wasm, run by `ecomauction up --only spin`. What was
//! counted survives a SIGKILL, and no command of a hot counter is lost or refused.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::net::SocketAddr;
use std::path::Path;

use shapes::artefacts;
use shapes::client::Counters;
use shapes::process::Server;

const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "shapes"

[[trigger.http]]
route = "/count/..."
component = "counter"

[component.counter]
source = "service.wasm"
sqlite_databases = ["default"]

[component.counter.dependencies]
"ecomauction:edge" = { path = "edge.wasm", inherit_configuration = true }
"#;

/// Service and edge, built.
fn parts() -> (Vec<u8>, Vec<u8>) {
    let service = artefacts::guest("shapes-service-wasm", artefacts::WASIP2).unwrap();
    let edge = artefacts::guest("shapes-edge-wasm", artefacts::WASIP2).unwrap();
    (std::fs::read(service).unwrap(), std::fs::read(edge).unwrap())
}

/// Imports that Spin 4.1 does not satisfy.
fn foreign_of(composed: &[u8]) -> Vec<String> {
    let given = |import: &String| {
        let (interface, version) = import.split_once('@').unwrap();
        match interface.split_once('/').unwrap() {
            ("wasi:cli" | "wasi:clocks" | "wasi:http" | "wasi:io" | "wasi:random", _) => {
                version == "0.3.0" || version.starts_with("0.2.")
            }
            ("wasi:filesystem", _) => version.starts_with("0.2."),
            ("wasi:config", "store") => version == "0.2.0-draft-2024-09-27",
            ("spin:sqlite", "sqlite") => version == "3.1.0",
            _ => false,
        }
    };
    let imports = compose::imports_of(composed).unwrap();
    imports.into_iter().filter(|import| !given(import)).collect()
}

#[test]
fn the_composed_component_imports_only_what_spin_gives() {
    let (service, edge) = parts();
    let composed = compose::compose_spin(&service, &edge).unwrap();
    assert_eq!(foreign_of(&composed), Vec::<String>::new());
    let exports = compose::exports_of(&composed).unwrap();
    assert!(exports.contains(&"wasi:http/handler@0.3.0".to_owned()), "{exports:?}");
}

#[test]
fn what_is_shipped_imports_only_what_spin_gives_once_the_edge_is_in_it() {
    let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/components");
    let read = |name: &str| std::fs::read(components.join(name)).unwrap();
    let edge = read("edge.wasm");
    for name in [
        "auctions.wasm",
        "identity.wasm",
        "notifications.wasm",
        "pictures.wasm",
        "qr.wasm",
        "api.wasm",
    ] {
        let service = read(name);
        let imports = compose::imports_of(&service).unwrap();
        assert!(!imports.iter().any(|import| import.starts_with("spin:")), "{name} knows Spin");
        let composed = compose::compose_spin(&service, &edge).unwrap();
        assert_eq!(foreign_of(&composed), Vec::<String>::new(), "{name}");
        let exports = compose::exports_of(&composed).unwrap();
        assert!(exports.contains(&"wasi:http/handler@0.3.0".to_owned()), "{name}: {exports:?}");
    }
}

/// Starts the manifest in `directory`, and a client of it.
async fn start(binary: &Path, directory: &Path) -> (Server, Counters) {
    let mut command = tokio::process::Command::new(binary);
    command.args(["up", "--only", "spin", "--listen", "127.0.0.1:0", "--data", "state"]);
    command.args(["--manifest", "spin.toml"]).current_dir(directory);
    let address = |line: &str| line.strip_prefix("Serving http://")?.parse::<SocketAddr>().ok();
    let (server, address) = Server::start(command, address).await.unwrap();
    (server, Counters::at(address))
}

fn prepared() -> (std::path::PathBuf, tempfile::TempDir) {
    let binary = artefacts::platform().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (service, edge) = parts();
    std::fs::write(directory.path().join("service.wasm"), service).unwrap();
    std::fs::write(directory.path().join("edge.wasm"), edge).unwrap();
    std::fs::write(directory.path().join("spin.toml"), MANIFEST).unwrap();
    (binary, directory)
}

fn total(n: u32) -> (u16, String) {
    (200, format!("{{\"total\":{n}}}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spin_shape_keeps_its_counters_over_a_kill() {
    let (binary, directory) = prepared();
    let (server, counters) = start(&binary, directory.path()).await;
    assert_eq!(counters.add("apples", "a", 2).await.unwrap(), total(2));
    assert_eq!(counters.add("apples", "b", 3).await.unwrap(), total(5));
    assert_eq!(counters.add("apples", "c", 0).await.unwrap().0, 422);
    server.kill().await.unwrap();

    let (server, counters) = start(&binary, directory.path()).await;
    assert_eq!(counters.total("apples").await.unwrap(), total(5));
    assert_eq!(counters.add("apples", "a", 2).await.unwrap(), total(2));
    assert_eq!(counters.add("apples", "d", 4).await.unwrap(), total(9));
    server.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_counter_refuses_and_loses_nothing() {
    const CLIENTS: usize = 16;
    const COMMANDS: usize = 8;
    let (binary, directory) = prepared();
    let (server, counters) = start(&binary, directory.path()).await;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let counters = counters.clone();
        clients.spawn(async move {
            for command in 0..COMMANDS {
                let id = format!("{client}-{command}");
                let (status, body) = counters.add("pears", &id, 1).await.unwrap();
                assert_eq!(status, 200, "{body}");
            }
        });
    }
    clients.join_all().await;
    let added = u32::try_from(CLIENTS * COMMANDS).unwrap();
    assert_eq!(counters.total("pears").await.unwrap(), total(added));
    server.kill().await.unwrap();
}
