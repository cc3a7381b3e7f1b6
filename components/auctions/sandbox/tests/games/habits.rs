//! What bidders of each habit do.

use serde_json::{Value, json};

use crate::{ask, bids, play, terms, usd};

#[test]
fn steps_go_up_against_a_proxy_until_the_limit_and_then_pass() {
    let story = play(
        terms(json!({"increments": [{"from": 1, "step": 500}]})),
        &[("Pia", "proxy", 3_200, 0), ("Stu", "step", 2_900, 10_000)],
    );
    assert_eq!(
        bids(&story),
        ["Pia 3200: leading, 1000 Pia", "Stu 1500: outbid, 2000 Pia", "Stu 2500: outbid, 3000 Pia",]
    );
    let passed = &story["timeline"][4];
    assert_eq!((&passed["who"], &passed["did"]), (&json!("Stu"), &json!("pass")));
    let why = passed["explanation"]["text"].as_str().unwrap();
    assert!(why.contains("35.00 USD") && why.contains("29.00 USD"), "{why}");
}

#[test]
fn two_who_step_end_at_the_weaker_limit() {
    let story = play(
        terms(json!({"format": "open_outcry"})),
        &[("Ana", "step", 2_000, 0), ("Ben", "step", 1_500, 1_000)],
    );
    assert_eq!(story["result"]["winners"][0]["bidder"], "bidder-1");
    let price = story["result"]["hammer_price"]["amount"].as_i64().unwrap();
    assert!((1_500..=1_550).contains(&price), "{price}");
}

/// Against a soft close a sniper gives the others time to answer; against a hard one none.
#[test]
fn a_soft_close_takes_the_surprise_out_of_sniping() {
    let against = |soft_close: Value| {
        let over = json!({"soft_close": soft_close, "duration_seconds": 600});
        play(terms(over), &[("Stu", "step", 9_000, 0), ("Nix", "sniper", 5_000, 2_000)])
    };
    let winner = |story: &Value| {
        let alias = story["result"]["winner"]["bidder"].as_str().unwrap();
        story["people"][alias].as_str().unwrap().to_owned()
    };
    let hard = against(json!({"mode": "off"}));
    assert_eq!((winner(&hard).as_str(), &hard["ends_at_ms"]), ("Nix", &json!(600_000)));
    let window = json!({"mode": "reset", "window_seconds": 120, "extension_seconds": 120});
    let soft = against(window);
    assert_eq!(winner(&soft), "Stu");
    assert!(soft["ends_at_ms"].as_i64().unwrap() > 600_000);
}

#[test]
fn a_sniper_strikes_before_the_end_as_it_is_then() {
    let window = json!({"mode": "add", "window_seconds": 60, "extension_seconds": 60});
    let story = play(
        terms(json!({"soft_close": window, "duration_seconds": 600})),
        &[("Ana", "proxy", 5_000, 590_000), ("Nix", "sniper", 9_000, 3_000)],
    );
    let strike = &story["timeline"][2];
    assert_eq!((&strike["who"], &strike["at_ms"]), (&json!("Nix"), &json!(657_000)));
}

#[test]
fn buying_now_ends_it_and_later_is_refused() {
    let over = json!({"buy_now_price": usd(4_000)});
    let story = play(
        terms(over.clone()),
        &[
            ("Ana", "buy_now", 0, 5_000),
            ("Ben", "proxy", 9_000, 6_000),
            ("Nix", "sniper", 9_000, 1),
        ],
    );
    assert_eq!(story["result"]["reason"], "bought_now");
    assert_eq!(
        (&story["ends_at_ms"], &story["timeline"][1]["outcome"]),
        (&json!(5_000), &json!("won"))
    );
    assert_eq!(bids(&story), ["Ben 9000: auction_closed, 4000 Ana"]);
    let late = play(terms(over), &[("Ben", "early", 2_000, 0), ("Ana", "buy_now", 0, 5_000)]);
    assert_eq!(late["timeline"][2]["refusal"]["code"], "buy_now_unavailable");
}

#[test]
fn nobody_comes_and_nothing_is_sold() {
    let story = ask(&json!({"terms": terms(json!({})), "bidders": []}));
    assert_eq!(story["result"]["reason"], "no_bids");
    assert_eq!((&story["seed"], &story["points"]), (&json!(0), &json!([])));
    assert_eq!(story["timeline"][1]["events"][0]["event"], "auction_closed");
}
