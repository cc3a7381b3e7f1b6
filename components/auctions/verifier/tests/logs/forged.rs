//! Logs that are not what happened, or not what the rules allow.

use auction_player::play;
use serde_json::{Value, json};

use crate::bench::{Bench, chained, report, saved};

fn log(script: &str) -> Bench {
    let scenarios = auction_scripts::parse(script).unwrap();
    let mut bench = Bench::new();
    let played = play(&mut bench, &scenarios[0]);
    assert!(played.wrong.is_empty(), "{:?}", played.wrong);
    bench
}

fn proxy() -> Bench {
    log("auction a english start=10.00 ends=+100s soft_close=reset/60/60
+1s ana bid 50.00 -> leading price=10.00
+2s ben bid 32.00 -> outbid price=33.00
+3s ben bid 60.00 -> leading price=51.00
+50s cat bid 53.00 -> outbid price=54.00 ends=+110s
+110s clock wake -> sold winner=ben hammer=54.00")
}

/// The bodies of a log, to be changed and chained anew.
fn bodies(bench: &Bench) -> Vec<Value> {
    let body = |event: &kernel::Recorded| serde_json::from_slice(&event.public).unwrap();
    bench.log.iter().map(body).collect()
}

/// What the verifier says first of a log whose chain is right.
fn first_bad(bodies: &[Value]) -> Value {
    report(saved(&chained(bodies)).as_bytes())["first_bad"].clone()
}

#[test]
fn every_byte_of_a_saved_log_counts_and_the_seq_is_named() {
    let items = proxy().items();
    let whole = saved(&items);
    assert_eq!(report(whole.as_bytes())["ok"], true, "{}", report(whole.as_bytes()));
    for flip in [1, 0x80] {
        let (mut event, last) = (0, whole.rfind("}]").unwrap());
        for at in 0..whole.len() {
            event += usize::from(whole.as_bytes()[at..].starts_with(b"{\"data\":"));
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= flip;
            let report = report(&bytes);
            assert_eq!(report["ok"], false, "byte {at} of {whole}");
            let between = event > 0 && whole.as_bytes()[at..].starts_with(b",{\"data\":");
            if event > 0 && at < last && !between {
                assert_eq!(report["first_bad"]["seq"], json!(event), "byte {at}: {report}");
            }
        }
    }
}

#[test]
fn a_platform_that_lies_from_the_start_is_found() {
    let honest = bodies(&proxy());
    assert_eq!(first_bad(&honest), Value::Null);
    type Lie = (&'static str, u64, fn(&mut Vec<Value>));
    let lies: [Lie; 17] = [
        ("a price one too high", 3, |log| log[2]["data"]["price"]["amount"] = json!(3_301)),
        ("a price one too low", 4, |log| log[3]["data"]["price"]["amount"] = json!(5_099)),
        ("a price that a later one contradicts", 5, |log| {
            log[3]["data"]["price"]["amount"] = json!(5_099);
            log[3]["data"]["next_minimum"]["amount"] = json!(5_199);
        }),
        ("another leader", 3, |log| log[2]["data"]["leader"] = json!("bidder-2")),
        ("a shown bid below the least", 3, |log| {
            log[2]["data"]["amount"]["amount"] = json!(1_020);
        }),
        ("an unmoved end", 5, |log| log[4]["data"]["ends_at"] = log[0]["data"]["ends_at"].clone()),
        ("a lost extension", 6, |log| drop(log.remove(5))),
        ("a bid after the end", 7, |log| {
            let mut late = log[4].clone();
            late["time"] = log[6]["time"].clone();
            late["data"]["bid_id"] = json!("bid_01jd0000000000000000000000");
            late["data"]["bid_count"] = json!(5);
            log.insert(6, late);
        }),
        ("another winner", 7, |log| {
            log[6]["data"]["result"]["winner"]["bidder"] = json!("bidder-1");
            log[6]["data"]["result"]["winners"][0]["bidder"] = json!("bidder-1");
        }),
        ("another hammer price", 7, |log| {
            log[6]["data"]["result"]["hammer_price"]["amount"] = json!(5_500);
            log[6]["data"]["result"]["winners"][0]["unit_price"]["amount"] = json!(5_500);
        }),
        ("unsold without reason", 7, |log| {
            log[6]["data"]["result"] = json!({"hammer_price": null, "outcome": "unsold",
                "quantity": 0, "reason": "reserve_not_met", "winner": null, "winners": []});
        }),
        ("another amount behind the commitment", 4, |log| {
            log[3]["data"]["revealed"][0]["amount"]["amount"] = json!(4_000);
        }),
        ("a beaten maximum that stays hidden", 4, |log| {
            log[3]["data"]["revealed"] = json!([]);
        }),
        ("a close before the end", 7, |log| log[6]["time"] = log[5]["time"].clone()),
        ("a bid that is left out", 3, |log| drop(log.remove(2))),
        ("a currency of its own", 3, |log| {
            log[2]["data"]["amount"]["currency"] = json!("EUR");
        }),
        ("a log without the end of a commit", 6, |log| log.truncate(5)),
    ];
    for (what, seq, lie) in lies {
        let mut log = honest.clone();
        lie(&mut log);
        let bad = first_bad(&log);
        assert_eq!(bad["seq"], json!(seq), "{what}: {bad}");
    }
}
