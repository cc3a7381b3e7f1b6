//! A counter: `{"add": n}` is its command, its total the answer. Accepted commands are remembered,
//! so that a retry adds nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One living counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    key: String,
    total: u64,
    seq: u64,
    accepted: BTreeMap<String, u64>,
}

/// What a command led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The event, when something changed.
    pub event: Option<Event>,
    /// JSON reply: `{"total": n}` or `{"refusal": "…"}`.
    pub reply: Vec<u8>,
}

/// Something was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Position in the log, gap-free from 1.
    pub seq: u64,
    /// The whole fact, which `apply` reads.
    pub fact: Vec<u8>,
}

/// Bytes that no counter of this version wrote.
#[derive(Debug, thiserror::Error)]
#[error("not a counter's bytes: {0}")]
pub struct Unreadable(String);

#[derive(Serialize, Deserialize)]
struct Added {
    seq: u64,
    command_id: String,
    add: u32,
}

#[derive(Deserialize)]
struct Command {
    add: u32,
}

#[derive(Serialize)]
struct Total {
    total: u64,
}

#[derive(Serialize)]
struct Refused {
    refusal: &'static str,
}

impl Counter {
    /// A counter that nobody touched.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), total: 0, seq: 0, accepted: BTreeMap::new() }
    }

    /// The counter as it was when the snapshot was taken.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Unreadable> {
        match snapshot.split_first() {
            Some((&SNAPSHOT_VERSION, state)) => {
                serde_json::from_slice(state).map_err(|error| Unreadable(error.to_string()))
            }
            Some((version, _)) => Err(Unreadable(format!("version {version}"))),
            None => Err(Unreadable("empty".to_owned())),
        }
    }

    /// Decides a command and applies what it decided.
    pub fn handle(&mut self, command_id: &str, body: &[u8]) -> Decision {
        if let Some(total) = self.accepted.get(command_id) {
            return Decision { event: None, reply: json(&Total { total: *total }) };
        }
        let Ok(Command { add }) = serde_json::from_slice(body) else {
            return refused("malformed");
        };
        if add == 0 {
            return refused("nothing_to_add");
        }
        let added = Added { seq: self.seq + 1, command_id: command_id.to_owned(), add };
        let event = Event { seq: added.seq, fact: json(&added) };
        self.evolve(added);
        Decision { event: Some(event), reply: json(&Total { total: self.total }) }
    }

    /// Applies a fact of the log.
    pub fn apply(&mut self, fact: &[u8]) -> Result<(), Unreadable> {
        let added: Added =
            serde_json::from_slice(fact).map_err(|error| Unreadable(error.to_string()))?;
        if added.seq != self.seq + 1 {
            return Err(Unreadable(format!("event {} after {}", added.seq, self.seq)));
        }
        self.evolve(added);
        Ok(())
    }

    /// The total as JSON.
    pub fn query(&self) -> Vec<u8> {
        json(&Total { total: self.total })
    }

    /// The state as bytes, version byte first.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut snapshot = vec![SNAPSHOT_VERSION];
        snapshot.extend(json(self));
        snapshot
    }

    fn evolve(&mut self, added: Added) {
        self.seq = added.seq;
        self.total += u64::from(added.add);
        self.accepted.insert(added.command_id, self.total);
    }
}

fn refused(refusal: &'static str) -> Decision {
    Decision { event: None, reply: json(&Refused { refusal }) }
}

/// These types have string keys and no floats: writing them cannot fail.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

const SNAPSHOT_VERSION: u8 = 1;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_counter_adds_once_per_command_and_survives_its_snapshot_and_its_log() {
        let mut counter = Counter::new("apples");
        let decision = counter.handle("a", br#"{"add":2}"#);
        assert_eq!(decision.reply, br#"{"total":2}"#);
        assert_eq!(counter.handle("a", br#"{"add":2}"#).event, None);
        assert_eq!(Counter::restore(&counter.snapshot()).unwrap(), counter);
        let mut replayed = Counter::new("apples");
        replayed.apply(&decision.event.unwrap().fact).unwrap();
        assert_eq!(replayed, counter);
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let mut counter = Counter::new("apples");
        assert_eq!(counter.handle("a", br#"{"add":0}"#).reply, br#"{"refusal":"nothing_to_add"}"#);
        assert_eq!(counter.handle("b", b"{").reply, br#"{"refusal":"malformed"}"#);
        assert_eq!(counter, Counter::new("apples"));
    }
}
