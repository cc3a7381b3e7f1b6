//! The bus: what is sent to a topic goes into the queue of every subscription that takes it.

use std::sync::Arc;

use composition::Consumer;
use serde_json::Value;

use crate::queues::{Event, QueueError, Queues};

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A machine: its messages are in the journal, and compacting subscriptions have them from
    /// there (`outbox`).
    Machine {
        /// All messages of records up to this one were published, these included.
        published: u64,
    },
    /// A component, with its tables.
    Component,
}

/// All subscriptions.
pub(crate) struct Bus {
    queues: Arc<Queues>,
    subscriptions: Vec<(String, Consumer)>,
}

impl Bus {
    /// Over the queues of these subscriptions, each with the id of its component.
    pub(crate) fn new(
        queues: Arc<Queues>,
        subscriptions: impl Iterator<Item = (String, Consumer)>,
    ) -> Self {
        let named =
            |(component, consumer): (String, Consumer)| (consumer.queue(&component), consumer);
        Self { queues, subscriptions: subscriptions.map(named).collect() }
    }

    /// Puts messages into queues: into all of them that take one, or, after an error, into none.
    pub(crate) async fn publish(&self, sender: Sender, events: &[Event]) -> Result<(), QueueError> {
        let mut batch = Vec::new();
        for event in events {
            self.route(sender, event, |queue| batch.push((queue.to_owned(), event.clone())));
        }
        let published = match sender {
            Sender::Machine { published } => Some(published),
            Sender::Component => None,
        };
        if batch.is_empty() && published.is_none() {
            return Ok(());
        }
        self.queues.push(batch, published).await
    }

    fn route(&self, sender: Sender, event: &Event, mut take: impl FnMut(&str)) {
        let mut body: Option<Value> = None;
        for (queue, subscription) in &self.subscriptions {
            let comes_by_outbox = subscription.compact && sender != Sender::Component;
            if subscription.topic != event.topic || comes_by_outbox {
                continue;
            }
            let filter = &subscription.filter;
            // Bodies are read for those who look at them.
            let read = || serde_json::from_slice(&event.body).unwrap_or_default();
            if filter.is_open() || filter.takes(body.get_or_insert_with(read)) {
                take(queue);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::clock::System;

    #[tokio::test]
    async fn a_message_goes_to_everybody_who_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let sold: Consumer =
            toml::from_str("topic = \"closed\"\nfilter = { outcome = [\"sold\"] }").unwrap();
        let subscriptions = [
            ("all".to_owned(), Consumer::new("closed", false)),
            ("sold".to_owned(), sold),
            ("rows".to_owned(), Consumer::new("closed", true)),
            ("other".to_owned(), Consumer::new("opened", false)),
        ];
        let names = subscriptions.iter().map(|(id, consumer)| consumer.queue(id));
        let path = folder.path().join("queues.db");
        let queues = Arc::new(Queues::open(&path, names, Arc::new(System)).unwrap());
        let bus = Bus::new(Arc::clone(&queues), subscriptions.into_iter());
        let event = |id: &str, body: &str| Event {
            id: id.to_owned(),
            source: "/machines/m".to_owned(),
            topic: "closed".to_owned(),
            key: "k".to_owned(),
            time: 0,
            body: body.into(),
        };
        let events = [event("1", r#"{"outcome":"sold"}"#), event("2", "{}"), event("3", "no JSON")];
        bus.publish(Sender::Machine { published: 3 }, &events).await.unwrap();
        let depths = async || {
            let stats = queues.stats().await.unwrap();
            stats.iter().map(|stats| (stats.name.clone(), stats.depth)).collect::<Vec<_>>()
        };
        let expected = |all, rows, sold| {
            let rows = [("all/closed", all), ("other/opened", 0), ("rows/closed", rows)];
            let rows = rows.into_iter().chain([("sold/closed", sold)]);
            rows.map(|(name, depth)| (name.to_owned(), depth)).collect::<Vec<_>>()
        };
        assert_eq!(depths().await, expected(3, 0, 1));
        assert_eq!(queues.published().unwrap(), Some(3));
        bus.publish(Sender::Component, &[event("4", "[]")]).await.unwrap();
        assert_eq!(depths().await, expected(4, 1, 1), "no journal has what a component sends");
    }
}
