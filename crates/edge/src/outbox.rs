//! What is sent to a topic becomes a row for every component that takes it, in the transaction that
//! causes it: a message is sent if that commits, else never.

use std::collections::BTreeMap;

use composition::{Composition, Consumer};
use kernel::Timestamp;

use crate::world::{Connection, StoreError};

/// A message on its way to whoever consumes its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Unique within the source, and the same whenever the decision is made again.
    pub(crate) id: String,
    /// `/machines/<name>` or `/components/<id>`.
    pub(crate) source: String,
    /// Topic name, versioned.
    pub(crate) topic: String,
    /// Ordering key.
    pub(crate) key: String,
    /// JSON body.
    pub(crate) body: Vec<u8>,
    /// When it was sent first, where that was elsewhere.
    pub(crate) time: Option<i64>,
}

/// Who takes messages: in the open transaction, so that both are durable or neither.
pub(crate) trait Outbox<C: Connection> {
    /// Writes messages down for their consumers.
    fn send(&self, connection: &C, messages: Vec<Sent>, now: Timestamp) -> Result<(), StoreError>;
}

/// The consumers of every topic, each with the id of its component.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    by_topic: BTreeMap<String, Vec<(String, Consumer)>>,
}

impl Subscriptions {
    /// What the manifest says.
    pub(crate) fn of(composition: &Composition) -> Self {
        let mut by_topic: BTreeMap<String, Vec<(String, Consumer)>> = BTreeMap::new();
        for (component, consumer) in composition.subscriptions() {
            let takers = by_topic.entry(consumer.topic.clone()).or_default();
            takers.push((component.to_owned(), consumer.clone()));
        }
        Self { by_topic }
    }
}

impl<C: Connection> Outbox<C> for Subscriptions {
    fn send(&self, connection: &C, messages: Vec<Sent>, now: Timestamp) -> Result<(), StoreError> {
        for message in &messages {
            let mut body: Option<serde_json::Value> = None;
            for (component, consumer) in self.by_topic.get(&message.topic).into_iter().flatten() {
                // Bodies are read for those who look at them.
                let read = || serde_json::from_slice(&message.body).unwrap_or_default();
                let filter = &consumer.filter;
                if filter.is_open() || filter.takes(body.get_or_insert_with(read)) {
                    put(connection, component, consumer, message, now)?;
                }
            }
        }
        Ok(())
    }
}

fn put<C: Connection>(
    connection: &C,
    component: &str,
    consumer: &Consumer,
    message: &Sent,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Sent { id, source, topic, key, body, time } = message;
    let linger_ms = i64::try_from(consumer.linger_ms).unwrap_or(i64::MAX);
    let parameters = [
        component.into(),
        topic.as_str().into(),
        key.as_str().into(),
        id.as_str().into(),
        source.as_str().into(),
        time.unwrap_or(now.as_ms()).into(),
        body.clone().into(),
        now.plus_ms(linger_ms).as_ms().into(),
    ];
    if consumer.compact {
        connection.execute(REPLACE, &parameters)?;
        if connection.changes() > 0 {
            return Ok(());
        }
    }
    connection.execute(INSERT, &parameters).map(drop)
}

const INSERT: &str = "insert into edge_messages \
    (consumer, topic, key, message_id, source, time, body, due_at, head) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, not exists \
    (select 1 from edge_messages where consumer = ?1 and topic = ?2 and key = ?3))";

/// The older message of the key gives its place, and its time if that is earlier: a stream of newer
/// ones cannot put it off for ever. One that somebody has stays.
const REPLACE: &str = "update edge_messages \
    set message_id = ?4, source = ?5, time = ?6, body = ?7, due_at = min(due_at, ?8), receives = 0 \
    where lease is null and id = (select max(id) from edge_messages \
    where consumer = ?1 and topic = ?2 and key = ?3)";
