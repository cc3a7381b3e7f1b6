use serde_json::json;

use super::*;

const AUCTION: &str = "auc_01jd00000000700000000000zz";

fn bid(id: &str, bidder: &str, leader: &str) -> Value {
    json!({"event": "bid_placed", "data": {"bid_id": id, "bidder": bidder, "leader": leader}})
}

/// Ben leads, Cat bids in vain, Cat leads, Ben leads and raises; Ben wins.
fn log() -> Vec<Value> {
    let winner = json!({"bidder": "bidder-1"});
    vec![
        json!({"event": "auction_opened", "data": {}}),
        bid("bid_a", "bidder-1", "bidder-1"),
        bid("bid_b", "bidder-2", "bidder-1"),
        bid("bid_c", "bidder-2", "bidder-2"),
        bid("bid_d", "bidder-1", "bidder-1"),
        bid("bid_e", "bidder-1", "bidder-1"),
        json!({"event": "auction_closed", "data": {"result":
            {"outcome": "sold", "winner": winner, "winners": [winner]}}}),
    ]
}

fn facts() -> Facts {
    let bids = ["bid_a", "bid_b", "bid_c", "bid_d", "bid_e"].into_iter();
    let bids: BTreeMap<String, String> = bids
        .zip(["ben@x", "cat@x", "cat@x", "ben@x", "ben@x"])
        .map(|(bid, to)| (bid.to_owned(), to.to_owned()))
        .collect();
    facts_of(AUCTION, &log(), "ana@x", &people_of(&log(), &bids))
}

fn letter(kind: &str, to: &str, message_id: &str) -> Letter {
    // The mac begins with letters, as one in three hundred does.
    let token = URL_SAFE_NO_PAD.encode(format!("usr_1|{kind}ab\u{1}mac"));
    let headers = [
        ("list-unsubscribe", format!("<http://here/v1/unsubscribe/{token}>")),
        ("list-unsubscribe-post", "List-Unsubscribe=One-Click".to_owned()),
    ];
    Letter {
        to: vec![to.to_owned()],
        header_to: to.to_owned(),
        message_id: message_id.to_owned(),
        text: format!("Look: http://here/auctions/{AUCTION}\n"),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..Letter::default()
    }
}

fn all_told() -> Vec<Letter> {
    vec![
        letter("opened", "ana@x", "1"),
        letter("outbid", "ben@x", "2"),
        letter("outbid", "cat@x", "3"),
        letter("won", "ben@x", "4"),
        letter("lost", "cat@x", "5"),
        letter("sold", "ana@x", "6"),
    ]
}

#[test]
fn a_log_says_who_has_to_be_told_what() {
    let facts = facts();
    let shown: Vec<_> =
        facts.iter().map(|(fact, count)| format!("{} {} {count}", fact.kind, fact.to)).collect();
    assert_eq!(
        shown,
        [
            "lost cat@x 1",
            "opened ana@x 1",
            "outbid ben@x 1",
            "outbid cat@x 1",
            "sold ana@x 1",
            "won ben@x 1"
        ]
    );
}

#[test]
fn a_lead_that_came_by_a_retraction_is_lost_to_the_next_bid() {
    let bids = [("bid_a", "ben@x"), ("bid_b", "cat@x"), ("bid_c", "dan@x")];
    let bids = bids.map(|(bid, to)| (bid.to_owned(), to.to_owned())).into();
    let gone = |leader: Option<&str>| {
        let data = json!({"bidder": "bidder-2", "leader": leader});
        json!({"event": "bid_retracted", "data": data})
    };
    let told = |log: Vec<Value>| -> Vec<String> {
        let facts = facts_of(AUCTION, &log, "ana@x", &people_of(&log, &bids));
        facts.iter().map(|(fact, count)| format!("{} {} {count}", fact.kind, fact.to)).collect()
    };
    let mut log = vec![
        bid("bid_a", "bidder-1", "bidder-1"),
        bid("bid_b", "bidder-2", "bidder-2"),
        gone(Some("bidder-1")),
        bid("bid_c", "bidder-3", "bidder-3"),
    ];
    assert_eq!(told(log.clone()), ["outbid ben@x 2"]);
    log[2] = gone(None);
    assert_eq!(told(log), ["outbid ben@x 1"]);
}

#[test]
fn a_sender_that_remembers_nothing_repeats_too_much() {
    let once = all_told();
    let twice: Vec<Letter> = (0..200)
        .flat_map(|n| {
            let id = n.to_string();
            [letter("won", "ben@x", &id), letter("won", "ben@x", &id)]
        })
        .collect();
    assert!(repeated(&once) <= repeated_max(0, 0));
    assert!(repeated(&twice) > repeated_max(10, 20));
    assert_eq!(repeated_max(10, 20), 170);
}

#[test]
fn letters_that_tell_each_fact_once_are_fine() {
    let mut letters = all_told();
    assert_eq!(against(&letters, &facts()), [""; 0]);
    // The same letter again is one for who reads it.
    letters.push(letter("won", "ben@x", "4"));
    letters.push(letter("extended", "ben@x", "7"));
    assert_eq!(against(&letters, &facts()), [""; 0]);
    assert_eq!((repeated(&letters), unequal_twins(&letters)), (1, Vec::new()));
}

#[test]
fn a_fact_that_is_told_twice_or_never_is_found() {
    let mut letters = all_told();
    letters.remove(3);
    letters.push(letter("outbid", "ben@x", "8"));
    letters.push(letter("won", "eve@x", "9"));
    let wrong = against(&letters, &facts());
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(
        wrong.iter().any(|what| what.contains("outbid") && what.ends_with("expected 1, came 2"))
    );
    assert!(wrong.iter().any(|what| what.contains("ben@x: expected 1, came 0")));
    assert!(wrong.iter().any(|what| what.contains("eve@x: expected 0, came 1")));
}

#[test]
fn a_letter_without_one_click_or_for_somebody_else_is_found() {
    let mut letters = all_told();
    letters[0].headers.pop();
    letters[1].to = vec!["eve@x".to_owned()];
    let wrong = against(&letters, &facts());
    assert!(wrong.iter().any(|what| what.contains("of no kind")), "{wrong:?}");
    assert!(wrong.iter().any(|what| what.contains("its To is ben@x")), "{wrong:?}");
}

#[test]
fn twins_that_differ_are_found() {
    let mut letters = all_told();
    letters[1].message_id = "1".to_owned();
    assert_eq!(unequal_twins(&letters).len(), 1);
}

#[test]
fn a_letter_tells_its_own_fact_and_no_other() {
    let letters = all_told();
    let fact = |auction: &str, kind: &str, to: &str| Fact {
        auction: auction.to_owned(),
        kind: kind.to_owned(),
        to: to.to_owned(),
    };
    assert!(is_told(&letters, &fact(AUCTION, "opened", "ana@x")));
    for other in [
        fact("auc_other", "opened", "ana@x"),
        fact(AUCTION, "unsold", "ana@x"),
        fact(AUCTION, "opened", "ben@x"),
    ] {
        assert!(!is_told(&letters, &other), "{other:?}");
    }
}
