//! Which bids a room shows, and which its visitor can take back.

use serde_json::{Value, json};

use crate::browser::{Browser, text};
use crate::stall::{ID, OTHER, bid, page, usd, watch};

const MINE: &str = "bid_01jd6s6y8zfz2v5r3k8t9w0abc";

fn of(path: &str) -> String {
    format!("GET /v1/auctions/{ID}{path}")
}

/// Somebody else's auction; Ana has bid there when she has an alias.
fn room(browser: &Browser, me: Option<&str>, more: Value) {
    let mut view = watch(json!({"seller": {"id": OTHER, "display_name": "Sam"}}));
    view.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    browser.api(&of(""), 200, &view);
    match me {
        Some(me) => {
            let bidding = json!({"my_max": usd(5_000), "alias": me, "leading": false});
            browser.api(&of("/bidding"), 200, &bidding);
        }
        None => browser.refuses(&of("/bidding"), 404, "not_found"),
    }
}

/// `count` bids of another, then one of `last`, newest first.
fn bids(count: usize, last: Option<Value>, next: Option<&str>) -> Value {
    let others = (0..count).map(|n| bid("bidder-9", 1_000, json!({"seq": 5_000 - n})));
    let all: Vec<_> = others.chain(last).collect();
    json!({"items": all, "next_cursor": next})
}

fn asked(browser: &Browser) -> Vec<String> {
    let heard = browser.heard().into_iter().map(|(what, _)| what);
    heard.filter(|what| what.contains("/bids?")).collect()
}

fn shown(browser: &Browser) -> String {
    text(&browser.get(&format!("/auctions/{ID}")))
}

#[test]
fn a_visitor_is_shown_the_newest_twenty_by_one_question() {
    let browser = Browser::new();
    room(&browser, None, json!({"bid_count": 9_000}));
    browser.api(&of("/bids?sort=newest&limit=20"), 200, &bids(20, None, Some("c1")));
    let html = shown(&browser);
    assert_eq!(html.matches("<li data-bid=").count(), 20, "{html}");
    assert!(html.contains("data-seq=\"5000\"") && html.contains("data-seq=\"4981\""));
    assert!(!html.contains("Take a bid back"));
    assert_eq!(asked(&browser), [of("/bids?sort=newest&limit=20")]);
}

#[test]
fn who_was_outbid_long_ago_still_finds_the_bid_to_take_back() {
    let browser = Browser::new();
    browser.sign_in();
    room(&browser, Some("bidder-1"), json!({}));
    let mine = bid("bidder-1", 900, json!({"bid_id": MINE}));
    let void = bid("bidder-1", 950, json!({"retracted": true}));
    let first = of("/bids?sort=newest&limit=100");
    browser.api(&first, 200, &bids(99, Some(void), Some("c1")));
    browser.api(&format!("{first}&cursor=c1"), 200, &bids(100, None, Some("c2")));
    browser.api(&format!("{first}&cursor=c2"), 200, &bids(9, Some(mine), Some("c3")));
    let html = shown(&browser);
    assert_eq!(html.matches("<li data-bid=").count(), 20);
    assert!(html.contains("Take a bid back") && !html.contains("still takes it back"));
    assert_eq!(html.matches(&format!("<option value=\"{MINE}\">")).count(), 1, "{html}");
    assert_eq!(
        html.matches("<option value=\"bid_").count(),
        1,
        "none that is void, none of others"
    );
    assert_eq!(asked(&browser).len(), 3, "no further than needed");
}

#[test]
fn nobody_looks_for_bids_that_cannot_be_taken_back() {
    for (me, bidding, more) in [
        (Some("bidder-1"), Value::Null, json!({"retraction": "none"})),
        (Some("bidder-1"), Value::Null, json!({"format": "dutch"})),
        (Some("bidder-1"), json!({"my_max": null, "alias": "bidder-1"}), json!({})),
        (None, Value::Null, json!({})),
    ] {
        let browser = Browser::new();
        browser.sign_in();
        room(&browser, me, more.clone());
        if !bidding.is_null() {
            browser.api(&of("/bidding"), 200, &bidding);
        }
        browser.api(&of("/bids"), 200, &bids(20, None, Some("c1")));
        assert!(!shown(&browser).contains("Take a bid back"), "{more}");
        assert_eq!(asked(&browser), [of("/bids?sort=newest&limit=20")], "{more}");
    }
}

#[test]
fn a_bid_that_is_too_far_back_is_not_passed_over_in_silence() {
    let browser = Browser::new();
    browser.sign_in();
    room(&browser, Some("bidder-1"), json!({}));
    browser.api(&of("/bids"), 200, &bids(100, None, Some("again")));
    let html = shown(&browser);
    assert!(html.contains("The API still takes it back."), "{html}");
    assert_eq!(asked(&browser).len(), 20, "there is an end to it");
    browser.api(&of("/bids"), 200, &page(&[]));
    assert!(!shown(&browser).contains("still takes it back"));
}
