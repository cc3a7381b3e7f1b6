//! Whether the visitor watches the auction.

use serde_json::{Value, json};

use crate::browser::{Browser, location, text};
use crate::stall::{ID, OTHER, page, watch, with_watch};

const WATCH: &str = "Watch this auction";
const STOP: &str = "Do not watch any longer";

fn what() -> String {
    format!("/v1/me/watches/{ID}")
}

fn ana() -> Browser {
    let browser = Browser::new();
    browser.sign_in();
    let view = watch(json!({"seller": {"id": OTHER, "display_name": "Sam"}}));
    browser.api(&format!("GET /v1/auctions/{ID}"), 200, &view);
    browser.api(&format!("GET /v1/auctions/{ID}/bids"), 200, &page(&[]));
    browser
}

/// What the button offers, and what was asked for it.
fn offered(browser: &Browser) -> (&'static str, Vec<String>) {
    let html = text(&browser.get(&format!("/auctions/{ID}")));
    let offers: Vec<_> = [WATCH, STOP].into_iter().filter(|text| html.contains(text)).collect();
    assert!(offers.len() < 2, "{html}");
    let heard = browser.heard().into_iter().map(|(what, _)| what);
    let asked = heard.filter(|what| what.contains("/watches")).collect();
    (offers.first().copied().unwrap_or_default(), asked)
}

#[test]
fn the_button_offers_what_is_not_so_by_one_question() {
    let browser = ana();
    let once = vec![format!("GET {}", what())];
    assert_eq!(offered(&browser), (WATCH, once.clone()));
    let body = json!({"auction_id": ID, "created_at": "2026-11-24T12:00:00.000Z"});
    browser.api(&format!("GET {}", what()), 200, &body);
    assert_eq!(offered(&browser), (STOP, once.clone()));
    browser.breaks(&format!("GET {}", what()));
    assert_eq!(offered(&browser), (WATCH, once), "the room is there all the same");
    browser.api(&format!("DELETE {}", what()), 204, &Value::Null);
    let answer = browser.post(&format!("/auctions/{ID}/watch"), &[("watching", "no")]);
    assert_eq!(location(&answer), format!("/auctions/{ID}?done=unwatched"));
}

#[test]
fn strangers_and_the_seller_are_not_asked_about() {
    let browser = Browser::new();
    browser.api(&format!("GET /v1/auctions/{ID}"), 200, &watch(json!({})));
    browser.api(&format!("GET /v1/auctions/{ID}/bids"), 200, &page(&[]));
    assert_eq!(offered(&browser), ("", Vec::new()));
    assert_eq!(offered(&with_watch(json!({}))), ("", Vec::new()));
}
