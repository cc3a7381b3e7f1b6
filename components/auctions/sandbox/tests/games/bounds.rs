//! What is not played, and that the seed tells everything.

use auction_sandbox::simulate;
use serde_json::{Value, json};

use crate::{ask, terms, usd};

fn crowd(seed: u64) -> Vec<u8> {
    let strategies = ["early", "proxy", "step", "sniper", "step"];
    let bidders: Vec<Value> = (0..20)
        .map(|n| {
            let strategy = strategies[n % strategies.len()];
            json!({"name": format!("Bot {n}"), "strategy": strategy, "limit": 2_000 + 370 * n})
        })
        .collect();
    let request = json!({"seed": seed, "terms": terms(json!({"soft_close": {"mode": "reset"}})),
        "bidders": bidders});
    simulate(&serde_json::to_vec(&request).unwrap())
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_another_story() {
    assert_eq!(crowd(1), crowd(1));
    assert_ne!(crowd(1), crowd(2));
    let story: Value = serde_json::from_slice(&crowd(1)).unwrap();
    assert!(story["timeline"].as_array().unwrap().len() > 20);
}

fn code(request: &Value) -> String {
    let answer = ask(request);
    let code = answer["error"]["code"].as_str();
    code.map_or_else(|| panic!("played: {answer}"), str::to_owned)
}

#[test]
fn what_is_too_much_is_refused() {
    let bidder = |n: i32| json!({"name": format!("{n}"), "strategy": "proxy", "limit": 1_000});
    let crowd: Vec<Value> = (0..21).map(bidder).collect();
    assert_eq!(code(&json!({"terms": terms(json!({})), "bidders": crowd})), "too_many_bidders");
    let wide = json!({"terms": terms(json!({"description": "x".repeat(70_000)})), "bidders": []});
    assert_eq!(code(&wide), "too_large");
    let step = |name| json!({"name": name, "strategy": "step", "limit": 100_000_000});
    let over = json!({"format": "open_outcry", "increments": [{"from": 1, "step": 1}],
        "duration_seconds": 80_000});
    let endless = json!({"terms": terms(over), "bidders": [step("A"), step("B")]});
    assert_eq!(code(&endless), "too_many_commands");
}

#[test]
fn what_cannot_be_meant_is_refused_with_words() {
    let with = |bidder: Value| json!({"terms": terms(json!({})), "bidders": [bidder]});
    for wrong in [
        json!(null),
        json!([]),
        json!({"terms": terms(json!({}))}),
        json!({"terms": terms(json!({"starts_at": "2026-01-02T00:00:00Z"})), "bidders": []}),
        with(json!({"name": "", "strategy": "proxy", "limit": 1})),
        with(json!({"name": "A", "strategy": "proxy"})),
        with(json!({"name": "A", "strategy": "hope", "limit": 1})),
        with(json!({"name": "A", "strategy": "proxy", "limit": 1.5})),
        with(json!({"name": "A", "strategy": "proxy", "limit": -1})),
        with(json!({"name": "A", "strategy": "proxy", "limit": 1, "at_ms": -1})),
        with(json!({"name": "A", "strategy": "proxy", "limit": 1, "more": 1})),
    ] {
        assert_eq!(code(&wrong), "invalid_request", "{wrong}");
    }
    for garbage in [&b""[..], b"{", b"\xff", b"[[[[[[[[", &[b'['; 60_000]] {
        let answer: Value = serde_json::from_slice(&simulate(garbage)).unwrap();
        assert_eq!(answer["error"]["code"], "invalid_request");
    }
}

#[test]
fn terms_are_judged_by_the_machine() {
    let with = |over: Value| {
        let answer = ask(&json!({"terms": terms(over), "bidders": []}));
        answer["error"].clone()
    };
    assert_eq!(with(json!({"format": "penny"}))["code"], "format_not_allowed");
    assert_eq!(with(json!({"increments": null}))["code"], "increments_required");
    let cheap = with(json!({"buy_now_price": usd(1_100)}));
    assert_eq!(cheap["code"], "validation_failed");
    assert_eq!(cheap["errors"][0]["pointer"], "/buy_now_price/amount");
}

/// Edges at which arithmetic could end a game with a panic.
#[test]
fn the_largest_numbers_are_played() {
    let most = 9_007_199_254_740_991_i64;
    let terms = terms(json!({"increments": [{"from": 0, "step": most}],
        "duration_seconds": 90 * 24 * 60 * 60}));
    let at_ms = 7_776_000_000_i64;
    let bidder = |name: &str, strategy: &str| {
        let (name, strategy) = (name.to_owned(), strategy.to_owned());
        json!({"name": name, "strategy": strategy, "limit": most, "at_ms": at_ms})
    };
    let bidders =
        [bidder("A", "sniper"), bidder("B", "proxy"), bidder("C", "step"), bidder("D", "early")];
    let story = ask(&json!({"seed": u64::MAX, "terms": terms, "bidders": bidders}));
    assert_eq!(story["result"]["hammer_price"], usd(1_000));
    let clock = json!({"floor_price": usd(1), "decrement": usd(1), "tick_seconds": 1,
        "dwell_seconds": 0});
    let terms = json!({"title": "A lot", "format": "dutch", "start_price": usd(7_000_000),
        "dutch": clock});
    let story = ask(&json!({"terms": terms, "bidders": [bidder("A", "sniper")]}));
    assert_eq!(story["result"]["hammer_price"]["amount"], 7_000_000);
}
