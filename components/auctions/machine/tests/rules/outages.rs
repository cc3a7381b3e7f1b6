//! Outages: everyone gets the lost time back, once, and some grace; who was over stays so.

use auction_machine::contract::{Command, PlaceBid, Reply, Status, Terms};
use kernel::Timestamp;
use serde_json::{Value, json};

use crate::bench::{Bench, START};

const MINUTE: i64 = 60_000;

fn terms(starts_ms: Option<i64>) -> Terms {
    let terms = json!({
        "title": "A watch", "format": "english", "increments": [{"from": 1, "step": 100}],
        "start_price": {"amount": 1000, "currency": "USD"}, "soft_close": {"mode": "off"},
        "starts_at": starts_ms.map(|ms| START.plus_ms(ms)), "ends_at": START.plus_ms(60 * MINUTE)
    });
    serde_json::from_value(terms).unwrap()
}

fn outage(from_ms: i64, until_ms: i64, grace_seconds: u32) -> Command {
    let (from, until) = (START.plus_ms(from_ms), START.plus_ms(until_ms));
    Command::Outage { from, until, grace_seconds }
}

fn declare(bench: &mut Bench, ms: i64, outage: &Command) -> Vec<Value> {
    let body = serde_json::to_vec(outage).unwrap();
    let decision = bench.send_raw(ms, None, &format!("outage:{ms}"), &body);
    let said = decision.events.iter().map(|event| serde_json::from_slice(&event.public).unwrap());
    said.collect()
}

fn bid() -> Command {
    let bid = json!({"amount": {"amount": 1000, "currency": "USD"}});
    Command::PlaceBid(serde_json::from_value::<PlaceBid>(bid).unwrap())
}

fn after(ms: i64) -> Timestamp {
    START.plus_ms(ms)
}

/// An auction that lost ten minutes.
pub(crate) fn extended() -> Bench {
    let mut bench = Bench::listed(terms(None));
    declare(&mut bench, 20 * MINUTE, &outage(10 * MINUTE, 20 * MINUTE, 300));
    bench
}

#[test]
fn the_end_moves_by_what_was_lost_and_some_grace() {
    let mut bench = Bench::listed(terms(None));
    let said = declare(&mut bench, 20 * MINUTE, &outage(10 * MINUTE, 20 * MINUTE, 300));
    let wanted = json!({"from": after(10 * MINUTE), "until": after(20 * MINUTE),
        "grace_seconds": 300});
    assert_eq!((&said[0]["event"], &said[0]["data"]), (&json!("outage_declared"), &wanted));
    let wanted = json!({"old_end": after(60 * MINUTE), "new_end": after(75 * MINUTE),
        "cause_seq": 2});
    assert_eq!((&said[1]["event"], &said[1]["data"]), (&json!("auction_extended"), &wanted));
    let view = bench.view();
    assert_eq!(view.row.ends_at, after(75 * MINUTE));
    assert_eq!(view.fixed.scheduled_end, after(60 * MINUTE));
}

#[test]
fn what_was_declared_is_not_given_twice() {
    let mut bench = extended();
    assert!(declare(&mut bench, 21 * MINUTE, &outage(10 * MINUTE, 20 * MINUTE, 300)).is_empty());
    assert!(declare(&mut bench, 21 * MINUTE, &outage(12 * MINUTE, 18 * MINUTE, 300)).is_empty());
    // Half of it is new: from 8 to 10.
    declare(&mut bench, 22 * MINUTE, &outage(8 * MINUTE, 12 * MINUTE, 0));
    assert_eq!(bench.view().row.ends_at, after(77 * MINUTE));
    // On both sides of what is known.
    declare(&mut bench, 30 * MINUTE, &outage(7 * MINUTE, 21 * MINUTE, 0));
    assert_eq!(bench.view().row.ends_at, after(79 * MINUTE));
}

#[test]
fn an_auction_whose_end_came_meanwhile_goes_on_if_nobody_ended_it() {
    let mut bench = Bench::listed(terms(None));
    let said = declare(&mut bench, 90 * MINUTE, &outage(50 * MINUTE, 90 * MINUTE, 60));
    assert_eq!(said.len(), 2);
    assert_eq!(bench.view().row.ends_at, after(101 * MINUTE));
    let reply = bench.send(95 * MINUTE, Some("ana"), "late", &bid());
    assert!(matches!(reply, Reply::Bid { .. }), "{reply:?}");
}

#[test]
fn an_auction_that_was_over_before_ends_as_it_would_have() {
    let mut bench = Bench::listed(terms(None));
    let said = declare(&mut bench, 90 * MINUTE, &outage(60 * MINUTE, 90 * MINUTE, 60));
    assert_eq!(said[0]["event"], "auction_closed");
    assert!(declare(&mut bench, 91 * MINUTE, &outage(10 * MINUTE, 90 * MINUTE, 60)).is_empty());
    assert_eq!(bench.view().row.status, Status::Unsold);
}

#[test]
fn an_auction_that_was_to_open_meanwhile_opens_and_loses_what_is_left() {
    let mut bench = Bench::listed(terms(Some(15 * MINUTE)));
    let said = declare(&mut bench, 20 * MINUTE, &outage(10 * MINUTE, 20 * MINUTE, 0));
    let names: Vec<_> = said.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["auction_opened", "outage_declared", "auction_extended"]);
    assert_eq!(said[2]["data"]["cause_seq"], 3);
    assert_eq!(bench.view().row.ends_at, after(65 * MINUTE));
    let mut later = Bench::listed(terms(Some(30 * MINUTE)));
    assert!(declare(&mut later, 20 * MINUTE, &outage(10 * MINUTE, 20 * MINUTE, 0)).is_empty());
}

#[test]
fn nobody_but_the_platform_says_so_and_not_of_times_to_come() {
    let mut bench = Bench::listed(terms(None));
    let refused = |reply: Reply| match reply {
        Reply::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    };
    let honest = outage(MINUTE, 2 * MINUTE, 0);
    assert_eq!(refused(bench.send(3 * MINUTE, Some("sam"), "a", &honest)), "forbidden");
    for wrong in [
        outage(2 * MINUTE, 2 * MINUTE, 0),
        outage(2 * MINUTE, 4 * MINUTE, 0),
        outage(-8 * 24 * 60 * MINUTE, 2 * MINUTE, 0),
        outage(MINUTE, 2 * MINUTE, 86_401),
    ] {
        let reply = bench.send(3 * MINUTE, None, "b", &wrong);
        assert_eq!(refused(reply), "validation_failed", "{wrong:?}");
    }
    assert_eq!(bench.view().row.ends_at, after(60 * MINUTE));
}
