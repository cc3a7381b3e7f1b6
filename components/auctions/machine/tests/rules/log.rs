//! Facts and snapshots from outside: what does not follow is refused, nothing panics.

use auction_machine::Auction;
use auction_machine::contract::{Command, PlaceBid, Terms};
use kernel::Entity;
use proptest::prelude::*;
use serde_json::json;

use crate::bench::{Bench, KEY, START};

fn terms() -> Terms {
    serde_json::from_value(json!({
        "title": "A watch", "format": "english", "increments": "ebay_us",
        "start_price": {"amount": 1000, "currency": "USD"},
        "reserve_price": {"amount": 7777, "currency": "USD"},
        "starts_at": START.plus_ms(1_000), "ends_at": START.plus_ms(60_000)
    }))
    .unwrap()
}

/// Scheduled, opened, three bids, an extension, closed.
fn lived() -> Bench {
    let mut bench = Bench::listed(terms());
    for (ms, who, amount) in [(1_000, "ana", 2_000), (2_000, "ben", 9_000), (3_000, "ana", 9_500)] {
        let amount = serde_json::from_value(json!({"amount": amount, "currency": "USD"})).unwrap();
        let bid = PlaceBid { amount, quantity: None, min_quantity: None, confirm: Some(true) };
        bench.send(ms, Some(who), &format!("{who}{ms}"), &Command::PlaceBid(bid));
    }
    bench.send(999_000, None, "w", &Command::Wake);
    assert_eq!(bench.log.len(), 9, "three bids, each of which moves the end");
    bench
}

fn facts(bench: &Bench) -> Vec<Vec<u8>> {
    bench.log.iter().map(|event| event.fact.clone()).collect()
}

fn folded(facts: &[Vec<u8>]) -> Entity<Auction> {
    let mut entity = Entity::new(KEY);
    facts.iter().for_each(|fact| entity.apply(fact).unwrap());
    entity
}

#[test]
fn facts_out_of_order_twice_or_of_another_auction_are_refused() {
    let bench = lived();
    let facts = facts(&bench);
    for next in 0..=facts.len() {
        let mut entity = folded(&facts[..next]);
        let before = entity.snapshot();
        for (index, fact) in facts.iter().enumerate() {
            if index != next {
                let error = entity.apply(fact).unwrap_err();
                assert!(error.to_string().contains("does not follow"), "{error}");
            }
        }
        assert_eq!(entity.snapshot(), before);
    }
    let mut other = Entity::<Auction>::new("auc_01jd0000000000000000000001");
    let error = other.apply(&facts[0]).unwrap_err();
    assert!(error.to_string().contains("chain head"), "{error}");
}

#[test]
fn every_flipped_bit_of_a_fact_is_noticed_or_harmless_to_the_public_log() {
    let bench = lived();
    let facts = facts(&bench);
    for (index, fact) in facts.iter().enumerate() {
        for bit in 0..fact.len() * 8 {
            let mut entity = folded(&facts[..index]);
            let before = entity.snapshot();
            let mut flipped = fact.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match entity.apply(&flipped) {
                Err(_) => assert_eq!(entity.snapshot(), before),
                Ok(()) => assert_eq!(entity.position().head, bench.log[index].head),
            }
        }
    }
}

#[test]
fn every_cut_of_a_fact_or_snapshot_is_refused() {
    let bench = lived();
    for (index, fact) in facts(&bench).iter().enumerate() {
        let mut entity = folded(&facts(&bench)[..index]);
        (0..fact.len()).for_each(|len| assert!(entity.apply(&fact[..len]).is_err()));
        let longer = [fact.as_slice(), &[0]].concat();
        assert!(entity.apply(&longer).is_err());
    }
    let snapshot = bench.entity.snapshot();
    for len in 0..snapshot.len() {
        assert!(Entity::<Auction>::restore(KEY, &snapshot[..len]).is_err());
    }
    assert!(Entity::<Auction>::restore(KEY, &[snapshot.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_snapshot_of_another_key_or_version_is_refused() {
    let mut snapshot = lived().entity.snapshot();
    let other = Entity::<Auction>::restore("auc_01jd0000000000000000000001", &snapshot);
    assert!(other.err().unwrap().to_string().contains("is of"));
    snapshot[0] += 1;
    let newer = Entity::<Auction>::restore(KEY, &snapshot).err().unwrap();
    assert!(newer.to_string().contains("version"), "{newer}");
}

#[test]
fn a_damaged_snapshot_never_makes_the_entity_panic() {
    let snapshot = lived().entity.snapshot();
    let bid = br#"{"place_bid":{"amount":{"amount":9900,"currency":"USD"}}}"#;
    for bit in 0..snapshot.len() * 8 {
        let mut flipped = snapshot.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(mut entity) = Entity::<Auction>::restore(KEY, &flipped) else { continue };
        let envelope = |body| kernel::Envelope {
            command_id: "x",
            principal: Some("usr_01jd0000000000000000000000"),
            now: START,
            seed: &[1; 32],
            body,
        };
        for question in ["\"view\"", "\"own\"", "{\"history\":{\"after\":0,\"limit\":9}}"] {
            assert!(!entity.query(&envelope(question.as_bytes())).is_empty());
        }
        let _ = entity.next_wake();
        let _ = entity.handle(&envelope(bid));
    }
}

proptest! {
    #[test]
    fn random_bytes_are_neither_facts_nor_snapshots_nor_commands(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        version in any::<bool>(),
    ) {
        let bytes = if version { [&[1], bytes.as_slice()].concat() } else { bytes };
        let mut entity = Entity::<Auction>::new(KEY);
        prop_assert!(entity.apply(&bytes).is_err());
        let _ = Entity::<Auction>::restore(KEY, &bytes);
        let mut bench = Bench::new();
        let decision = bench.send_raw(0, Some("ana"), "c", &bytes);
        prop_assert!(decision.events.is_empty());
    }
}
