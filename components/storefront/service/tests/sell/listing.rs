//! The form of a listing.

use serde_json::json;

use crate::browser::{header, location, text};
use crate::stall::{ID, OTHER, ana, event, page, terms, usd, watch, with_watch};

/// The options, and the field itself, of a page.
pub(crate) fn field<'h>(html: &'h str, name: &str) -> &'h str {
    let (_, rest) = html.split_once(&format!("id=\"{name}\" name=\"{name}\"")).unwrap();
    rest.split("</p>").next().unwrap()
}

#[test]
fn who_has_not_signed_in_is_asked_to() {
    let browser = crate::browser::Browser::new();
    let back = location(&browser.get(&format!("/sell?like={ID}"))).to_owned();
    assert_eq!(back, format!("/sign-in?next=%2Fsell%3Flike%3D{ID}"));
    assert_eq!(browser.heard(), []);
}

#[test]
fn every_field_has_a_label_and_an_answer_where_one_can_be_guessed() {
    let browser = ana();
    let earlier = watch(json!({"category": "clocks & watches"}));
    browser.api("GET /v1/me/auctions", 200, &page(&[earlier]));
    let html = text(&browser.get("/sell"));
    for part in ["<input id=\"", "<select id=\"", "<textarea id=\""] {
        for id in html.split(part).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(html.contains(&format!(" for=\"{id}\"")), "{id}");
        }
    }
    for described in html.split("aria-describedby=\"").skip(1) {
        let id = described.split('"').next().unwrap();
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for (name, value) in [
        ("format", "english"),
        ("currency", ">USD"),
        ("duration", "604800"),
        ("soft_close", "reset"),
    ] {
        assert!(field(&html, name).contains(value), "{name}");
    }
    assert_eq!(html.matches("<option value=\"sealed_first_price\">").count(), 1);
    assert!(html.contains(&format!("href=\"/sell?like={ID}\"")), "{html}");
    assert!(html.contains("<option value=\"clocks &#38; watches\">"), "{html}");
    assert!(!html.contains("role=\"alert\"") && !html.contains("aria-invalid"));
    assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"));
}

#[test]
fn what_most_people_leave_alone_is_out_of_the_way_until_it_says_something() {
    let browser = ana();
    browser.api("GET /v1/me/auctions", 200, &page(&[]));
    let is_open = |html: &str| {
        let (_, rest) = html.split_once("<details class=\"more\"").unwrap();
        rest.split('>').next().unwrap().ends_with(" open")
    };
    assert!(!is_open(&text(&browser.get("/sell"))));
    for (name, value) in [("soft_close", "off"), ("retraction_hours", "-1"), ("increments", "own")]
    {
        let mut form = typed();
        form.retain(|(known, _)| *known != name);
        form.extend([(name, value), ("preview", "true")]);
        assert!(is_open(&text(&browser.post("/sell", &form))), "{name}");
    }
}

/// Everything that a browser sends when only title and start price were typed.
pub(crate) fn typed() -> Vec<(&'static str, &'static str)> {
    vec![
        ("title", "A watch"),
        ("description", "Runs.\r\n\r\nTicks."),
        ("format", "english"),
        ("currency", "USD"),
        ("start_price", "10.00"),
        ("reserve_price", ""),
        ("quantity", "1"),
        ("duration", "3600"),
        ("increments", "ebay_us"),
        ("soft_close", "reset"),
        ("soft_close_window", "120"),
        ("soft_close_extension", "120"),
        ("retraction", "ebay"),
        ("dutch_tick_seconds", "60"),
        ("dutch_dwell_seconds", "600"),
        ("reverse_percent", "1"),
        ("pricing", "lowest_accepted"),
        ("key", "key-1"),
    ]
}

pub(crate) fn with<'f>(fields: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    // Of two by one name the first counts.
    fields.iter().copied().chain(typed()).collect()
}

#[test]
fn a_listing_is_sent_once_with_the_key_of_the_form() {
    let browser = ana();
    browser.api("POST /v1/auctions", 201, &watch(json!({})));
    let answer = browser.post("/sell", &typed());
    assert_eq!(location(&answer), format!("/sell/{ID}?done=listed"));
    let asked = browser.asked().pop().unwrap();
    assert_eq!(asked.url, "http://auctions.spin.internal/v1/auctions");
    assert_eq!(header(&asked, "idempotency-key"), Some("key-1"));
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    let late = json!({"mode": "reset", "window_seconds": 120, "extension_seconds": 120});
    let expected = json!({
        "title": "A watch", "description": "Runs.\n\nTicks.", "category": "", "format": "english",
        "start_price": usd(1_000), "quantity": 1, "duration_seconds": 3_600,
        "increments": "ebay_us", "soft_close": late, "retraction": "ebay",
    });
    assert_eq!(body, expected);
}

#[test]
fn what_the_page_cannot_read_is_told_beside_the_field_and_nothing_is_listed() {
    let browser = ana();
    let answer = browser.post("/sell", &with(&[("title", "\"><b>lamp"), ("start_price", "ten")]));
    let html = text(&answer);
    assert_eq!(answer.status, 422);
    assert!(!browser.heard().iter().any(|(what, _)| what.starts_with("POST")));
    assert_eq!(html.matches("role=\"alert\"").count(), 1);
    let price = field(&html, "start_price");
    assert!(price.contains("value=\"ten\"") && price.contains("aria-invalid=\"true\""), "{price}");
    assert!(price.contains("id=\"start_price-more\"") && price.contains("no amount of USD"));
    assert!(html.contains("<a href=\"#start_price\">Start price</a>"), "{html}");
    assert_eq!(html.matches("aria-invalid").count(), 1, "{html}");
    assert!(field(&html, "title").contains("&#34;&#62;&#60;b&#62;lamp"));
    assert!(html.contains("\nRuns.\r\n\r\nTicks.</textarea>"), "{html}");
    assert!(html.contains("name=\"key\" value=\"key-1\""));
}

#[test]
fn what_the_api_refuses_is_told_beside_the_field_it_came_from() {
    let browser = ana();
    let refused = json!({
        "status": 422, "code": "validation_failed", "detail": "2 fields are wrong",
        "errors": [
            {"pointer": "/reserve_price/amount", "code": "x", "detail": "a reserve is more"},
            {"pointer": "/increments/1/step", "code": "x", "detail": "a step is more"},
        ],
    });
    browser.api("POST /v1/auctions", 422, &refused);
    let fields = [("reserve_price", "5"), ("increments", "own"), ("bands", "0 1\n20 0")];
    let answer = browser.post("/sell", &with(&fields));
    let html = text(&answer);
    assert_eq!(answer.status, 422);
    assert!(field(&html, "reserve_price").contains("<strong class=\"bad\">A reserve is more."));
    assert!(field(&html, "bands").contains("Line 2: A step is more."), "{html}");
    assert!(field(&html, "bands").contains("\n0 1\n20 0</textarea>"));
    assert!(html.contains("<a href=\"#bands\">Steps of your own</a>: Line 2"));
    assert!(html.contains("name=\"key\" value=\"key-1\""), "refusals are not remembered");
}

#[test]
fn nothing_that_was_typed_is_lost_while_the_api_is_away() {
    let browser = ana();
    browser.breaks("POST /v1/auctions");
    browser.breaks("GET /v1/me/auctions");
    let answer = browser.post("/sell", &typed());
    assert_eq!(answer.status, 503);
    let html = text(&answer);
    assert!(html.contains("value=\"A watch\"") && html.contains("send it once more"), "{html}");
    assert!(html.contains("name=\"key\" value=\"key-1\""), "what was listed is not listed twice");
}

#[test]
fn a_form_that_has_listed_something_gets_a_new_key() {
    let browser = ana();
    browser.refuses("POST /v1/auctions", 422, "idempotency_key_reused");
    let html = text(&browser.post("/sell", &typed()));
    assert!(html.contains("has listed something already"), "{html}");
    assert!(!html.contains("name=\"key\" value=\"key-1\""), "{html}");
}

#[test]
fn a_listing_can_be_looked_at_first() {
    let browser = ana();
    let fields = [("preview", "true"), ("reserve_price", "20"), ("buy_now_price", "1234.5")];
    let answer = browser.post("/sell", &with(&fields));
    let html = text(&answer);
    assert_eq!(answer.status, 200);
    let heard: Vec<_> = browser.heard().into_iter().map(|(what, _)| what).collect();
    assert_eq!(heard, ["GET /v1/me/auctions?limit=5"], "nothing is listed");
    let (_, rest) = html.split_once("id=\"preview\"").unwrap();
    let panel = rest.split("</section>").next().unwrap();
    for sentence in [
        "<strong>A watch</strong>",
        "from 10.00\u{a0}USD",
        "1 hour left",
        "The least that is taken, bid by bid",
        "<td>10</td><td>14.50\u{a0}USD</td>",
        "Say the most you would pay.",
        "Below 20.00\u{a0}USD",
        "Whoever pays 1,234.50\u{a0}USD has it at once",
        "in the last 2 minutes",
        "12 hours left",
        "<dt>At the start price</dt><dd>10.00\u{a0}USD</dd>",
        "<dt>Fee</dt><dd>none</dd>",
    ] {
        assert!(panel.contains(sentence), "{sentence}: {panel}");
    }
    assert_eq!(panel.matches("<tr><td>").count(), 10);
    assert!(field(&html, "title").contains("value=\"A watch\""), "the form is still there");
    let clock = [
        ("preview", "true"),
        ("format", "dutch"),
        ("start_price", "500"),
        ("dutch_floor_price", "440"),
        ("dutch_decrement", "25"),
        ("quantity", "4"),
    ];
    let html = text(&browser.post("/sell", &with(&clock)));
    for part in [
        "The price by the clock",
        "<td>3 minutes</td><td>440.00\u{a0}USD</td>",
        "13 minutes left",
        "<dt>At the floor</dt><dd>1,760.00\u{a0}USD</dd>",
        "The end stands",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn an_earlier_auction_of_ones_own_fills_the_form() {
    let browser = with_watch(json!({}));
    let bidding = json!({"my_max": null, "reserve_price": usd(4_200)});
    browser.api(&format!("GET /v1/auctions/{ID}/bidding"), 200, &bidding);
    let events = [
        event(1, "auction_opened", terms(json!({"title": "Wrong"}))),
        event(2, "auction_changed", terms(json!({"title": "A <i>watch</i>"}))),
        event(3, "bid_placed", json!({})),
        event(4, "auction_changed", json!({"not": "possible"})),
    ];
    browser.api(&format!("GET /v1/auctions/{ID}/events"), 200, &page(&events));
    let html = text(&browser.get(&format!("/sell?like={ID}")));
    for (name, value) in [
        ("title", "value=\"A &#60;i&#62;watch&#60;/i&#62;\""),
        ("category", "value=\"watches\""),
        ("start_price", "value=\"10.00\""),
        ("reserve_price", "value=\"42.00\""),
        ("buy_now_price", "value=\"99.00\""),
        ("duration", "<option value=\"86400\" selected"),
        ("increments", "<option value=\"own\" selected"),
        ("bands", "\n0.01 0.50</textarea>"),
        ("soft_close", "<option value=\"add\" selected"),
        ("soft_close_window", "value=\"60\""),
        ("retraction", "<option value=\"until\" selected"),
        ("retraction_hours", "value=\"24\""),
    ] {
        assert!(field(&html, name).contains(value), "{name}: {}", field(&html, name));
    }
    assert!(html.contains("\nRuns.</textarea>"), "without what was added to it");
}

#[test]
fn an_auction_of_another_fills_nothing() {
    let browser = with_watch(json!({}));
    let opened = event(1, "auction_opened", terms(json!({"seller": OTHER})));
    browser.api(&format!("GET /v1/auctions/{ID}/events"), 200, &page(&[opened]));
    assert_eq!(browser.get(&format!("/sell?like={ID}")).status, 404);
    browser.asked();
    assert_eq!(browser.get("/sell?like=auc_1%2F..%2F..").status, 404);
    assert_eq!(browser.heard(), [], "nothing but an id goes on to the API");
}
