//! Jobs by the clock (I9), and what a manifest says of jobs and consumers.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use conformance::{Setup, eventually, now_ms};

use super::{items, manifest};
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_slot_is_caught_up_once_and_none_runs_twice() {
    let keys = "crons = [
        { job = \"faulty.tick\", schedule = \"* * * * * *\" },
        { job = \"faulty.fail\", schedule = \"* * * * * *\" },
        { job = \"faulty.rare\", schedule = \"0 0 29 2 *\" },
    ]";
    let manifest = manifest("crons", keys).await;
    let mut platform = Setup::development().manifest(&manifest).on_host().start().await;
    let client = platform.client();
    let slots = async |job: &str| -> Vec<i64> {
        let runs = items(&client, "/faulty/runs").await;
        let mine = runs.iter().filter(|run| run["job"] == job);
        mine.map(|run| run["slot"].as_i64().unwrap()).collect()
    };
    for ending in ["kill", "stop"] {
        let known = slots("faulty.tick").await.len();
        eventually("two slots run", async || {
            (slots("faulty.tick").await.len() >= known + 2).then_some(())
        })
        .await;
        match ending {
            "kill" => platform.kill().await,
            _ => drop(platform.stop().await),
        }
        let down_ms = now_ms();
        tokio::time::sleep(Duration::from_millis(3_300)).await;
        let up_ms = now_ms();
        platform.start().await;
        eventually("slots run again", async || {
            let last = slots("faulty.tick").await.last().copied();
            last.is_some_and(|last| last > up_ms + 1_000).then_some(())
        })
        .await;
        let slots = slots("faulty.tick").await;
        let missed: Vec<i64> =
            slots.iter().copied().filter(|slot| (down_ms + 1..=up_ms).contains(slot)).collect();
        println!("{ending}: {missed:?} of the time from {down_ms} to {up_ms}");
        assert_eq!(missed.len(), 1, "{ending}: {slots:?}");
        assert!(up_ms - missed[0] < 1_000, "{ending}: the newest of them");
        let distinct: BTreeSet<i64> = slots.iter().copied().collect();
        assert_eq!(distinct.into_iter().collect::<Vec<_>>(), slots, "each once, in order");
        assert!(slots.iter().all(|slot| slot % 1_000 == 0));
    }
    assert!(slots("faulty.fail").await.len() > 3, "a job that fails runs again");
    assert_eq!(slots("faulty.rare").await, Vec::<i64>::new());
    let metrics = platform.operator().get("/metrics").await.expect(200).text();
    let failed = "component=\"faulty\",job=\"faulty.fail\",outcome=\"failed\"";
    assert!(metrics.contains(failed), "{metrics}");
}

#[tokio::test]
async fn what_the_manifest_cannot_mean_is_an_error_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    for (name, keys, word) in [
        ("slip", "consumers = [{ topic = \"t\", max_recieves = 3 }]", "max_recieves"),
        ("filter", "consumers = [{ topic = \"t\", filter = { kind = [] } }]", "kind"),
        ("schedule", "crons = [{ job = \"j\", schedule = \"* * *\" }]", "schedule of j"),
    ] {
        let manifest = manifest(name, keys).await;
        let said = Setup::development().manifest(&manifest).on_host().try_on(data.path()).await;
        assert!(said.clone().unwrap_err().contains(word), "{word}: {said:?}");
    }
    // A component that is there, and exports none of that.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (keys, word) in [
        ("crons = [{ job = \"j\", schedule = \"* * * * *\" }]", "schedule"),
        ("consumers = [{ topic = \"t\" }]", "consumer"),
    ] {
        let path = folder.path().join("spin.toml");
        let text = format!(
            "spin_manifest_version = 2\n[application]\nname = \"mute\"\n\
             [component.mute]\nsource = \"{}/target/components/auction_machine.wasm\"\n\
             [component.mute.tool.ecomauction]\n{keys}\n",
            root.display()
        );
        std::fs::write(&path, text).unwrap();
        let said =
            Setup::development().manifest(&path).on_host().try_on(data.path()).await.unwrap_err();
        assert!(said.contains("mute") && said.contains(&format!("not export {word}")), "{said}");
    }
}
