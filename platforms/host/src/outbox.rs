//! The outbox: messages of committed records on their way to their consumers.
//!
//! A message is part of the journal record that caused it; here it only waits for durability, for
//! company (linger) and for its consumer. After a start, everything behind the stored mark is sent
//! again: at least once, and consumers act once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use journal::Effect;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::manifest::Consumer;

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The record that caused it.
    pub position: u64,
    /// Which of that record's messages it is.
    index: usize,
    /// Ordering and compaction key.
    pub key: String,
    /// JSON body.
    pub body: Vec<u8>,
}

impl Message {
    /// `<position>-<index>`, stable over redeliveries.
    pub fn id(&self) -> String {
        format!("{}-{}", self.position, self.index)
    }

    fn new((position, index): (u64, usize), key: &str, body: &[u8]) -> Self {
        Self { position, index, key: key.to_owned(), body: body.to_vec() }
    }

    fn place(&self) -> (u64, usize) {
        (self.position, self.index)
    }
}

/// Asks the journal about the record at a position.
pub(crate) type IsDurable<'a> = &'a dyn Fn(u64) -> bool;

/// One consumer's queue.
pub(crate) struct Queue {
    /// Component id.
    pub(crate) component: String,
    subscription: Consumer,
    waiting: Mutex<Waiting>,
    /// Something came into the empty queue.
    arrived: Notify,
    /// So much waits that a delivery should not wait for more.
    crowded: Notify,
}

#[derive(Default)]
struct Waiting {
    /// First in, first out.
    fifo: VecDeque<Message>,
    /// In compacting queues the newest message of a key, behind those that may have to stand in for
    /// it: until it is durable, a failed commit can take it away.
    by_key: BTreeMap<String, Vec<Message>>,
    in_flight: BTreeSet<(u64, usize)>,
}

/// All queues.
pub(crate) struct Outbox {
    queues: Vec<Arc<Queue>>,
}

impl Outbox {
    /// Queues for the subscriptions of the manifest.
    pub(crate) fn new(subscriptions: impl Iterator<Item = (String, Consumer)>) -> Self {
        let queue = |(component, subscription)| {
            Arc::new(Queue {
                component,
                subscription,
                waiting: Mutex::default(),
                arrived: Notify::new(),
                crowded: Notify::new(),
            })
        };
        Self { queues: subscriptions.map(queue).collect() }
    }

    /// The queues, each served by one relay.
    pub(crate) fn queues(&self) -> &[Arc<Queue>] {
        &self.queues
    }

    /// Takes the messages of a record that was appended.
    pub(crate) fn push(&self, position: u64, effects: &[Effect], is_durable: IsDurable<'_>) {
        for (index, effect) in effects.iter().enumerate() {
            let Effect::Send { topic, key, body } = effect;
            let takers = self.queues.iter().filter(|queue| queue.subscription.topic == *topic);
            takers.for_each(|queue| queue.put((position, index), key, body, is_durable));
        }
    }

    /// Every message of records up to this one was handled. Lost records count for nothing: a
    /// start could not find the place before one.
    pub(crate) fn settled(&self, durable: u64, is_durable: IsDurable<'_>) -> u64 {
        let oldest = self.queues.iter().filter_map(|queue| queue.oldest(is_durable)).min();
        oldest.map_or(durable, |oldest| durable.min(oldest.saturating_sub(1)))
    }

    /// Messages waiting in all queues.
    pub(crate) fn len(&self) -> usize {
        self.queues.iter().map(|queue| queue.len()).sum()
    }
}

impl Queue {
    /// Waits for a batch: at least one message, at most `limit`, after the linger time.
    pub(crate) async fn batch(&self, limit: usize) -> Vec<Message> {
        while self.waiting_now() == 0 {
            self.arrived.notified().await;
        }
        let linger = Duration::from_millis(self.subscription.linger_ms);
        let until = Instant::now() + linger;
        while !linger.is_zero() && self.waiting_now() < CROWD {
            if tokio::time::timeout_at(until, self.crowded.notified()).await.is_err() {
                break;
            }
        }
        self.take(limit)
    }

    /// The messages were handled.
    pub(crate) fn done(&self, messages: &[Message]) {
        let mut waiting = self.waiting.lock();
        for message in messages {
            waiting.in_flight.remove(&message.place());
        }
    }

    /// The messages come again.
    pub(crate) fn again(&self, messages: Vec<Message>) {
        self.done(&messages);
        for message in messages.into_iter().rev() {
            let mut waiting = self.waiting.lock();
            if self.subscription.compact {
                waiting.by_key.entry(message.key.clone()).or_default().insert(0, message);
            } else {
                waiting.fifo.push_front(message);
            }
        }
        self.arrived.notify_one();
    }

    /// What of a batch may leave once its newest record is durable or lost. Forgets the messages of
    /// lost records, later ones may well be durable, and those that a newer one makes needless.
    pub(crate) fn sift(&self, batch: Vec<Message>, is_durable: IsDurable<'_>) -> Vec<Message> {
        let (mut kept, mut needless): (Vec<Message>, Vec<Message>) =
            batch.into_iter().partition(|message| is_durable(message.position));
        if self.subscription.compact {
            let mut newest = BTreeMap::new();
            for message in kept {
                needless.extend(newest.insert(message.key.clone(), message));
            }
            kept = newest.into_values().collect();
        }
        self.done(&needless);
        kept
    }

    /// Takes what is there without waiting: messages of at most `limit` keys where it compacts.
    pub(crate) fn take(&self, limit: usize) -> Vec<Message> {
        let mut waiting = self.waiting.lock();
        let mut batch = Vec::new();
        for _ in 0..limit {
            if let Some(message) = waiting.fifo.pop_front() {
                batch.push(message);
            } else if let Some((_, messages)) = waiting.by_key.pop_first() {
                batch.extend(messages);
            } else {
                break;
            }
        }
        for message in &batch {
            waiting.in_flight.insert(message.place());
        }
        batch
    }

    /// Called for every decision: it allocates nothing where a message takes an older one's place,
    /// and wakes the relay only when that has something to do.
    fn put(&self, place: (u64, usize), key: &str, body: &[u8], is_durable: IsDurable<'_>) {
        let mut waiting = self.waiting.lock();
        let before = waiting.count();
        match waiting.by_key.get_mut(key).filter(|_| self.subscription.compact) {
            Some(messages) => {
                let durable = messages.iter().rposition(|older| is_durable(older.position));
                let needless = messages.drain(..durable.unwrap_or(0)).next();
                messages.push(match needless {
                    Some(mut message) => {
                        (message.position, message.index) = place;
                        message.body.clear();
                        message.body.extend_from_slice(body);
                        message
                    }
                    None => Message::new(place, key, body),
                });
            }
            None => {
                let message = Message::new(place, key, body);
                if self.subscription.compact {
                    waiting.by_key.insert(key.to_owned(), vec![message]);
                } else {
                    waiting.fifo.push_back(message);
                }
            }
        }
        let after = waiting.count();
        drop(waiting);
        if before == 0 {
            self.arrived.notify_one();
        }
        if before < CROWD && after >= CROWD {
            self.crowded.notify_one();
        }
    }

    /// The topic of its messages.
    pub(crate) fn topic(&self) -> &str {
        &self.subscription.topic
    }

    fn waiting_now(&self) -> usize {
        self.waiting.lock().count()
    }

    fn len(&self) -> usize {
        let waiting = self.waiting.lock();
        waiting.count() + waiting.in_flight.len()
    }

    fn oldest(&self, is_durable: IsDurable<'_>) -> Option<u64> {
        let waiting = self.waiting.lock();
        let queued = waiting.fifo.iter().chain(waiting.by_key.values().flatten());
        let flying = waiting.in_flight.iter().map(|(position, _)| *position);
        let all = queued.map(|message| message.position).chain(flying);
        all.filter(|position| is_durable(*position)).min()
    }
}

impl Waiting {
    fn count(&self) -> usize {
        self.fifo.len() + self.by_key.len()
    }
}

/// This many messages end the linger time.
const CROWD: usize = 6_400;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn outbox(compact: bool) -> Outbox {
        let consumer = Consumer { topic: "t".to_owned(), linger_ms: 0, compact };
        Outbox::new(std::iter::once(("c".to_owned(), consumer)))
    }

    fn send(key: &str) -> Vec<Effect> {
        vec![Effect::Send { topic: "t".to_owned(), key: key.to_owned(), body: Vec::new() }]
    }

    fn positions(batch: &[Message]) -> Vec<u64> {
        batch.iter().map(|message| message.position).collect()
    }

    #[test]
    fn a_lost_record_takes_its_own_message_along_and_no_other() {
        let outbox = outbox(false);
        (1..=3).for_each(|position| outbox.push(position, &send("k"), &|_| false));
        let queue = &outbox.queues()[0];
        assert_eq!(outbox.settled(3, &|position| position == 3), 2);
        assert_eq!(outbox.settled(3, &|_| false), 3, "no mark stands at a lost record");
        let batch = queue.sift(queue.take(10), &|position| position != 2);
        assert_eq!(positions(&batch), [1, 3]);
        queue.done(&batch);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn a_lost_message_does_not_take_the_one_before_it_along() {
        let outbox = outbox(true);
        let is_durable = |position| position == 1 || position == 4;
        (1..=3).for_each(|position| outbox.push(position, &send("a"), &is_durable));
        let queue = &outbox.queues()[0];
        let batch = queue.sift(queue.take(1), &is_durable);
        assert_eq!(positions(&batch), [1]);
        outbox.push(4, &send("a"), &is_durable);
        outbox.push(5, &send("a"), &is_durable);
        queue.again(batch);
        assert_eq!(outbox.settled(4, &is_durable), 0);
        assert_eq!(positions(&queue.sift(queue.take(1), &is_durable)), [4]);
    }

    #[test]
    fn what_is_not_acknowledged_comes_again_in_its_order() {
        let outbox = outbox(false);
        (1..=4).for_each(|position| outbox.push(position, &send("k"), &|_| true));
        let queue = &outbox.queues()[0];
        let batch = queue.take(3);
        queue.again(batch);
        assert_eq!(positions(&queue.take(10)), [1, 2, 3, 4]);
    }

    #[test]
    fn a_mark_never_passes_a_message_that_waits_or_flies() {
        let outbox = outbox(true);
        outbox.push(5, &send("a"), &|_| true);
        outbox.push(9, &send("b"), &|_| true);
        assert_eq!(outbox.settled(20, &|_| true), 4);
        let queue = &outbox.queues()[0];
        let batch = queue.take(1);
        assert_eq!((positions(&batch), outbox.settled(20, &|_| true)), (vec![5], 4));
        queue.done(&batch);
        assert_eq!(outbox.settled(20, &|_| true), 8);
        queue.done(&queue.take(1));
        assert_eq!(outbox.settled(20, &|_| true), 20);
    }

    #[test]
    fn a_compacting_queue_keeps_the_newest_message_of_a_key() {
        let outbox = outbox(true);
        outbox.push(1, &send("a"), &|_| true);
        outbox.push(2, &send("a"), &|_| true);
        let queue = &outbox.queues()[0];
        assert_eq!(positions(&queue.sift(queue.take(10), &|_| true)), [2]);
        assert_eq!(outbox.settled(2, &|position| position == 2), 1);
    }
}
