//! What people are told: the messages of each format, one for each fact, and nothing hidden.

use auction_player::user;
use serde_json::Value;

use crate::bench::{Bench, KEY};
use crate::scripts::played;

/// Plays a scenario whose rows all hold; one line for each message that is for people.
fn facts(script: &str) -> Vec<String> {
    let scenarios = auction_scripts::parse(script).unwrap();
    let (bench, wrong) = played(&scenarios[0]);
    assert!(wrong.is_empty(), "{wrong:?}");
    bench.told.iter().filter_map(line).collect()
}

/// `outbid 3 ana 31.00`: the fact, its seq, whom it names, the money and the words in it.
fn line(message: &kernel::Message) -> Option<String> {
    assert_eq!(message.key, KEY);
    let name = message.topic.strip_prefix("auction.").unwrap().strip_suffix(".v1").unwrap();
    let sorted = kernel::canonical::canonicalize(&message.body);
    assert_eq!(sorted.as_deref(), Some(&*message.body), "archives compare bytes");
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    let mut words = vec![name.to_owned(), body["seq"].to_string()];
    let mut say = |value: &Value| match value {
        Value::String(text) => words.push(named(text)),
        Value::Object(money) => words.push(money["amount"].to_string()),
        Value::Bool(true) => words.push("true".to_owned()),
        Value::Null | Value::Bool(false) => {}
        other => words.push(other.to_string()),
    };
    match name {
        "changed" | "closed" => return None,
        "opened" | "amended" => ["seller", "format", "start_price", "quantity"]
            .iter()
            .for_each(|member| say(&body[member])),
        "outbid" => ["user_id", "price", "next_minimum", "next_maximum"]
            .iter()
            .for_each(|member| say(&body[member])),
        "extended" => say(&body["price"]),
        "ended" => {
            ["outcome", "reason", "note", "deleted"].iter().for_each(|member| say(&body[member]));
            for won in body["winners"].as_array().unwrap() {
                ["user_id", "quantity", "unit_price"].iter().for_each(|member| say(&won[member]));
            }
            assert_eq!(named(body["seller"].as_str().unwrap()), "sam");
        }
        other => panic!("{other} is told to nobody"),
    }
    assert!(!body["title"].as_str().unwrap().is_empty());
    Some(words.join(" "))
}

/// The name of a user of the scenarios; other texts stay as they are.
fn named(text: &str) -> String {
    let known = ["ana", "ben", "cat", "dan", "fay", "eve", "sam"];
    let known = known.iter().find(|name| user(name).to_string() == text);
    known.map_or(text, |name| name).to_owned()
}

#[test]
fn each_change_of_leadership_outbids_one_and_nothing_else_does() {
    let told = facts(
        "auction a english start=10.00 ends=+1000s soft_close=reset/60/60
        +1s   ana bid 50.00 -> leading
        +2s   ana bid 60.00 -> leading
        +3s   ben bid 20.00 -> outbid
        +4s   ben bid 60.00 -> outbid
        +5s   ben bid 70.00 -> leading
        +6s   cat bid 71.00 -> leading
        +7s   ben bid 80.00 -> leading
        +950s ana bid 90.00 -> leading events=bid_placed,auction_extended
        +1010s clock wake   -> sold",
    );
    assert_eq!(
        told,
        [
            "opened 1 sam english 1000 1",
            "outbid 6 ana 6100 6200",
            "outbid 7 ben 7100 7200",
            "outbid 8 cat 7200 7300",
            "outbid 9 ben 8100 8200",
            "extended 10 8100",
            "ended 11 sold ana 1 8100",
        ]
    );
}

#[test]
fn who_gets_the_lead_by_a_retraction_outbids_nobody_and_can_be_outbid() {
    let told = facts(
        "auction a english start=10.00 ends=+7d
        +1s ana bid 30.00 -> leading
        +2s ben bid 50.00 -> leading
        +3s cat bid 40.00 -> outbid
        +4s ben retract 1 wrong_amount -> open leader=cat
        +5s sam retract cat 1 cancelled_by_seller -> open leader=ana
        +6s dan bid 35.00 -> leading
        +7s dan bid 36.00 -> leading",
    );
    let outbid: Vec<_> = told.iter().filter(|line| line.starts_with("outbid")).collect();
    assert_eq!(outbid, ["outbid 3 ana 3100 3200", "outbid 7 ana 3100 3200"]);
}

#[test]
fn where_the_amount_is_the_price_every_other_bidder_takes_the_lead() {
    let outcry = facts(
        "auction a open_outcry start=100 reserve=777 ends=+1000s
        +1s ana bid 100 -> leading
        +2s ana bid 110 -> leading
        +3s ben bid 300 -> leading
        +1000s clock wake -> unsold",
    );
    let opened = "opened 1 sam open_outcry 10000 1";
    let ended = "ended 5 unsold reserve_not_met";
    assert_eq!(outcry, [opened, "outbid 4 ana 30000 30500", ended]);
    let asks = facts(
        "auction a reverse start=100 reverse=5.00 ends=+1000s
        +1s ana bid 90 -> leading
        +2s ben bid 80 -> leading
        +3s ben bid 70 -> leading
        +4s ana bid 2  -> leading
        +1000s clock wake -> sold",
    );
    let opened = "opened 1 sam reverse 10000 1";
    let beaten = ["outbid 3 ana 8000 7500", "outbid 5 ben 200"];
    assert_eq!(asks, [opened, beaten[0], beaten[1], "ended 6 sold ana 1 200"]);
}

#[test]
fn sealed_bids_and_clocks_outbid_nobody() {
    for format in ["sealed_first_price", "vickrey"] {
        let told = facts(&format!(
            "auction a {format} start=100 ends=+1000s
            +1s ana bid 120 -> accepted
            +2s ben bid 150 -> accepted
            +3s ana bid 160 -> accepted
            +4s ben withdraw 1 -> open
            +1000s clock wake -> sold events=bids_revealed,auction_closed"
        ));
        let price = if format == "vickrey" { 10_000 } else { 16_000 };
        let opened = format!("opened 1 sam {format} 10000 1");
        assert_eq!(told, [opened, format!("ended 7 sold ana 1 {price}")]);
    }
    let units = facts(
        "auction a uniform_price start=10 quantity=10 pricing=lowest_accepted ends=+1000s
        +1s ana bid 30 quantity=8 -> accepted
        +2s ben bid 28 quantity=5 -> accepted
        +1000s clock wake -> sold",
    );
    let opened = "opened 1 sam uniform_price 1000 10";
    assert_eq!(units, [opened, "ended 5 sold ana 8 2800 ben 2 2800"]);
    let clock = facts(
        "auction a dutch start=500 dutch=200/15/10/60 quantity=10
        +47s ana bid 440 quantity=4 -> won
        +50s ben bid 425 quantity=9 min=2 -> won",
    );
    let opened = "opened 1 sam dutch 50000 10";
    assert_eq!(clock, [opened, "ended 4 sold ana 4 44000 ben 6 42500"]);
}

#[test]
fn a_sale_at_once_ends_the_auction_and_outbids_nobody() {
    let told = facts(
        "auction a english start=10.00 reserve=90.00 buy_now=120.00 ends=+1000s
        +1s ana bid 50.00 -> leading
        +2s ben buy_now -> won",
    );
    assert_eq!(told, ["opened 1 sam english 1000 1", "ended 4 sold bought_now ben 1 12000"]);
}

#[test]
fn openings_other_terms_and_cancellations_are_told_when_they_happen() {
    let told = facts(
        "auction a english start=10.00 starts=+100s ends=+20h
        +1s   sam change {\"title\": \"Two watches\"} -> scheduled
        +2s   sam block eve -> scheduled
        +100s clock wake    -> open
        +101s sam change {\"description_addition\": \"Signed.\"} -> open
        +102s ana bid 50.00 -> leading
        +103s sam cancel it_broke -> cancelled",
    );
    let terms = "sam english 1000 1";
    let ended = "ended 7 cancelled cancelled_by_seller it broke";
    assert_eq!(told, [&format!("amended 2 {terms}"), &format!("opened 4 {terms}"), ended]);
    let gone = facts(
        "auction a english start=10.00 ends=+1000s
        +1s sam delete -> gone",
    );
    assert_eq!(gone[1], "ended 2 cancelled cancelled_by_seller true");
    // Opened and closed in one batch: each fact has the seq of its own event.
    let late = facts(
        "auction a english start=10.00 starts=+100s ends=+1000s
        +2000s clock wake -> unsold",
    );
    assert_eq!(late, [&format!("opened 2 {terms}"), "ended 3 unsold no_bids"]);
}

#[test]
fn no_message_says_a_hidden_amount() {
    for (script, hidden) in [
        (
            "auction a english start=10.00 reserve=77.77 ends=+20h
            +1s ana bid 43.21 -> leading
            +2s ben bid 54.32 -> leading
            +3s cat bid 66.66 -> leading
            +4s sam lower 60.00 -> open events=reserve_lowered,max_lowered
            +20h clock wake -> unsold",
            // Ana's and ben's maxima were beaten, and with that told.
            &[7_777, 6_666, 6_000, 5_950][..],
        ),
        (
            "auction a vickrey start=10 reserve=80 ends=+1000s
            +1s ana bid 91.13 -> accepted
            +2s ben bid 75.19 -> accepted
            +1000s clock wake -> sold hammer=80.00",
            &[9_113, 7_519],
        ),
        (
            "auction a uniform_price start=10 quantity=3 pricing=highest_rejected ends=+1000s
            +1s ana bid 31.17 quantity=2 -> accepted
            +2s ben bid 28.19 -> accepted
            +1000s clock wake -> sold hammer=10.00",
            &[3_117, 2_819],
        ),
        (
            "auction a dutch start=500 dutch=200/15/10/60
            +47s ana bid 461.23 -> won price=440.00",
            &[46_123],
        ),
    ] {
        let (bench, wrong) = played(&auction_scripts::parse(script).unwrap()[0]);
        assert!(wrong.is_empty(), "{wrong:?}");
        let texts: Vec<_> =
            bench.told.iter().map(|message| String::from_utf8_lossy(&message.body)).collect();
        assert!(texts.len() > 3);
        for amount in hidden.iter().map(i64::to_string) {
            let leak = texts.iter().find(|text| text.contains(&amount));
            assert!(leak.is_none(), "{amount} is hidden, in {leak:?}");
        }
    }
}

#[test]
fn a_bid_that_changes_no_leader_costs_no_further_message() {
    let scenarios = auction_scripts::parse(
        "auction a english start=10.00 ends=+1000s
        +1s ana bid 50.00 -> leading
        +2s ana bid 60.00 -> leading
        +3s ben bid 20.00 -> outbid",
    );
    let (bench, _): (Bench, _) = played(&scenarios.unwrap()[0]);
    let topics: Vec<_> = bench.told.iter().map(|message| message.topic).collect();
    let changed = ["auction.changed.v1"; 4];
    assert_eq!(topics[..2], [changed[0], "auction.opened.v1"]);
    assert_eq!(topics[2..], changed[1..]);
}
