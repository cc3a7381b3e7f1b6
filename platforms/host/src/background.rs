//! What runs beside the requests: wakes, messages on their way, jobs, checkpoints.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use composition::{Cron, Schedule};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bus::{Bus, Sender};
use crate::cron::Job;
use crate::delivery::Delivery;
use crate::machines::{Image, Machines};
use crate::manifest::Manifest;
use crate::outbox::{Message, Queue, Taker};
use crate::queues::{Event, Queues};
use crate::services::{Service, consume};
use crate::sql::{Outgoing, SqlStore, Unsent};
use crate::telemetry::Meters;
use crate::timers::Alarm;

/// What the background works with.
pub(crate) struct Background {
    /// Entities, wakes, outbox.
    pub(crate) machines: Arc<Machines>,
    /// Components by id.
    pub(crate) services: HashMap<String, Arc<Service>>,
    /// Queues of the subscriptions.
    pub(crate) queues: Arc<Queues>,
    /// Counters.
    pub(crate) meters: Arc<Meters>,
    /// Where consumers and jobs run: behind bids.
    pub(crate) behind: Handle,
}

/// What runs in the background.
pub(crate) struct Tasks {
    /// All but the next.
    pub(crate) tasks: JoinSet<()>,
    /// Those who bring messages of machines to the bus.
    pub(crate) carriers: JoinSet<()>,
}

/// Starts the background tasks; they end when `stop` turns true, and those that carry messages
/// finish what is under way: what was acknowledged must not come again. For the same reason those
/// who bring messages to the bus end with `silent`, when nobody decides anything any more.
pub(crate) fn start(
    background: &Background,
    manifest: &Manifest,
    stop: &watch::Receiver<bool>,
    silent: &watch::Receiver<bool>,
) -> anyhow::Result<Tasks> {
    let Background { machines, services, queues, meters, behind } = background;
    let bus = &Arc::new(Bus::new(Arc::clone(queues), manifest.subscriptions()));
    let (mut tasks, mut carriers) = (JoinSet::new(), JoinSet::new());
    tasks.spawn(until(stop.clone(), run_wakes(Arc::clone(machines), Arc::clone(meters))));
    for queue in machines.around.outbox.queues() {
        let (machines, queue) = (Arc::clone(machines), Arc::clone(queue));
        match &queue.taker {
            Taker::Component(id) => {
                let Some(service) = services.get(id).cloned() else { continue };
                tasks.spawn(relay(machines, queue, service, stop.clone()));
            }
            Taker::Bus => {
                carriers.spawn(hand_over(machines, queue, Arc::clone(bus), silent.clone()));
            }
        }
    }
    for (id, service) in services {
        let component = manifest.components.get(id).map(|component| &component.tool);
        let Some(tool) = component else { continue };
        let checked = service.check_faces(!tool.consumers.is_empty(), !tool.crons.is_empty());
        checked.with_context(|| format!("component {id}"))?;
        tasks.spawn_on(post(Arc::clone(service), Arc::clone(bus), stop.clone()), behind);
        for consumer in &tool.consumers {
            let (name, terms) = (consumer.queue(id), consumer.terms());
            let (queues, handler) = (Arc::clone(queues), Arc::clone(service));
            let delivery = Delivery { queues, name, terms, handler };
            tasks.spawn_on(crate::delivery::run(delivery, stop.clone()), behind);
        }
        for Cron { job, schedule } in &tool.crons {
            let (name, schedule) = (job.clone(), Schedule::parse(schedule)?);
            let job = Job { name, schedule, service: Arc::clone(service) };
            let (queues, meters) = (Arc::clone(queues), Arc::clone(meters));
            tasks.spawn_on(crate::cron::run(job, queues, meters, stop.clone()), behind);
        }
    }
    tasks.spawn(until(stop.clone(), checkpoints(Arc::clone(machines), Arc::clone(queues))));
    Ok(Tasks { tasks, carriers })
}

async fn until(mut stop: watch::Receiver<bool>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// What the task gives, or nothing when `stop` turns true first.
async fn unless<T>(stop: &mut watch::Receiver<bool>, task: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = task => Some(done),
        _ = stop.wait_for(|stop| *stop) => None,
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

/// Brings the messages of one compacting queue to its consumer.
async fn relay(
    machines: Arc<Machines>,
    queue: Arc<Queue>,
    service: Arc<Service>,
    mut stop: watch::Receiver<bool>,
) {
    let mut failures = 0_u32;
    while let Some(batch) = unless(&mut stop, queue.batch(MESSAGES_PER_BATCH)).await {
        let batch = hold(&machines, &queue, batch).await;
        if batch.is_empty() {
            continue;
        }
        let failed = deliver(&queue, &service, batch).await;
        failures = if failed { failures.saturating_add(1).min(RETRY_DOUBLINGS) } else { 0 };
        if failed {
            let pause = RETRY_FIRST * 2_u32.saturating_pow(failures - 1);
            unless(&mut stop, tokio::time::sleep(pause)).await;
        }
    }
}

/// Brings the messages of one topic to the bus, and with them, in one transaction, the mark from
/// which the next start looks for messages. What waits when `silent` turns true goes as well.
async fn hand_over(
    machines: Arc<Machines>,
    queue: Arc<Queue>,
    bus: Arc<Bus>,
    mut silent: watch::Receiver<bool>,
) {
    loop {
        let gathered = unless(&mut silent, queue.batch(MESSAGES_PER_PUSH)).await;
        let is_last = gathered.is_none();
        let batch = gathered.unwrap_or_else(|| queue.take(MESSAGES_PER_PUSH));
        let batch = hold(&machines, &queue, batch).await;
        match (batch.is_empty(), is_last) {
            (true, true) => return,
            (true, false) => continue,
            (false, _) => {}
        }
        let events: Vec<Event> = batch.iter().map(|message| message.event(queue.topic())).collect();
        let published = machines.published(&batch);
        match bus.publish(Sender::Machine { published }, &events).await {
            Ok(()) => queue.done(&batch),
            Err(error) => {
                tracing::error!(%error, topic = queue.topic(), "the bus takes no messages");
                queue.again(batch);
                if is_last {
                    return;
                }
                unless(&mut silent, tokio::time::sleep(BUS_PAUSE)).await;
            }
        }
    }
}

/// Brings what a component sends with its tables to the bus.
async fn post(service: Arc<Service>, bus: Arc<Bus>, mut stop: watch::Receiver<bool>) {
    let (sql, component) = (&service.platform().sql, &service.platform().component);
    while !*stop.borrow() {
        match post_some(sql, component, &bus).await {
            Ok(0) => {
                unless(&mut stop, sql.sent()).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), component, "messages wait");
                unless(&mut stop, tokio::time::sleep(BUS_PAUSE)).await;
            }
        }
    }
}

/// Posts the oldest messages of a component; how many there were.
async fn post_some(sql: &SqlStore, component: &str, bus: &Bus) -> anyhow::Result<usize> {
    let unsent = sql.unsent(MESSAGES_PER_POST).await?;
    let Some(last) = unsent.last().map(|last| last.seq) else { return Ok(0) };
    let source = format!("/components/{component}");
    let event = |unsent: Unsent| {
        let Unsent { id, time, message: Outgoing { topic, key, body }, .. } = unsent;
        Event { id, source: source.clone(), topic, key, time, body }
    };
    let events: Vec<Event> = unsent.into_iter().map(event).collect();
    bus.publish(Sender::Component, &events).await?;
    sql.forget_sent(last).await?;
    Ok(events.len())
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
    let component = service.platform().component.as_str();
    let outcomes = match service.consume(&outward).await {
        Ok(outcomes) if outcomes.len() == batch.len() => outcomes,
        Ok(outcomes) => {
            let (got, sent) = (outcomes.len(), batch.len());
            tracing::error!(got, sent, component, "wrong number of outcomes");
            queue.again(batch);
            return true;
        }
        Err(error) => {
            tracing::warn!(%error, component, "delivery failed; it is repeated");
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
    let Event { id, source, topic, key, time, body } = message.event(queue.topic());
    consume::Message { id, source, topic, key, time, body }
}

async fn checkpoints(machines: Arc<Machines>, queues: Arc<Queues>) {
    loop {
        tokio::time::sleep(CHECKPOINT_INTERVAL).await;
        mark_published(&machines, &queues).await;
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

/// Moves the mark of the bus over records that send nothing, so that the next start need not read
/// them.
pub(crate) async fn mark_published(machines: &Machines, queues: &Queues) {
    let published = machines.published(&[]);
    if let Err(error) = queues.push(Vec::new(), Some(published)).await {
        tracing::warn!(%error, "the mark of the bus was not moved; the next start reads more");
    }
}

/// Wakes taken at once.
const WAKES_PER_TURN: usize = 256;
/// A failed wake runs again after this.
const WAKE_RETRY_MS: i64 = 500;
/// Messages of one delivery.
const MESSAGES_PER_BATCH: usize = 100;
/// Messages of one push into the queues: nothing waits for the next one that need not.
const MESSAGES_PER_PUSH: usize = crate::outbox::CROWD;
/// Messages of a component in one push.
const MESSAGES_PER_POST: u32 = 200;
/// Pause after the bus refused messages.
const BUS_PAUSE: Duration = Duration::from_secs(1);
/// First pause after a failed delivery; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The pause doubles this often at most.
const RETRY_DOUBLINGS: u32 = 8;
/// Pause between checkpoints.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// Entities untouched for this long leave memory when their snapshot is complete.
const IDLE_MS: i64 = 15 * 60 * 1_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use composition::Consumer;
    use journal::{Effect, EntityKey, Envelope, Journal, Options, Record};

    use super::*;
    use crate::clock::System;
    use crate::machines::Surroundings;
    use crate::outbox::{Outbox, Sending};
    use crate::state::StateStore;
    use crate::timers::Timers;

    fn record() -> Record {
        Record {
            entity: EntityKey { machine: "m".to_owned(), key: "k".to_owned() },
            envelope: Envelope {
                command_id: "c".to_owned(),
                principal: None,
                now: 0,
                seed: [0; 32],
                body: Vec::new(),
            },
            events: Vec::new(),
            reply: None,
            effects: vec![Effect::Send {
                topic: "t".to_owned(),
                key: "k".to_owned(),
                body: b"{}".to_vec(),
            }],
            wake: None,
        }
    }

    #[tokio::test]
    async fn what_is_being_gathered_goes_when_the_host_stops() {
        let folder = tempfile::tempdir().unwrap();
        let subscriptions = || [("c".to_owned(), Consumer::new("t", false))].into_iter();
        let around = Surroundings {
            journal: Journal::open(&folder.path().join("journal"), Options::default()).unwrap(),
            state: StateStore::open(&folder.path().join("state.db")).unwrap(),
            timers: Timers::default(),
            outbox: Outbox::new(subscriptions()),
            live: crate::live::Hub::default(),
            world: Arc::new(System),
        };
        let machines = Arc::new(Machines::new(Vec::new(), around));
        let (file, names) = (folder.path().join("queues.db"), ["c/t".to_owned()]);
        let queues = Arc::new(Queues::open(&file, names, Arc::new(System)).unwrap());
        let bus = Arc::new(Bus::new(Arc::clone(&queues), subscriptions()));
        let Surroundings { journal, outbox, .. } = &machines.around;
        let position = journal.append(journal.epoch(), record()).unwrap().get();
        let sending = Sending { position, machine: &"m".into(), time: 0 };
        outbox.push(sending, &record().effects, &machines.around.is_durable());
        let ((stop, stopped), queue) = (watch::channel(false), Arc::clone(&outbox.queues()[0]));
        let mut relay = Box::pin(hand_over(Arc::clone(&machines), queue, bus, stopped));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let polled = relay.as_mut().poll(&mut context);
        assert!(polled.is_pending());
        assert_eq!(queues.stats().await.unwrap()[0].depth, 0, "it gathers");
        stop.send_replace(true);
        relay.await;
        let depth = queues.stats().await.unwrap()[0].depth;
        assert_eq!((depth, queues.published().unwrap()), (1, Some(position)));
    }
}
