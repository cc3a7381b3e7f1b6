//! What is durable, as it was seen to become durable, and what was said about it.

use std::collections::{BTreeMap, BTreeSet};

use host::stepped::{Message, Replay};
use journal::{Effect, Journal, JournalError, Position, Record};
use kernel::Digest;

use crate::auction::Known;
use crate::invariant::{Invariant, Violation, holds};
use crate::rules::{Loaded, Rules};

/// Everything durable, and everything said.
pub(crate) struct Ledger {
    records: Vec<(u64, Digest)>,
    auctions: BTreeMap<String, Known>,
    replay: Replay<Rules>,
    /// Messages by topic and id: the record's position, the key, the body.
    messages: BTreeMap<(String, String), (u64, String, Vec<u8>)>,
    delivered: BTreeSet<(String, String)>,
    spoken: Vec<Spoken>,
}

/// A place in an auction's log that somebody was told about.
struct Spoken {
    key: String,
    seq: u64,
    head: [u8; 32],
    is_bid: bool,
}

impl Ledger {
    pub(crate) fn new() -> Result<Self, Violation> {
        let replay = Replay::new(&Rules::new(None))
            .map_err(|error| Violation::new(Invariant::I30, error.to_string()))?;
        Ok(Self {
            records: Vec::new(),
            auctions: BTreeMap::new(),
            replay,
            messages: BTreeMap::new(),
            delivered: BTreeSet::new(),
            spoken: Vec::new(),
        })
    }

    pub(crate) fn auction(&self, key: &str) -> Option<&Known> {
        self.auctions.get(key)
    }

    pub(crate) fn auctions(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.auctions.iter()
    }

    /// Newest durable seq of an auction.
    pub(crate) fn seq(&self, key: &str) -> u64 {
        self.auctions.get(key).map_or(0, |known| known.seq)
    }

    /// Takes over what became durable since the last time.
    pub(crate) fn catch_up(&mut self, journal: &Journal) -> Result<usize, Violation> {
        let last = self.records.last().map_or(0, |(position, _)| *position);
        if journal.durable().get() <= last {
            return Ok(0);
        }
        let mut fresh = Vec::new();
        let scanned = journal.scan(Position::from_raw(last), |position, record| {
            fresh.push((position.get(), record));
            Ok::<_, JournalError>(())
        });
        match scanned {
            Ok(()) => {}
            // What was read before the disk failed is the log all the same.
            Err(JournalError::Io(_) | JournalError::Full(_)) => {}
            Err(error) => return Err(Violation::new(Invariant::I26, error.to_string())),
        }
        let count = fresh.len();
        fresh.iter().try_for_each(|(position, record)| self.learn(*position, record))?;
        Ok(count)
    }

    /// After a start: all that was durable is there, and what is more is checked like the rest.
    pub(crate) fn restart(&mut self, journal: &Journal) -> Result<(), Violation> {
        let mut found = Vec::new();
        let scanned = journal.scan(Position::START, |position, record| {
            found.push((position.get(), record));
            Ok::<_, JournalError>(())
        });
        let damage = scanned.err().map(|error| error.to_string());
        let same = self.records.iter().zip(&found).take_while(|(known, (position, record))| {
            known.0 == *position && known.1 == digest(record)
        });
        let kept = same.count();
        if kept < self.records.len() {
            let what =
                damage.unwrap_or_else(|| "the log ends before it or goes on otherwise".into());
            let is_said = self.was_acknowledged_after(&found, kept);
            let invariant = if is_said { Invariant::I1 } else { Invariant::I26 };
            return Err(Violation::new(
                invariant,
                format!("durable record {kept} is gone: {what}"),
            ));
        }
        if let Some(damage) = damage {
            return Err(Violation::new(Invariant::I26, damage));
        }
        found.iter().skip(kept).try_for_each(|(position, record)| self.learn(*position, record))?;
        for Spoken { key, seq, head, is_bid } in &self.spoken {
            let there = self.auctions.get(key).and_then(|known| known.head_at(*seq));
            let invariant = if *is_bid { Invariant::I1 } else { Invariant::I15 };
            holds(invariant, there == Some(*head), || {
                format!("{key} seq {seq} was told, is gone")
            })?;
        }
        Ok(())
    }

    /// Somebody is told about this place.
    pub(crate) fn spoken(
        &mut self,
        key: &str,
        seq: u64,
        head: [u8; 32],
        is_bid: bool,
    ) -> Result<(), Violation> {
        let known = self.seq(key);
        holds(Invariant::I15, seq <= known, || {
            format!("{key} seq {seq} is told, durable is {known}")
        })?;
        let there = self.auctions.get(key).and_then(|known| known.head_at(seq));
        holds(Invariant::I15, there == Some(head), || {
            format!("{key} seq {seq} is told with another head than it has")
        })?;
        self.spoken.push(Spoken { key: key.to_owned(), seq, head, is_bid });
        Ok(())
    }

    /// An entity was loaded while at least this ledger was durable.
    pub(crate) fn is_complete(&self, loaded: &Loaded) -> Result<(), Violation> {
        let (Loaded { key, seq, .. }, durable) = (loaded, self.seq(&loaded.key));
        holds(Invariant::I30, *seq >= durable, || {
            format!("{key} was loaded at seq {seq}, durable is {durable}")
        })
    }

    /// An entity was loaded from snapshot and tail, in the state that the whole log gives there.
    pub(crate) fn is_whole(&self, loaded: &Loaded) -> Result<(), Violation> {
        let Loaded { key, seq, state } = loaded;
        let whole = match self.auctions.get(key) {
            Some(known) => known.states.get(seq).copied(),
            None => Known::new(key).states.get(seq).copied(),
        };
        holds(Invariant::I30, whole == Some(*state), || {
            format!("{key} was loaded at seq {seq} in a state that the log does not give there")
        })
    }

    /// A message reaches its consumer.
    pub(crate) fn arrived(&self, topic: &str, message: &Message) -> Result<(), Violation> {
        let expected = self.messages.get(&(topic.to_owned(), message.id()));
        let same =
            expected.is_some_and(|(_, key, body)| *key == message.key && *body == message.body);
        holds(Invariant::I18, same, || {
            format!("{topic} {} belongs to no durable record", message.id())
        })
    }

    /// The consumer has taken it.
    pub(crate) fn taken(&mut self, topic: &str, message: &Message) {
        self.delivered.insert((topic.to_owned(), message.id()));
    }

    /// The oldest message that nobody took. Of the topic that keeps the newest message of a key,
    /// only that counts.
    pub(crate) fn untaken(&self, compact: &str) -> Option<String> {
        let newest = |topic: &str, key: &str| {
            let same =
                self.messages.iter().filter(|((of, _), (_, own, _))| of == topic && own == key);
            same.map(|(_, (position, ..))| *position).max().unwrap_or(0)
        };
        let wanted = self.messages.iter().filter(|((topic, _), (position, key, _))| {
            topic != compact || *position == newest(topic, key)
        });
        let missing = wanted.map(|(name, _)| name).find(|name| !self.delivered.contains(*name));
        missing.map(|(topic, id)| format!("{topic} {id}"))
    }

    fn learn(&mut self, position: u64, record: &Record) -> Result<(), Violation> {
        let key = &record.entity.key;
        let known = self.auctions.entry(key.clone()).or_insert_with(|| Known::new(key));
        let at = |violation: Violation| {
            Violation::new(violation.invariant, format!("{key}: {}", violation.what))
        };
        known.learn(record).map_err(at)?;
        self.replay
            .record(record)
            .map_err(|why| Violation::new(Invariant::I30, why.to_string()))
            .map_err(at)?;
        for (index, Effect::Send { topic, key, body }) in record.effects.iter().enumerate() {
            let name = (topic.clone(), format!("{position}-{index}"));
            self.messages.insert(name, (position, key.clone(), body.clone()));
        }
        let topics = record.effects.iter().map(|Effect::Send { topic, .. }| topic.as_str());
        let told = topics.collect::<BTreeSet<_>>().contains(crate::TOPIC_CHANGED);
        holds(Invariant::I18, told || record.events.is_empty(), || {
            format!("{key}: record {position} has events and tells nobody")
        })?;
        self.records.push((position, digest(record)));
        Ok(())
    }

    /// Was anything at or behind the first missing record acknowledged? Its auction's log in the
    /// file is then shorter than what was told.
    fn was_acknowledged_after(&self, found: &[(u64, Record)], kept: usize) -> bool {
        let mut durable: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, record) in found.iter().take(kept) {
            let last = record.events.last().map_or(0, |event| event.seq);
            durable.insert(&record.entity.key, last);
        }
        let in_file = |key: &str| durable.get(key).copied().unwrap_or(0);
        self.spoken.iter().any(|told| told.is_bid && told.seq > in_file(&told.key))
    }
}

/// A record in few bytes.
fn digest(record: &Record) -> Digest {
    Digest::of(&[&record.encode().unwrap_or_default()])
}
