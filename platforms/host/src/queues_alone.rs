//! The queues without the platform around them: what `cargo xtask bench --only queues` measures
//! beside other queues. What is measured is what `up` runs: bus, file and delivery.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use composition::{Consumer, Terms};
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::bus::{Bus, Sender};
use crate::cli::QueuesAlone;
use crate::clock::{System, World as _};
use crate::delivery::{self, Delivery, Failure, Handler};
use crate::queues::{Event, Queues};

/// What a run came to.
#[derive(Debug, Serialize)]
struct Outcome {
    /// From the first publication to the last acknowledgement that was durable.
    seconds: f64,
    /// Median time of a publisher's wait for its confirmation.
    p50_us: u64,
    /// The same of the slowest hundredth.
    p99_us: u64,
}

/// Publishes, delivers and prints what it took as one line of JSON.
pub(crate) fn run(options: &QueuesAlone) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(measure(options))?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

async fn measure(options: &QueuesAlone) -> anyhow::Result<Outcome> {
    let consumer = Consumer::new(TOPIC, false);
    let name = consumer.queue(COMPONENT);
    let path = options.data.join("queues.db");
    let queues = Arc::new(Queues::open(&path, [name.clone()], Arc::new(System))?);
    let subscriptions = std::iter::once((COMPONENT.to_owned(), consumer.clone()));
    let bus = Arc::new(Bus::new(Arc::clone(&queues), subscriptions));
    let taker = Arc::new(Taker::of(options.messages));
    let terms =
        Terms { batch_size: options.batch, concurrency: options.consumers, ..consumer.terms() };
    let (queue, handler) = (Arc::clone(&queues), Arc::clone(&taker));
    let delivery = Delivery { queues: queue, name: name.clone(), terms, handler };
    let (stop, stopped) = watch::channel(false);
    let delivering = tokio::spawn(delivery::run(delivery, stopped));
    let began = Instant::now();
    let mut publishers = JoinSet::new();
    let shares = u64::from(options.publishers.max(1));
    for share in 0..shares {
        let ids = share * options.messages / shares..(share + 1) * options.messages / shares;
        publishers.spawn(publish(Arc::clone(&bus), ids, options.batch, options.body_bytes));
    }
    let mut waits = Vec::new();
    while let Some(published) = publishers.join_next().await {
        waits.extend(published??);
    }
    tokio::time::timeout(PATIENCE, taker.finished.notified()).await.context("too slow")?;
    // Ends when the last batch is settled.
    stop.send_replace(true);
    delivering.await?;
    let seconds = began.elapsed().as_secs_f64();
    taker.check()?;
    let left = queues.stats().await?.iter().map(|stats| stats.depth + stats.dead).sum::<u64>();
    ensure!(left == 0, "{left} messages were not settled");
    waits.sort_unstable();
    let at = |hundredths: usize| waits.get(waits.len() * hundredths / 100).copied().unwrap_or(0);
    Ok(Outcome { seconds, p50_us: at(50), p99_us: at(99) })
}

/// Publishes these messages, each batch after the one before is durable; how long each took.
async fn publish(
    bus: Arc<Bus>,
    ids: std::ops::Range<u64>,
    batch: u32,
    body_bytes: usize,
) -> anyhow::Result<Vec<u64>> {
    let mut waits = Vec::new();
    let mut next = ids.start;
    while next < ids.end {
        let through = next.saturating_add(batch.into()).min(ids.end);
        let events: Vec<Event> = (next..through).map(|id| event(id, body_bytes)).collect();
        let asked = Instant::now();
        bus.publish(Sender::Component, &events).await?;
        waits.push(u64::try_from(asked.elapsed().as_micros())?);
        next = through;
    }
    Ok(waits)
}

/// Every message has a key of its own: the queues beside this one promise no order of keys.
fn event(id: u64, body_bytes: usize) -> Event {
    Event {
        id: id.to_string(),
        source: "/components/bench".to_owned(),
        topic: TOPIC.to_owned(),
        key: id.to_string(),
        time: System.now_ms(),
        body: vec![b'x'; body_bytes],
    }
}

/// Takes everything and counts it.
struct Taker {
    seen: Vec<AtomicU8>,
    left: AtomicU64,
    finished: Notify,
}

impl Taker {
    fn of(messages: u64) -> Self {
        let seen = (0..messages).map(|_| AtomicU8::new(0)).collect();
        Self { seen, left: AtomicU64::new(messages), finished: Notify::new() }
    }

    /// Everything came once.
    fn check(&self) -> anyhow::Result<()> {
        let wrong = self.seen.iter().filter(|seen| seen.load(Ordering::Relaxed) != 1).count();
        ensure!(wrong == 0, "{wrong} messages were not delivered exactly once");
        Ok(())
    }
}

impl Handler for Taker {
    async fn handle(&self, batch: Vec<Event>) -> Result<Vec<Option<String>>, Failure> {
        for event in &batch {
            let seen = event.id.parse().ok().and_then(|id: usize| self.seen.get(id));
            if seen.is_some_and(|seen| seen.fetch_add(1, Ordering::Relaxed) == 0)
                && self.left.fetch_sub(1, Ordering::Relaxed) == 1
            {
                self.finished.notify_one();
            }
        }
        Ok(vec![None; batch.len()])
    }
}

const COMPONENT: &str = "bench";
const TOPIC: &str = "bench.v1";
const PATIENCE: Duration = Duration::from_secs(120);
