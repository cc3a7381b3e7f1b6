//! `ecomauction export` and `replay`: an archive holds everything, and whatever is changed in it is
//! found and named.

mod forger;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conformance::{Host, Setup, closed, id_of, usd};
use forger::Forger;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::faulty;

/// A stopped platform with an auction of three bids, each of which moved the end.
async fn stopped() -> (Host, String) {
    let mut platform = Setup::development().on_host().start().await;
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let soft = json!({"mode": "reset", "window_seconds": 3_600, "extension_seconds": 3_600});
    let id = id_of(&ana.lists(json!({"soft_close": soft, "reserve_price": usd(6_000)})).await);
    for (who, amount) in [(&ben, 5_000), (&cat, 3_200), (&cat, 4_100)] {
        // A bid in the millisecond of the one before it moves no end.
        tokio::time::sleep(Duration::from_millis(5)).await;
        who.bids(&id, amount).await.expect(201);
    }
    assert!(platform.stop().await.0.success());
    (platform, id)
}

/// Exports an auction into the folder and reads the file.
async fn exported(platform: &Host, id: &str, folder: &Path) -> (PathBuf, String) {
    let path = folder.join("archive.jsonl");
    let (worked, said) = export(platform.data(), id, &["--out", &path.to_string_lossy()]).await;
    assert!(worked, "{said}");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

async fn export(data: &Path, id: &str, rest: &[&str]) -> (bool, String) {
    let (data, manifest) = (data.to_string_lossy(), manifest());
    let arguments = ["export", "auction", id, "--data", &*data, "--manifest", &manifest];
    let (status, said) = Host::run(&[arguments.as_slice(), rest].concat()).await;
    (status.success(), said)
}

async fn replay(path: &Path, rest: &[&str]) -> (Option<i32>, String) {
    let (path, manifest) = (path.to_string_lossy(), manifest());
    let arguments = ["replay", &*path, "--manifest", &manifest];
    let (status, said) = Host::run(&[arguments.as_slice(), rest].concat()).await;
    (status.code(), said)
}

fn manifest() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("spin.toml").to_string_lossy().into_owned()
}

fn objects(said: &str) -> Vec<Value> {
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_archive_replays_to_what_everybody_was_told() {
    let mut platform = Setup::development().on_host().start().await;
    let public = platform.client();
    let (ana, ben, cat) =
        (platform.user("ana").await, platform.user("ben").await, platform.user("cat").await);
    let soft = json!({"mode": "reset", "window_seconds": 5, "extension_seconds": 2});
    let changes = json!({"duration_seconds": 5, "soft_close": soft, "title": "A \"watch\" \n é"});
    let id = id_of(&ana.lists(changes).await);
    let other = id_of(&ana.lists(json!({})).await);
    ben.bids(&other, 9_000).await.expect(201);
    let mut told = Vec::new();
    for (who, amount) in [(&ben, 5_000), (&cat, 3_200), (&ben, 6_000), (&cat, 7_000)] {
        told.push(who.bids(&id, amount).await.expect(201).json());
    }
    let view = closed(&public, &id).await;
    let log = public.log(&id).await;
    assert!(platform.stop().await.0.success());

    let folder = TempDir::new().unwrap();
    let (path, text) = exported(&platform, &id, folder.path()).await;
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!text.contains(&other), "another auction's records are nobody's business");
    for id in [&ana.id, &ben.id, &cat.id] {
        assert!(text.contains(id.as_str()), "the archive knows who bid");
    }

    let (code, said) = replay(&path, &["--json"]).await;
    assert_eq!(code, Some(0), "{said}");
    let rows = objects(&said);
    assert_eq!(rows.len(), log.len(), "{said}");
    for (row, event) in rows.iter().zip(&log) {
        for member in ["seq", "time", "event", "data"] {
            assert_eq!(row[member], event[member], "{member} of {row}");
        }
        assert_eq!(row["head"], event["hash"], "{row}");
    }
    for bid in &told {
        let row = rows.iter().find(|row| row["seq"] == bid["seq"]).unwrap();
        assert_eq!(row["rule"]["rule"], bid["explanation"]["rule"], "{row}");
        assert_eq!(row["rule"]["text"], bid["explanation"]["text"], "{row}");
        assert_eq!((&row["price"], &row["status"]), (&bid["price"], &json!("open")), "{row}");
    }
    let last = rows.last().unwrap();
    for member in ["status", "price", "leader"] {
        assert_eq!(last[member], view[member], "{member} of {last}");
    }
    assert_eq!(last["rule"]["seq"], told[3]["seq"], "what set the price is still known");

    let (code, table) = replay(&path, &[]).await;
    assert_eq!(code, Some(0), "{table}");
    let line =
        format!("33.00 USD  bidder-1    {}: ", told[1]["explanation"]["rule"].as_str().unwrap());
    assert!(table.contains(&line), "{table}");
    let events = format!("auction {id}: {} events in ", log.len());
    assert!(table.lines().last().unwrap().starts_with(&events), "{table}");
    assert_eq!(table.lines().count(), log.len() + 2, "{table}");
}

#[tokio::test]
async fn the_state_after_any_event_is_shown_in_full() {
    let (platform, id) = stopped().await;
    let folder = TempDir::new().unwrap();
    let (path, text) = exported(&platform, &id, folder.path()).await;
    // One command led to the bid of seq 4 and to the extension of seq 5: between them the end was
    // still the one before.
    let names = ["auction_opened", "bid_placed", "auction_extended"];
    let names: Vec<&str> = names.into_iter().chain(names[1..].iter().copied()).collect();
    let mut states = Vec::new();
    for (at, name) in (1..).zip(names) {
        let (code, said) = replay(&path, &["--json", "--at", &at.to_string()]).await;
        assert_eq!(code, Some(0), "{said}");
        let shown = objects(&said).pop().unwrap();
        assert_eq!((&shown["seq"], &shown["event"]), (&json!(at), &json!(name)));
        assert_eq!(shown["view"]["row"]["seq"], json!(at), "{said}");
        states.push(shown);
    }
    assert_eq!(states[3]["command"]["place_bid"]["amount"], usd(3_200));
    assert_eq!(states[3]["view"]["row"]["price"], usd(3_300));
    assert_eq!(states[3]["rule"], states[4]["rule"], "an extension moves no price");
    assert_eq!(states[0]["rule"], Value::Null);
    let (code, page) = replay(&path, &["--at", "4"]).await;
    assert_eq!(code, Some(0), "{page}");
    for line in
        ["price    33.00 USD", "leader   bidder-1", "rule     B2.4: ", "    \"status\": \"open\""]
    {
        assert!(page.contains(&format!("\n{line}")), "{line} is not in {page}");
    }
    let (code, said) = replay(&path, &["--at", "8"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("there is no seq 8: the last one is 7"), "{said}");

    // Nothing but the component is needed, and a pipe will do.
    let machine = Path::new(&manifest()).with_file_name("target/components/auction_machine.wasm");
    let arguments = [path.to_str().unwrap(), "--component", machine.to_str().unwrap()];
    let (status, said) = Host::run(&[&["replay"], arguments.as_slice()].concat()).await;
    assert!(status.success(), "{said}");
    let (worked, piped) = export(platform.data(), &id, &["--out", "-"]).await;
    assert!(worked, "{piped}");
    let commits = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("{\"commit\"")).map(str::to_owned).collect()
    };
    assert_eq!(commits(&piped), commits(&text));
}

#[tokio::test]
async fn whatever_is_changed_in_an_archive_is_found_and_named() {
    let (platform, id) = stopped().await;
    let folder = TempDir::new().unwrap();
    let (_, text) = exported(&platform, &id, folder.path()).await;
    let forged = folder.path().join("forged.jsonl");
    for (what, forge, expected) in forger::FORGERIES {
        let mut forger = Forger::new(&text);
        forge(&mut forger);
        std::fs::write(&forged, forger.text()).unwrap();
        let (code, said) = replay(&forged, &[]).await;
        println!("{what}: {}", said.lines().last().unwrap_or_default());
        assert_eq!(code, Some(1), "{what} is not found: {said}");
        assert!(said.lines().last().unwrap().contains(expected), "{what}: {expected}: {said}");
    }
    // The forger itself does no harm.
    std::fs::write(&forged, Forger::new(&text).text()).unwrap();
    let (code, said) = replay(&forged, &[]).await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test]
async fn an_export_refuses_what_it_cannot_do_and_leaves_nothing_behind() {
    let (mut platform, id) = stopped().await;
    let folder = TempDir::new().unwrap();
    let (path, text) = exported(&platform, &id, folder.path()).await;
    let out = path.to_string_lossy().into_owned();
    let refused = async |data: &Path, id: &str, rest: &[&str], why: &str| {
        let (worked, said) = export(data, id, rest).await;
        assert!(!worked && said.contains(why), "{why}: {said}");
    };
    refused(platform.data(), &id, &["--out", &out], "exists; --force writes over it").await;
    let missing = folder.path().join("missing");
    refused(&missing, &id, &["--out", "-"], "no data directory").await;
    assert!(!missing.exists());
    let new = folder.path().join("new.jsonl").to_string_lossy().into_owned();
    let unknown = "auc_00000000000000000000000000";
    refused(platform.data(), unknown, &["--out", &new], "the journal knows no auction auc_0").await;

    std::fs::write(&path, "something older").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (worked, said) = export(platform.data(), &id, &["--out", &out, "--force"]).await;
    assert!(worked, "{said}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().nth(1), text.lines().nth(1));

    platform.start().await;
    refused(platform.data(), &id, &["--out", &new], "is in use by another").await;
    platform.stop().await;
    damage(platform.data());
    refused(platform.data(), &id, &["--out", &new], "the log is damaged at ").await;
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// Changes a byte of a public text in the journal's files.
fn damage(data: &Path) {
    let mut damaged = 0;
    for entry in std::fs::read_dir(data.join("journal")).unwrap().flatten() {
        let mut bytes = std::fs::read(entry.path()).unwrap();
        if let Some(at) = bytes.windows(NAME.len()).position(|window| window == NAME) {
            bytes[at] = b'B';
            std::fs::write(entry.path(), &bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "no file of the journal has a bid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_knows_no_prices_is_archived_and_replayed_as_well() {
    let mut platform = faulty::platform().await;
    for (key, amount) in [("apples", 3), ("pears", 4), ("apples", 5)] {
        faulty::command(&platform.client(), key, json!({"add": amount})).await.expect(200);
    }
    platform.stop().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("apples").to_string_lossy().into_owned();
    let manifest = faulty::MANIFEST.to_string_lossy().into_owned();
    let data = platform.data().to_string_lossy().into_owned();
    let of = ["--data", &data, "--manifest", &manifest, "--out", &path];
    let arguments = [["export", "faulty", "apples"].as_slice(), &of].concat();
    let (status, said) = Host::run(&arguments).await;
    assert!(status.success(), "{said}");
    let arguments = ["replay", &path, "--manifest", &manifest, "--json", "--at", "2"];
    let (status, said) = Host::run(&arguments).await;
    assert!(status.success(), "{said}");
    let shown = objects(&said).pop().unwrap();
    assert_eq!((&shown["data"], &shown["view"]["total"]), (&json!(5), &json!(8)));
    assert_eq!((shown.get("price"), &shown["rule"]), (None, &Value::Null));
    // A machine of another trade decides none of it.
    let (code, said) = replay(Path::new(&path), &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the manifest has no machine faulty, only: auction"), "{said}");
    let machine = Path::new(&self::manifest()).with_file_name("target/components");
    let machine = machine.join("auction_machine.wasm").to_string_lossy().into_owned();
    let (code, said) = replay(Path::new(&path), &["--component", &machine]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not the component beside which the archive was written"), "{said}");
    assert!(said.contains("seq 1: the machine decides no such event, it replies {"), "{said}");
}

const NAME: &[u8] = b"bid_placed";
