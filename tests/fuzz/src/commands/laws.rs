//! What must hold of an auction's public log, from the public bytes alone.

use std::collections::BTreeSet;

use kernel::{ChainHead, Decision, Recorded, Timestamp, canonical};
use serde_json::Value;

use super::Sent;

/// What the log has said so far.
pub(super) struct Ledger {
    head: ChainHead,
    seq: u64,
    time: Option<Timestamp>,
    format: String,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    price: Option<i64>,
    is_over: bool,
    /// Kinds of events.
    seen: BTreeSet<String>,
}

impl Ledger {
    pub(super) fn new(key: &str) -> Self {
        Self {
            head: ChainHead::genesis(key),
            seq: 0,
            time: None,
            format: String::new(),
            starts_at: None,
            ends_at: None,
            price: None,
            is_over: false,
            seen: BTreeSet::new(),
        }
    }

    /// Judges the events of a decision one by one; returns what they say.
    pub(super) fn judge(&mut self, sent: &Sent, decision: &Decision) -> Vec<Value> {
        let now = self.time.map_or(sent.now, |last| last.max(sent.now));
        let mut said = Vec::with_capacity(decision.events.len());
        for event in &decision.events {
            assert_eq!(event.prev, self.head, "the chain is broken");
            assert_eq!(event.head, self.head.extend(&event.public), "the chain is broken");
            assert_eq!(event.seq, self.seq + 1, "a gap in the log");
            let public: Value = serde_json::from_slice(&event.public).unwrap();
            self.is_canonical(event, public["event"].as_str().unwrap());
            assert_eq!(public["seq"], event.seq);
            let time: Timestamp = public["time"].as_str().unwrap().parse().unwrap();
            assert_eq!(time, now, "an event has the instant of its decision");
            (self.head, self.seq, self.time) = (event.head, event.seq, Some(time));
            self.follow(public["event"].as_str().unwrap(), time, &public["data"]);
            said.push(public);
        }
        if let (Some(wake), true) = (&decision.wake, self.is_over) {
            assert_eq!(wake.reason, "offer", "over, and yet there is something due");
        }
        said
    }

    /// The slow way to canonical bytes leads to the same; once for each kind of event.
    fn is_canonical(&mut self, event: &Recorded, name: &str) {
        if self.seen.insert(name.to_owned()) {
            let canonical = canonical::canonicalize(&event.public);
            assert_eq!(canonical.as_ref(), Some(&event.public), "public bytes are not canonical");
        }
    }

    fn follow(&mut self, name: &str, time: Timestamp, data: &Value) {
        let is_after = name.starts_with("second_chance_");
        assert_eq!(self.is_over, is_after, "{name} on the wrong side of the end");
        match name {
            "auction_scheduled" | "auction_opened" | "auction_changed" => {
                data["format"].as_str().unwrap().clone_into(&mut self.format);
                self.starts_at = Some(instant(&data["starts_at"]));
                self.ends_at = Some(instant(&data["ends_at"]));
                assert!(self.price.is_none(), "other terms after a bid");
            }
            "bid_placed" => self.bid(time, data),
            "bid_retracted" => {
                assert!(Some(time) < self.ends_at, "a retraction after the end");
                self.price = amount(&data["price"]);
            }
            "auction_extended" => {
                let new_end = instant(&data["new_end"]);
                assert!(self.ends_at <= Some(new_end), "an extension moves the end back");
                assert!(instant(&data["old_end"]) <= new_end);
                self.ends_at = Some(new_end);
            }
            "auction_closed" => {
                self.is_over = true;
                self.closed(time, &data["result"]);
            }
            "auction_cancelled" => {
                self.is_over = true;
                assert!(Some(time) < self.ends_at, "called off after the end");
                assert_eq!(data["result"]["winners"], serde_json::json!([]));
            }
            _ => {}
        }
    }

    fn bid(&mut self, time: Timestamp, data: &Value) {
        assert!(Some(time) < self.ends_at, "a bid at or after the end");
        assert!(Some(time) >= self.starts_at, "a bid before the start");
        let price = amount(&data["price"]);
        match (self.format.as_str(), self.price, price) {
            ("english" | "open_outcry", before, after) => {
                assert!(before <= after, "the price falls from {before:?} to {after:?}");
            }
            ("reverse" | "dutch", Some(before), Some(after)) => {
                assert!(before >= after, "the price climbs from {before} to {after}");
            }
            ("reverse" | "dutch", None, Some(_)) => {}
            ("sealed_first_price" | "vickrey" | "uniform_price", _, after) => {
                assert!(after.is_none() || data["leader"].is_string(), "a price before the end");
            }
            (format, _, after) => panic!("{format}: a bid without a price, {after:?}"),
        }
        self.price = price;
        let moved = instant(&data["ends_at"]);
        assert!(self.ends_at <= Some(moved), "a bid moves the end back");
        self.ends_at = Some(moved);
    }

    fn closed(&self, time: Timestamp, result: &Value) {
        let winners = result["winners"].as_array().unwrap();
        let units: u64 = winners.iter().map(|winner| winner["quantity"].as_u64().unwrap()).sum();
        assert_eq!(result["quantity"], units);
        assert_eq!(result["outcome"] == "sold", !winners.is_empty());
        assert_eq!(result["hammer_price"].is_null(), winners.is_empty());
        let before_the_end = Some(time) < self.ends_at;
        assert!(!before_the_end || !winners.is_empty(), "closed before its end, and nobody bought");
        if matches!(self.format.as_str(), "english" | "open_outcry" | "reverse")
            && !winners.is_empty()
        {
            assert_eq!(amount(&result["hammer_price"]), self.price, "sold at another price");
        }
    }
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn amount(value: &Value) -> Option<i64> {
    value["amount"].as_i64()
}
