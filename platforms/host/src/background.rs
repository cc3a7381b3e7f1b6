//! What runs beside the requests: wakes, the outbox relay, checkpoints.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::machines::{Image, Machines};
use crate::outbox::{Message, Queue};
use crate::services::{Service, consume};
use crate::telemetry::Meters;
use crate::timers::Alarm;

/// Starts the background tasks; they end when `stop` turns true.
pub(crate) fn start(
    machines: &Arc<Machines>,
    services: &HashMap<String, Arc<Service>>,
    meters: &Arc<Meters>,
    stop: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(until(stop.clone(), run_wakes(Arc::clone(machines), Arc::clone(meters))));
    for queue in machines.around.outbox.queues() {
        if let Some(service) = services.get(&queue.component) {
            let (machines, queue) = (Arc::clone(machines), Arc::clone(queue));
            tasks.spawn(until(stop.clone(), relay(machines, queue, Arc::clone(service))));
        }
    }
    tasks.spawn(until(stop.clone(), checkpoints(Arc::clone(machines))));
    tasks
}

async fn until(mut stop: watch::Receiver<bool>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Runs wakes when they are due; what was missed while the host was down is due at once.
async fn run_wakes(machines: Arc<Machines>, meters: Arc<Meters>) {
    loop {
        let around = &machines.around;
        for alarm in around.timers.due(&*around.world, WAKES_PER_TURN).await {
            meters.wake(around.world.now_ms().saturating_sub(alarm.at));
            run_wake(&machines, alarm);
        }
        tokio::task::yield_now().await;
    }
}

/// Runs one wake; a failed one is set again.
pub(crate) fn run_wake<I: Image>(machines: &Machines<I>, alarm: Alarm) {
    if let Err(error) = machines.wake(&alarm.machine, &alarm.key) {
        tracing::warn!(%error, key = %alarm.key, "wake failed; it runs again");
        let at = machines.around.world.now_ms().saturating_add(WAKE_RETRY_MS);
        machines.around.timers.set(Alarm { at, ..alarm });
    }
}

/// Brings the messages of one queue to its consumer.
async fn relay(machines: Arc<Machines>, queue: Arc<Queue>, service: Arc<Service>) {
    let mut failures = 0_u32;
    loop {
        let batch = queue.batch(MESSAGES_PER_BATCH).await;
        let batch = hold(&machines, &queue, batch).await;
        if batch.is_empty() {
            continue;
        }
        let failed = deliver(&queue, &service, batch).await;
        failures = if failed { failures.saturating_add(1).min(RETRY_DOUBLINGS) } else { 0 };
        if failed {
            tokio::time::sleep(RETRY_FIRST * 2_u32.saturating_pow(failures - 1)).await;
        }
    }
}

/// Holds a batch until its newest record is durable or lost, and gives what of it may leave.
pub(crate) async fn hold<I: Image>(
    machines: &Machines<I>,
    queue: &Queue,
    batch: Vec<Message>,
) -> Vec<Message> {
    let newest = batch.iter().map(|message| message.position).max().unwrap_or(0);
    // Whatever comes of it: older records may be lost where newer ones are durable.
    let _ = machines.durable_through(newest).await;
    queue.sift(batch, &machines.around.is_durable())
}

/// Delivers one batch; true when something must come again.
async fn deliver(queue: &Queue, service: &Service, batch: Vec<Message>) -> bool {
    let outward: Vec<consume::Message> =
        batch.iter().map(|message| message_outward(queue, message)).collect();
    let outcomes = match service.consume(&outward).await {
        Ok(outcomes) if outcomes.len() == batch.len() => outcomes,
        Ok(outcomes) => {
            let (got, sent) = (outcomes.len(), batch.len());
            tracing::error!(got, sent, component = queue.component, "wrong number of outcomes");
            queue.again(batch);
            return true;
        }
        Err(error) => {
            tracing::warn!(%error, component = queue.component, "delivery failed; it is repeated");
            queue.again(batch);
            return true;
        }
    };
    let refusals = outcomes.into_iter().map(|outcome| match outcome {
        consume::Outcome::Ack => None,
        consume::Outcome::Retry(why) => Some(why),
    });
    settle(queue, batch, refusals)
}

/// Takes back what the consumer refused, and why; true when something must come again.
pub(crate) fn settle(
    queue: &Queue,
    batch: Vec<Message>,
    refusals: impl Iterator<Item = Option<String>>,
) -> bool {
    let mut again = Vec::new();
    let mut done = Vec::new();
    for (message, refusal) in batch.into_iter().zip(refusals) {
        match refusal {
            None => done.push(message),
            Some(why) => {
                let (id, topic) = (message.id(), queue.topic());
                tracing::warn!(why, id, topic, "message refused");
                again.push(message);
            }
        }
    }
    queue.done(&done);
    let failed = !again.is_empty();
    queue.again(again);
    failed
}

fn message_outward(queue: &Queue, message: &Message) -> consume::Message {
    consume::Message {
        id: message.id(),
        topic: queue.topic().to_owned(),
        key: message.key.clone(),
        body: message.body.clone(),
    }
}

async fn checkpoints(machines: Arc<Machines>) {
    loop {
        tokio::time::sleep(CHECKPOINT_INTERVAL).await;
        let machines = Arc::clone(&machines);
        let written = tokio::task::spawn_blocking(move || {
            let written = machines.checkpoint(false)?;
            let evicted = machines.evict(machines.around.world.now_ms().saturating_sub(IDLE_MS));
            Ok::<_, crate::machines::EntityError>((written, evicted))
        });
        match written.await {
            Ok(Ok((0, 0))) => {}
            Ok(Ok((written, evicted))) => tracing::debug!(written, evicted, "checkpoint"),
            Ok(Err(error)) => tracing::warn!(%error, "checkpoint failed; the journal has it all"),
            Err(error) => tracing::error!(%error, "checkpoint broke"),
        }
    }
}

/// Wakes taken at once.
const WAKES_PER_TURN: usize = 256;
/// A failed wake runs again after this.
const WAKE_RETRY_MS: i64 = 500;
/// Messages of one delivery.
const MESSAGES_PER_BATCH: usize = 100;
/// First pause after a failed delivery; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The pause doubles this often at most.
const RETRY_DOUBLINGS: u32 = 8;
/// Pause between checkpoints.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// Entities untouched for this long leave memory when their snapshot is complete.
const IDLE_MS: i64 = 15 * 60 * 1_000;
