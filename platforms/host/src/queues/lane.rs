//! The messages of one queue that are in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::Event;
use super::rows::Lease;

/// One queue.
#[derive(Default)]
pub(super) struct Lane {
    /// By their places.
    pub(super) messages: BTreeMap<i64, Fresh>,
    /// Places of the messages of each key, oldest first.
    pub(super) keys: HashMap<String, VecDeque<i64>>,
    /// Those that can be taken: when each came, and its place.
    pub(super) ready: BTreeSet<(i64, i64)>,
    /// Those that are taken: until when, and the place.
    pub(super) hidden: BTreeSet<(i64, i64)>,
    /// Acknowledged in the transaction under way.
    pub(super) delivered: i64,
    /// Id and source of each.
    names: HashSet<(String, String)>,
}

/// A message that nothing went wrong with.
pub(super) struct Fresh {
    /// The message.
    pub(super) event: Event,
    /// When it came.
    pub(super) pushed_at: i64,
    /// Its taking, if it is taken.
    pub(super) taken: Option<Lease>,
    /// The row of the log with which it came.
    pub(super) row: i64,
}

/// How much of a queue is in memory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    /// Messages.
    pub(super) depth: u64,
    /// Messages under way.
    pub(super) in_flight: u64,
    /// When the oldest came.
    pub(super) oldest_at: Option<i64>,
}

impl Lane {
    /// Is that message here?
    pub(super) fn has(&self, event: &Event) -> bool {
        self.names.contains(&name(event))
    }

    /// Adds a message behind those of its key.
    pub(super) fn add(&mut self, seq: i64, fresh: Fresh) {
        self.names.insert(name(&fresh.event));
        let of_key = self.keys.entry(fresh.event.key.clone()).or_default();
        if of_key.is_empty() {
            self.ready.insert((fresh.pushed_at, seq));
        }
        of_key.push_back(seq);
        self.messages.insert(seq, fresh);
    }

    /// Hides a message that can be taken.
    pub(super) fn take(&mut self, (at, seq): (i64, i64), lease: Lease) -> Option<Event> {
        let fresh = self.messages.get_mut(&seq)?;
        fresh.taken = Some(lease);
        self.ready.remove(&(at, seq));
        self.hidden.insert((lease.until, seq));
        Some(fresh.event.clone())
    }

    /// Takes the oldest message of its key out; the next of its key is free to go.
    pub(super) fn remove(&mut self, seq: i64) -> Option<Fresh> {
        let fresh = self.messages.remove(&seq)?;
        self.names.remove(&name(&fresh.event));
        self.ready.remove(&(fresh.pushed_at, seq));
        if let Some(taken) = fresh.taken {
            self.hidden.remove(&(taken.until, seq));
        }
        let of_key = self.keys.get_mut(&fresh.event.key);
        let next = of_key.and_then(|of_key| {
            of_key.pop_front();
            of_key.front().copied()
        });
        if let Some(next) = next.and_then(|next| Some((self.messages.get(&next)?.pushed_at, next)))
        {
            self.ready.insert(next);
        } else {
            self.keys.remove(&fresh.event.key);
        }
        Some(fresh)
    }

    /// How much is here.
    pub(super) fn held(&self, now: i64) -> Held {
        Held {
            depth: self.messages.len() as u64,
            in_flight: self.hidden.iter().filter(|(until, _)| *until > now).count() as u64,
            oldest_at: self.messages.first_key_value().map(|(_, fresh)| fresh.pushed_at),
        }
    }

    /// About what a message takes in memory.
    pub(super) fn bytes_of(event: &Event) -> usize {
        let Event { id, source, topic, key, body, .. } = event;
        2 * (id.len() + source.len() + key.len()) + topic.len() + body.len() + BESIDE_BYTES
    }
}

fn name(event: &Event) -> (String, String) {
    (event.id.clone(), event.source.clone())
}

/// What is kept of a message beside its texts.
const BESIDE_BYTES: usize = 400;
