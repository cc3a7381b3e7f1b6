//! The worked examples of the rules.

use serde_json::{Value, json};

use crate::{bids, play, terms, usd};

#[test]
fn proxy_bidding_comes_out_to_the_unit() {
    let story = play(
        terms(json!({})),
        &[
            ("A", "proxy", 5_000, 1_000),
            ("B", "proxy", 3_200, 2_000),
            ("B", "proxy", 6_000, 3_000),
            ("C", "proxy", 5_150, 4_000),
            ("C", "proxy", 5_300, 5_000),
        ],
    );
    assert_eq!(
        bids(&story),
        [
            "A 5000: leading, 1000 A",
            "B 3200: outbid, 3300 A",
            "B 6000: leading, 5100 B",
            "C 5150: bid_too_low, 5100 B",
            "C 5300: outbid, 5400 B",
        ]
    );
    let refused = &story["timeline"][4]["refusal"]["detail"];
    assert!(refused.as_str().unwrap().contains("at least 52.00 USD"), "{refused}");
    let why = &story["timeline"][2]["explanation"];
    assert_eq!(why["rule"], "B2.4");
    assert!(why["text"].as_str().unwrap().contains("33.00 USD"), "{why}");
    assert_eq!(story["result"]["hammer_price"], usd(5_400));
    let people = json!({"bidder-1": "A", "bidder-2": "B", "bidder-3": "C"});
    assert_eq!(story["people"], people);
    let points: Vec<(i64, i64)> = serde_json::from_value::<Vec<Value>>(story["points"].clone())
        .unwrap()
        .iter()
        .map(|point| (point["at_ms"].as_i64().unwrap(), point["amount"].as_i64().unwrap()))
        .collect();
    let expected = [(1, 1_000), (2, 3_300), (3, 5_100), (5, 5_400), (1_000, 5_400)];
    assert_eq!(points, expected.map(|(seconds, amount)| (seconds * 1_000, amount)));
}

#[test]
fn a_tie_goes_to_the_earlier_and_its_raise_moves_nothing() {
    let story = play(
        terms(json!({"start_price": usd(500)})),
        &[
            ("A", "proxy", 2_500, 1_000),
            ("B", "proxy", 2_500, 2_000),
            ("A", "proxy", 4_000, 3_000),
            ("C", "proxy", 3_000, 4_000),
        ],
    );
    assert_eq!(
        bids(&story),
        [
            "A 2500: leading, 500 A",
            "B 2500: outbid, 2500 A",
            "A 4000: leading, 2500 A",
            "C 3000: outbid, 3100 A",
        ]
    );
}

#[test]
fn a_reserve_lifts_the_price_when_it_is_met() {
    let story = play(
        terms(json!({"start_price": usd(100), "reserve_price": usd(10_000)})),
        &[
            ("A", "proxy", 7_500, 1_000),
            ("B", "proxy", 8_000, 2_000),
            ("C", "proxy", 15_000, 3_000),
        ],
    );
    assert_eq!(
        bids(&story),
        ["A 7500: leading, 100 A", "B 8000: leading, 7600 B", "C 15000: leading, 10000 C"]
    );
    let reserve = |at: usize| story["timeline"][at]["after"]["reserve"].clone();
    assert_eq!([reserve(2), reserve(3)], [json!("not_met"), json!("met")]);
}

/// B6: E = 1000, W = X = 60, reset.
#[test]
fn late_bids_move_the_end_to_the_second() {
    let soft = json!({"mode": "reset", "window_seconds": 60, "extension_seconds": 60});
    let terms = terms(json!({"soft_close": soft}));
    let end = |story: &Value, at: usize| story["timeline"][at]["after"]["ends_at_ms"].clone();
    let story = play(
        terms.clone(),
        &[
            ("A", "proxy", 2_000, 100_000),
            ("B", "proxy", 1_500, 945_000),
            ("C", "proxy", 5_000, 1_000_000),
            ("C", "proxy", 6_000, 1_059_000),
            ("A", "proxy", 9_000, 1_100_000),
        ],
    );
    let expected = [1_000_000, 1_005_000, 1_060_000, 1_060_000];
    assert_eq!([1, 2, 3, 4].map(|at| end(&story, at)), expected.map(Value::from));
    assert_eq!(bids(&story)[4], "A 9000: auction_closed, 2050 C");
    assert_eq!(story["ends_at_ms"], 1_060_000);
    let extended = &story["timeline"][2]["events"][1];
    assert_eq!(extended["event"], "auction_extended");
    assert_eq!(
        (&extended["at_ms"], &extended["data"]["old_end"]),
        (&json!(945_000), &json!(1_000_000))
    );

    let at_the_edge =
        play(terms, &[("A", "proxy", 2_000, 100_000), ("B", "proxy", 1_500, 940_000)]);
    assert_eq!(end(&at_the_edge, 2), 1_000_000);
}

/// B8: S 500, F 200, d 15, τ 10 s.
#[test]
fn a_clock_sells_at_its_price() {
    let clock = json!({"floor_price": usd(200), "decrement": usd(15), "tick_seconds": 10,
        "dwell_seconds": 30});
    let mut clock_terms = terms(json!({"format": "dutch", "start_price": usd(500),
        "dutch": clock, "increments": null}));
    clock_terms.as_object_mut().unwrap().remove("duration_seconds");
    // At 47 s the clock stands at 440: whoever would pay 450 took it at 40 s.
    let story = play(
        clock_terms.clone(),
        &[("A", "proxy", 430, 0), ("B", "proxy", 450, 0), ("C", "proxy", 199, 5_000)],
    );
    assert_eq!(story["result"]["hammer_price"], usd(440));
    assert_eq!(story["ends_at_ms"], 40_000);
    assert_eq!(bids(&story), ["B 450: won, 440 B"]);
    let passed = &story["timeline"][1];
    assert_eq!((&passed["who"], &passed["verdict"]), (&json!("C"), &json!("passed")));
    let late = play(clock_terms, &[("D", "proxy", 500, 47_000), ("E", "sniper", 1_000, 1_000)]);
    assert_eq!(late["result"]["hammer_price"], usd(440));
    assert_eq!(late["points"][4], json!({"at_ms": 40_000, "amount": 440}));
}

/// B8: 90, 75, 74, S 10 → 75; with R 80 → 80; R 95 → unsold.
#[test]
fn the_second_price_is_paid() {
    let sealed = |over: Value| {
        let mut over = over;
        over["format"] = json!("vickrey");
        over["increments"] = Value::Null;
        over["start_price"] = usd(10);
        let bidders =
            [("A", "proxy", 90, 1_000), ("B", "proxy", 75, 2_000), ("C", "step", 74, 3_000)];
        play(terms(over), &bidders)["result"].clone()
    };
    assert_eq!(sealed(json!({}))["hammer_price"], usd(75));
    assert_eq!(sealed(json!({"reserve_price": usd(80)}))["hammer_price"], usd(80));
    let unsold = sealed(json!({"reserve_price": usd(95)}));
    assert_eq!(
        (&unsold["outcome"], &unsold["reason"]),
        (&json!("unsold"), &json!("reserve_not_met"))
    );
}
