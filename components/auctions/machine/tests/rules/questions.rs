//! Questions: bids from either end, and who may not bid.

use auction_machine::contract::{Blocked, Command, History, PastBid, Query, Refused, Terms};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bench::{Bench, START, user};

const WHO: [&str; 3] = ["ana", "ben", "cat"];

fn listed() -> Bench {
    let terms = json!({
        "title": "A watch", "format": "english", "increments": [{"from": 1, "step": 1}],
        "start_price": {"amount": 1, "currency": "USD"}, "ends_at": START.plus_ms(900_000),
        "soft_close": {"mode": "off"}
    });
    Bench::listed(serde_json::from_value::<Terms>(terms).unwrap())
}

/// Bids that stand, each of them above the one before.
fn bid(bench: &mut Bench, times: usize) {
    for _ in 0..times {
        let n = bench.log.len();
        let amount = json!({"amount": 10 * n, "currency": "USD"});
        let command = json!({"place_bid": {"amount": amount, "confirm": true}});
        let command: Command = serde_json::from_value(command).unwrap();
        bench.send(i64::try_from(n).unwrap(), Some(WHO[n % 3]), &n.to_string(), &command);
        assert_eq!(bench.log.len(), n + 1, "it stands");
    }
}

fn oldest_first(bench: &Bench) -> Vec<PastBid> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page: History = bench.ask(None, &Query::History { after, limit: 100 });
        all.extend(page.items);
        if !page.more {
            return all;
        }
        after = all.last().unwrap().seq;
    }
}

fn newest(bench: &Bench, before: Option<u64>, limit: u32) -> History {
    bench.ask(None, &Query::Newest { before, limit })
}

fn seqs(bids: &[PastBid]) -> Vec<u64> {
    bids.iter().map(|bid| bid.seq).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    })]

    #[test]
    fn pages_from_the_newest_on_are_the_history_backwards(
        count in 0_usize..60, limit in 1_u32..25,
    ) {
        let mut bench = listed();
        bid(&mut bench, count);
        let (mut all, mut before) = (Vec::new(), None);
        for page in 0.. {
            prop_assert!(page <= count, "pages end");
            let page = newest(&bench, before, limit);
            prop_assert!(page.items.len() <= limit as usize);
            prop_assert_eq!(page.more, all.len() + page.items.len() < count);
            prop_assert!(page.items.len() == limit as usize || !page.more, "a page is full");
            all.extend(page.items);
            if !page.more {
                break;
            }
            before = all.last().map(|bid| bid.seq);
        }
        all.reverse();
        prop_assert_eq!(all, oldest_first(&bench));
    }

    /// What is new stands before the first page, and moves none of the others.
    #[test]
    fn bids_between_two_pages_neither_repeat_nor_hide_another(
        count in 0_usize..40,
        limit in 1_u32..12,
        between in prop::collection::vec(0_usize..4, 1..8),
    ) {
        let mut bench = listed();
        bid(&mut bench, count);
        let at_first = oldest_first(&bench);
        let (mut all, mut before) = (Vec::new(), None);
        for round in 0.. {
            prop_assert!(round <= count, "pages end");
            let page = newest(&bench, before, limit);
            all.extend(page.items);
            if !page.more {
                break;
            }
            before = all.last().map(|bid| bid.seq);
            bid(&mut bench, between[round % between.len()]);
        }
        all.reverse();
        // Seqs alone: a bid that is outbid meanwhile shows its amount.
        prop_assert_eq!(seqs(&all), seqs(&at_first));
    }
}

#[test]
fn the_newest_bids_are_bounded_and_hide_what_leads() {
    let mut bench = listed();
    assert_eq!(newest(&bench, None, 9), History { items: Vec::new(), more: false });
    bid(&mut bench, 130);
    let first = newest(&bench, None, u32::MAX);
    assert_eq!((first.items.len(), first.more), (100, true));
    assert_eq!((first.items[0].seq, first.items[0].amount), (131, None), "its maximum is hidden");
    assert!(first.items[1].amount.is_some());
    assert_eq!(newest(&bench, None, 0).items.len(), 1);
    let last = newest(&bench, Some(first.items[99].seq), 100);
    assert_eq!((last.items.len(), last.more), (30, false));
    assert_eq!(newest(&bench, Some(0), 100), History { items: Vec::new(), more: false });
    assert_eq!(newest(&bench, Some(u64::MAX), 1).items, first.items[..1]);
}

/// Services that know no other direction go on to be answered.
#[test]
fn both_directions_are_asked_in_json() {
    let mut bench = listed();
    bid(&mut bench, 3);
    for (question, expected) in [
        (r#"{"history":{"after":2,"limit":9}}"#, vec![3, 4]),
        (r#"{"newest":{"limit":2}}"#, vec![4, 3]),
        (r#"{"newest":{"before":4,"limit":9}}"#, vec![3, 2]),
        (r#"{"newest":{"before":null,"limit":1}}"#, vec![4]),
    ] {
        let answer = bench.ask_raw(None, question.as_bytes());
        let answer: History = serde_json::from_slice(&answer).unwrap();
        assert_eq!(seqs(&answer.items), expected, "{question}");
    }
    assert_eq!(
        serde_json::to_value(Query::Newest { before: None, limit: 2 }).unwrap(),
        json!({"newest": {"limit": 2}})
    );
    assert_eq!(Bench::new().ask_raw(None, br#"{"newest":{"limit":2}}"#), b"null");
}

#[test]
fn who_is_blocked_is_told_to_the_seller_by_the_names_it_blocks_by() {
    let mut bench = listed();
    bid(&mut bench, 3);
    let told = |bench: &Bench| bench.ask::<Blocked>(Some("sam"), &Query::Blocked).bidders;
    assert_eq!(told(&bench), [""; 0]);
    let [eve, dan] = ["eve", "dan"].map(|name| user(name).to_string());
    for (at, bidder) in ["bidder-3", &eve, "bidder-1", &dan].into_iter().enumerate() {
        let block = Command::Block { bidder: bidder.to_owned(), blocked: true };
        bench.send(100, Some("sam"), &format!("block-{at}"), &block);
    }
    let mut strangers = [eve, dan];
    strangers.sort();
    let [first, last] = strangers.clone();
    assert_eq!(told(&bench), ["bidder-1", "bidder-3", &first, &last]);
    // Who is told there is one that the command takes.
    for (at, bidder) in told(&bench).into_iter().enumerate() {
        let unblock = Command::Block { bidder, blocked: false };
        bench.send(101, Some("sam"), &format!("unblock-{at}"), &unblock);
        assert_eq!(told(&bench).len(), 3 - at);
    }
}

#[test]
fn who_is_blocked_is_nobody_elses_to_ask() {
    let mut bench = listed();
    bid(&mut bench, 3);
    let block = Command::Block { bidder: "bidder-2".to_owned(), blocked: true };
    bench.send(100, Some("sam"), "block", &block);
    for who in ["ana", "ben", "eve"] {
        let refused: Refused = bench.ask(Some(who), &Query::Blocked);
        assert_eq!(refused.code, "forbidden", "{who}");
    }
    let answer = bench.ask_raw(None, b"\"blocked\"");
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["bidders"], Value::Null, "nobody is nobody's seller");
    assert_eq!(Bench::new().ask_raw(Some("sam"), b"\"blocked\""), b"null");
}
