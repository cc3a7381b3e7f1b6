//! One auction as its durable records tell it: every record is checked when it becomes durable.

use std::collections::{BTreeMap, BTreeSet};

use auction_machine::Auction;
use journal::{Event, Record};
use kernel::{ChainHead, Digest, Entity, Timestamp};
use serde_json::Value;

use crate::invariant::{Invariant, Violation, holds};
use crate::model::{Model, SoftClose, Terms};
use crate::rules;

/// What is known of an auction.
pub(crate) struct Known {
    pub(crate) seq: u64,
    pub(crate) heads: Vec<[u8; 32]>,
    pub(crate) publics: Vec<Vec<u8>>,
    /// Price after the records that end at these seqs.
    pub(crate) prices: BTreeMap<u64, Option<i64>>,
    /// The state there, from the whole log.
    pub(crate) states: BTreeMap<u64, Digest>,
    /// Accepted commands by principal and id, with their bodies.
    pub(crate) commands: BTreeMap<(String, String), Vec<u8>>,
    pub(crate) model: Option<Model>,
    /// The public result.
    pub(crate) result: Option<Value>,
    pub(crate) ends_at: i64,
    head: [u8; 32],
    time: i64,
    bids: BTreeSet<String>,
    fold: Entity<Auction>,
}

/// A public event, read.
struct Told<'e> {
    event: &'e Event,
    name: String,
    data: Value,
    time: i64,
}

impl Known {
    pub(crate) fn new(key: &str) -> Self {
        let fold = Entity::new(key);
        Self {
            seq: 0,
            heads: Vec::new(),
            publics: Vec::new(),
            prices: BTreeMap::new(),
            states: [(0, rules::state(&fold))].into(),
            commands: BTreeMap::new(),
            model: None,
            result: None,
            ends_at: i64::MAX,
            head: *ChainHead::genesis(key).digest().as_bytes(),
            time: i64::MIN,
            bids: BTreeSet::new(),
            fold,
        }
    }

    /// Takes over the next record.
    pub(crate) fn learn(&mut self, record: &Record) -> Result<(), Violation> {
        self.command(record)?;
        let at = record.envelope.now.max(self.time);
        for event in &record.events {
            self.event(record, at, event)?;
        }
        for event in &record.events {
            self.fold.apply(&event.fact).map_err(|error| {
                Violation::new(Invariant::I30, format!("seq {}: {error}", event.seq))
            })?;
        }
        let stand = self.model.as_ref().map(Model::stand);
        let price = stand.and_then(|stand| stand.price);
        let before = self.prices.last_key_value().and_then(|(_, price)| *price);
        holds(Invariant::I3, price >= before, || format!("{before:?} falls to {price:?}"))?;
        self.prices.insert(self.seq, price);
        self.states.insert(self.seq, rules::state(&self.fold));
        self.wake(record)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.seq > 0 && self.result.is_none()
    }

    /// The head after an event.
    pub(crate) fn head_at(&self, seq: u64) -> Option<[u8; 32]> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.heads.get(at).copied()
    }

    fn command(&mut self, record: &Record) -> Result<(), Violation> {
        let Some(principal) = &record.envelope.principal else { return Ok(()) };
        let id = (principal.clone(), record.envelope.command_id.clone());
        let before = self.commands.insert(id, record.envelope.body.clone());
        let twice = || format!("{} had its effect before", record.envelope.command_id);
        holds(Invariant::I2, before.is_none(), twice)
    }

    fn event(&mut self, record: &Record, at: i64, event: &Event) -> Result<(), Violation> {
        let (seq, follows) = (event.seq, self.seq);
        holds(Invariant::I12, seq == follows + 1, || format!("{seq} follows {follows}"))?;
        let told = Told::read(event)?;
        if told.name == "bid_placed" {
            self.bid(record, at, &told)?;
        }
        holds(Invariant::I5, self.result.is_none(), || {
            format!("seq {seq}: {} after the result", told.name)
        })?;
        match told.name.as_str() {
            "auction_extended" => {
                let moved = instant(&told.data, "new_end");
                holds(Invariant::I6, moved >= self.ends_at, || "the end moves back".to_owned())?;
                self.ends_at = moved;
            }
            "auction_closed" => self.close(at, &told)?,
            _ => self.list(record, at)?,
        }
        let (time, last) = (told.time, self.time);
        holds(Invariant::I4, time >= last, || format!("seq {seq}: {time} after {last}"))?;
        self.chain(event)?;
        (self.seq, self.time, self.head) = (seq, time, event.head);
        self.heads.push(event.head);
        self.publics.push(event.public.clone());
        Ok(())
    }

    fn chain(&self, event: &Event) -> Result<(), Violation> {
        let seq = event.seq;
        holds(Invariant::I30, event.prev == self.head, || format!("seq {seq}: the chain breaks"))?;
        let head = *Digest::of(&[&event.prev, &event.public]).as_bytes();
        holds(Invariant::I30, head == event.head, || format!("seq {seq}: the head is another"))
    }

    /// The first event of an auction brings its terms.
    fn list(&mut self, record: &Record, at: i64) -> Result<(), Violation> {
        if self.model.is_some() {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&record.envelope.body).unwrap_or_default();
        let terms = body.get("create").ok_or_else(|| {
            Violation::new(Invariant::Model, "the first command lists no auction".to_owned())
        })?;
        let starts_at = instant(terms, "starts_at").max(at);
        let seconds = terms.get("duration_seconds").and_then(Value::as_i64).unwrap_or(0);
        self.ends_at = starts_at + seconds * 1_000;
        let mode = terms.pointer("/soft_close/mode").and_then(Value::as_str);
        self.model = Some(Model::new(Terms {
            start: minor(terms, "start_price").unwrap_or(0),
            reserve: minor(terms, "reserve_price"),
            starts_at,
            ends_at: self.ends_at,
            soft_close: match mode {
                Some("add") => SoftClose::Add,
                Some("reset") => SoftClose::Reset,
                _ => SoftClose::Off,
            },
        }));
        Ok(())
    }

    fn bid(&mut self, record: &Record, at: i64, told: &Told<'_>) -> Result<(), Violation> {
        let (seq, end) = (told.event.seq, self.ends_at);
        holds(Invariant::I6, at < end, || format!("seq {seq}: a bid at {at}, the end is {end}"))?;
        let id = told.data.get("bid_id").and_then(Value::as_str).unwrap_or_default();
        let is_new = self.bids.insert(id.to_owned());
        holds(Invariant::I2, is_new, || format!("seq {seq}: bid {id} is there twice"))?;
        let body: Value = serde_json::from_slice(&record.envelope.body).unwrap_or_default();
        let amount = body.get("place_bid").and_then(|bid| minor(bid, "amount")).unwrap_or(0);
        let user = record.envelope.principal.clone().unwrap_or_default();
        let Some(model) = &mut self.model else {
            return Err(Violation::new(Invariant::Model, "a bid on what is not listed"));
        };
        let refusal = model.refusal(&user, amount, at);
        holds(Invariant::Model, refusal.is_none(), || {
            format!("seq {seq}: the model refuses {amount} of {user}: {refusal:?}")
        })?;
        model.accept(&user, amount, at);
        let stand = model.stand();
        let leader = stand.leader.as_deref().and_then(|user| alias(&stand.bidders, user));
        let expected = (stand.price, Some(stand.next), leader, Some(model.count() as u64));
        let shown = (
            minor(&told.data, "price"),
            minor(&told.data, "next_minimum"),
            told.data.get("leader").and_then(Value::as_str).map(str::to_owned),
            told.data.get("bid_count").and_then(Value::as_u64),
        );
        holds(Invariant::Model, shown == expected, || {
            format!("seq {seq}: {shown:?}, but the model says {expected:?}")
        })?;
        let ends_at = instant(&told.data, "ends_at");
        holds(Invariant::Model, ends_at == stand.ends_at, || {
            format!("seq {seq}: ends at {ends_at}, but the model says {}", stand.ends_at)
        })
    }

    fn close(&mut self, at: i64, told: &Told<'_>) -> Result<(), Violation> {
        let end = self.ends_at;
        holds(Invariant::I6, at >= end, || format!("closed at {at}, but the end is {end}"))?;
        let result = told.data.get("result").cloned().unwrap_or_default();
        let sold = result.get("outcome").and_then(Value::as_str) == Some("sold");
        let winner = result.pointer("/winner/bidder").and_then(Value::as_str);
        let shown = sold.then(|| (winner.map(str::to_owned), minor(&result, "hammer_price")));
        let expected = self.model.as_ref().and_then(|model| {
            let (winner, price) = model.outcome()?;
            Some((alias(&model.stand().bidders, &winner), Some(price)))
        });
        holds(Invariant::Model, shown == expected, || {
            format!("ends with {shown:?}, but the model says {expected:?}")
        })?;
        self.result = Some(result);
        Ok(())
    }

    fn wake(&self, record: &Record) -> Result<(), Violation> {
        let at = record.wake.as_ref().map(|wake| wake.at);
        let pending = !self.is_open() || at.is_some_and(|at| at <= self.ends_at);
        holds(Invariant::I7, pending, || format!("open, and the next wake is {at:?}"))
    }
}

impl<'e> Told<'e> {
    fn read(event: &'e Event) -> Result<Self, Violation> {
        let body: Value = serde_json::from_slice(&event.public)
            .map_err(|error| Violation::new(Invariant::I30, error.to_string()))?;
        let seq = body.get("seq").and_then(Value::as_u64);
        holds(Invariant::I12, seq == Some(event.seq), || {
            format!("the record says seq {}, the event {seq:?}", event.seq)
        })?;
        Ok(Self {
            event,
            name: body.get("event").and_then(Value::as_str).unwrap_or_default().to_owned(),
            time: instant(&body, "time"),
            data: body.get("data").cloned().unwrap_or_default(),
        })
    }
}

/// The amount of a money field.
pub(crate) fn minor(of: &Value, field: &str) -> Option<i64> {
    of.get(field)?.get("amount")?.as_i64()
}

/// An instant in milliseconds; far in the past where there is none.
pub(crate) fn instant(of: &Value, field: &str) -> i64 {
    let text = of.get(field).and_then(Value::as_str);
    let instant = text.and_then(|text| text.parse::<Timestamp>().ok());
    instant.map_or(i64::MIN, Timestamp::as_ms)
}

fn alias(bidders: &[String], user: &str) -> Option<String> {
    let at = bidders.iter().position(|bidder| bidder == user)?;
    Some(format!("bidder-{}", at + 1))
}
