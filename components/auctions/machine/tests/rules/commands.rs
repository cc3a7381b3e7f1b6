//! Commands, questions and events as the service and the public see them.

use auction_machine::contract::{
    Change, Command, Commitment, History, PlaceBid, Query, Refused, Reply, RetractionReason, Terms,
};
use kernel::{Digest, Effect, Entity, Envelope, Money};
use serde_json::{Value, json};

use crate::bench::{Bench, KEY, START, user};

fn terms() -> Terms {
    serde_json::from_value(json!({
        "title": "A \"watch\"", "format": "english", "increments": [{"from": 1, "step": 100}],
        "start_price": {"amount": 1000, "currency": "USD"},
        "reserve_price": {"amount": 7777, "currency": "USD"},
        "soft_close": {"mode": "reset", "window_seconds": 10, "extension_seconds": 10},
        "ends_at": START.plus_ms(60_000)
    }))
    .unwrap()
}

fn usd(amount: i64) -> Money {
    serde_json::from_value(json!({"amount": amount, "currency": "USD"})).unwrap()
}

fn bid(amount: i64) -> Command {
    let amount = usd(amount);
    Command::PlaceBid(PlaceBid { amount, quantity: None, min_quantity: None, confirm: None })
}

fn refused(reply: Reply) -> Refused {
    match reply {
        Reply::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

fn body(bench: &Bench, seq: usize) -> Value {
    serde_json::from_slice(&bench.log[seq - 1].public).unwrap()
}

/// What api.md section 5 says a commitment is.
fn opens(commitment: &Commitment) -> String {
    let salt: Digest = serde_json::from_value(json!(commitment.salt)).unwrap();
    let amount = commitment.amount.amount.get();
    let money = format!(r#"{{"amount":{amount},"currency":"USD"}}"#);
    Digest::of(&[salt.as_bytes(), money.as_bytes()]).to_hex()
}

#[test]
fn events_are_what_the_contract_says() {
    let mut bench = Bench::listed(terms());
    bench.send(1_000, Some("ana"), "1", &bid(2_000));
    bench.send(2_000, Some("ben"), "1", &bid(1_500));
    bench.send(55_000, Some("ben"), "2", &bid(8_000));
    bench.send(70_000, None, "w", &Command::Wake);
    assert_eq!(
        body(&bench, 1),
        json!({"seq": 1, "event": "auction_opened", "time": "2025-11-23T12:13:20.000Z",
        "data": {
            "title": "A \"watch\"", "description": "", "category": "", "format": "english",
            "seller": user("sam"), "start_price": {"amount": 1000, "currency": "USD"},
            "reserve": "not_met", "buy_now_price": null,
            "reserve_commitment": body(&bench, 1)["data"]["reserve_commitment"],
            "increments": [{"from": 1, "step": 100}], "quantity": 1, "retraction": "ebay",
            "soft_close": {"mode": "reset", "window_seconds": 10, "extension_seconds": 10,
                "hard_stop_at": null},
            "starts_at": START, "ends_at": START.plus_ms(60_000)
        }})
    );
    let first = body(&bench, 2);
    assert_eq!(first["data"]["amount"], Value::Null);
    assert_eq!(first["data"]["revealed"], json!([]));
    assert_eq!(first["data"]["commitment"].as_str().unwrap().len(), 64);
    let lost = &body(&bench, 3)["data"];
    assert_eq!(lost["amount"], json!({"amount": 1500, "currency": "USD"}));
    assert_eq!((&lost["commitment"], &lost["leader"]), (&Value::Null, &json!("bidder-1")));
    let won = body(&bench, 4)["data"].clone();
    let revealed = won["revealed"][0].clone();
    assert_eq!(revealed["bid_id"], first["data"]["bid_id"]);
    let salt = revealed["salt"].as_str().unwrap().to_owned();
    let opened = Commitment { seq: 2, salt, amount: usd(2_000) };
    assert_eq!(json!(opens(&opened)), first["data"]["commitment"]);
    assert_eq!(revealed["amount"], json!(usd(2_000)));
    assert_eq!(
        won,
        json!({"bid_id": won["bid_id"], "bidder": "bidder-2", "amount": null,
            "price": usd(7_777), "next_minimum": usd(7_877), "leader": "bidder-2",
            "reserve": "met", "bid_count": 3, "ends_at": START.plus_ms(65_000),
            "commitment": won["commitment"], "revealed": [revealed]})
    );
    assert_eq!(
        body(&bench, 5)["data"],
        json!({"old_end": START.plus_ms(60_000), "new_end": START.plus_ms(65_000), "cause_seq": 4})
    );
    assert_eq!(
        body(&bench, 6),
        json!({"seq": 6, "event": "auction_closed", "time": START.plus_ms(70_000),
            "data": {"result": {"outcome": "sold", "reason": null, "quantity": 1,
                "winner": {"bidder": "bidder-2"}, "hammer_price": usd(7_777),
                "winners": [{"bidder": "bidder-2", "quantity": 1, "unit_price": usd(7_777)}]}}})
    );
}

#[test]
fn own_views_open_own_commitments_only() {
    let mut bench = Bench::listed(terms());
    bench.send(1_000, Some("ana"), "1", &bid(2_000));
    bench.send(2_000, Some("ana"), "2", &bid(3_000));
    bench.send(3_000, Some("ben"), "1", &bid(1_500));
    let ana = bench.own("ana");
    assert_eq!(ana.my_max, Some(usd(3_000)));
    assert_eq!((ana.leading, ana.alias.as_deref()), (true, Some("bidder-1")));
    let seqs: Vec<_> = ana.commitments.iter().map(|commitment| commitment.seq).collect();
    assert_eq!(seqs, [2, 3]);
    for commitment in &ana.commitments {
        let seq = usize::try_from(commitment.seq).unwrap();
        assert_eq!(json!(opens(commitment)), body(&bench, seq)["data"]["commitment"]);
    }
    let sam = bench.own("sam");
    assert_eq!((sam.is_seller, sam.has_bid, sam.my_max), (true, false, None));
    assert_eq!(sam.reserve_price, Some(usd(7_777)));
    assert_eq!(json!(opens(&sam.commitments[0])), body(&bench, 1)["data"]["reserve_commitment"]);
    for other in ["ben", "eve"] {
        let own = bench.own(other);
        assert_eq!((own.reserve_price, own.leading, own.commitments), (None, false, vec![]));
    }
    let anonymous: Value = bench.ask(None, &Query::Own);
    assert_eq!(anonymous["has_bid"], json!(false));
}

#[test]
fn history_pages_and_hides_what_leads() {
    let mut bench = Bench::listed(terms());
    bench.send(1_000, Some("ana"), "1", &bid(2_000));
    bench.send(2_000, Some("ana"), "2", &bid(3_000));
    bench.send(3_000, Some("ben"), "1", &bid(1_500));
    bench.send(4_000, Some("cat"), "1", &bid(9_000));
    let page = |after, limit| bench.ask::<History>(None, &Query::History { after, limit });
    let amounts = |page: &History| -> Vec<_> {
        page.items.iter().map(|item| item.amount.map(|money| money.amount.get())).collect()
    };
    let first = page(0, 3);
    assert!(first.more);
    // Ana's first maximum was replaced before anybody beat it, so it stays hers.
    assert_eq!(amounts(&first), [None, Some(3_000), Some(1_500)]);
    let rest = page(first.items[2].seq, 3);
    assert_eq!((amounts(&rest), rest.more), (vec![None], false));
    assert_eq!(rest.items[0].bidder, "bidder-3");
    assert_eq!((page(99, 3).items.len(), page(0, 0).items.len()), (0, 1));
}

#[test]
fn listing_again_is_a_replay_a_reuse_or_a_clash() {
    let mut bench = Bench::listed(terms());
    let again = bench.send(1, Some("sam"), "create", &Command::Create(terms()));
    assert!(matches!(again, Reply::Created { replayed: true, .. }), "{again:?}");
    let changed = Terms { title: "Another".to_owned(), ..terms() };
    let other = bench.send(2, Some("sam"), "create", &Command::Create(changed));
    assert_eq!(refused(other).code, "idempotency_key_reused");
    let clash = bench.send(3, Some("sam"), "other", &Command::Create(terms()));
    assert_eq!(refused(clash).code, "auction_exists");
    let stranger = bench.send(4, Some("eve"), "create", &Command::Create(terms()));
    assert_eq!(refused(stranger).code, "auction_exists");
}

#[test]
fn what_was_never_listed_answers_null_and_not_found() {
    let mut bench = Bench::new();
    let refused = refused(bench.send(0, Some("ana"), "1", &bid(1_000)));
    assert_eq!((refused.code.as_str(), refused.now), ("auction_not_found", None));
    for question in [r#""view""#, r#""own""#, r#"{"history":{"after":0,"limit":9}}"#] {
        assert_eq!(bench.ask_raw(Some("ana"), question.as_bytes()), b"null");
    }
    let woken = bench.send_raw(0, None, "w", b"\"wake\"");
    assert_eq!((woken.reply.as_slice(), woken.wake), (&b"\"woken\""[..], None));
}

#[test]
fn a_body_that_is_no_command_is_refused_without_a_trace() {
    let mut bench = Bench::listed(terms());
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for body in [
        "",
        "{",
        "null",
        "\"sleep\"",
        "{\"place_bid\":{}}",
        deep.as_str(),
        r#"{"place_bid":{"amount":{"amount":10.5,"currency":"USD"}}}"#,
        r#"{"place_bid":{"amount":{"amount":"10","currency":"USD"}}}"#,
        r#"{"place_bid":{"amount":{"amount":-1,"currency":"USD"}}}"#,
        r#"{"place_bid":{"amount":{"amount":9007199254740992,"currency":"USD"}}}"#,
        r#"{"place_bid":{"amount":{"amount":1,"currency":"usd"}}}"#,
        r#"{"place_bid":{"amount":{"amount":1,"currency":"USD"},"more":1}}"#,
        r#"{"place_bid":{"amount":{"amount":1,"currency":"USD"}},"wake":null}"#,
    ] {
        let decision = bench.send_raw(1_000, Some("ana"), "1", body.as_bytes());
        let refused = refused(serde_json::from_slice(&decision.reply).unwrap());
        assert_eq!(refused.code, "invalid_command", "{body}");
        assert_eq!(refused.now.unwrap().seq, 1);
    }
    let nobody = bench.send(1_000, None, "1", &bid(2_000));
    assert_eq!(refused(nobody).code, "invalid_command");
    let question = bench.ask_raw(None, b"\"everything\"");
    assert!(String::from_utf8(question).unwrap().contains("invalid_command"));
}

#[test]
fn a_seed_of_another_length_is_refused() {
    let mut entity = Entity::<auction_machine::Auction>::new(KEY);
    let command = serde_json::to_vec(&Command::Create(terms())).unwrap();
    for length in [0, 31, 33] {
        let decision = entity.handle(&Envelope {
            command_id: "1",
            principal: Some("usr_01jd0000000000000000000000"),
            now: START,
            seed: &vec![7; length],
            body: &command,
        });
        assert!(decision.events.is_empty());
        assert!(String::from_utf8(decision.reply).unwrap().contains("invalid_command"));
    }
}

#[test]
fn the_clock_may_go_back_but_events_do_not() {
    let mut bench = Bench::listed(terms());
    bench.send(5_000, Some("ana"), "1", &bid(2_000));
    let reply = bench.send(1_000, Some("ben"), "1", &bid(1_500));
    let Reply::Bid { bid, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(bid.server_time, START.plus_ms(5_000));
}

#[test]
fn every_change_is_told_to_tables_and_the_end_twice() {
    let mut bench = Bench::new();
    let mut topics = |ms, who, id, command: &Command| -> Vec<String> {
        let body = serde_json::to_vec(command).unwrap();
        let decision = bench.send_raw(ms, who, id, &body);
        let text = |Effect::Send(message): &Effect| {
            assert_eq!(message.key, KEY);
            format!("{} {}", message.topic, String::from_utf8_lossy(&message.body))
        };
        // What comes after is for people, see `told`.
        let texts = decision.effects.iter().map(text);
        texts.filter(|text| text.starts_with("auction.c")).collect()
    };
    let listed = topics(0, Some("sam"), "c", &Command::Create(terms()));
    assert_eq!(listed, [r#"auction.changed.v1 {"seq":1}"#]);
    // The extension belongs to the same batch.
    let late = topics(55_000, Some("ana"), "1", &bid(2_000));
    assert_eq!(late, [r#"auction.changed.v1 {"seq":3}"#]);
    assert_eq!(topics(55_000, Some("ana"), "1", &bid(2_000)), [""; 0]);
    assert_eq!(topics(60_000, None, "w", &Command::Wake), [""; 0]);
    let closed = topics(65_000, None, "w", &Command::Wake);
    assert_eq!(closed, [r#"auction.changed.v1 {"seq":4}"#, r#"auction.closed.v1 {"seq":4}"#]);
}

#[test]
fn the_same_commands_give_the_same_bytes() {
    let live = || {
        let mut bench = Bench::listed(terms());
        bench.send(1_000, Some("ana"), "1", &bid(2_000));
        bench.send(55_000, Some("ben"), "1", &bid(9_000));
        bench.send(70_000, None, "w", &Command::Wake);
        (bench.entity.snapshot(), bench.log)
    };
    assert_eq!(live(), live());
}

#[test]
fn a_refusal_of_a_near_tie_says_why() {
    let mut bench = Bench::listed(terms());
    bench.send(1_000, Some("ana"), "1", &bid(5_000));
    bench.send(2_000, Some("ben"), "1", &bid(4_999));
    let refused = refused(bench.send(3_000, Some("cat"), "1", &bid(5_050)));
    assert_eq!(refused.code, "bid_too_low");
    assert!(refused.detail.contains("B2.10") && refused.detail.contains("51.00 USD"));
    assert_eq!(refused.now.unwrap().next_minimum, Some(usd(5_100)));
}

/// A reserve can be lowered before anybody bids, and then the terms can be others.
#[test]
fn other_terms_forget_that_the_reserve_was_lowered() {
    let mut bench = Bench::listed(Terms { ends_at: Some(START.plus_ms(2 * DAY_MS)), ..terms() });
    bench.send(1_000, Some("sam"), "1", &Command::LowerReserve { amount: usd(5_000) });
    let head = bench.view().head;
    let patch = json!({"reserve_price": null}).as_object().cloned();
    let change = Change { head, terms: patch, description_addition: None };
    bench.send(2_000, Some("sam"), "2", &Command::Change(change));
    bench.send(3_000, Some("ana"), "1", &bid(6_000));
    let Reply::Bid { bid, .. } = bench.send(4_000, Some("ben"), "1", &bid(9_000)) else {
        panic!("ben's bid is refused")
    };
    let reason = RetractionReason::WrongAmount;
    bench.send(5_000, Some("ben"), "2", &Command::Retract { bid_id: bid.bid_id, reason });
    // Ana's bid alone: neither 50.00, the reserve that is gone, nor what it came down from.
    assert_eq!(bench.view().row.price, Some(usd(1_000)));
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
