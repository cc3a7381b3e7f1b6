//! Who follows which log. What nobody follows costs a bid one look into a table.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use ports::live::bounds;
use tokio::sync::{broadcast, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::services::{Service, socket};

/// All logs that are followed.
pub(crate) struct Hub {
    topics: RwLock<HashMap<Followed, Arc<Topic>>>,
    /// How many; read without the lock.
    count: AtomicUsize,
    decided: mpsc::UnboundedSender<Decided>,
    /// Taken by the relay.
    undelivered: Mutex<Option<mpsc::UnboundedReceiver<Decided>>>,
}

/// A log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Followed {
    /// Machine of the entity.
    pub(crate) machine: String,
    /// Key of the entity.
    pub(crate) key: String,
}

/// A log that is followed.
pub(crate) struct Topic {
    pub(super) followed: Followed,
    /// The component that speaks to those who follow.
    pub(super) service: Arc<Service>,
    said: broadcast::Sender<Arc<Said>>,
    /// How many follow; changed under the lock of all topics.
    followers: AtomicUsize,
    /// The end before which the time is told; 0 for none.
    pub(super) ends_at: AtomicI64,
    /// When it was told last.
    pub(super) told_at: AtomicI64,
}

/// A decision on its way to those who follow.
pub(crate) struct Decided {
    pub(super) topic: Arc<Topic>,
    /// The record that must be durable first.
    pub(super) position: u64,
    pub(super) events: Vec<journal::Event>,
    pub(super) effects: Vec<journal::Effect>,
}

/// What all who follow are told at once.
pub(super) enum Said {
    /// A decision.
    Decision(Decision),
    /// The time.
    Time(Utf8Bytes),
}

/// A decision as it is told.
#[derive(Default)]
pub(super) struct Decision {
    pub(super) events: Vec<Telling>,
    pub(super) whispers: Vec<(String, Utf8Bytes)>,
    pub(super) is_gone: bool,
}

/// An event as it is told.
pub(super) struct Telling {
    pub(super) seq: u64,
    pub(super) frame: Utf8Bytes,
    pub(super) piece: Bytes,
}

/// Somebody who follows. The topic is forgotten with its last one.
pub(super) struct Follower {
    hub: Weak<crate::machines::Machines>,
    pub(super) topic: Arc<Topic>,
    pub(super) said: broadcast::Receiver<Arc<Said>>,
}

impl Default for Hub {
    fn default() -> Self {
        let (decided, undelivered) = mpsc::unbounded_channel();
        Self {
            topics: RwLock::default(),
            count: AtomicUsize::new(0),
            decided,
            undelivered: Mutex::new(Some(undelivered)),
        }
    }
}

impl Hub {
    /// Is that log followed?
    pub(crate) fn topic(&self, machine: &str, key: &str) -> Option<Arc<Topic>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let followed = Followed { machine: machine.to_owned(), key: key.to_owned() };
        self.topics.read().get(&followed).cloned()
    }

    /// Something was decided; it is told when it is durable. Called under the lock of the entity's
    /// shard, so that decisions of one log come in their order.
    pub(crate) fn decided(
        &self,
        topic: Arc<Topic>,
        position: u64,
        events: Vec<journal::Event>,
        effects: Vec<journal::Effect>,
    ) {
        // The relay ends with the platform only.
        let _ = self.decided.send(Decided { topic, position, events, effects });
    }

    /// What was decided, for the one relay.
    pub(super) fn take_decided(&self) -> Option<mpsc::UnboundedReceiver<Decided>> {
        self.undelivered.lock().take()
    }

    /// Every topic.
    pub(super) fn topics(&self) -> Vec<Arc<Topic>> {
        self.topics.read().values().cloned().collect()
    }

    fn follow(
        &self,
        followed: Followed,
        service: &Arc<Service>,
    ) -> (Arc<Topic>, broadcast::Receiver<Arc<Said>>) {
        let mut topics = self.topics.write();
        let topic = topics.entry(followed.clone()).or_insert_with(|| {
            let (said, _) = broadcast::channel(bounds::WAITING_MAX);
            let service = Arc::clone(service);
            let (ends_at, told_at) = (AtomicI64::new(0), AtomicI64::new(0));
            let followers = AtomicUsize::new(0);
            Arc::new(Topic { followed, service, said, followers, ends_at, told_at })
        });
        let topic = Arc::clone(topic);
        topic.followers.fetch_add(1, Ordering::Relaxed);
        let said = topic.said.subscribe();
        self.count.store(topics.len(), Ordering::Release);
        (topic, said)
    }

    fn leave(&self, topic: &Topic) {
        let mut topics = self.topics.write();
        // Not the channel's own count: of two who leave at once each would still be seen there.
        if topic.followers.fetch_sub(1, Ordering::Relaxed) == 1 {
            topics.remove(&topic.followed);
        }
        self.count.store(topics.len(), Ordering::Release);
    }
}

impl Topic {
    /// Tells all who follow.
    pub(super) fn say(&self, said: Said) {
        // Nobody may be left.
        let _ = self.said.send(Arc::new(said));
    }
}

impl Follower {
    /// Follows a log from now on.
    pub(super) fn new(
        machines: &Arc<crate::machines::Machines>,
        followed: Followed,
        service: &Arc<Service>,
    ) -> Self {
        let (topic, said) = machines.around.live.follow(followed, service);
        Self { hub: Arc::downgrade(machines), topic, said }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(machines) = self.hub.upgrade() {
            machines.around.live.leave(&self.topic);
        }
    }
}

impl From<socket::Told> for Decision {
    fn from(told: socket::Told) -> Self {
        let socket::Told { events, whispers, is_gone, .. } = told;
        let telling = |socket::Telling { seq, frame, piece }| Telling {
            seq,
            frame: frame.into(),
            piece: piece.into(),
        };
        let whisper = |socket::Whisper { principal, frame }| (principal, frame.into());
        Self {
            events: events.into_iter().map(telling).collect(),
            whispers: whispers.into_iter().map(whisper).collect(),
            is_gone,
        }
    }
}
