//! Cookies: what stands in them, how long, and who stays signed in by them.

use serde_json::Value;

use crate::browser::{Browser, PASSWORD, cookies, header, location, text, token_in};

const CREDENTIALS: [(&str, &str); 2] = [("email", "ana@x.test"), ("password", PASSWORD)];

#[test]
fn tokens_stand_in_cookies_that_no_script_reads_and_no_other_site_sends() {
    for (base_url, prefix, is_secure) in
        [("http://shop.test", "", false), ("https://shop.test/", "__Host-", true)]
    {
        let browser = Browser::at(base_url, |memory| memory);
        let pair = browser.pair("rt_secret");
        browser.api("POST /v1/sessions", 201, &pair);
        let answer = browser.post("/sign-in", &CREDENTIALS);
        let set = cookies(&answer);
        assert_eq!(set.len(), 3, "{set:?}");
        for cookie in &set {
            assert!(cookie.starts_with(&format!("{prefix}ecomauction-")), "{cookie}");
            assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
            assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
        let has = |name: &str, value: &str, age: &str| {
            let start = format!("{prefix}{name}={value};");
            set.iter().any(|cookie| cookie.starts_with(&start) && cookie.contains(age))
        };
        let access = pair["access_token"].as_str().unwrap();
        assert!(has("ecomauction-access", access, "Max-Age=600"), "{set:?}");
        assert!(has("ecomauction-refresh", "rt_secret", "Max-Age=2592000"), "{set:?}");
        assert_eq!(location(&answer), "/");
        assert_eq!(answer.body, b"", "no token stands in a page");
    }
}

#[test]
fn nobody_is_sent_to_another_site() {
    for (next, expected) in [
        ("", "/"),
        ("/auctions/auc_1?x=1#bid", "/auctions/auc_1?x=1#bid"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("\\\\evil.test", "/"),
        ("https://evil.test/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.test", "/"),
        ("/\r\nset-cookie: a=b", "/"),
        ("/\u{0}", "/"),
        ("/ä", "/"),
        ("evil.test", "/"),
    ] {
        let browser = Browser::new();
        browser.api("POST /v1/sessions", 201, &browser.pair("rt_1"));
        let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = text(&browser.get(&format!("/sign-in?next={encoded}")));
        assert!(page.contains(&format!("name=\"next\" value=\"{expected}\"")), "{page}");
        let fields: Vec<_> = CREDENTIALS.into_iter().chain([("next", next)]).collect();
        assert_eq!(location(&browser.post("/sign-in", &fields)), expected, "{next:?}");
    }
}

#[test]
fn a_spent_access_token_is_renewed_on_the_way() {
    let browser = Browser::new();
    browser.sign_in();
    let token = browser.token();
    let now = ports::Clock::now(&browser.memory);
    browser.memory.advance_to(now.plus_ms(601_000));
    browser.asked();
    browser.api("POST /v1/sessions/refresh", 200, &browser.pair("rt_second"));
    let answer = browser.get("/sandbox");
    let asked = browser.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].body, br#"{"refresh_token":"rt_first"}"#);
    assert_eq!(header(&asked[0], "x-client-address"), Some("203.0.113.7"));
    assert_eq!(header(&asked[0], "cookie"), None);
    assert_eq!(header(&asked[0], "authorization"), None);
    assert!(text(&answer).contains(">Ana</a>"), "still signed in");
    assert_eq!(cookies(&answer).len(), 2, "the browser's own one stays");
    assert_eq!(browser.cookie("ecomauction-refresh").as_deref(), Some("rt_second"));
    assert_eq!(browser.token(), token, "forms that are open stay good");
    assert_eq!(browser.heard(), [], "and the new token is used");
}

#[test]
fn a_session_that_has_ended_is_forgotten() {
    let browser = Browser::new();
    browser.sign_in();
    let now = ports::Clock::now(&browser.memory);
    browser.memory.advance_to(now.plus_ms(601_000));
    browser.refuses("POST /v1/sessions/refresh", 503, "unavailable");
    let answer = browser.get("/sign-in");
    assert_eq!(answer.status, 200, "{}", text(&answer));
    assert_eq!(cookies(&answer), Vec::<&str>::new(), "nobody is signed out by an outage");
    browser.refuses("POST /v1/sessions/refresh", 401, "token_reused");
    let answer = browser.get("/account");
    assert_eq!(location(&answer), "/sign-in?next=%2Faccount");
    let set = cookies(&answer);
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set.iter().all(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0")));
    assert_eq!(browser.cookie("ecomauction-refresh"), None);
    browser.asked();
    let page = text(&browser.get("/sign-in"));
    assert_eq!(browser.heard(), []);
    assert!(page.contains("Sign up"), "{page}");
}

#[test]
fn a_page_that_signs_somebody_out_on_the_way_has_forms_that_work() {
    let browser = Browser::new();
    browser.sign_in();
    let now = ports::Clock::now(&browser.memory);
    browser.memory.advance_to(now.plus_ms(601_000));
    browser.refuses("POST /v1/sessions/refresh", 401, "invalid_token");
    let page = text(&browser.get("/sign-in"));
    browser.api("POST /v1/sessions", 201, &browser.pair("rt_2"));
    let here = [("sec-fetch-site", "same-origin")];
    let fields: Vec<_> = CREDENTIALS.into_iter().chain([("form_token", token_in(&page))]).collect();
    let answer = browser.send(browser.request("POST", "/sign-in", &here, &fields));
    assert_eq!(location(&answer), "/");
}

#[test]
fn whoever_signs_out_is_out_even_if_the_api_cannot_be_told() {
    for is_there in [true, false] {
        let browser = Browser::new();
        browser.sign_in();
        let bearer = format!("Bearer {}", browser.cookie("ecomauction-access").unwrap());
        let visitor = browser.cookie("ecomauction-visitor");
        if is_there {
            browser.api("DELETE /v1/sessions/current", 204, &Value::Null);
        } else {
            browser.breaks("DELETE /v1/sessions/current");
        }
        let answer = browser.post("/sign-out", &[]);
        let onward = if is_there { "/?done=bye" } else { "/?done=bye-here" };
        assert_eq!(location(&answer), onward);
        let asked = browser.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(header(&asked[0], "authorization"), Some(bearer.as_str()));
        assert_eq!(browser.cookie("ecomauction-access"), None);
        assert_eq!(browser.cookie("ecomauction-refresh"), None);
        assert_ne!(browser.cookie("ecomauction-visitor"), visitor);
    }
}

#[test]
fn nobody_is_told_that_a_session_ended_that_did_not() {
    let sentence = |browser: &Browser| {
        let onward = location(&browser.post("/sign-out", &[])).to_owned();
        text(&browser.get(&onward))
    };
    let ended = "role=\"status\">You are signed out.</p>";
    let alive = "The session itself could not be ended";
    let browser = Browser::new();
    browser.sign_in();
    browser.refuses("DELETE /v1/sessions/current", 503, "unavailable");
    let html = sentence(&browser);
    assert!(html.contains(alive) && html.contains("within 30 days"), "{html}");
    // Identity was away before, too: nobody knows who this is, and a session is there still.
    browser.sign_in();
    let now = ports::Clock::now(&browser.memory);
    browser.memory.advance_to(now.plus_ms(601_000));
    browser.breaks("POST /v1/sessions/refresh");
    assert!(sentence(&browser).contains(alive));
    assert_eq!(browser.cookie("ecomauction-refresh"), None);
    // One that ended elsewhere is over, and so is none.
    browser.sign_in();
    let now = ports::Clock::now(&browser.memory);
    browser.memory.advance_to(now.plus_ms(601_000));
    browser.refuses("POST /v1/sessions/refresh", 401, "invalid_token");
    assert!(sentence(&browser).contains(ended));
    assert!(sentence(&browser).contains(ended));
}
