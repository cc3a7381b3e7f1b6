//! Signing in with other providers.

use serde_json::{Value, json};

use crate::browser::{Browser, header, location, text};

fn with_google() -> Browser {
    let browser = Browser::at("http://shop.test", |memory| {
        memory.with_variable("google_client_id", "id").with_variable("facebook_client_id", "")
    });
    browser.set_cookie("ecomauction-oauth", "way");
    browser.set_cookie("theirs", "x");
    browser
}

#[test]
fn the_ways_are_those_that_the_deployer_has_set_up() {
    let page = text(&Browser::new().get("/sign-in"));
    assert!(!page.contains("/v1/oauth/"), "{page}");
    let browser = with_google();
    let page = text(&browser.get("/sign-in"));
    let plain = "href=\"/v1/oauth/google/start?return_to=%2Fsign-in%2Freturn\"";
    assert!(page.contains(plain) && !page.contains("facebook"), "{page}");
    let page = text(&browser.get("/sign-in?next=%2Fa%3Fticket%3Dx%26b"));
    let back = "return_to=%2Fsign-in%2Freturn%3Fnext%3D%252Fa%253Fticket%253Dx%2526b\"";
    assert!(page.contains(back), "{page}");
    let page = text(&browser.get("/sign-in?next=%2F%2Fevil.test"));
    assert!(page.contains(plain), "{page}");
    let long = format!("/sign-in?next=%2F{}", "%25".repeat(500));
    assert!(text(&browser.get(&long)).contains(plain), "the API takes no longer way back");
}

#[test]
fn a_ticket_signs_in_with_the_cookie_of_its_way_alone() {
    let browser = with_google();
    browser.get("/sign-up");
    let visitor = browser.cookie("ecomauction-visitor");
    browser.api("POST /v1/oauth/sessions", 201, &browser.pair("rt_1"));
    let answer = browser.get("/sign-in/return?next=%2Fmy%2Fbids&ticket=word");
    assert_eq!(location(&answer), "/my/bids");
    assert_ne!(browser.cookie("ecomauction-visitor"), visitor);
    assert_eq!(browser.cookie("ecomauction-refresh").as_deref(), Some("rt_1"));
    let asked = browser.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(header(&asked[0], "cookie"), Some("ecomauction-oauth=way"));
    assert_eq!(asked[0].url, "http://identity.spin.internal/v1/oauth/sessions");
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(body, json!({"ticket": "word", "otp": null}));
}

#[test]
fn a_ticket_may_want_a_one_time_code() {
    let browser = with_google();
    browser.refuses("POST /v1/oauth/sessions", 401, "otp_required");
    let answer = browser.get("/sign-in/return?next=%2Fmy%2Fbids&ticket=word");
    let page = text(&answer);
    assert_eq!(answer.status, 403);
    assert!(page.contains("name=\"ticket\" value=\"word\""), "{page}");
    assert!(page.contains("name=\"otp\" autocomplete=\"one-time-code\""), "{page}");
    browser.api("POST /v1/oauth/sessions", 201, &browser.pair("rt_1"));
    browser.asked();
    let fields = [("ticket", "word"), ("next", "//evil.test"), ("otp", "123 456")];
    assert_eq!(location(&browser.post("/sign-in/return", &fields)), "/");
    let (_, body) = browser.heard().pop().unwrap();
    assert_eq!(body, json!({"ticket": "word", "otp": "123456"}));
}

#[test]
fn a_provider_is_linked_by_a_code_from_a_letter() {
    let browser = with_google();
    let page = text(&browser.get("/sign-in/return?next=%2Fmy%2Fbids&link=word"));
    assert_eq!(browser.heard(), [], "nothing is asked before a code is typed");
    assert!(
        page.contains("name=\"link\" value=\"word\"") && page.contains("id=\"code\""),
        "{page}"
    );
    assert!(!page.contains("id=\"otp\""), "{page}");
    let fields = [("link", "word"), ("next", "/my/bids"), ("code", "123 456")];
    browser.refuses("POST /v1/oauth/links", 422, "invalid_code");
    let answer = browser.post("/sign-in/return", &fields);
    assert_eq!(answer.status, 422);
    assert!(text(&answer).contains("aria-describedby=\"in-code-wrong\""));
    browser.refuses("POST /v1/oauth/links", 401, "otp_required");
    let page = text(&browser.post("/sign-in/return", &fields));
    assert!(page.contains("id=\"otp\"") && page.contains("value=\"123456\""), "{page}");
    browser.api("POST /v1/oauth/links", 201, &browser.pair("rt_1"));
    browser.asked();
    let fields: Vec<_> = fields.into_iter().chain([("otp", "654321")]).collect();
    assert_eq!(location(&browser.post("/sign-in/return", &fields)), "/my/bids");
    let asked = browser.asked();
    assert_eq!(header(asked.last().unwrap(), "cookie"), Some("ecomauction-oauth=way"));
    let body: Value = serde_json::from_slice(&asked.last().unwrap().body).unwrap();
    assert_eq!(body, json!({"ticket": "word", "code": "123456", "otp": "654321"}));
}

#[test]
fn ways_that_lead_nowhere_end_at_the_form_to_sign_in() {
    let browser = with_google();
    browser.refuses("POST /v1/oauth/sessions", 401, "invalid_ticket");
    for (query, status, sentence) in [
        ("error=access_denied", 403, "You did not let the provider"),
        ("error=provider_unavailable", 503, "The provider does not answer."),
        ("error=provider_refused", 403, "The provider did not say who you are."),
        ("error=mail_not_verified", 403, "knows no address of yours"),
        ("error=%3Cscript%3E", 403, "The provider did not say who you are."),
        ("", 403, "The provider did not say who you are."),
        ("ticket=old", 403, "It says invalid_ticket."),
    ] {
        let answer = browser.get(&format!("/sign-in/return?next=%2Fmy%2Fbids&{query}"));
        let page = text(&answer);
        assert_eq!(answer.status, status, "{query}");
        assert!(page.contains(sentence), "{query} {page}");
        assert!(page.contains("action=\"/sign-in\"") && page.contains("value=\"/my/bids\""));
        assert_eq!(browser.cookie("ecomauction-access"), None);
    }
}
