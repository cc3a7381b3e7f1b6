//! What was typed into a form whose session was over.

use serde_json::json;
use web::Response;

use crate::browser::{Browser, PASSWORD, cookies, location, text};
use crate::listing::{field, typed, with};
use crate::stall::{ID, OTHER, ana, watch, with_watch};

/// The session ends at the API; the browser still has what it had.
fn ends(browser: &Browser) {
    let now = ports::Clock::now(&browser.memory);
    browser.memory.advance_to(now.plus_ms(601_000));
    browser.refuses("POST /v1/sessions/refresh", 401, "invalid_token");
    browser.api("POST /v1/sessions", 201, &json!({}));
}

/// The hidden fields of the form to sign in, as a browser reads them.
fn hidden(html: &str) -> Vec<(String, String)> {
    let (_, rest) = html.split_once("action=\"/sign-in\"").unwrap();
    let form = rest.split("</form>").next().unwrap();
    let plain = |text: &str| {
        let text = text.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">");
        text.replace("&#38;", "&")
    };
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        (plain(name), plain(rest.split_once("\">").unwrap().0))
    });
    fields.filter(|(name, _)| name != "form_token").collect()
}

/// Sends the form to sign in as the page has it, with what is typed into it.
fn sign_in(browser: &Browser, page: &Response, typed: &[(&str, &str)]) -> Response {
    browser.api("POST /v1/sessions", 201, &browser.pair("rt_again"));
    again(browser, page, typed)
}

fn again(browser: &Browser, page: &Response, typed: &[(&str, &str)]) -> Response {
    let hidden = hidden(&text(page));
    let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fields: Vec<_> = hidden.chain(typed.iter().copied()).collect();
    browser.post("/sign-in", &fields)
}

const CREDENTIALS: [(&str, &str); 2] = [("email", "ana@x.test"), ("password", PASSWORD)];

fn listings(browser: &Browser) -> usize {
    let asked = browser.asked().into_iter();
    asked.filter(|it| it.method == "POST" && it.url.ends_with("/v1/auctions")).count()
}

#[test]
fn nothing_typed_is_lost_to_a_session_that_ended_and_it_is_listed_once() {
    let browser = ana();
    ends(&browser);
    let evil = "\"><b>lamp & more";
    let fields = with(&[("title", evil), ("reserve_price", "20"), ("category", "clocks")]);
    let page = browser.post("/sell", &fields);
    let html = text(&page);
    assert_eq!(page.status, 403, "{html}");
    assert!(html.contains("<title>Error: Sign in") && html.contains("Nothing that you typed"));
    assert!(!html.contains("<b>lamp"), "{html}");
    assert!(html.contains("Sign up"), "nobody is signed in");
    let shown = sign_in(&browser, &page, &CREDENTIALS);
    let html = text(&shown);
    assert_eq!(shown.status, 200, "{html}");
    assert_eq!(browser.cookie("ecomauction-refresh").as_deref(), Some("rt_again"));
    for (name, value) in [
        ("title", "value=\"&#34;&#62;&#60;b&#62;lamp &#38; more\""),
        ("description", "\nRuns.\r\n\r\nTicks.</textarea>"),
        ("category", "value=\"clocks\""),
        ("start_price", "value=\"10.00\""),
        ("reserve_price", "value=\"20\""),
        ("duration", "<option value=\"3600\" selected"),
    ] {
        assert!(field(&html, name).contains(value), "{name}: {}", field(&html, name));
    }
    assert!(html.contains("You are signed in. What you typed is here again"), "{html}");
    assert!(html.contains("name=\"key\" value=\"key-1\""), "one form lists one thing");
    assert_eq!(listings(&browser), 0, "nothing is listed before it is sent once more");
    browser.api("POST /v1/auctions", 201, &watch(json!({})));
    assert_eq!(location(&browser.post("/sell", &fields)), format!("/sell/{ID}?done=listed"));
    assert_eq!(listings(&browser), 1);
}

#[test]
fn a_wrong_password_or_a_wanted_code_loses_nothing_either() {
    let browser = ana();
    ends(&browser);
    let mut page = browser.post("/sell", &typed());
    for (status, code) in [(401, "invalid_credentials"), (401, "otp_required")] {
        browser.refuses("POST /v1/sessions", status, code);
        page = again(&browser, &page, &CREDENTIALS);
        assert_eq!(page.status, 403);
        assert!(!text(&page).contains(PASSWORD));
    }
    let code: Vec<_> = CREDENTIALS.into_iter().chain([("otp", "123456")]).collect();
    let html = text(&sign_in(&browser, &page, &code));
    assert!(field(&html, "title").contains("value=\"A watch\""), "{html}");
    assert!(html.contains("name=\"key\" value=\"key-1\""));
}

#[test]
fn who_signs_in_in_another_tab_goes_on_in_this_one() {
    let browser =
        Browser::at("http://shop.test", |memory| memory.with_variable("google_client_id", "id"));
    let page = browser.post("/sell", &typed());
    let html = text(&page);
    let way = "%2Fsign-in%2Freturn%3Fnext%3D%252F%253Fdone%253Delsewhere\" target=\"_blank\">";
    assert!(html.contains(way), "{html}");
    let before = browser.token();
    browser.sign_in();
    assert_ne!(browser.token(), before);
    browser.asked();
    let fields: Vec<(String, String)> = hidden(&html);
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let token = [("form_token", before.as_str()), ("elsewhere", "yes")];
    let fields: Vec<_> = fields.chain(token).collect();
    for (site, status) in [("same-origin", 200), ("cross-site", 403)] {
        let headers = [("sec-fetch-site", site)];
        let answer = browser.send(browser.request("POST", "/sign-in", &headers, &fields));
        assert_eq!(answer.status, status, "{site}");
        let is_shown = text(&answer).contains("value=\"A watch\"");
        assert_eq!(is_shown, status == 200, "{site}");
        assert_eq!(listings(&browser), 0);
    }
}

#[test]
fn a_form_of_a_session_before_is_shown_again_and_does_nothing() {
    let browser = with_watch(json!({}));
    let before = browser.token();
    browser.sign_in();
    let listing = ("/sell".to_owned(), typed());
    let change = (format!("/sell/{ID}"), vec![("do", "cancel"), ("reason", "A watch")]);
    for (target, fields) in [listing, change] {
        let token = [("form_token", before.as_str())];
        let fields: Vec<_> = fields.into_iter().chain(token).collect();
        for (site, is_shown) in [("same-origin", true), ("cross-site", false)] {
            let headers = [("sec-fetch-site", site)];
            let answer = browser.send(browser.request("POST", &target, &headers, &fields));
            let html = text(&answer);
            assert_eq!(answer.status, 403, "{html}");
            assert_eq!(html.contains("value=\"A watch\""), is_shown, "{html}");
            assert_eq!(html.contains("Nothing that you typed is lost"), is_shown, "{html}");
            let did = browser.asked().into_iter().filter(|it| it.method != "GET").count();
            assert_eq!(did, 0, "{target}");
        }
    }
}

#[test]
fn a_token_that_the_api_takes_no_longer_is_renewed_or_given_up() {
    let browser = ana();
    browser.refuses("POST /v1/auctions", 401, "unauthenticated");
    browser.api("POST /v1/sessions/refresh", 200, &browser.pair("rt_next"));
    let answer = browser.post("/sell", &typed());
    assert_eq!(answer.status, 403);
    assert!(text(&answer).contains("value=\"A watch\"") && text(&answer).contains(">Ana</a>"));
    assert_eq!(browser.cookie("ecomauction-refresh").as_deref(), Some("rt_next"));
    browser.refuses("POST /v1/sessions/refresh", 401, "invalid_token");
    let answer = browser.post("/sell", &typed());
    assert_eq!(answer.status, 403);
    assert!(cookies(&answer).iter().all(|cookie| cookie.contains("Max-Age=0")));
    let html = text(&sign_in(&browser, &answer, &CREDENTIALS));
    assert!(field(&html, "title").contains("value=\"A watch\""), "{html}");
}

#[test]
fn a_change_of_a_listing_is_kept_the_same_way() {
    let browser = with_watch(json!({}));
    ends(&browser);
    let home = format!("/sell/{ID}");
    let fields = [("do", "edit"), ("tag", "\"7-abc-s\""), ("title", "A better watch")];
    let page = browser.post(&home, &fields);
    assert_eq!(page.status, 403);
    let shown = sign_in(&browser, &page, &CREDENTIALS);
    let html = text(&shown);
    assert_eq!(shown.status, 200, "{html}");
    assert!(html.contains("value=\"A better watch\""), "{html}");
    assert!(html.contains("You are signed in."), "{html}");
    assert!(browser.asked().iter().all(|it| it.method != "PATCH"), "nothing was changed");
    let browser = with_watch(json!({"seller": {"id": OTHER, "display_name": "Bob"}}));
    ends(&browser);
    let page = browser.post(&home, &fields);
    let answer = sign_in(&browser, &page, &CREDENTIALS);
    assert_eq!(location(&answer), home, "what is another's says so at its own address");
    assert_eq!(browser.cookie("ecomauction-refresh").as_deref(), Some("rt_again"));
}
