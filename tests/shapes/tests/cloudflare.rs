//! Shape three: machine and service linked into one Worker, run on workerd. What was counted
//! survives a SIGKILL of the whole process group.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::Path;

use shapes::client::Counters;
use shapes::{artefacts, worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_keeps_its_counters_over_a_kill() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/worker"));
    let Some(tools) = worker::Tools::install(folder).unwrap() else {
        println!("SKIPPED: npm is not installed");
        return;
    };
    let module = artefacts::guest("shapes-worker", artefacts::UNKNOWN).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (bundled, state) = (directory.path().join("bundled"), directory.path().join("state"));
    worker::bundle(&tools, &module, folder, &bundled).unwrap();

    let (server, address) = worker::serve(&tools, &bundled, &state).await.unwrap();
    let counters = Counters::at(address);
    let total = |n: u32| (200, format!("{{\"total\":{n}}}"));
    assert_eq!(counters.add("apples", "a", 2).await.unwrap(), total(2));
    assert_eq!(counters.add("apples", "b", 3).await.unwrap(), total(5));
    assert_eq!(counters.add("apples", "c", 0).await.unwrap().0, 422);
    assert_eq!(counters.total("apples").await.unwrap(), total(5));
    server.kill().await.unwrap();

    let (server, address) = worker::serve(&tools, &bundled, &state).await.unwrap();
    let counters = Counters::at(address);
    assert_eq!(counters.total("apples").await.unwrap(), total(5));
    assert_eq!(counters.add("apples", "a", 2).await.unwrap(), total(2));
    assert_eq!(counters.add("apples", "d", 4).await.unwrap(), total(9));
    server.kill().await.unwrap();
}
