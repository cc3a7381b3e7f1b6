//! Looking for auctions.

use serde_json::json;

use crate::browser::{Browser, text};
use crate::stall::{page, watch};

#[test]
fn a_price_that_is_no_amount_is_said_beside_its_field_to_a_person() {
    let browser = Browser::new();
    browser.api("GET /v1/auctions", 200, &page(&[watch(json!({}))]));
    for (query, wrong) in [
        ("min=abc", vec!["Price from"]),
        ("max=1%2C5", vec!["Price to"]),
        ("min=-1&max=%22%3E%3Cb%3E", vec!["Price from", "Price to"]),
        ("min=99999999999999999999", vec!["Price from"]),
    ] {
        let answer = browser.get(&format!("/search?q=watch&{query}"));
        let html = text(&answer);
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(browser.heard(), [], "the API speaks to programs");
        for label in ["Price from", "Price to"] {
            let told = format!(">{label}</a>: write an amount such as 12.50.");
            assert_eq!(html.contains(&told), wrong.contains(&label), "{query} {label}");
        }
        let fields = html.matches("aria-invalid=\"true\" aria-describedby=\"m").count();
        assert_eq!(fields, wrong.len(), "{query}");
        assert_eq!(html.matches("Write an amount such as 12.50.</small>").count(), wrong.len());
        assert!(html.contains("<title>Error: watch"), "{html}");
        assert!(!html.contains("min_price") && !html.contains("minor units"), "{html}");
        assert!(!html.contains("Nothing fits") && !html.contains("<b>"), "{html}");
    }
    for query in ["", "min=&max=", "min=12.5&max=1%2C250", "min=%20%2012.50%20"] {
        let answer = browser.get(&format!("/search?{query}"));
        assert_eq!(answer.status, 200, "{query}");
        assert!(!text(&answer).contains("aria-invalid"), "{query}");
    }
    let (what, _) = browser.heard().pop().unwrap();
    assert!(what.contains("min_price=1250&"), "{what}");
}

#[test]
fn other_filters_that_the_api_refuses_are_told_as_it_says() {
    let browser = Browser::new();
    browser.refuses("GET /v1/auctions", 400, "invalid_parameter");
    let answer = browser.get("/search?sort=odd");
    let html = text(&answer);
    assert_eq!(answer.status, 400);
    assert!(html.contains("role=\"alert\" tabindex=\"-1\" autofocus>It says invalid_parameter."));
    assert!(!html.contains("Nothing fits"), "{html}");
}
