//! How messages get from where they were told to the inbox of whoever consumes them.
//!
//! Entities send parcels by a queue and keep their messages until they hear that these have
//! arrived. What tables tell stands in an outbox beside them, in D1, which inboxes read in its
//! order; there the queue only says that there is something to read.

use std::collections::BTreeSet;

use edge::Edge;
use ports::{Message, Value};
use serde::{Deserialize, Serialize};
use worker::{Env, MessageBatch, MessageExt as _, QueueRetryOptionsBuilder, Stub};

use crate::fault::note;
use crate::ports::WorkerPorts;
use crate::settings;
use crate::tables;
use crate::wire::{self, Answer, ToEntity, ToInbox, Told};
use crate::world::ObjectWorld;

/// What travels by the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Parcel {
    /// The object that waits to hear that they have arrived; none where there is only something to
    /// read.
    pub(crate) origin: Option<String>,
    /// Whose inbox.
    pub(crate) component: String,
    /// The messages.
    pub(crate) messages: Vec<Told>,
}

/// Sends a parcel. One that the queue does not take is delivered at once.
pub(crate) async fn send(env: &Env, parcel: Parcel) -> Result<(), String> {
    let size = serde_json::to_vec(&parcel).map_err(|error| error.to_string())?.len();
    if size > PARCEL_MAX_BYTES {
        return arrive(env, &parcel).await;
    }
    let sent = async { env.queue(QUEUE)?.send(&parcel).await };
    sent.await.map_err(|error: worker::Error| error.to_string())
}

/// Delivers a batch of the queue. Each message has an outcome of its own, and none of them fails
/// the batch: the runtime would send all of it again.
pub(crate) async fn deliver(batch: &MessageBatch<Parcel>, env: &Env) {
    let is_dead = batch.queue().ends_with(DEAD);
    for message in batch.iter() {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                // Where it came from it is still known, and sent again.
                note(&format!("what the queue brought is no parcel: {error}"));
                continue;
            }
        };
        let parcel = message.body();
        let delivered = arrive(env, parcel).await;
        match delivered {
            Ok(()) => message.ack(),
            Err(why) if is_dead => {
                note(&format!("a parcel for {} is given up: {why}", parcel.component));
                match tables::keep_undelivered(env, parcel, &why).await {
                    Ok(()) => message.ack(),
                    Err(error) => {
                        note(&format!("… and cannot be kept: {error}"));
                        message.retry();
                    }
                }
            }
            Err(why) => {
                note(&format!("a parcel for {} waits: {why}", parcel.component));
                let later = QueueRetryOptionsBuilder::new().with_delay_seconds(RETRY_SECONDS);
                message.retry_with_options(&later.build());
            }
        }
    }
}

/// Puts the messages into their inbox, then tells the origin.
async fn arrive(env: &Env, parcel: &Parcel) -> Result<(), String> {
    let inbox = inbox(env, &parcel.component)?;
    let Some(origin) = &parcel.origin else {
        return wire::ask_at::<_, Result<(), String>>(&inbox, &parcel.component, &ToInbox::Wake)
            .await?;
    };
    let told = ToInbox::Take(parcel.messages.clone());
    wire::ask_at::<_, Result<(), String>>(&inbox, &parcel.component, &told).await??;
    let ids = parcel.messages.iter().map(|told| told.id.clone()).collect();
    let arrived = ToEntity::Arrived { component: parcel.component.clone(), ids };
    // The messages have arrived; an origin that does not hear it sends them again.
    let heard = async {
        let entity =
            env.durable_object(ENTITIES).and_then(|all| all.id_from_string(origin)?.get_stub());
        let entity = entity.map_err(|error| error.to_string())?;
        wire::ask::<_, Answer<()>>(&entity, &arrived).await
    };
    if let Err(why) = heard.await {
        note(&format!("an entity does not hear that its messages have arrived: {why}"));
    }
    Ok(())
}

/// Reads the tables' outbox as far as it goes.
pub(crate) async fn pull(edge: &Edge<ObjectWorld>, ports: &WorkerPorts<'_>) -> Result<(), String> {
    loop {
        let after = edge.cursor(OUTBOX).map_err(|error| error.0)?;
        let found = tables::outbox_after(ports, after, PULLED_AT_ONCE).await?;
        let Some((place, _)) = found.last() else { return Ok(()) };
        let (place, is_all) = (*place, found.len() < PULLED_AT_ONCE);
        edge.accept_from(OUTBOX, place, found).map_err(|error| error.0)?;
        tables::forget_outbox(ports, place).await?;
        if is_all {
            return Ok(());
        }
    }
}

/// Says to inboxes that there is something to read.
pub(crate) async fn tell_inboxes(env: &Env, components: BTreeSet<String>) {
    for component in components {
        let parcel = Parcel { origin: None, component, messages: Vec::new() };
        if let Err(why) = send(env, parcel.clone()).await {
            note(&format!("{} is not told that it has messages: {why}", parcel.component));
        }
    }
}

/// Wakes all inboxes. They look by themselves when an alarm rings; this is for one that was lost.
pub(crate) async fn wake_inboxes(env: &Env) {
    let components: Vec<String> = settings::composition(|composition| {
        let has_work =
            |tool: &composition::Tool| !(tool.consumers.is_empty() && tool.crons.is_empty());
        let all = composition.components.iter().filter(|(_, tool)| has_work(tool));
        all.map(|(id, _)| id.clone()).collect()
    });
    for component in components {
        let woken = async {
            let inbox = inbox(env, &component)?;
            wire::ask_at::<_, Result<(), String>>(&inbox, &component, &ToInbox::Wake).await?
        };
        if let Err(why) = woken.await {
            note(&format!("{component} is not woken: {why}"));
        }
    }
}

/// The inbox of a component.
pub(crate) fn inbox(env: &Env, component: &str) -> Result<Stub, String> {
    if settings::composition(|composition| composition.of(component).is_none()) {
        return Err(format!("there is no component {component}"));
    }
    let stub = env.durable_object(INBOXES).and_then(|all| all.get_by_name(component));
    stub.map_err(|error| error.to_string())
}

/// A message out of the outbox, behind its place.
pub(crate) fn told(row: Vec<Value>) -> Option<(i64, Message)> {
    let [place, id, source, topic, key, time, body] = <[Value; 7]>::try_from(row).ok()?;
    let text = |value: Value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    };
    let (id, source, topic) = (text(id)?, text(source)?, text(topic)?);
    let (key, time) = (text(key)?, time.as_integer()?);
    let body = text(body)?.into_bytes();
    Some((place.as_integer()?, Message { id, source, topic, key, time, body }))
}

const QUEUE: &str = "MESSAGES";
/// How the names of dead-letter queues end.
const DEAD: &str = "-dead";
pub(crate) const ENTITIES: &str = "ENTITIES";
const INBOXES: &str = "INBOXES";
const OUTBOX: &str = "outbox";
const PULLED_AT_ONCE: usize = 100;
const RETRY_SECONDS: u32 = 2;
/// The queue takes 128 KB.
const PARCEL_MAX_BYTES: usize = 120_000;
