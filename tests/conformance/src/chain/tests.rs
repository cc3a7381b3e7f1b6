//! Every check can fail: a sound log passes, each planted fault is named.

use serde_json::json;

use super::*;
use crate::usd;

const AUCTION: &str = "auc_01jd0000000000000000000000";

/// Bodies of a small auction: two bidders, an extension, a result.
fn bodies() -> Vec<Value> {
    let salt = "07".repeat(32);
    let commitment =
        hex(&Sha256::digest([unhex(&salt), canonical(&usd(2_000)).into_bytes()].concat()));
    let at = |ms: i64| crate::rfc3339(1_000_000 + ms);
    let bid = |id: &str, bidder: &str, price: i64, next: i64, count: u64, end: i64| {
        json!({"bid_id": id, "bidder": bidder, "amount": null, "price": usd(price),
            "next_minimum": usd(next), "leader": "bidder-1", "reserve": "none",
            "bid_count": count, "ends_at": at(end), "commitment": null, "revealed": []})
    };
    let mut first = bid("bid_a", "bidder-1", 1_000, 1_050, 1, 5_000);
    first["commitment"] = json!(commitment);
    let mut second = bid("bid_b", "bidder-2", 1_250, 1_300, 2, 6_000);
    second["amount"] = usd(1_200);
    let mut third = bid("bid_c", "bidder-2", 2_100, 2_150, 3, 6_000);
    third["leader"] = json!("bidder-2");
    third["revealed"] = json!([{"bid_id": "bid_a", "amount": usd(2_000), "salt": salt}]);
    let result = json!({"outcome": "sold", "reason": null, "winner": {"bidder": "bidder-2"},
        "hammer_price": usd(2_100), "quantity": 1});
    let extension = json!({"old_end": at(5_000), "new_end": at(6_000), "cause_seq": 3});
    let events = [
        ("auction_opened", 0, json!({"ends_at": at(5_000), "title": "A \"watch\"\n"})),
        ("bid_placed", 100, first),
        ("bid_placed", 4_000, second),
        ("auction_extended", 4_000, extension),
        ("bid_placed", 5_999, third),
        ("auction_closed", 6_001, json!({"result": result})),
    ];
    let events = (1..).zip(events).map(|(seq, (event, ms, data))| {
        json!({"seq": seq, "event": event, "time": at(ms), "data": data})
    });
    events.collect()
}

/// Hashes bodies into a chain, so that only the planted fault is wrong.
fn chained(mut items: Vec<Value>) -> Vec<Value> {
    let mut head = hex(&Sha256::digest(AUCTION.as_bytes()));
    for item in &mut items {
        let body = canonical(item);
        let hash = hex(&Sha256::digest([unhex(&head), body.into_bytes()].concat()));
        item["prev"] = json!(head);
        item["hash"] = json!(hash);
        head = hash;
    }
    items
}

#[track_caller]
fn finds(items: &[Value], what: &str) {
    let violations = examine(AUCTION, items).violations;
    assert!(violations.iter().any(|found| found.contains(what)), "{what}: {violations:?}");
}

/// The chain is made after the change: a liar would hash its lie.
#[track_caller]
fn a_change_is_found(change: impl FnOnce(&mut Vec<Value>), what: &str) {
    let mut changed = bodies();
    change(&mut changed);
    finds(&chained(changed), what);
}

#[test]
fn a_sound_log_has_no_violations() {
    let log = examine(AUCTION, &chained(bodies()));
    assert_eq!(log.violations, Vec::<String>::new());
    assert_eq!(log.bids.len(), 3);
    assert_eq!(log.bids["bid_a"].amount, Some(2_000));
    assert_eq!(log.bids["bid_c"].amount, None);
    assert_eq!(log.closed.unwrap().result["outcome"], "sold");
    assert_eq!(log.standing[&4], Standing { price: Some(1_250), bid_count: 2 });
}

#[test]
fn a_log_that_was_touched_after_hashing_is_found() {
    let sound = chained(bodies());
    let mut removed = sound.clone();
    removed.remove(2);
    finds(&removed, "gap");
    finds(&removed, "prev is not the hash");
    let mut swapped = sound.clone();
    swapped[2]["data"]["amount"] = usd(1_201);
    finds(&swapped, "hash is not that of its body");
    let mut reordered = sound;
    reordered.swap(1, 2);
    finds(&reordered, "prev is not the hash");
}

#[test]
fn a_log_of_another_auction_is_found() {
    let violations = examine("auc_other", &chained(bodies())).violations;
    assert_eq!(violations, ["seq 1: prev is not the hash before it"]);
}

#[test]
fn a_removed_event_is_found_in_a_chain_that_was_made_anew() {
    a_change_is_found(|items| drop(items.remove(2)), "gap");
}

#[test]
fn a_bid_at_or_after_the_end_is_found() {
    a_change_is_found(|items| items[4]["time"] = json!(crate::rfc3339(1_006_000)), "after the end");
    a_change_is_found(
        |items| {
            items.remove(3);
            for (seq, item) in (1..).zip(items.iter_mut()) {
                item["seq"] = json!(seq);
            }
        },
        "after the end",
    );
}

#[test]
fn a_falling_price_is_found() {
    a_change_is_found(|items| items[4]["data"]["price"] = usd(1_249), "the price falls");
}

#[test]
fn a_doubled_bid_is_found() {
    a_change_is_found(|items| items[4]["data"]["bid_id"] = json!("bid_b"), "was placed before");
    a_change_is_found(|items| items[4]["data"]["bid_count"] = json!(2), "bid_count");
}

#[test]
fn a_wrong_reveal_is_found() {
    a_change_is_found(
        |items| items[4]["data"]["revealed"][0]["amount"] = usd(1_999),
        "does not fit",
    );
    a_change_is_found(
        |items| items[4]["data"]["revealed"][0]["bid_id"] = json!("bid_x"),
        "never placed",
    );
}

#[test]
fn a_visible_amount_below_the_minimum_is_found() {
    a_change_is_found(|items| items[2]["data"]["amount"] = usd(1_049), "below the next minimum");
}

#[test]
fn a_wrong_end_is_found() {
    let early = json!(crate::rfc3339(1_004_999));
    a_change_is_found(|items| items[3]["data"]["new_end"] = early.clone(), "forward");
    a_change_is_found(|items| items[4]["data"]["ends_at"] = early.clone(), "not the end in force");
    a_change_is_found(|items| items[3]["data"]["cause_seq"] = json!(2), "cause");
}

#[test]
fn a_wrong_result_is_found() {
    let result = "does not follow";
    a_change_is_found(
        |items| items[5]["data"]["result"]["winner"]["bidder"] = json!("bidder-1"),
        result,
    );
    a_change_is_found(|items| items[5]["data"]["result"]["hammer_price"] = usd(2_101), result);
    a_change_is_found(|items| items[5]["data"]["result"]["outcome"] = json!("unsold"), result);
    a_change_is_found(
        |items| items[5]["time"] = json!(crate::rfc3339(1_005_999)),
        "closed before the end",
    );
}

#[test]
fn a_second_result_is_found() {
    a_change_is_found(
        |items| {
            let mut again = items[5].clone();
            again["seq"] = json!(7);
            items.push(again);
        },
        "follows auction_closed",
    );
}

#[test]
fn time_that_runs_backwards_is_found() {
    a_change_is_found(|items| items[2]["time"] = json!(crate::rfc3339(1_000_050)), "before that");
}
