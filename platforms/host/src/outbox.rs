//! The outbox: messages of committed records on their way to the bus, or, where only the newest of
//! a key matters, to their consumers.
//!
//! A message is part of the journal record that caused it; here it only waits for durability, for
//! company (linger) and for its taker. After a start, everything behind the stored mark is sent
//! again: at least once, and consumers act once.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use composition::Consumer;
use journal::Effect;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::queues::Event;

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
    /// Machine that sent it.
    machine: Arc<str>,
    /// Time of the command that caused it.
    time: i64,
}

/// The record that sends messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending<'a> {
    /// Where it stands.
    pub(crate) position: u64,
    /// Machine of its entity.
    pub(crate) machine: &'a Arc<str>,
    /// Time of its command.
    pub(crate) time: i64,
}

impl Message {
    /// `<position>-<index>`, stable over redeliveries.
    pub fn id(&self) -> String {
        format!("{}-{}", self.position, self.index)
    }

    /// As it is seen outside of the outbox.
    pub(crate) fn event(&self, topic: &str) -> Event {
        Event {
            id: self.id(),
            source: format!("/machines/{}", self.machine),
            topic: topic.to_owned(),
            key: self.key.clone(),
            time: self.time,
            body: self.body.clone(),
        }
    }

    fn new(sending: Sending<'_>, index: usize, key: &str, body: &[u8]) -> Self {
        let Sending { position, machine, time } = sending;
        let (machine, key, body) = (Arc::clone(machine), key.to_owned(), body.to_vec());
        Self { position, index, key, body, machine, time }
    }

    fn place(&self) -> (u64, usize) {
        (self.position, self.index)
    }
}

/// Asks the journal about the record at a position.
pub(crate) type IsDurable<'a> = &'a dyn Fn(u64) -> bool;

/// Messages of one topic for one taker.
pub(crate) struct Queue {
    /// Who takes them.
    pub(crate) taker: Taker,
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

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taker {
    /// The component, itself: only the newest message of a key matters to it.
    Component(String),
    /// The bus, which keeps them for all who want each.
    Bus,
}

/// Where the next start begins to look for messages: all of earlier records are with their takers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    /// For components.
    pub(crate) settled: u64,
    /// For the bus.
    pub(crate) published: u64,
}

/// All queues.
pub(crate) struct Outbox {
    queues: Vec<Arc<Queue>>,
}

impl Outbox {
    /// Queues for the subscriptions of the manifest: one for each that compacts, and one for each
    /// topic that others take.
    pub(crate) fn new(subscriptions: impl Iterator<Item = (String, Consumer)>) -> Self {
        let mut queues: Vec<Arc<Queue>> = Vec::new();
        for (component, subscription) in subscriptions {
            let is_known = |queue: &Arc<Queue>| {
                queue.taker == Taker::Bus && queue.subscription.topic == subscription.topic
            };
            let (taker, subscription) = if subscription.compact {
                (Taker::Component(component), subscription)
            } else if queues.iter().any(is_known) {
                continue;
            } else {
                let mut subscription = Consumer::new(&subscription.topic, false);
                subscription.linger_ms = BUS_LINGER_MS;
                (Taker::Bus, subscription)
            };
            queues.push(Arc::new(Queue {
                taker,
                subscription,
                waiting: Mutex::default(),
                arrived: Notify::new(),
                crowded: Notify::new(),
            }));
        }
        Self { queues }
    }

    /// The queues, each served by one relay.
    pub(crate) fn queues(&self) -> &[Arc<Queue>] {
        &self.queues
    }

    /// Takes the messages of a record that was appended.
    pub(crate) fn push(&self, sending: Sending<'_>, effects: &[Effect], is_durable: IsDurable<'_>) {
        self.put(sending, effects, is_durable, |_| true);
    }

    /// Takes the messages of a record of an earlier life, as far as the marks are before it.
    pub(crate) fn push_again(&self, sending: Sending<'_>, effects: &[Effect], marks: Marks) {
        self.put(sending, effects, &|_| true, |taker| match taker {
            Taker::Component(_) => sending.position > marks.settled,
            Taker::Bus => sending.position > marks.published,
        });
    }

    /// Components have handled every message of records up to this one. Lost records count for
    /// nothing: a start could not find the place before one.
    pub(crate) fn settled(&self, durable: u64, is_durable: IsDurable<'_>) -> u64 {
        self.through(durable, is_durable, &BTreeSet::new(), |taker| *taker != Taker::Bus)
    }

    /// The bus has every message of records up to this one; those that are `leaving` count as gone.
    pub(crate) fn published(
        &self,
        durable: u64,
        leaving: &[Message],
        is_durable: IsDurable<'_>,
    ) -> u64 {
        let leaving = leaving.iter().map(Message::place).collect();
        self.through(durable, is_durable, &leaving, |taker| *taker == Taker::Bus)
    }

    fn through(
        &self,
        durable: u64,
        is_durable: IsDurable<'_>,
        leaving: &BTreeSet<(u64, usize)>,
        counts: impl Fn(&Taker) -> bool,
    ) -> u64 {
        let queues = self.queues.iter().filter(|queue| counts(&queue.taker));
        let oldest = queues.filter_map(|queue| queue.oldest(leaving, is_durable)).min();
        oldest.map_or(durable, |oldest| durable.min(oldest.saturating_sub(1)))
    }

    fn put(
        &self,
        sending: Sending<'_>,
        effects: &[Effect],
        is_durable: IsDurable<'_>,
        wants: impl Fn(&Taker) -> bool,
    ) {
        for (index, effect) in effects.iter().enumerate() {
            let Effect::Send { topic, key, body } = effect;
            let takers = self.queues.iter().filter(|queue| queue.subscription.topic == *topic);
            let takers = takers.filter(|queue| wants(&queue.taker));
            takers.for_each(|queue| queue.put((sending, index), (key, body), is_durable));
        }
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

    /// The messages come again. At every moment they are in flight or wait: a mark that is read
    /// meanwhile stays before them.
    pub(crate) fn again(&self, messages: Vec<Message>) {
        let mut waiting = self.waiting.lock();
        for message in messages.into_iter().rev() {
            waiting.in_flight.remove(&message.place());
            if self.subscription.compact {
                waiting.by_key.entry(message.key.clone()).or_default().insert(0, message);
            } else {
                waiting.fifo.push_front(message);
            }
        }
        drop(waiting);
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
    fn put(
        &self,
        (sending, index): (Sending<'_>, usize),
        (key, body): (&str, &[u8]),
        is_durable: IsDurable<'_>,
    ) {
        let mut waiting = self.waiting.lock();
        let before = waiting.count();
        match waiting.by_key.get_mut(key).filter(|_| self.subscription.compact) {
            Some(messages) => {
                let durable = messages.iter().rposition(|older| is_durable(older.position));
                let needless = messages.drain(..durable.unwrap_or(0)).next();
                messages.push(match needless {
                    Some(mut message) => {
                        (message.position, message.index) = (sending.position, index);
                        message.machine.clone_from(sending.machine);
                        message.time = sending.time;
                        message.body.clear();
                        message.body.extend_from_slice(body);
                        message
                    }
                    None => Message::new(sending, index, key, body),
                });
            }
            None => {
                let message = Message::new(sending, index, key, body);
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

    fn oldest(&self, leaving: &BTreeSet<(u64, usize)>, is_durable: IsDurable<'_>) -> Option<u64> {
        let waiting = self.waiting.lock();
        let queued = waiting.fifo.iter().chain(waiting.by_key.values().flatten());
        let flying = waiting.in_flight.iter().copied();
        let all = queued.map(Message::place).chain(flying);
        let staying = all.filter(|place| !leaving.contains(place));
        staying.map(|(position, _)| position).filter(|position| is_durable(*position)).min()
    }
}

impl Waiting {
    fn count(&self) -> usize {
        self.fifo.len() + self.by_key.len()
    }
}

/// This many messages end the linger time.
pub(crate) const CROWD: usize = 6_400;
/// How long messages are gathered for the bus: it syncs once for all of them. Without that each
/// commit of the journal would cost another sync.
const BUS_LINGER_MS: u64 = 50;
