//! Judges an auction by its public log alone (api.md §5, rules.md B1, B2, B6).
//!
//! The hashing is written from api.md, not taken from the kernel: a checker that shares the code of
//! what it checks finds nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{amount_of, ms_of};

/// What a public log shows, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Log {
    /// Accepted bids by id.
    pub bids: BTreeMap<String, Placed>,
    /// Price and bid count after each event, by seq.
    pub standing: BTreeMap<u64, Standing>,
    /// The end in force after the last event, ms.
    pub end_ms: i64,
    /// How the auction ended, if it did.
    pub closed: Option<Closed>,
    /// Every sentence is a violation.
    pub violations: Vec<String>,
}

/// One accepted bid as the log shows it.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Seq of its event.
    pub seq: u64,
    /// Event time, ms.
    pub time_ms: i64,
    /// Price after it.
    pub price: i64,
    /// Its amount, if the log shows it in its own event or in a later reveal.
    pub amount: Option<i64>,
    commitment: Option<String>,
}

impl Placed {
    /// A bid without commitment, for tests of what uses logs.
    #[cfg(test)]
    pub(crate) fn at(seq: u64, price: i64, amount: Option<i64>) -> Self {
        Self { seq, time_ms: 0, price, amount, commitment: None }
    }
}

/// What everybody sees after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Price, none before the first bid.
    pub price: Option<i64>,
    /// Accepted bids.
    pub bid_count: u64,
}

/// The event that ends a log.
#[derive(Debug, Clone)]
pub struct Closed {
    /// Event time, ms.
    pub time_ms: i64,
    /// The `result` member.
    pub result: Value,
}

/// Examines the items of `GET /v1/auctions/{id}/events`, all pages together.
///
/// It judges English auctions in which bids stand; of other logs it sees order and hashes only.
pub fn examine(auction_id: &str, items: &[Value]) -> Log {
    let mut examiner = Examiner {
        log: Log::default(),
        head: hex(&Sha256::digest(auction_id.as_bytes())),
        newest_ms: i64::MIN,
        leader: None,
        is_open: false,
        next_minimum: None,
        last: None,
    };
    let is_judged = items.iter().all(is_judged);
    for (at, item) in (1_u64..).zip(items) {
        if is_judged {
            examiner.event(at, item);
        } else {
            examiner.order(at, item);
        }
    }
    examiner.log
}

/// Is it an event of an English auction whose rules are written down here?
fn is_judged(item: &Value) -> bool {
    let is_english = item["data"]["format"].as_str().is_none_or(|format| format == "english");
    let is_beside = BESIDE.iter().any(|name| item["event"] == *name);
    is_english && !is_beside && item["data"]["result"]["reason"] != "bought_now"
}

/// What this judge leaves to the tables of tests/scripts.
const BESIDE: [&str; 15] = [
    "auction_cancelled",
    "auction_changed",
    "bid_retracted",
    "bidder_blocked",
    "bidder_unblocked",
    "bids_revealed",
    "description_added",
    "max_lowered",
    "outage_declared",
    "pictures_changed",
    "reserve_lowered",
    "second_chance_accepted",
    "second_chance_declined",
    "second_chance_expired",
    "second_chance_offered",
];

struct Examiner {
    log: Log,
    head: String,
    newest_ms: i64,
    leader: Option<String>,
    is_open: bool,
    next_minimum: Option<i64>,
    /// Seq and claimed end of the newest bid, until the event after it is seen.
    last: Option<(u64, i64)>,
}

impl Examiner {
    fn wrong(&mut self, seq: u64, what: impl core::fmt::Display) {
        self.log.violations.push(format!("seq {seq}: {what}"));
    }

    /// Gap-free, linked, in order of time.
    fn order(&mut self, seq: u64, item: &Value) -> i64 {
        if item["seq"].as_u64() != Some(seq) {
            self.wrong(seq, format_args!("the log has a gap, it says {}", item["seq"]));
        }
        self.link(seq, item);
        let time_ms = ms_of(&item["time"]).unwrap_or(i64::MIN);
        if time_ms < self.newest_ms {
            self.wrong(seq, "its time is before that of the event before");
        }
        self.newest_ms = time_ms;
        time_ms
    }

    fn event(&mut self, seq: u64, item: &Value) {
        let time_ms = self.order(seq, item);
        if self.log.closed.is_some() {
            self.wrong(seq, "something follows auction_closed");
        }
        let data = &item["data"];
        let name = item["event"].as_str().unwrap_or_default();
        self.end_of_last_bid(name, data);
        match name {
            "auction_scheduled" | "auction_opened" => self.opening(seq, name, data),
            "bid_placed" => self.bid(seq, time_ms, data),
            "auction_extended" => self.extension(seq, data),
            "auction_closed" => self.closing(seq, time_ms, data),
            other => self.wrong(seq, format_args!("unknown event {other:?}")),
        }
        let before = self.log.standing.last_key_value().map(|(_, standing)| *standing);
        let mut standing = before.unwrap_or(Standing { price: None, bid_count: 0 });
        if name == "bid_placed" {
            standing.price = amount_of(&data["price"]);
            standing.bid_count = data["bid_count"].as_u64().unwrap_or(0);
        }
        self.log.standing.insert(seq, standing);
    }

    /// `hash_n = SHA-256(hash_{n−1} || RFC 8785 of {data, event, seq, time})`.
    fn link(&mut self, seq: u64, item: &Value) {
        let (prev, hash) = (item["prev"].as_str(), item["hash"].as_str());
        if prev != Some(self.head.as_str()) {
            self.wrong(seq, "prev is not the hash before it");
        }
        let names = ["data", "event", "seq", "time"];
        let body: BTreeMap<&str, &Value> = names.into_iter().map(|n| (n, &item[n])).collect();
        let members = body.iter().map(|(name, value)| format!("\"{name}\":{}", canonical(value)));
        let body = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        let mut digest = Sha256::new();
        digest.update(unhex(prev.unwrap_or_default()));
        digest.update(body);
        let head = hex(&digest.finalize());
        if hash != Some(head.as_str()) {
            self.wrong(seq, "hash is not that of its body");
        }
        self.head = hash.unwrap_or_default().to_owned();
    }

    fn opening(&mut self, seq: u64, name: &str, data: &Value) {
        let expected = if name == "auction_scheduled" { seq == 1 } else { !self.is_open };
        if !expected {
            self.wrong(seq, format_args!("{name} out of place"));
        }
        self.is_open = name == "auction_opened";
        match ms_of(&data["ends_at"]) {
            Some(end_ms) => self.log.end_ms = end_ms,
            None => self.wrong(seq, "an opening without ends_at"),
        }
    }

    fn bid(&mut self, seq: u64, time_ms: i64, data: &Value) {
        if !self.is_open {
            self.wrong(seq, "a bid on what is not open");
        }
        if time_ms >= self.log.end_ms {
            let late_ms = time_ms - self.log.end_ms;
            self.wrong(seq, format_args!("accepted {late_ms} ms after the end"));
        }
        let before = self.log.standing.last_key_value().and_then(|(_, standing)| standing.price);
        let (price, next) = (amount_of(&data["price"]), amount_of(&data["next_minimum"]));
        if price < before || price.is_none() {
            self.wrong(seq, format_args!("the price falls from {before:?} to {price:?}"));
        }
        if next <= price {
            self.wrong(seq, "the next minimum is not above the price");
        }
        if data["bid_count"].as_u64() != Some(self.log.bids.len() as u64 + 1) {
            self.wrong(seq, format_args!("bid_count is {}", data["bid_count"]));
        }
        let amount = amount_of(&data["amount"]);
        let leads = data["leader"] == data["bidder"];
        if amount.is_some_and(|amount| Some(amount) < self.next_minimum && !self.leads(data)) {
            self.wrong(seq, "below the next minimum");
        }
        if !leads && self.leader.as_deref() != data["leader"].as_str() {
            self.wrong(seq, "somebody leads who neither led nor bid");
        }
        self.reveal(seq, data);
        let id = data["bid_id"].as_str().unwrap_or_default().to_owned();
        let commitment = data["commitment"].as_str().map(str::to_owned);
        let placed = Placed { seq, time_ms, price: price.unwrap_or(0), amount, commitment };
        if self.log.bids.insert(id.clone(), placed).is_some() {
            self.wrong(seq, format_args!("{id} was placed before"));
        }
        self.leader = data["leader"].as_str().map(str::to_owned);
        self.next_minimum = next;
        self.last = Some((seq, ms_of(&data["ends_at"]).unwrap_or(0)));
    }

    fn leads(&self, data: &Value) -> bool {
        self.leader.is_some() && self.leader.as_deref() == data["bidder"].as_str()
    }

    /// A reveal opens the commitment of an earlier bid.
    fn reveal(&mut self, seq: u64, data: &Value) {
        for revealed in data["revealed"].as_array().into_iter().flatten() {
            let id = revealed["bid_id"].as_str().unwrap_or_default();
            let salt = unhex(revealed["salt"].as_str().unwrap_or_default());
            let mut digest = Sha256::new();
            digest.update(salt);
            digest.update(canonical(&revealed["amount"]));
            let opened = hex(&digest.finalize());
            let amount = amount_of(&revealed["amount"]);
            match self.log.bids.get_mut(id) {
                Some(bid) if bid.commitment.as_deref() == Some(opened.as_str()) => {
                    bid.amount = amount;
                }
                Some(bid) if bid.commitment.is_none() && bid.amount == amount => {}
                Some(_) => self.wrong(seq, format_args!("the reveal of {id} does not fit")),
                None => self.wrong(seq, format_args!("{id} is revealed but was never placed")),
            }
        }
    }

    /// A bid says which end holds after it: the one before, unless its extension follows.
    fn end_of_last_bid(&mut self, name: &str, data: &Value) {
        let Some((seq, said_ms)) = self.last.take() else { return };
        let held_ms = if name == "auction_extended" {
            ms_of(&data["new_end"]).unwrap_or(0)
        } else {
            self.log.end_ms
        };
        if said_ms != held_ms {
            self.wrong(seq, "its ends_at is not the end in force after it");
        }
    }

    fn extension(&mut self, seq: u64, data: &Value) {
        let (old_end, new_end) = (ms_of(&data["old_end"]), ms_of(&data["new_end"]));
        if old_end != Some(self.log.end_ms) || new_end <= old_end {
            self.wrong(seq, "the end does not move forward from where it was");
        }
        let cause = data["cause_seq"].as_u64();
        if cause != Some(seq - 1) || !self.log.bids.values().any(|bid| Some(bid.seq) == cause) {
            self.wrong(seq, "an extension without a bid as its cause");
        }
        self.log.end_ms = new_end.unwrap_or(self.log.end_ms);
    }

    fn closing(&mut self, seq: u64, time_ms: i64, data: &Value) {
        if time_ms < self.log.end_ms {
            self.wrong(seq, "closed before the end");
        }
        let result = &data["result"];
        let standing = self.log.standing.last_key_value().map(|(_, standing)| *standing);
        let price = standing.and_then(|standing| standing.price);
        let sound = match result["outcome"].as_str() {
            Some("sold") => {
                result["winner"]["bidder"].as_str() == self.leader.as_deref()
                    && self.leader.is_some()
                    && amount_of(&result["hammer_price"]) == price
                    && result["reason"].is_null()
            }
            Some("unsold") if price.is_none() => result["reason"] == "no_bids",
            Some("unsold") => result["reason"] == "reserve_not_met" && result["winner"].is_null(),
            _ => false,
        };
        if !sound {
            self.wrong(seq, format_args!("the result does not follow from the bids: {result}"));
        }
        self.log.closed = Some(Closed { time_ms, result: result.clone() });
    }
}

/// RFC 8785 for values whose numbers are integers.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            let member = |(name, value): (&String, &Value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            };
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

#[cfg(test)]
mod tests;
