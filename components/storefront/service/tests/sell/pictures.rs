//! Pictures, by the form and by a script.

use serde_json::{Value, json};
use web::{Request, Response};

use crate::browser::{Browser, location, text};
use crate::stall::{ID, OTHER, with_watch};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\r\n--b";
const KIND: &str = "multipart/form-data; boundary=b1";
const HERE: (&str, &str) = ("sec-fetch-site", "same-origin");
const SCRIPT: (&str, &str) = ("accept", "application/json");

fn target() -> String {
    format!("/sell/{ID}/pictures")
}

fn place(method: &str, n: u8) -> String {
    format!("{method} /v1/auctions/{ID}/pictures/{n}")
}

/// A watch with pictures at these places.
fn with_pictures(places: &[u8]) -> Browser {
    let shown = places.iter().map(|n| {
        json!({"n": n, "id": format!("pic_{n}"), "url": format!("/pictures/pic_{n}"),
            "content_type": "image/png", "width": 4, "height": 3})
    });
    let browser = with_watch(json!({"pictures": shown.collect::<Vec<_>>()}));
    browser.token();
    browser
}

fn raw(browser: &Browser, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let request = browser.request("POST", &target(), headers, &[]);
    browser.send(Request { body: body.to_vec(), ..request })
}

/// The plain form with a file.
fn form(browser: &Browser, token: &str, picture: &[u8]) -> Response {
    let head = format!(
        "--b1\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n{token}\r\n--b1\r\n\
         Content-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    let body = [head.as_bytes(), picture, b"\r\n--b1--\r\n"].concat();
    raw(browser, &[HERE, ("content-type", KIND)], &body)
}

/// A picture alone, as a script sends it.
fn alone(browser: &Browser, token: &str) -> Response {
    let kind = ("content-type", "image/png");
    raw(browser, &[HERE, SCRIPT, kind, ("x-form-token", token)], PNG)
}

#[test]
fn the_plain_form_puts_a_picture_at_the_first_free_place() {
    for (places, n) in [(&[][..], 1), (&[1, 2], 3), (&[2, 3], 1), (&[1, 3, 4], 2)] {
        let browser = with_pictures(places);
        browser.api(&place("PUT", n), 201, &json!({"id": "pic_1"}));
        let answer = form(&browser, &browser.token(), PNG);
        assert_eq!(location(&answer), format!("/sell/{ID}?done=picture#pictures"));
        let asked = browser.asked().pop().unwrap();
        let url = format!("http://pictures.spin.internal/v1/auctions/{ID}/pictures/{n}");
        assert_eq!((asked.method.as_str(), asked.url), ("PUT", url));
        assert_eq!(asked.body, PNG, "byte by byte");
        assert!(asked.headers.iter().any(|(name, _)| name == "authorization"));
    }
}

#[test]
fn a_script_hears_where_it_is_or_why_not() {
    let browser = with_pictures(&[1]);
    browser.api(&place("PUT", 2), 201, &json!({"id": "pic_2"}));
    let answer = alone(&browser, &browser.token());
    assert_eq!(answer.status, 201);
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), json!({"position": 2}));
    browser.refuses(&place("PUT", 2), 429, "rate_limited");
    browser.says(&place("PUT", 2), "retry-after", "5");
    let answer = alone(&browser, &browser.token());
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("5")));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem["code"], "rate_limited");
}

#[test]
fn a_picture_comes_from_a_page_of_this_browser_or_not_at_all() {
    let browser = with_pictures(&[]);
    browser.api(&place("PUT", 1), 201, &json!({}));
    let token = browser.token();
    browser.asked();
    assert_eq!(form(&browser, "", PNG).status, 403);
    assert_eq!(alone(&browser, "wrong").status, 403);
    let kind = ("content-type", "image/png");
    let foreign = [("sec-fetch-site", "cross-site"), kind, ("x-form-token", token.as_str())];
    assert_eq!(raw(&browser, &foreign, PNG).status, 403);
    let plain = [HERE, ("content-type", "text/plain"), ("x-form-token", token.as_str())];
    assert_eq!(raw(&browser, &plain, PNG).status, 415);
    assert_eq!(raw(&browser, &[HERE, ("content-type", KIND)], b"--b1\r\ncut").status, 415);
    assert_eq!(browser.heard(), [], "nothing was asked");
}

#[test]
fn refusals_stand_beside_the_field() {
    let browser = with_pictures(&[1]);
    let refused = json!({"status": 415, "code": "unsupported_media_type",
        "detail": "Send a PNG, a JPEG, a GIF or a WebP that does not move."});
    browser.api(&place("PUT", 2), 415, &refused);
    let answer = form(&browser, &browser.token(), b"<svg/>");
    let html = text(&answer);
    assert_eq!(answer.status, 415);
    assert!(html.contains("<a href=\"#picture\">Picture</a>: Send a PNG"), "{html}");
    assert!(html.contains("aria-describedby=\"picture-more\" aria-invalid=\"true\""), "{html}");
    let answer = form(&browser, &browser.token(), b"");
    assert_eq!(answer.status, 422);
    assert!(text(&answer).contains("Choose a picture first."));
    let full = with_pictures(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let answer = form(&full, &full.token(), PNG);
    assert_eq!(answer.status, 422);
    assert!(text(&answer).contains("at most 12 pictures"));
    let answer = alone(&full, &full.token());
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &problem["code"]), (422, &json!("validation_failed")));
}

#[test]
fn pictures_are_shown_with_the_places_they_have() {
    let browser = with_pictures(&[2, 5]);
    let html = text(&browser.get(&format!("/sell/{ID}")));
    for n in [2, 5] {
        assert!(html.contains(&format!("action=\"/sell/{ID}/pictures/{n}\"")), "{n}: {html}");
        assert!(html.contains(&format!("src=\"/pictures/pic_{n}/320\"")));
    }
    browser.api(&place("DELETE", 5), 204, &Value::Null);
    let answer = browser.post(&format!("{}/5", target()), &[]);
    assert_eq!(location(&answer), format!("/sell/{ID}?done=no-picture#pictures"));
    browser.refuses(&place("DELETE", 5), 409, "frozen_after_bid");
    let answer = browser.post(&format!("{}/5", target()), &[]);
    assert_eq!(answer.status, 409);
    assert!(text(&answer).contains("It says frozen_after_bid."));
    assert_eq!(browser.post(&format!("{}/x", target()), &[]).status, 404);
}

#[test]
fn who_has_not_signed_in_or_does_not_sell_it_sends_none() {
    let browser = Browser::new();
    let token = browser.token();
    let back = format!("/sign-in?next=%2Fsell%2F{ID}");
    assert_eq!(location(&form(&browser, &token, PNG)), back);
    assert_eq!(location(&browser.post(&format!("{}/1", target()), &[])), back);
    let answer = alone(&browser, &token);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(browser.heard(), []);
    let other = with_watch(json!({"seller": {"id": OTHER, "display_name": "Bob"}}));
    assert_eq!(alone(&other, &other.token()).status, 403);
    assert!(!other.asked().iter().any(|request| request.method == "PUT"));
}
