//! A component that traps, spins or eats memory answers its own request with 5xx and hurts no other
//! (reliability.md 3.4).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use conformance::{Client, Host, Reply, Setup, User, id_of};
use serde_json::{Value, json};

/// The checkout's composition and the faulty components beside it.
pub(super) static MANIFEST: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let folder = root.join("target/tmp/faulty");
    std::fs::create_dir_all(&folder).unwrap();
    let service = built(&root, "faulty-service-wasm", "faulty_service", "wasm32-wasip2");
    let machine = built(&root, "faulty-machine-wasm", "faulty_machine", "wasm32-unknown-unknown");
    let machine = compose::wrap_machine(&std::fs::read(machine).unwrap()).unwrap();
    let wrapped = folder.join("faulty_machine.wasm");
    std::fs::write(&wrapped, machine).unwrap();
    let manifest = std::fs::read_to_string(root.join("spin.toml")).unwrap();
    let components = format!("\"{}/target/components/", root.display());
    let moved = manifest.replace("\"target/components/", &components);
    assert_ne!(moved, manifest, "the manifest names its components");
    let faulty = format!(
        "\n[[trigger.http]]\nroute = \"/faulty/...\"\ncomponent = \"faulty\"\n\
         \n[component.faulty]\nsource = \"{}\"\n\
         \n[component.faulty.tool.ecomauction]\nentities = [\"faulty\"]\n\
         machines = {{ faulty = {{ source = \"{}\", shards = 1 }} }}\n",
        service.display(),
        wrapped.display()
    );
    let path = folder.join("spin.toml");
    std::fs::write(&path, moved + &faulty).unwrap();
    path
});

fn built(root: &Path, package: &str, file: &str, target: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The profile of the real components: what they share is built already.
    command.args(["build", "--profile", "wasm", "--package", package, "--target", target]);
    // The suite lints while it compiles; a guest is built as it is shipped.
    command.env_remove("RUSTC_WORKSPACE_WRAPPER");
    assert!(command.current_dir(root).status().unwrap().success(), "{package} does not build");
    let target_folder = std::env::var_os("CARGO_TARGET_DIR");
    let target_folder = target_folder.map_or_else(|| root.join("target"), PathBuf::from);
    target_folder.join(target).join("wasm").join(format!("{file}.wasm"))
}

pub(super) async fn platform() -> Host {
    let manifest = tokio::task::spawn_blocking(|| MANIFEST.clone()).await.unwrap();
    Setup::development().manifest(&manifest).on_host().start().await
}

async fn counts(client: &Client, key: &str) -> Value {
    client.get(&format!("/faulty/machine/{key}")).await.expect(200).json()
}

pub(super) async fn command(client: &Client, key: &str, body: Value) -> Reply {
    let path = format!("/faulty/machine/{key}");
    client.post(&path, &body).key("command").send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_service_loses_its_own_request_only() {
    let platform = platform().await;
    let client = platform.client();
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    client.get("/faulty/ok").await.expect(200);
    let mut amount = 2_000;
    let baseline = platform.memory_kib("VmHWM");
    for (path, statuses) in
        [("/faulty/trap", [500, 500]), ("/faulty/spin", [504, 504]), ("/faulty/eat", [500, 503])]
    {
        let faulty = client.clone();
        let sent = Instant::now();
        let failing = tokio::spawn(async move { (faulty.get(path).await, sent.elapsed()) });
        let mut served = 0;
        let mut slowest = Duration::ZERO;
        while !failing.is_finished() || served < 20 {
            slowest = slowest.max(serves(&ben, &client, &id, amount).await);
            amount += 100;
            served += 1;
        }
        let (reply, took) = failing.await.unwrap();
        let (status, code) = (reply.status, reply.code());
        println!("{path}: {status} {code} after {took:?}; {served} others, slowest {slowest:?}");
        assert!(statuses.contains(&status), "{path}: {status} {code}");
        assert!(took < Duration::from_secs(12), "{path}: {took:?}");
        assert!(slowest < Duration::from_secs(1), "{path} held others up for {slowest:?}");
        assert!(!reply.text().contains("wasm"), "no internals: {}", reply.text());
        serves(&ben, &client, &id, amount).await;
        amount += 100;
    }
    let grown = platform.memory_kib("VmHWM") - baseline;
    println!("{grown} KiB more at the most");
    assert!(grown < 192 << 10, "{grown} KiB for a component of at most 64 MiB");
}

/// A request to the faulty component's neighbour function and a real bid; how long both took.
async fn serves(bidder: &User, client: &Client, auction: &str, amount: i64) -> Duration {
    let started = Instant::now();
    client.get("/faulty/ok").await.expect(200);
    bidder.bids(auction, amount).await.expect(201);
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_faulty_requests_at_once_leave_room_for_others() {
    let platform = platform().await;
    let client = platform.client();
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    let mut failing = tokio::task::JoinSet::new();
    for n in 0..24 {
        let (client, path) =
            (client.clone(), ["/faulty/trap", "/faulty/spin", "/faulty/eat"][n % 3]);
        failing.spawn(async move { client.get(path).await.status });
    }
    let mut slowest = Duration::ZERO;
    let mut served = 0;
    while !failing.is_empty() {
        let started = Instant::now();
        ben.bids(&id, 2_000 + served * 100).await.expect(201);
        slowest = slowest.max(started.elapsed());
        served += 1;
        while let Some(status) = failing.try_join_next() {
            assert!(status.unwrap() >= 500);
        }
    }
    println!("{served} bids meanwhile, slowest {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    client.get("/faulty/ok").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_machine_loses_its_own_command_only() {
    let mut platform = platform().await;
    let client = platform.client();
    // One shard: all of them live in the instance that is lost.
    for (key, amount) in [("apples", 3), ("pears", 4), ("plums", 5)] {
        command(&client, key, json!({"add": amount})).await.expect(200);
    }
    for (fault, key) in [("trap", "apples"), ("spin", "pears"), ("eat", "plums")] {
        let sent = Instant::now();
        let reply = command(&client, key, json!(fault)).await;
        println!("{fault}: {} after {:?}", reply.status, sent.elapsed());
        assert_eq!(reply.status, 500, "{fault}: {}", reply.text());
        for (key, total) in [("apples", 3), ("pears", 4), ("plums", 5)] {
            let standing = counts(&client, key).await;
            assert_eq!(standing, json!({"commands": 1, "total": total}), "{key} after {fault}");
        }
    }
    let after = command(&client, "apples", json!({"add": 1})).await.expect(200).json();
    assert_eq!(after["total"], 4);
    platform.kill().await;
    platform.start().await;
    assert_eq!(counts(&client, "apples").await, json!({"commands": 2, "total": 4}));
    let (ana, ben) = (platform.user("ana").await, platform.user("ben").await);
    let id = id_of(&ana.lists(json!({})).await);
    ben.bids(&id, 5_000).await.expect(201);
}
