//! Whose forms are taken, and what pages show of what was typed.

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, location, text, token_in};

/// Every form, filled in so that the API would be asked.
const FORMS: &[(&str, &[(&str, &str)])] = &[
    ("/sign-in", &[("email", "ana@x.test"), ("password", PASSWORD)]),
    ("/sign-in/return", &[("ticket", "t")]),
    ("/sign-up", &[("email", "ana@x.test"), ("password", PASSWORD), ("display_name", "Ana")]),
    ("/confirm", &[("email", "ana@x.test"), ("code", "123456")]),
    ("/password", &[("email", "ana@x.test")]),
    ("/sign-out", &[]),
    ("/account", &[("do", "everywhere")]),
];

#[test]
fn a_form_that_is_not_from_a_page_of_this_browser_changes_nothing() {
    let browser = Browser::resident();
    let token = browser.token();
    let stranger = Browser::new().token();
    browser.asked();
    let here = ("sec-fetch-site", "same-origin");
    for (target, fields) in FORMS {
        for (header, token) in [
            (Some(here), ""),
            (Some(here), "x"),
            (Some(here), stranger.as_str()),
            (Some(("sec-fetch-site", "cross-site")), token.as_str()),
            (Some(("sec-fetch-site", "same-site")), token.as_str()),
            (Some(("sec-fetch-site", "none")), token.as_str()),
            (Some(("origin", "http://evil.test")), token.as_str()),
            (Some(("origin", "null")), token.as_str()),
            (None, token.as_str()),
        ] {
            let headers: Vec<_> = header.into_iter().collect();
            let fields: Vec<_> = fields.iter().copied().chain([("form_token", token)]).collect();
            let answer = browser.send(browser.request("POST", target, &headers, &fields));
            assert_eq!(answer.status, 403, "{target} {header:?} {token}");
            assert_eq!(browser.heard(), [], "{target} {header:?} {token}");
        }
    }
    assert!(browser.cookie("ecomauction-access").is_some(), "nobody was signed out");
}

#[test]
fn browsers_that_say_whence_a_form_comes_are_believed() {
    let browser = Browser::new();
    let token = browser.token();
    browser.refuses("POST /v1/passwords/forgot", 429, "rate_limited");
    browser.says("POST /v1/passwords/forgot", "retry-after", "7");
    let fields = [("email", "ana@x.test"), ("form_token", token.as_str())];
    let headers = [("origin", "http://shop.test")];
    let answer = browser.send(browser.request("POST", "/password", &headers, &fields));
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("7"));
}

#[test]
fn no_page_shows_a_password_again() {
    let browser = Browser::resident();
    for (what, code) in [
        ("POST /v1/sessions", "invalid_credentials"),
        ("POST /v1/accounts", "password_too_common"),
        ("POST /v1/passwords/reset", "invalid_code"),
        ("POST /v1/me/password", "invalid_credentials"),
        ("POST /v1/me/totp", "reauthentication_required"),
        ("DELETE /v1/me/totp", "reauthentication_required"),
        ("DELETE /v1/me", "reauthentication_required"),
    ] {
        browser.refuses(what, 422, code);
    }
    let (secret, other) = ("hunter2 & hunter3", "hunter4 <hunter5>");
    for (target, fields) in [
        ("/sign-in", vec![("email", "ana@x.test")]),
        ("/sign-in", vec![("email", "ana@x.test"), ("otp", "1")]),
        ("/sign-up", vec![("email", "ana@x.test"), ("display_name", "Ana")]),
        ("/password", vec![("email", "ana@x.test"), ("code", "A"), ("step", "code")]),
        ("/account", vec![("do", "password"), ("current_password", other)]),
        ("/account", vec![("do", "factor")]),
        ("/account", vec![("do", "factor-off")]),
        ("/account", vec![("do", "erase"), ("sure", "yes")]),
    ] {
        let fields: Vec<_> = fields.into_iter().chain([("password", secret)]).collect();
        let answer = browser.post(target, &fields);
        let html = text(&answer);
        assert_eq!(answer.status, 422, "{target} {html}");
        assert!(html.contains("role=\"alert\""), "{target} says why");
        assert!(!html.contains("hunter"), "{target} shows a password");
        let sent = browser.heard().into_iter().map(|(_, body)| body.to_string());
        assert!(sent.collect::<String>().contains(secret), "{target}: it reached the API as it is");
    }
}

#[test]
fn what_was_typed_is_text_wherever_it_stands() {
    let (evil, shown) = ("\"><script>alert(1)</script>", "&#34;&#62;&#60;script&#62;");
    let browser = Browser::resident();
    browser.refuses("POST /v1/sessions", 400, "invalid_request");
    browser.refuses("PATCH /v1/me", 400, "invalid_request");
    browser.refuses("POST /v1/me/totp/confirm", 422, "invalid_code");
    let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    let mut pages = Vec::new();
    // Whoever is signed in needs no form for it.
    pages.push(Browser::new().get(&format!("/sign-in?email={encoded}&next={encoded}")));
    for target in ["/sign-up", "/confirm", "/password", "/password?step=code"] {
        let joint = if target.contains('?') { '&' } else { '?' };
        pages.push(browser.get(&format!("{target}{joint}email={encoded}&next={encoded}")));
    }
    pages.push(browser.get(&format!("/sign-in/return?link={encoded}&next={encoded}")));
    pages.push(browser.post("/sign-in", &[("email", evil), ("password", "x")]));
    pages.push(browser.post("/sign-in/return", &[("ticket", evil), ("next", evil)]));
    pages.push(browser.post("/sign-up", &[("email", evil), ("display_name", evil)]));
    pages.push(browser.post("/confirm", &[("email", evil), ("code", evil)]));
    pages.push(browser.post("/password", &[("email", evil), ("code", evil), ("step", "code")]));
    pages.push(browser.post("/account", &[("do", "name"), ("display_name", evil)]));
    for page in pages {
        let html = text(&page);
        assert!(html.contains(shown), "{html}");
        assert!(!html.contains("<script>alert"), "{html}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"));
    }
    for (secret, uri) in [
        ("ABCDEFGH", "javascript:alert(1)//otpauth://totp/ABCDEFGH"),
        ("ABCDEFGH", evil),
        (evil, "otpauth://totp/x"),
        ("", "otpauth://totp/x"),
    ] {
        let fields = [("do", "factor-code"), ("code", "1"), ("secret", secret), ("uri", uri)];
        let html = text(&browser.post("/account", &fields));
        assert!(!html.contains("javascript:") && !html.contains("<script>alert"), "{html}");
        assert!(!html.contains("otpauth:"), "{html}");
    }
}

#[test]
fn what_is_wrong_stands_beside_the_form_and_names_its_field() {
    let browser = Browser::new();
    let refused = json!({
        "status": 422, "code": "password_too_weak", "detail": "All of it.",
        "errors": [{"pointer": "/password", "code": "password_too_weak", "detail": "Too short."}],
    });
    browser.api("POST /v1/accounts", 422, &refused);
    let answer = browser.post("/sign-up", &[("email", "a@x.test"), ("display_name", "Ana")]);
    let html = text(&answer);
    assert_eq!(answer.status, 422);
    assert!(html.contains("<p id=\"up-password-wrong\">Too short.</p>"), "{html}");
    assert!(html.contains("aria-describedby=\"about-password up-password-wrong\""), "{html}");
    assert_eq!(html.matches("aria-invalid").count(), 1, "{html}");
    assert!(html.contains("value=\"a@x.test\"") && html.contains("value=\"Ana\""), "{html}");
    assert_eq!(html.matches("role=\"alert\"").count(), 1);
    let fresh = text(&browser.get("/sign-up"));
    assert!(!fresh.contains("aria-invalid") && !fresh.contains("role=\"alert\""));
}

#[test]
fn a_refused_form_says_so_first_and_the_focus_lands_on_why() {
    let browser = Browser::resident();
    browser.refuses("POST /v1/sessions", 401, "invalid_credentials");
    browser.refuses("POST /v1/oauth/sessions", 401, "otp_required");
    browser.refuses("POST /v1/accounts", 422, "password_too_common");
    browser.refuses("POST /v1/accounts/confirm", 422, "invalid_code");
    browser.refuses("POST /v1/passwords/forgot", 429, "rate_limited");
    browser.refuses("PATCH /v1/me", 412, "precondition_failed");
    browser.refuses("POST /v1/me/password", 401, "invalid_credentials");
    browser.refuses("POST /v1/me/totp", 403, "reauthentication_required");
    browser.refuses("POST /v1/me/totp/confirm", 422, "invalid_code");
    browser.refuses("DELETE /v1/me", 403, "reauthentication_required");
    let secret = [("secret", "ABCDEFGH"), ("uri", "otpauth://totp/x?secret=ABCDEFGH")];
    let secret: Vec<_> = [("do", "factor-code")].into_iter().chain(secret).collect();
    for (target, fields, wrong) in [
        ("/sign-in", vec![("email", "a@x.test")], ""),
        ("/sign-in/return", vec![("ticket", "t")], "otp"),
        ("/sign-up", vec![("email", "a@x.test")], ""),
        ("/confirm", vec![("code", "1")], "code"),
        ("/password", vec![("email", "a@x.test")], ""),
        ("/account", vec![("do", "name"), ("display_name", "A")], ""),
        ("/account", vec![("do", "password")], "current_password"),
        ("/account", vec![("do", "factor")], "password"),
        ("/account", secret, "code"),
        ("/account", vec![("do", "erase")], "sure"),
        ("/account", vec![("do", "erase"), ("sure", "yes")], "password"),
    ] {
        let fresh = text(&browser.get(if target == "/sign-in" { "/account" } else { target }));
        let html = text(&browser.post(target, &fields));
        assert!(html.contains("<title>Error: "), "{target} {fields:?} {html}");
        let alert = "role=\"alert\" tabindex=\"-1\" autofocus>";
        assert_eq!(html.matches(alert).count(), 1, "{target} {fields:?} {html}");
        assert_eq!(html.matches(" autofocus").count(), 1, "{target} {html}");
        let invalid = html.split("<input").find(|input| input.contains("aria-invalid"));
        let name = format!("name=\"{wrong}\"");
        assert_eq!(invalid.is_some(), !wrong.is_empty(), "{target} {fields:?} {html}");
        assert!(invalid.is_none_or(|input| input.contains(&name)), "{target} {invalid:?}");
        for described in html.split("aria-describedby=\"").skip(1) {
            for id in described.split('"').next().unwrap().split(' ') {
                assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id} {html}");
            }
        }
        if target != "/sign-in/return" {
            assert!(!fresh.contains("Error: ") && !fresh.contains(" autofocus"), "{fresh}");
        }
    }
}

#[test]
fn a_form_of_before_signing_in_is_void_after_it() {
    let browser = Browser::new();
    let before = token_in(&text(&browser.get("/sign-in"))).to_owned();
    let visitor = browser.cookie("ecomauction-visitor");
    browser.sign_in();
    assert_ne!(browser.cookie("ecomauction-visitor"), visitor);
    let here = [("sec-fetch-site", "same-origin")];
    let fields = [("form_token", before.as_str())];
    let answer = browser.send(browser.request("POST", "/sign-out", &here, &fields));
    assert_eq!((answer.status, browser.heard()), (403, Vec::<(String, Value)>::new()));
    browser.api("DELETE /v1/sessions/current", 204, &Value::Null);
    assert_eq!(location(&browser.post("/sign-out", &[])), "/?done=bye");
}
