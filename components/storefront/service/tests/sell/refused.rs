//! Forms that are refused: the title says so first, and the focus lands on why.

use serde_json::json;

use crate::browser::{Browser, text};
use crate::listing::with;
use crate::stall::{ID, OTHER, ana, with_watch};

/// Says the title that it is a refusal, and is there one place for the focus?
fn is_told(html: &str) -> bool {
    let focused = html.matches(" role=\"alert\" tabindex=\"-1\" autofocus>").count();
    assert_eq!(html.matches(" autofocus").count(), focused, "{html}");
    let titled = html.contains("<title>Error: ");
    assert_eq!((titled, focused), (titled, usize::from(titled)), "{html}");
    titled
}

/// Every description of a field that is wrong stands on the page.
fn is_described(html: &str) {
    for described in html.split("aria-describedby=\"").skip(1) {
        for id in described.split('"').next().unwrap().split(' ') {
            assert!(html.contains(&format!("id=\"{id}\"")), "{id}: {html}");
        }
    }
}

#[test]
fn forms_of_sellers() {
    let browser = ana();
    assert!(!is_told(&text(&browser.get("/sell"))));
    let html = text(&browser.post("/sell", &with(&[("start_price", "ten"), ("format", "x")])));
    assert!(is_told(&html));
    is_described(&html);
    assert!(html.contains("aria-describedby=\"formats format-more\" aria-invalid=\"true\""));
    let looked = text(&browser.post("/sell", &with(&[("preview", "true")])));
    assert!(!is_told(&looked), "nothing is wrong with what is only looked at");
    let browser = with_watch(json!({}));
    assert!(!is_told(&text(&browser.get(&format!("/sell/{ID}")))));
    let refused = json!({"status": 422, "code": "validation_failed", "detail": "Wrong.",
        "errors": [{"pointer": "/title", "code": "x", "detail": "say what it is"}]});
    browser.api(&format!("PATCH /v1/auctions/{ID}"), 422, &refused);
    let html = text(&browser.post(&format!("/sell/{ID}"), &[("do", "edit"), ("title", "")]));
    assert!(is_told(&html));
    is_described(&html);
    assert_eq!(html.matches("aria-invalid").count(), 1, "{html}");
}

/// The room of a watch that somebody else sells.
fn room() -> Browser {
    with_watch(json!({"seller": {"id": OTHER, "display_name": "Bob"}}))
}

#[test]
fn bids() {
    let browser = room();
    let target = format!("/auctions/{ID}/bids");
    let fields = [("amount", "9.99"), ("currency", "USD"), ("key", "k")];
    assert!(!is_told(&text(&browser.get(&format!("/auctions/{ID}")))));
    for (amount, code, field) in [
        ("9.99", "bid_too_low", "amount"),
        ("ten", "", "amount"),
        ("9.99", "invalid_quantity", ""),
        ("9.99", "auction_closed", ""),
    ] {
        browser.refuses(&format!("POST /v1/auctions/{ID}/bids"), 422, code);
        let fields: Vec<_> = [("amount", amount)].into_iter().chain(fields).collect();
        let answer = browser.post(&target, &fields);
        let html = text(&answer);
        assert_eq!(answer.status, 422, "{html}");
        assert!(is_told(&html), "{code}");
        is_described(&html);
        let is_wrong = html.contains("aria-invalid=\"true\" aria-describedby=\"least refusal\"");
        assert_eq!(is_wrong, field == "amount", "{code} {html}");
        assert!(html.contains(&format!("value=\"{amount}\"")), "what was typed is there");
    }
}
