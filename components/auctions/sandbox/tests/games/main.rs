//! Games whose ends the rules tell to the unit, and games that are not played.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bounds;
mod habits;
mod worked;

use auction_sandbox::simulate;
use serde_json::{Value, json};

/// Plays with these bidders: name, strategy, limit, when.
fn play(terms: Value, bidders: &[(&str, &str, i64, i64)]) -> Value {
    let bidders: Vec<Value> = bidders
        .iter()
        .map(|(name, strategy, limit, at_ms)| {
            json!({"name": name, "strategy": strategy, "limit": limit, "at_ms": at_ms})
        })
        .collect();
    ask(&json!({"terms": terms, "bidders": bidders, "seed": 7}))
}

fn ask(request: &Value) -> Value {
    serde_json::from_slice(&simulate(&serde_json::to_vec(request).unwrap())).unwrap()
}

/// Terms with other members over the usual ones.
fn terms(over: Value) -> Value {
    let mut terms = json!({
        "title": "A lot", "format": "english", "increments": "ebay_us",
        "start_price": usd(1_000), "duration_seconds": 1_000, "soft_close": {"mode": "off"},
    });
    for (name, value) in over.as_object().unwrap() {
        terms[name] = value.clone();
    }
    terms
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// What was bid, one line each: who, what, the price and the leader after it.
fn bids(story: &Value) -> Vec<String> {
    let timeline = story["timeline"].as_array().unwrap();
    let bids = timeline.iter().filter(|entry| entry["did"] == "bid");
    let line = |entry: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("nobody").to_owned();
        let (who, amount) = (text(&entry["who"]), &entry["amount"]["amount"]);
        let came = match entry["verdict"].as_str().unwrap() {
            "refused" => text(&entry["refusal"]["code"]),
            _ => text(&entry["outcome"]),
        };
        let after = &entry["after"];
        let (price, leader) = (&after["price"]["amount"], text(&after["leader"]));
        format!("{who} {amount}: {came}, {price} {leader}")
    };
    bids.map(line).collect()
}
