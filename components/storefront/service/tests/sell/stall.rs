//! What ana sells, as the API shows it.

use serde_json::{Value, json};

use crate::browser::{Browser, USER};

pub(crate) const ID: &str = "auc_01jd6s6y8zfz2v5r3k8t9w0xyz";
pub(crate) const OTHER: &str = "usr_01jd6s6y8zfz2v5r3k8t9w0abc";

/// Ana, signed in, with nothing listed.
pub(crate) fn ana() -> Browser {
    let browser = Browser::new();
    browser.sign_in();
    browser.api("GET /v1/me/auctions", 200, &page(&[]));
    browser
}

/// Ana, who has listed a watch; members of the view can be others.
pub(crate) fn with_watch(more: Value) -> Browser {
    let browser = ana();
    browser.api(&format!("GET /v1/auctions/{ID}"), 200, &watch(more));
    browser.says(&format!("GET /v1/auctions/{ID}"), "etag", "\"7-abc-s\"");
    let bidding = json!({"my_max": null, "alias": null, "offers": [], "commitments": []});
    browser.api(&format!("GET /v1/auctions/{ID}/bidding"), 200, &bidding);
    browser.api(&format!("GET /v1/auctions/{ID}/bids"), 200, &page(&[]));
    let none = json!({"items": []});
    browser.api(&format!("GET /v1/auctions/{ID}/blocked-bidders"), 200, &none);
    let opened = event(1, "auction_opened", terms(json!({})));
    browser.api(&format!("GET /v1/auctions/{ID}/events"), 200, &page(&[opened]));
    browser
}

pub(crate) fn page(items: &[Value]) -> Value {
    json!({"items": items, "next_cursor": null})
}

pub(crate) fn event(seq: u64, name: &str, data: Value) -> Value {
    json!({"seq": seq, "event": name, "time": "2026-11-24T12:00:00.000Z", "data": data})
}

pub(crate) fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

pub(crate) fn watch(more: Value) -> Value {
    with(
        json!({
            "id": ID, "title": "A watch", "description": "Runs.\n\nAdded then: a box.",
            "category": "watches", "format": "english", "status": "open", "seq": 7,
            "seller": {"id": USER, "display_name": "Ana"}, "start_price": usd(1_000),
            "price": null, "next_minimum": usd(1_000), "bid_count": 0, "bidder_count": 0,
            "leader": null, "reserve": "none", "buy_now_price": null,
            "increments": [{"from": 1, "step": 50}], "retraction": "ebay", "quantity": 1,
            "soft_close": {"mode": "reset", "window_seconds": 120, "extension_seconds": 120},
            "starts_at": "2026-11-24T12:00:00.000Z", "ends_at": "2026-12-01T12:00:00.000Z",
            "scheduled_end": "2026-12-01T12:00:00.000Z", "pictures": [], "qr": null,
            "server_time": "2026-11-25T12:00:00.000Z", "result": null,
        }),
        more,
    )
}

pub(crate) fn terms(more: Value) -> Value {
    with(
        json!({
            "title": "A watch", "description": "Runs.", "category": "watches",
            "format": "english", "seller": USER, "start_price": usd(1_000),
            "buy_now_price": usd(9_900), "increments": [{"from": 1, "step": 50}],
            "reserve": "not_met", "reserve_commitment": null, "retraction": "until(24)",
            "soft_close": {"mode": "add", "window_seconds": 60, "extension_seconds": 30,
                "hard_stop_at": null},
            "quantity": 1, "starts_at": "2026-11-24T12:00:00.000Z",
            "ends_at": "2026-11-25T12:00:00.000Z",
        }),
        more,
    )
}

pub(crate) fn bid(bidder: &str, amount: i64, more: Value) -> Value {
    with(
        json!({
            "bid_id": "bid_01jd6s6y8zfz2v5r3k8t9w0xyz", "bidder": bidder, "amount": usd(amount),
            "quantity": null, "price": null, "time": "2026-11-24T13:00:00.000Z", "seq": 2,
            "retracted": false, "reason": null,
        }),
        more,
    )
}

fn with(mut all: Value, more: Value) -> Value {
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}
