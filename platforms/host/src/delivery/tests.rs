//! What a delivery promises.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::*;
use crate::clock::System;
use crate::queues::Which;

/// Does what the keys say: `refuse`, `hang`, `trap`, `ours`, `panic`; handles everything else.
#[derive(Default)]
struct Actor {
    began: Mutex<Vec<(String, Instant)>>,
    handled: Mutex<BTreeMap<String, (u32, Instant)>>,
    healed: std::sync::atomic::AtomicBool,
}

impl Handler for Actor {
    async fn handle(&self, batch: Vec<Event>) -> Result<Vec<Option<String>>, Failure> {
        let now = Instant::now();
        self.began.lock().extend(batch.iter().map(|event| (event.id.clone(), now)));
        let healed = self.healed.load(Ordering::Relaxed);
        let keyed = |key: &str| !healed && batch.iter().any(|event| event.key == key);
        if keyed("hang") {
            std::future::pending::<()>().await;
        }
        assert!(!keyed("panic"), "asked to panic");
        let is_ours = keyed("ours");
        if keyed("trap") || is_ours {
            return Err(Failure { why: "trapped".to_owned(), is_ours });
        }
        let mut handled = self.handled.lock();
        let outcome = |event: &Event| {
            if event.key == "refuse" && !healed {
                return Some("no".to_owned());
            }
            handled.entry(event.id.clone()).or_insert((0, now)).0 += 1;
            None
        };
        Ok(batch.iter().map(outcome).collect())
    }
}

struct Stage {
    _folder: tempfile::TempDir,
    queues: Arc<Queues>,
    actor: Arc<Actor>,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
    began: Instant,
}

const TERMS: Terms = Terms {
    linger_ms: 0,
    concurrency: 2,
    batch_size: 10,
    max_receives: 3,
    visibility_ms: 400,
    visibility_grows_ms: 0,
    retry_first_ms: 20,
};

impl Stage {
    async fn new(terms: Terms, messages: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queues.db");
        let queues = Queues::open(&path, ["q".to_owned()], Arc::new(System)).unwrap();
        let (queues, actor) = (Arc::new(queues), Arc::<Actor>::default());
        let (stop, stopped) = watch::channel(false);
        push(&queues, messages).await;
        let (name, handler) = ("q".to_owned(), Arc::clone(&actor));
        let delivery = Delivery { queues: Arc::clone(&queues), name, terms, handler };
        let running = tokio::spawn(run(delivery, stopped));
        Self { _folder: folder, queues, actor, stop, running, began: Instant::now() }
    }

    /// Waits for numbers of messages and dead letters in the queue.
    async fn until(&self, depth: u64, dead: u64) {
        loop {
            let stats = self.queues.stats().await.unwrap().remove(0);
            if (stats.depth, stats.dead) == (depth, dead) {
                return;
            }
            let patient = self.began.elapsed() < Duration::from_secs(20);
            assert!(patient, "{stats:?} is not {depth}, {dead}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn handled_after(&self, id: &str) -> Duration {
        self.actor.handled.lock().get(id).unwrap().1 - self.began
    }

    fn times_begun(&self, id: &str) -> usize {
        self.actor.began.lock().iter().filter(|(begun, _)| begun == id).count()
    }
}

async fn push(queues: &Queues, messages: &[(&str, &str)]) {
    let event = |(id, key): &(&str, &str)| Event {
        id: (*id).to_owned(),
        source: "/machines/m".to_owned(),
        topic: "t".to_owned(),
        key: (*key).to_owned(),
        time: 0,
        body: b"{}".to_vec(),
    };
    let batch = messages.iter().map(|message| ("q".to_owned(), event(message)));
    queues.push(batch.collect(), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_panics_ends_none_of_its_ways() {
    let terms = Terms { concurrency: 1, ..TERMS };
    let stage = Stage::new(terms, &[("1", "panic")]).await;
    while stage.times_begun("1") == 0 {
        tokio::task::yield_now().await;
    }
    stage.actor.healed.store(true, Ordering::Relaxed);
    push(&stage.queues, &[("2", "a")]).await;
    stage.until(0, 0).await;
    assert_eq!((stage.times_begun("1"), stage.times_begun("2")), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_fail_ends_among_the_dead_letters_and_delays_nobody() {
    for poison in ["refuse", "trap", "hang"] {
        let messages = [("1", "a"), ("2", poison), ("3", poison), ("4", "b"), ("5", "a")];
        let stage = Stage::new(TERMS, &messages).await;
        let mut fresh = Vec::new();
        for n in 0..20 {
            let (id, sent) = (format!("n{n}"), stage.began.elapsed());
            push(&stage.queues, &[(&id, &id)]).await;
            fresh.push((id, sent));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stage.until(0, 2).await;
        let letters = stage.queues.dead_letters("q", 0, 10).await.unwrap().unwrap();
        for letter in letters {
            assert_eq!(letter.receives, 3, "{poison}: {letter:?}");
            assert_eq!(stage.times_begun(&letter.event.id), 3, "{poison}");
        }
        for id in ["1", "4", "5"] {
            let after = stage.handled_after(id);
            assert!(after < Duration::from_millis(1_500), "{poison}: {id} after {after:?}");
        }
        // At most the batches that broke first were in their way.
        for (id, sent) in fresh {
            let after = stage.handled_after(&id) - sent;
            assert!(after < Duration::from_millis(1_500), "{poison}: {id} after {after:?}");
        }
        assert_eq!(stage.actor.handled.lock().values().map(|(n, _)| n).max(), Some(&1));
        stage.actor.healed.store(true, Ordering::Relaxed);
        assert_eq!(stage.queues.redrive("q", Which::All).await.unwrap(), Some(2));
        stage.until(0, 0).await;
        assert_eq!(stage.times_begun("2"), 4, "{poison}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_messages_fault_kills_none() {
    let stage = Stage::new(TERMS, &[("1", "ours"), ("2", "a")]).await;
    while stage.times_begun("1") < 6 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage.actor.healed.store(true, Ordering::Relaxed);
    stage.until(0, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_finishes_what_is_under_way_and_begins_nothing() {
    let terms = Terms { concurrency: 1, batch_size: 1, ..TERMS };
    let stage = Stage::new(terms, &[("1", "hang"), ("2", "a")]).await;
    while stage.times_begun("1") == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stage.stop.send_replace(true);
    stage.running.await.unwrap();
    let stats = stage.queues.stats().await.unwrap().remove(0);
    assert_eq!((stats.depth, stats.in_flight, stats.retried), (2, 0, 1));
    assert_eq!(stage.actor.began.lock().len(), 1);
}

/// One way for suspects: each must find the one before it gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspects_follow_each_other_without_help() {
    let keys: Vec<String> = (0..30).map(|n| format!("k{n}")).collect();
    let messages: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), key.as_str())).collect();
    let messages = [&messages[..], &[("x", "trap")]].concat();
    let terms = Terms { batch_size: 100, retry_first_ms: 1, ..TERMS };
    let stage = Stage::new(terms, &messages).await;
    stage.until(0, 1).await;
    assert_eq!(stage.actor.handled.lock().len(), 30);
}
