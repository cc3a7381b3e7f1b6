//! Receipts and proofs: what is signed, when it changes, and that asking again changes nothing.

use kernel::Digest;
use ports::memory::Memory;
use ports::{Vault as _, ready};
use proof::{Chain, Event, MerkleTree};
use serde_json::{Value, json};

use crate::house::{Answer, House, usd};

fn house_with(variables: &[(&str, &str)]) -> House {
    let mut house = House::open();
    let now = ports::Clock::now(&house.memory);
    let memory = std::mem::replace(&mut house.memory, Memory::new("auctions", now));
    house.memory =
        variables.iter().fold(memory, |memory, (name, value)| memory.with_variable(name, value));
    house
}

/// The signature that the vault gives for such a place.
fn signed(house: &House, id: &str, event: &Event) -> Value {
    let message = proof::message(id, event.seq, &event.hash);
    let signed = ready(house.memory.sign_proof(event.time, message.as_bytes())).unwrap();
    json!([signed.key_id, signed.signature])
}

/// The public log, checked.
fn log(house: &House, id: &str) -> (Vec<Event>, Chain) {
    let page = house.get(&format!("/v1/auctions/{id}/events?limit=100")).json();
    let mut chain = Chain::genesis(id);
    let items = page["items"].as_array().unwrap().iter();
    let events = items.map(|item| Event::read(item.to_string().as_bytes()).unwrap());
    let events: Vec<_> = events.collect();
    events.iter().for_each(|event| chain.follow(event).unwrap());
    (events, chain)
}

fn proof_of(house: &House, id: &str) -> Answer {
    house.get(&format!("/v1/auctions/{id}/proof"))
}

#[test]
fn a_receipt_is_signed_as_of_its_event_and_a_replay_is_the_same_bytes() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({"duration_seconds": 90 * 24 * 3_600}));
    let bid = house.bid("ben", &id, "b1", 3_000);
    let receipt = bid.json()["receipt"].clone();
    let (events, _) = log(&house, &id);
    let placed = &events[1];
    assert_eq!(receipt["seq"], json!(placed.seq));
    assert_eq!(receipt["head"], json!(placed.hash));
    assert_eq!(json!([receipt["key_id"], receipt["signature"]]), signed(&house, &id, placed));
    // Keys of the vault in memory sign for a day.
    house.pass(40 * 24 * 3_600_000);
    let other = house.bid("cleo", &id, "b1", 2_000).json();
    assert_ne!(other["receipt"]["key_id"], receipt["key_id"], "another key signs by now");
    let again = house.bid("ben", &id, "b1", 3_000);
    assert_eq!(again.text, bid.text);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[test]
fn receipts_can_be_had_without_signature() {
    let house = house_with(&[("receipts", "false")]);
    let id = house.created("ana", "k1", json!({}));
    let receipt = house.bid("ben", &id, "b1", 3_000).json()["receipt"].clone();
    assert_eq!((&receipt["seq"], &receipt["signature"]), (&json!(2), &Value::Null));
    assert!(proof_of(&house, &id).json()["signature"].is_string(), "a proof is always signed");
}

#[test]
fn a_proof_says_where_the_log_stands_and_changes_with_it() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let first = proof_of(&house, &id);
    assert_eq!(first.status, 200, "{}", first.text);
    house.bid("ben", &id, "b1", 3_000);
    let second = proof_of(&house, &id);
    let (events, chain) = log(&house, &id);
    for (answer, event) in [(&first, &events[0]), (&second, &events[1])] {
        let proof = answer.json();
        assert_eq!((&proof["seq"], &proof["head"]), (&json!(event.seq), &json!(event.hash)));
        let said = json!([proof["key_id"], proof["signature"]]);
        assert_eq!(said, signed(&house, &id, event));
        assert_eq!((&proof["closed"], &proof["merkle_root"]), (&json!(false), &Value::Null));
        assert_eq!(proof["engine"], json!({"component_sha256": null, "version": "memory"}));
        assert_eq!(proof["events_url"], json!(format!("/v1/auctions/{id}/events")));
        let etag = format!("\"{}\"", event.hash);
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
    }
    assert_eq!(chain.seq(), 2);
    assert_eq!(proof_of(&house, &id).text, second.text, "nothing happened meanwhile");
    let etag = second.header("etag").unwrap().to_owned();
    let path = format!("/v1/auctions/{id}/proof");
    assert_eq!(house.send("GET", &path, &[("if-none-match", &etag)], b"").status, 304);
}

#[test]
fn after_the_end_the_proof_has_the_root_over_all_events() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({"reserve_price": usd(9_000)}));
    for n in 0..12 {
        let who = if n % 2 == 0 { "ben" } else { "cleo" };
        assert_eq!(house.bid(who, &id, &format!("b{n}"), 2_000 + 500 * n).status, 201);
    }
    house.pass(3_600_000);
    let proof = proof_of(&house, &id).json();
    let (events, chain) = log(&house, &id);
    assert_eq!((&proof["closed"], &proof["seq"]), (&json!(true), &json!(events.len())));
    assert_eq!(proof["merkle_root"], json!(chain.merkle_root()));
    let mut tree = MerkleTree::default();
    events.iter().for_each(|event| tree.push(&event.body));
    assert_eq!(proof["merkle_root"], json!(tree.root()));
    assert_ne!(tree.root(), Digest::of(&[]));
}

#[test]
fn what_is_no_auction_has_no_proof() {
    let house = House::open();
    let id = house.created("ana", "k1", json!({}));
    let (other, last) = id.split_at(id.len() - 1);
    let other = format!("{other}{}", if last == "0" { "1" } else { "0" });
    for wrong in [other.as_str(), "auc_1"] {
        assert_eq!(proof_of(&house, wrong).refusal(), (404, "not_found".to_owned()));
    }
    let refused = house.get(&format!("/v1/auctions/{id}/proof?seq=1"));
    assert_eq!(refused.status, 400, "{}", refused.text);
}
