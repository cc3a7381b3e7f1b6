//! What is told of an auction: who tried what, what came of it and why, and how the price went.

use std::collections::BTreeMap;

use auction_machine::contract::{
    Explanation, Outcome, Refused, Reply, ReserveState, Row, Rule, Status,
};
use kernel::{Currency, Money, Recorded, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stage::{Answered, START};

/// The whole answer.
#[derive(Serialize)]
pub(crate) struct Story {
    seed: u64,
    format: String,
    currency: Currency,
    exponent: u32,
    /// The machine's own words.
    rules: Vec<Rule>,
    /// Names by alias.
    people: BTreeMap<String, String>,
    timeline: Vec<Entry>,
    points: Vec<Point>,
    ends_at_ms: i64,
    /// As `auction_closed` has it.
    result: Option<Value>,
}

/// Something that was done.
pub(crate) struct Deed {
    /// `list`, `bid`, `buy_now`, `wake`.
    pub(crate) did: &'static str,
    /// None: the platform.
    pub(crate) who: Option<String>,
    pub(crate) amount: Option<Money>,
}

/// Something that was done, and what came of it.
#[derive(Serialize)]
struct Entry {
    at_ms: i64,
    who: Option<String>,
    did: &'static str,
    amount: Option<Money>,
    /// `done`, `accepted`, `refused`, `passed`.
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// The rule that set the price, or why somebody would not bid.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
    after: After,
    events: Vec<Told>,
}

#[derive(Serialize)]
struct Refusal {
    code: String,
    detail: String,
}

/// What everybody sees afterwards.
#[derive(Serialize)]
struct After {
    status: Status,
    price: Option<Money>,
    next_minimum: Option<Money>,
    /// Name.
    leader: Option<String>,
    reserve: ReserveState,
    bid_count: u64,
    ends_at_ms: i64,
}

/// A public event.
#[derive(Serialize)]
struct Told {
    seq: u64,
    event: String,
    at_ms: i64,
    data: Value,
}

/// A price from then on.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
struct Point {
    at_ms: i64,
    amount: i64,
}

/// An event as the log has it.
#[derive(Deserialize)]
struct Body {
    data: Value,
    event: String,
    seq: u64,
    time: Timestamp,
}

impl Deed {
    pub(crate) const fn platform(did: &'static str) -> Self {
        Self { did, who: None, amount: None }
    }
}

impl Story {
    pub(crate) fn of(seed: u64, format: String, currency: Currency, rules: Vec<Rule>) -> Self {
        Self {
            seed,
            format,
            currency,
            exponent: currency.exponent(),
            rules,
            people: BTreeMap::new(),
            timeline: Vec::new(),
            points: Vec::new(),
            ends_at_ms: 0,
            result: None,
        }
    }

    /// Somebody got an alias.
    pub(crate) fn knows(&mut self, alias: String, name: &str) {
        self.people.entry(alias).or_insert_with(|| name.to_owned());
    }

    /// The price of a falling clock, as long as nobody takes it.
    pub(crate) fn clock(&mut self, at: Timestamp, price: Option<Money>) {
        self.points.extend(price.map(|price| Point::of(at, price)));
    }

    /// Somebody would not bid.
    pub(crate) fn passed(&mut self, now: Timestamp, name: &str, why: Explanation, row: &Row) {
        self.timeline.push(Entry {
            at_ms: ms(now),
            who: Some(name.to_owned()),
            did: "pass",
            amount: None,
            verdict: "passed",
            outcome: None,
            explanation: Some(why),
            refusal: None,
            after: self.after(row),
            events: Vec::new(),
        });
    }

    /// Something was done.
    pub(crate) fn happened(&mut self, now: Timestamp, deed: Deed, led: Answered, row: &Row) {
        let Answered { reply, events } = led;
        let is_quiet = events.is_empty();
        let events: Vec<Told> = events.iter().filter_map(told).collect();
        let ending = events.iter().find(|told| told.event == "auction_closed");
        if let Some(result) = ending.and_then(|told| told.data.get("result")) {
            self.result = Some(result.clone());
            self.ends_at_ms = ms(now);
        }
        let hammer = row.result.as_ref().and_then(|result| result.hammer_price);
        if let Some(price) = row.price.or(hammer).filter(|_| !is_quiet) {
            self.points.push(Point::of(now, price));
        }
        let (verdict, outcome, explanation, refusal) = match reply {
            Reply::Bid { bid, .. } => ("accepted", Some(bid.outcome), Some(bid.explanation), None),
            Reply::Refused(Refused { code, detail, .. }) => {
                ("refused", None, None, Some(Refusal { code, detail }))
            }
            _ => ("done", None, None, None),
        };
        let Deed { did, who, amount } = deed;
        let (at_ms, after) = (ms(now), self.after(row));
        self.timeline.push(Entry {
            at_ms,
            who,
            did,
            amount,
            verdict,
            outcome,
            explanation,
            refusal,
            after,
            events,
        });
    }

    /// What a clock would have shown after the end is left out.
    pub(crate) fn ended(mut self) -> Self {
        let end = self.ends_at_ms;
        self.points.retain(|point| point.at_ms <= end);
        self.points.sort_by_key(|point| point.at_ms);
        self.points.dedup();
        self
    }

    fn after(&self, row: &Row) -> After {
        let leader = row.leader.as_ref();
        After {
            status: row.status,
            price: row.price,
            next_minimum: row.next_minimum,
            leader: leader.map(|alias| self.people.get(alias).unwrap_or(alias).clone()),
            reserve: row.reserve,
            bid_count: row.bid_count,
            ends_at_ms: ms(row.ends_at),
        }
    }
}

impl Point {
    fn of(at: Timestamp, price: Money) -> Self {
        Self { at_ms: ms(at), amount: price.amount.get() }
    }
}

/// The event with its times counted from the start.
fn told(recorded: &Recorded) -> Option<Told> {
    let Body { mut data, event, seq, time } = serde_json::from_slice(&recorded.public).ok()?;
    relative(&mut data);
    Some(Told { seq, event, at_ms: ms(time), data })
}

fn relative(data: &mut Value) {
    let Some(members) = data.as_object_mut() else { return };
    for (name, value) in members.iter_mut() {
        let time = value.as_str().filter(|_| TIMES.contains(&name.as_str()));
        match time.and_then(|time| time.parse::<Timestamp>().ok()) {
            Some(time) => *value = ms(time).into(),
            None => relative(value),
        }
    }
}

fn ms(at: Timestamp) -> i64 {
    at.ms_since(START)
}

const TIMES: [&str; 5] = ["ends_at", "starts_at", "hard_stop_at", "old_end", "new_end"];
