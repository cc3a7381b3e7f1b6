//! Events as a public log shows them, and the chain through them.

use core::fmt;

use kernel::{ChainHead, Digest, Timestamp, canonical};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::MerkleTree;
use crate::strict;

/// One event of a public log, as `GET …/events` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Position, gap-free from 1.
    pub seq: u64,
    /// Its name.
    pub name: String,
    /// When it was decided.
    pub time: Timestamp,
    /// What it says.
    pub data: Map<String, Value>,
    /// Head before it, as shown.
    pub prev: Digest,
    /// Head after it, as shown.
    pub hash: Digest,
    /// The RFC 8785 form of `{data, event, seq, time}`: what is hashed.
    pub body: Vec<u8>,
}

/// The first thing in a log that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where; none when it is about no event.
    pub seq: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// Where a log stands, event by event.
#[derive(Debug, Clone)]
pub struct Chain {
    seq: u64,
    head: ChainHead,
    time: Option<Timestamp>,
    tree: MerkleTree,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    seq: u64,
    event: String,
    time: String,
    data: Map<String, Value>,
    prev: Digest,
    hash: Digest,
}

impl Event {
    /// Reads an item of a log.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let shown = strict::read(json)?;
        let shown: Shown = serde_json::from_value(shown).map_err(|error| error.to_string())?;
        let Shown { seq, event: name, time: text, data, prev, hash } = shown;
        let time: Timestamp = text.parse().map_err(|_| format!("the time {text:?} is none"))?;
        if time.to_string() != text {
            return Err(format!("the time {text} is not written with milliseconds and Z"));
        }
        let covered = serde_json::json!({"data": data, "event": name, "seq": seq, "time": text});
        let body = canonical::canonicalize(covered.to_string().as_bytes());
        let body = body.ok_or("a number that is no integer of at most 2^53 - 1")?;
        Ok(Self { seq, name, time, data, prev, hash, body })
    }
}

impl Flaw {
    /// In the event `seq`.
    pub fn at(seq: u64, what: impl Into<String>) -> Self {
        Self { seq: Some(seq), what: what.into() }
    }

    /// In no event.
    pub fn beside(what: impl Into<String>) -> Self {
        Self { seq: None, what: what.into() }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "seq {seq}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl Chain {
    /// Before the first event: the head is the SHA-256 of the log's key.
    pub fn genesis(key: &str) -> Self {
        let (head, tree) = (ChainHead::genesis(key), MerkleTree::default());
        Self { seq: 0, head, time: None, tree }
    }

    /// Takes the next event in, if it follows.
    pub fn follow(&mut self, event: &Event) -> Result<(), Flaw> {
        let next = self.seq + 1;
        let flaw = |what: String| Err(Flaw::at(next, what));
        if event.seq != next {
            return flaw(format!("the event after {} has the seq {}", self.seq, event.seq));
        }
        if event.prev != *self.head.digest() {
            return flaw(format!("prev is {}, the head before is {}", event.prev, self.head()));
        }
        let head = self.head.extend(&event.body);
        if event.hash != *head.digest() {
            return flaw(format!("hash is {}, that of the body is {}", event.hash, head.digest()));
        }
        if self.time.is_some_and(|before| event.time < before) {
            return flaw("its time is before that of the event before".to_owned());
        }
        self.tree.push(&event.body);
        (self.seq, self.head, self.time) = (next, head, Some(event.time));
        Ok(())
    }

    /// Seq of the last event; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The head after it.
    pub fn head(&self) -> &Digest {
        self.head.digest()
    }

    /// When it was decided.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The Merkle root over the bodies of all events.
    pub fn merkle_root(&self) -> Digest {
        self.tree.root()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    /// A log of three events, as shown.
    fn log() -> Vec<String> {
        let mut head = ChainHead::genesis("auc_1");
        let datas = [r#"{"b":"a\"\u0001é","a":[1,-2]}"#, "{}", r#"{"x":null}"#];
        let shown = (1..).zip(datas).map(|(seq, data)| {
            let data = canonical::canonicalize(data.as_bytes()).unwrap();
            let data = String::from_utf8(data).unwrap();
            let time = format!("2026-11-26T21:01:0{seq}.399Z");
            let body = format!(r#"{{"data":{data},"event":"e{seq}","seq":{seq},"time":"{time}"}}"#);
            let (prev, hash) = (head, head.extend(body.as_bytes()));
            head = hash;
            let body = body.strip_suffix('}').unwrap();
            format!(r#"{body},"prev":"{}","hash":"{}"}}"#, prev.digest(), hash.digest())
        });
        shown.collect()
    }

    fn check(log: &[impl AsRef<[u8]>]) -> Result<Chain, Flaw> {
        let mut chain = Chain::genesis("auc_1");
        for shown in log {
            let event = Event::read(shown.as_ref());
            chain.follow(&event.map_err(|what| Flaw::at(chain.seq + 1, what))?)?;
        }
        Ok(chain)
    }

    #[test]
    fn every_byte_of_every_event_counts_and_the_first_bad_seq_is_named() {
        let log = log();
        assert_eq!(check(&log).unwrap().seq(), 3);
        for (index, shown) in log.iter().enumerate() {
            for at in 0..shown.len() {
                for flip in [1, 2, 0x10, 0x80] {
                    let mut changed: Vec<_> =
                        log.iter().map(|one| one.as_bytes().to_vec()).collect();
                    *changed.get_mut(index).unwrap().get_mut(at).unwrap() ^= flip;
                    let flaw = check(&changed).expect_err(&format!("{index} {at} {flip}"));
                    assert_eq!(flaw.seq, Some(index as u64 + 1), "{flaw} at byte {at}");
                }
            }
        }
    }

    #[test]
    fn events_neither_lack_nor_change_places_nor_belong_to_another_log() {
        let log = log();
        let [one, two, three] = log.as_slice() else { panic!("three events") };
        for (wrong, seq) in [
            (vec![one, three], 2),
            (vec![two, three], 1),
            (vec![one, two, two], 3),
            (vec![one, one], 2),
        ] {
            assert_eq!(check(&wrong).unwrap_err().seq, Some(seq));
        }
        let mut other = Chain::genesis("auc_2");
        assert_eq!(other.follow(&Event::read(one.as_bytes()).unwrap()).unwrap_err().seq, Some(1));
    }

    #[test]
    fn the_order_of_members_and_white_space_say_nothing() {
        let shown = log().remove(0);
        let value: Value = serde_json::from_str(&shown).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        assert_eq!(Event::read(&pretty).unwrap(), Event::read(shown.as_bytes()).unwrap());
    }
}
