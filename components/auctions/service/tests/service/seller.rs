//! What sellers do with their auctions, and what others may not.

use crate::house::{Answer, House, usd, user};
use serde_json::{Value, json};

impl House {
    fn with_tag(&self, method: &str, who: &str, target: &str, tag: &str, body: Value) -> Answer {
        let bearer = self.bearer(who);
        let mut headers = vec![("authorization", &*bearer), ("if-match", tag)];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, target, &headers, body.as_bytes())
    }

    fn tag(&self, who: &str, target: &str) -> String {
        self.get_as(who, target).header("etag").unwrap().to_owned()
    }

    fn patch(&self, who: &str, target: &str, body: Value) -> Answer {
        let tag = self.tag(who, target);
        self.with_tag("PATCH", who, target, &tag, body)
    }

    fn command(&self, who: &str, method: &str, target: &str, body: Value) -> Answer {
        let bearer = self.bearer(who);
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        self.send(method, target, &headers, body.to_string().as_bytes())
    }
}

fn refused(answer: &Answer) -> (u16, String) {
    answer.refusal()
}

#[test]
fn terms_change_before_the_first_bid_and_only_a_text_is_added_after_it() {
    let house = House::open();
    let id = house.created("ana", "1", json!({"reserve_price": usd(5_000)}));
    let target = format!("/v1/auctions/{id}");
    let changed = house.patch(
        "ana",
        &target,
        json!({"title": "Two watches", "start_price": usd(2_000), "reserve_price": null}),
    );
    assert_eq!(changed.status, 200, "{}", changed.text);
    let view = changed.json();
    assert_eq!((&view["title"], &view["reserve"]), (&json!("Two watches"), &json!("none")));
    assert_eq!(view["next_minimum"], usd(2_000));
    assert_eq!(house.ids("?q=two"), std::slice::from_ref(&id));
    let again = house.get_as("ana", &target);
    assert_eq!(again.header("etag"), changed.header("etag"));

    house.bid("ben", &id, "b", 2_000);
    let frozen = house.patch("ana", &target, json!({"title": "Three"}));
    assert_eq!(refused(&frozen), (409, "frozen_after_bid".to_owned()));
    let added = house.patch("ana", &target, json!({"description_addition": "It ticks."}));
    assert_eq!(added.status, 200, "{}", added.text);
    let text = added.json()["description"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Runs.\n\nAdded ") && text.ends_with("It ticks."), "{text}");
}

#[test]
fn a_change_needs_the_tag_of_what_it_changes() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    let target = format!("/v1/auctions/{id}");
    let without = house.command("ana", "PATCH", &target, json!({"title": "x"}));
    assert_eq!(refused(&without), (428, "precondition_required".to_owned()));
    let tag = house.tag("ana", &target);
    assert_eq!(house.with_tag("PATCH", "ana", &target, &tag, json!({"title": "y"})).status, 200);
    let stale = house.with_tag("PATCH", "ana", &target, &tag, json!({"title": "z"}));
    assert_eq!(refused(&stale), (412, "precondition_failed".to_owned()));
    assert_eq!(house.get(&target).json()["title"], "y");
    let other = house.with_tag("PATCH", "ben", &target, "*", json!({"title": "z"}));
    assert_eq!(refused(&other), (403, "forbidden".to_owned()));
    for (body, expected) in [
        (json!({"format": "dutch"}), (400, "unknown_field")),
        (json!({"title": null}), (400, "invalid_request")),
        (json!({"title": ""}), (422, "validation_failed")),
        (json!({"buy_now_price": usd(1_299)}), (422, "validation_failed")),
        (json!({"start_price": {"amount": 1.5, "currency": "USD"}}), (400, "invalid_money")),
        (json!({"description_addition": " "}), (422, "validation_failed")),
    ] {
        let answer = house.patch("ana", &target, body.clone());
        assert_eq!(refused(&answer), (expected.0, expected.1.to_owned()), "{body}");
    }
}

#[test]
fn a_listing_is_taken_away_while_nobody_has_bid() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    let kept = house.created("ana", "2", json!({}));
    house.bid("ben", &kept, "b", 2_000);
    let target = format!("/v1/auctions/{id}");
    let other = house.with_tag("DELETE", "ben", &target, "*", Value::Null);
    assert_eq!(refused(&other), (403, "forbidden".to_owned()));
    let tag = house.tag("ana", &target);
    assert_eq!(house.with_tag("DELETE", "ana", &target, &tag, Value::Null).status, 204);
    assert_eq!(refused(&house.get(&target)), (404, "not_found".to_owned()));
    assert_eq!(refused(&house.bid("ben", &id, "b", 2_000)), (404, "not_found".to_owned()));
    house.deliver();
    assert_eq!(house.ids(""), std::slice::from_ref(&kept));
    let kept = format!("/v1/auctions/{kept}");
    let answer = house.with_tag("DELETE", "ana", &kept, &house.tag("ana", &kept), Value::Null);
    assert_eq!(refused(&answer), (409, "has_bids".to_owned()));
}

#[test]
fn a_cancelled_auction_sells_nothing_and_keeps_its_secrets() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    house.bid("ben", &id, "b", 4_321);
    let target = format!("/v1/auctions/{id}/cancellation");
    let foreign = house.command("ben", "POST", &target, json!({"reason": "no"}));
    assert_eq!(refused(&foreign), (403, "forbidden".to_owned()));
    let answer = house.command("ana", "POST", &target, json!({"reason": "It broke."}));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let view = answer.json();
    assert_eq!(view["status"], "cancelled");
    assert_eq!(view["result"]["reason"], "cancelled_by_seller");
    assert_eq!(view["next_minimum"], Value::Null);
    assert_eq!(refused(&house.bid("cleo", &id, "c", 9_000)), (409, "auction_closed".to_owned()));
    let log = house.get(&format!("/v1/auctions/{id}/events"));
    assert!(log.text.contains("auction_cancelled") && !log.text.contains("4321"), "{}", log.text);
    assert_eq!(house.ids("?status=cancelled"), [id]);
}

#[test]
fn a_blocked_bidder_cannot_bid() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    house.bid("ben", &id, "b1", 2_000);
    let target = format!("/v1/auctions/{id}/blocked-bidders/bidder-1");
    assert_eq!(refused(&house.command("ben", "PUT", &target, json!({}))).0, 413);
    let put = |who: &str, method: &str, target: &str| {
        house.send(method, target, &[("authorization", &house.bearer(who))], b"")
    };
    assert_eq!(refused(&put("ben", "PUT", &target)), (403, "forbidden".to_owned()));
    assert_eq!(put("ana", "PUT", &target).status, 204);
    assert_eq!(refused(&house.bid("ben", &id, "b2", 9_000)), (403, "bidder_blocked".to_owned()));
    assert_eq!(put("ana", "DELETE", &target).status, 204);
    assert_eq!(house.bid("ben", &id, "b2", 9_000).status, 201);
    let nobody = target.replace("bidder-1", "bidder-9");
    assert_eq!(refused(&put("ana", "PUT", &nobody)), (404, "not_found".to_owned()));
}

#[test]
fn the_seller_alone_sees_who_is_blocked() {
    let house = House::open();
    let id = house.created("ana", "1", json!({}));
    house.bid("ben", &id, "b1", 2_000);
    house.bid("cleo", &id, "b2", 4_000);
    let target = format!("/v1/auctions/{id}/blocked-bidders");
    let dora = user("dora");
    let put = |method: &str, bidder: &str| {
        let target = format!("{target}/{bidder}");
        house.send(method, &target, &[("authorization", &house.bearer("ana"))], b"").status
    };
    let told = |bidders: &[&str]| {
        let answer = house.get_as("ana", &target);
        let items: Vec<_> = bidders.iter().map(|bidder| json!({"bidder": bidder})).collect();
        assert_eq!((answer.status, answer.json()), (200, json!({"items": items})));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    };
    told(&[]);
    for bidder in [dora.as_str(), "bidder-2", "bidder-1"] {
        assert_eq!(put("PUT", bidder), 204);
    }
    told(&["bidder-1", "bidder-2", &dora]);
    assert_eq!(put("DELETE", "bidder-1"), 204);
    assert_eq!(put("DELETE", &dora), 204);
    told(&["bidder-2"]);
    for other in ["ben", "cleo", "eve"] {
        let answer = house.get_as(other, &target);
        assert_eq!(answer.refusal(), (403, "forbidden".to_owned()), "{other}");
        assert!(!answer.text.contains("bidder-"), "{}", answer.text);
    }
    assert_eq!(house.get(&target).refusal(), (401, "unauthenticated".to_owned()));
    let wrong = house.get_as("ana", &format!("{target}?limit=1"));
    assert_eq!(wrong.refusal(), (400, "unknown_field".to_owned()));
    house.pass(3_600_000);
    told(&["bidder-2"]);
    for unknown in ["auc_01jd0000000000000000000000", "auc_x"] {
        let answer = house.get_as("ana", &target.replace(&id, unknown));
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{unknown}");
    }
}

#[test]
fn a_reserve_is_lowered_early_and_only_downwards() {
    let house = House::open();
    let day = 24 * 3_600;
    let id = house.created(
        "ana",
        "1",
        json!({"reserve_price": usd(10_000), "start_price": usd(100), "duration_seconds": day}),
    );
    house.bid("ben", &id, "b", 7_500);
    let target = format!("/v1/auctions/{id}/reserve");
    let lower = |who: &str, amount: i64| {
        house.command(who, "PATCH", &target, json!({"amount": usd(amount)}))
    };
    assert_eq!(refused(&lower("ben", 5_000)), (403, "forbidden".to_owned()));
    assert_eq!(refused(&lower("ana", 10_000)), (422, "reserve_not_lower".to_owned()));
    assert_eq!(refused(&lower("ana", 124)), (422, "validation_failed".to_owned()));
    let answer = lower("ana", 5_000);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["reserve"], "not_met");
    let own = house.get_as("ben", &format!("/v1/auctions/{id}/bidding")).json();
    assert_eq!(own["my_max"], usd(4_900), "cut below the new reserve (B3.4)");
    assert_eq!(own["commitments"].as_array().unwrap().len(), 2);
    let met = house.bid("ben", &id, "b2", 5_000).json();
    assert_eq!((&met["price"], &met["reserve"]), (&usd(5_000), &json!("met")));
    assert_eq!(refused(&lower("ana", 4_000)), (409, "reserve_already_met".to_owned()));
    let late = house.created("ana", "2", json!({"reserve_price": usd(10_000)}));
    let target = format!("/v1/auctions/{late}/reserve");
    let answer = house.command("ana", "PATCH", &target, json!({"amount": usd(5_000)}));
    assert_eq!(refused(&answer), (409, "too_late".to_owned()));
}
