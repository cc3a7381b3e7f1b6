//! Messages on their way: each arrives, poison delays nobody, dead letters wait for operators
//! (reliability.md I17 to I20); jobs run by the clock (I9).

mod jobs;
mod operators;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use conformance::{Call, Client, Host, Setup, User, eventually, id_of};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::faulty;

const SENT: &str = "faulty.sent.v1";
const QUEUE: &str = "faulty/faulty.sent.v1";

/// The faulty composition, where the faulty service consumes and has jobs.
async fn manifest(name: &str, keys: &str) -> PathBuf {
    let faulty = tokio::task::spawn_blocking(|| faulty::MANIFEST.clone()).await.unwrap();
    let text = std::fs::read_to_string(&faulty).unwrap();
    let changed =
        text.replace("entities = [\"faulty\"]\n", &format!("entities = [\"faulty\"]\n{keys}\n"));
    assert_ne!(changed, text);
    let path = faulty.with_file_name(format!("{name}.toml"));
    std::fs::write(&path, changed).unwrap();
    path
}

async fn platform() -> Host {
    Setup::development().manifest(&consumers().await).on_host().start().await
}

async fn consumers() -> PathBuf {
    consumers_that_try("consumers", 3).await
}

async fn consumers_that_try(name: &str, times: u32) -> PathBuf {
    let keys = format!(
        "consumers = [
        {{ topic = \"faulty.sent.v1\", max_receives = {times}, visibility_seconds = 2, \
          retry_first_ms = 50, batch_size = 10 }},
        {{ topic = \"faulty.sorted.v1\", filter = {{ kind = [\"a\", 7], good = [true] }} }},
        {{ topic = \"auction.closed.v1\" }},
    ]"
    );
    manifest(name, &keys).await
}

async fn sends(client: &Client, messages: &[(&str, Value)]) {
    let wishes = messages.iter().map(|(key, body)| wish(SENT, key, body));
    let wishes = wishes.collect::<Vec<_>>().into();
    client.post("/faulty/send", &wishes).send().await.unwrap().expect(200);
}

fn wish(topic: &str, key: &str, body: &Value) -> Value {
    json!({"topic": topic, "key": key, "body": body})
}

async fn items(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).await.expect(200).json().as_array().unwrap().clone()
}

/// The queue as operators see it.
async fn queue(platform: &Host, name: &str) -> Value {
    let queues = platform.operator().get("/v1/admin/queues").await.expect(200).json();
    let queues = queues["items"].as_array().unwrap().clone();
    queues.into_iter().find(|queue| queue["queue"] == name).unwrap()
}

async fn until_empty(platform: &Host, name: &str, dead: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let queue = queue(platform, name).await;
        if queue["messages"] == 0 && queue["dead_letters"] == dead {
            return;
        }
        assert!(Instant::now() < deadline, "{queue}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn letters(platform: &Host, query: &str) -> Value {
    let path = format!("/v1/admin/queues/{QUEUE}/dead-letters{query}");
    platform.operator().get(&path).await.expect(200).json()
}

async fn redrive(platform: &Host, body: &Value) -> u64 {
    let operator = platform.operator();
    let call = operator.post(&format!("/v1/admin/queues/{QUEUE}/redrive"), body);
    call.send().await.unwrap().expect(200).json()["redriven"].as_u64().unwrap()
}

/// How long a fresh message takes to its consumer.
async fn passes(client: &Client, key: &str) -> Duration {
    let sent = Instant::now();
    sends(client, &[(key, json!(key))]).await;
    loop {
        if items(client, "/faulty/got").await.iter().any(|got| got["body"] == key) {
            return sent.elapsed();
        }
        assert!(sent.elapsed() < Duration::from_secs(20), "{key} never arrives");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_ends_among_the_dead_letters_and_its_neighbours_pass() {
    let platform = platform().await;
    let client = platform.client();
    let began = Instant::now();
    let poisons = ["poison", "trap", "hang"];
    let with_poison = poisons.map(|key| (key, json!({"key": key})));
    let neighbours: Vec<String> = (0..6).map(|n| format!("neighbour-{n}")).collect();
    let others = neighbours.iter().map(|key| (key.as_str(), json!(key)));
    let all: Vec<(&str, Value)> = with_poison.into_iter().chain(others).collect();
    sends(&client, &all).await;
    let mut slowest = Duration::ZERO;
    let mut passed = 0;
    while queue(&platform, QUEUE).await["dead_letters"] != 3 {
        slowest = slowest.max(passes(&client, &format!("fresh-{passed}")).await);
        passed += 1;
        assert!(began.elapsed() < Duration::from_secs(30));
    }
    let took = began.elapsed();
    println!("{passed} passed while the poison lived {took:?}, the slowest took {slowest:?}");
    assert!(passed > 10 && slowest < Duration::from_millis(2_500), "{passed} {slowest:?}");
    let got = items(&client, "/faulty/got").await;
    for key in &neighbours {
        assert_eq!(got.iter().filter(|got| got["key"] == *key).count(), 1, "{key}: {got:?}");
    }
    let dead = letters(&platform, "").await;
    let dead = dead["items"].as_array().unwrap();
    let told: BTreeMap<&str, (&Value, &str)> = dead
        .iter()
        .map(|letter| {
            let key = letter["event"]["subject"].as_str().unwrap();
            (key, (&letter["receives"], letter["last_error"].as_str().unwrap()))
        })
        .collect();
    println!("{told:#?}");
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), ["hang", "poison", "trap"]);
    assert!(told.values().all(|(receives, _)| **receives == 3), "{told:?}");
    assert_eq!(told["poison"].1, "poison");
    assert!(told["trap"].1.contains("trapped") && told["hang"].1.contains("deadline"));
    let event = &dead[0]["event"];
    assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!(SENT)));
    assert_eq!(event["source"], "/components/faulty");
    assert_eq!(event["data"], json!({"key": event["subject"]}));
    redriven_once(&platform, dead).await;
}

/// Redrives what died, and sees each of it arrive once, with the id that it had.
async fn redriven_once(platform: &Host, dead: &[Value]) {
    let client = platform.client();
    let ids: BTreeSet<&str> =
        dead.iter().map(|letter| letter["event"]["id"].as_str().unwrap()).collect();
    client.call("POST", "/faulty/heal").send().await.unwrap().expect(200);
    let first = *ids.first().unwrap();
    assert_eq!(redrive(platform, &json!({"ids": [first, "unknown", first]})).await, 1);
    assert_eq!(redrive(platform, &json!({})).await, 2);
    assert_eq!(redrive(platform, &json!({})).await, 0);
    until_empty(platform, QUEUE, 0).await;
    let got = items(&client, "/faulty/got").await;
    for id in ids {
        assert_eq!(got.iter().filter(|got| got["id"] == id).count(), 1, "{id}");
    }
    let totals = &queue(platform, QUEUE).await["totals"];
    assert_eq!((&totals["died"], &totals["redriven"]), (&json!(3), &json!(3)));
    let metrics = platform.operator().get("/metrics").await.expect(200).text();
    for line in [
        format!("ecomauction_queue_deaths_total{{queue=\"{QUEUE}\"}} 3"),
        format!("ecomauction_queue_messages{{queue=\"{QUEUE}\"}} 0"),
        format!("ecomauction_queue_deliveries_total{{queue=\"{QUEUE}\"}} {}", got.len()),
    ] {
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_filter_takes_what_it_names() {
    let platform = platform().await;
    let client = platform.client();
    let bodies = [
        json!({"n": 0, "kind": "a", "good": true}),
        json!({"n": 1, "kind": "b", "good": true}),
        json!({"n": 2, "kind": 7, "good": true, "more": [1]}),
        json!({"n": 3, "kind": "a"}),
        json!({"n": 4, "kind": "a", "good": "true"}),
        json!(["kind", "good"]),
        json!({"n": 6, "kind": "a", "good": true}),
    ];
    let wishes: Vec<Value> =
        bodies.iter().map(|body| wish("faulty.sorted.v1", "k", body)).collect();
    let sent = client.post("/faulty/send", &wishes.into());
    sent.send().await.unwrap().expect(200);
    let got = eventually("the last of them arrives", async || {
        let got = items(&client, "/faulty/got").await;
        got.iter().any(|got| got["body"]["n"] == 6).then_some(got)
    })
    .await;
    let numbers: Vec<&Value> = got.iter().map(|got| &got["body"]["n"]).collect();
    assert_eq!(numbers, [0, 2, 6]);
    assert_eq!(items(&client, "/faulty/sent").await.len(), 7);
}

/// What was answered is known to be sent; what was not may be.
#[derive(Default)]
struct Told {
    sent: Vec<String>,
    cancelled: Vec<String>,
}

/// Sends under one key until it is over, and starts again after every kill.
async fn keeps_sending(client: Client, sender: usize, over: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    for n in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let (key, body) = (format!("k{sender}"), format!("{sender}-{n}"));
        let wishes = json!([wish(SENT, &key, &json!(body))]);
        match client.post("/faulty/send", &wishes).send().await {
            Ok(reply) if reply.status == 200 => told.sent.push(body),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    told
}

fn cancels<'u>(user: &'u User, auction: &str) -> Call<'u> {
    let path = format!("/v1/auctions/{auction}/cancellation");
    user.client.post(&path, &json!({"reason": "none"})).key(&key())
}

fn key() -> String {
    format!("key-{}", fastrand::u64(..))
}

/// Lists auctions and cancels them, which the auctions' machine tells.
async fn keeps_cancelling(user: User, over: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    while !over.load(Ordering::Relaxed) {
        let cancelled = async {
            let terms = User::terms(json!({}));
            let listed = user.list_call(&key(), &terms).send().await.ok()?;
            let id = (listed.status == 201).then(|| id_of(&listed.json()))?;
            let reply = cancels(&user, &id).send().await.ok()?;
            (reply.status == 200).then_some(id)
        };
        match cancelled.await {
            Some(id) => told.cancelled.push(id),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_over_kills_and_none_without_its_row() {
    // Each kill takes a try from what is under way; three in turn may hit one message.
    let consumers = consumers_that_try("killed", 21).await;
    let setup = Setup::development().manifest(&consumers);
    let mut platform = setup.on_host().delivering_twice().start().await;
    let client = platform.client();
    let over = Arc::new(AtomicBool::new(false));
    let mut senders = JoinSet::new();
    for sender in 0..4 {
        senders.spawn(keeps_sending(client.clone(), sender, Arc::clone(&over)));
    }
    senders.spawn(keeps_cancelling(platform.user("ana").await, Arc::clone(&over)));
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..400))).await;
        platform.kill().await;
        platform.start().await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    over.store(true, Ordering::Relaxed);
    let told = senders.join_all().await;
    until_empty(&platform, QUEUE, 0).await;
    let cancelled: BTreeSet<&String> = told.iter().flat_map(|told| &told.cancelled).collect();
    let got = eventually("every end of an auction arrives", async || {
        let got = items(&client, "/faulty/got").await;
        let ends = |id: &String| got.iter().any(|got| got["key"] == *id);
        cancelled.iter().all(|id| ends(id)).then_some(got)
    })
    .await;
    let rows = items(&client, "/faulty/sent").await;
    let rows: Vec<&str> = rows.iter().map(|row| row["body"].as_str().unwrap()).collect();
    let sent: BTreeSet<&str> = rows.iter().copied().collect();
    let mine: Vec<&str> = got
        .iter()
        .filter(|got| got["topic"] == SENT)
        .map(|got| got["body"].as_str().unwrap())
        .collect();
    let arrived: BTreeSet<&str> = mine.iter().copied().collect();
    println!(
        "{} sent, {} received, {} ends told, {} times",
        sent.len(),
        mine.len(),
        cancelled.len(),
        got.len() - mine.len()
    );
    assert_eq!(arrived, sent, "each that was sent and nothing else");
    assert!(told.iter().flat_map(|told| &told.sent).all(|body| sent.contains(body.as_str())));
    assert!(sent.len() > 100 && cancelled.len() > 5, "too little happened to prove anything");
    for sender in 0..4 {
        let firsts = |bodies: &[&str]| -> Vec<String> {
            let mut seen = BTreeSet::new();
            let of_key = bodies.iter().filter(|body| body.starts_with(&format!("{sender}-")));
            of_key.filter(|body| seen.insert(**body)).map(|body| (*body).to_owned()).collect()
        };
        assert_eq!(firsts(&mine), firsts(&rows), "the order of key k{sender}");
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    got.iter().for_each(|got| *times.entry(identity(got)).or_default() += 1);
    assert!(times.values().all(|n| *n > 1), "twice is what was asked for");
    let again = times.values().filter(|n| **n > 2).count();
    println!("{again} came again");
    assert!(again <= 400, "only what was under way comes again: {again}");
}

fn identity(got: &Value) -> String {
    format!("{} {}", got["source"], got["id"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_comes_again_after_a_stop() {
    let mut platform = platform().await;
    let client = platform.client();
    let ana = platform.user("ana").await;
    let mut expected = 0;
    for round in 0..3 {
        let bodies: Vec<(String, Value)> =
            (0..60).map(|n| (format!("k{}", n % 20), json!(format!("{round}-{n}")))).collect();
        for some in bodies.chunks(7) {
            let some: Vec<(&str, Value)> =
                some.iter().map(|(key, body)| (key.as_str(), body.clone())).collect();
            sends(&client, &some).await;
            let id = id_of(&ana.lists(json!({})).await);
            cancels(&ana, &id).send().await.unwrap().expect(200);
            expected += some.len() + 1;
        }
        // In the middle of it all.
        assert!(platform.stop().await.0.success(), "{}", platform.log());
        platform.start().await;
    }
    until_empty(&platform, QUEUE, 0).await;
    until_empty(&platform, "faulty/auction.closed.v1", 0).await;
    let before = items(&client, "/faulty/got").await;
    assert!(platform.stop().await.0.success());
    platform.start().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let got = items(&client, "/faulty/got").await;
    assert_eq!(got, before);
    let ids: BTreeSet<String> = got.iter().map(identity).collect();
    assert_eq!((got.len(), ids.len()), (expected, expected), "each once");
}
