//! Retries act once (rules.md B11).

use crate::house::{House, usd, watch};
use ports::memory::Break;
use ports::{Delivery, ready};
use serde_json::json;

#[test]
fn a_repeated_create_answers_the_same_bytes() {
    let house = House::open();
    let first = house.create("ana", "k1", json!({}));
    assert_eq!(first.header("idempotent-replayed"), None);
    house.pass(60_000);
    let again = house.create("ana", "k1", json!({}));
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    for name in ["location", "etag", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(house.ids("").len(), 1);
}

#[test]
fn a_key_belongs_to_one_caller_and_one_body() {
    let house = House::open();
    let ana = house.created("ana", "k1", json!({}));
    let other = house.create("ana", "k1", json!({"title": "Another watch"}));
    assert_eq!(other.refusal(), (422, "idempotency_key_reused".to_owned()));
    let ben = house.created("ben", "k1", json!({}));
    assert_ne!(ana, ben, "another caller's key is another key");
}

#[test]
fn a_create_that_died_before_the_machine_is_resumed() {
    let house = House::open();
    house.memory.entities.break_next(Break::BeforeDecision);
    let broken = house.create("ana", "k1", json!({}));
    assert_eq!(broken.refusal(), (503, "unavailable".to_owned()));
    assert_eq!(broken.header("retry-after"), Some("1"));
    assert!(!broken.text.contains("broken"), "what broke is not for the caller");
    assert_eq!(house.create("ana", "k1", json!({})).status, 201);
    assert_eq!(house.ids("").len(), 1);
}

#[test]
fn a_create_that_died_after_the_machine_is_resumed_under_the_same_id() {
    let house = House::open();
    house.memory.entities.break_next(Break::AfterDecision);
    assert_eq!(house.create("ana", "k1", json!({})).status, 503);
    house.pass(1_000);
    let listed = house.ids("");
    assert_eq!(listed.len(), 1, "the auction is there, and its message has made its row");
    let resumed = house.create("ana", "k1", json!({}));
    assert_eq!(resumed.json()["id"], json!(listed[0]));
    assert_eq!(house.ids(""), listed);
}

#[test]
fn a_create_whose_answer_was_not_written_is_resumed_after_the_lease() {
    let house = House::open();
    // The reservation is written; neither the answer nor the release of the lease is.
    house.memory.sql.break_batch(1);
    assert_eq!(house.create("ana", "k1", json!({})).status, 503);
    let running = house.create("ana", "k1", json!({}));
    assert_eq!(running.refusal(), (409, "idempotency_in_progress".to_owned()));
    let seconds: i64 = running.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    let other = house.create("ana", "k1", json!({"title": "Another"}));
    assert_eq!(other.refusal(), (422, "idempotency_key_reused".to_owned()));
    house.pass(seconds * 1_000);
    let resumed = house.create("ana", "k1", json!({}));
    assert_eq!(resumed.status, 201, "{}", resumed.text);
    assert_eq!(house.ids(""), [resumed.json()["id"].as_str().unwrap()]);
    assert_eq!(house.create("ana", "k1", json!({})).text, resumed.text);
}

#[test]
fn a_key_is_free_again_after_a_day() {
    let house = House::open();
    let first = house.created("ana", "k1", json!({}));
    house.pass(24 * 3_600 * 1_000 + 1);
    assert_ne!(house.created("ana", "k1", json!({})), first);
}

#[test]
fn a_repeated_bid_answers_the_same_body_and_counts_once() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let first = house.bid("ben", &id, "b1", 3_000);
    house.bid("cleo", &id, "b1", 4_000);
    let again = house.bid("ben", &id, "b1", 3_000);
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.header("idempotent-replayed"), None);
    let other = house.bid("ben", &id, "b1", 5_000);
    assert_eq!(other.refusal(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(house.get(&format!("/v1/auctions/{id}")).json()["bid_count"], 2);
}

#[test]
fn a_bid_whose_reply_was_lost_is_not_placed_twice() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.memory.entities.break_next(Break::AfterDecision);
    assert_eq!(house.bid("ben", &id, "b1", 3_000).status, 503);
    let again = house.bid("ben", &id, "b1", 3_000);
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(house.get(&format!("/v1/auctions/{id}")).json()["bid_count"], 1);
}

#[test]
fn a_lost_row_is_repaired_by_the_message() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    house.deliver();
    house.bid("ben", &id, "b1", 3_000);
    house.memory.sql.lose_projections();
    let shown = |house: &House| house.get("/v1/auctions").json()["items"][0]["bid_count"].clone();
    assert_eq!(shown(&house), 0);
    house.deliver();
    assert_eq!(shown(&house), 1);
}

#[test]
fn a_message_is_taken_again_until_its_row_is_written() {
    let house = House::open();
    house.memory.entities.break_next(Break::AfterDecision);
    assert_eq!(house.create("ana", "k1", json!({})).status, 503);
    let mut messages = house.messages();
    assert_eq!(messages.len(), 1);
    let twice = messages[0].clone();
    messages.push(twice);
    house.memory.sql.break_batch(0);
    let broken = ready(auctions_service::consume(&house.memory, messages.clone()));
    assert!(broken.iter().all(|delivery| matches!(delivery, Delivery::Retry(_))), "{broken:?}");
    assert_eq!(house.ids("").len(), 0);
    let done = ready(auctions_service::consume(&house.memory, messages.clone()));
    assert_eq!(done, [Delivery::Ack, Delivery::Ack]);
    assert_eq!(house.ids(""), [messages[0].key.clone()]);
    messages.truncate(1);
    messages[0].key = "auc_01jd0000000000000000000000".to_owned();
    let unknown = ready(auctions_service::consume(&house.memory, messages));
    assert_eq!(unknown, [Delivery::Ack], "an auction that never was has no row");
}

#[test]
fn a_key_is_demanded_and_checked() {
    let house = House::open();
    let (bearer, body) = (house.bearer("ana"), watch(json!({})).to_string());
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let none = house.send("POST", "/v1/auctions", &headers, body.as_bytes());
    assert_eq!(none.refusal(), (400, "idempotency_key_required".to_owned()));
    let long = "k".repeat(256);
    for key in ["", "a b", "ä", "a\u{7f}", &long] {
        let answer = house.create("ana", key, json!({}));
        assert_eq!(answer.refusal(), (400, "invalid_idempotency_key".to_owned()), "{key:?}");
    }
    assert_eq!(house.create("ana", &long[1..], json!({})).status, 201);
    let id = house.created("ana", "k2", json!({}));
    let bid = json!({"amount": usd(2_000)}).to_string();
    let target = format!("/v1/auctions/{id}/bids");
    let none = house.send("POST", &target, &headers, bid.as_bytes());
    assert_eq!(none.refusal(), (400, "idempotency_key_required".to_owned()));
}
