//! Signing up and in, and forgotten passwords.

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, location, text};

#[test]
fn somebody_signs_up_confirms_and_signs_in() {
    let browser = Browser::new();
    browser.api("POST /v1/accounts", 202, &json!({}));
    browser.api("POST /v1/accounts/resend", 202, &json!({}));
    browser.api("POST /v1/accounts/confirm", 204, &Value::Null);
    let fields =
        [("email", " ana+1@x.test "), ("password", " 12345678 "), ("display_name", "Ana López")];
    let answer = browser.post("/sign-up", &fields);
    assert_eq!(location(&answer), "/confirm?email=ana%2B1%40x.test");
    let body =
        json!({"email": "ana+1@x.test", "password": " 12345678 ", "display_name": "Ana López"});
    assert_eq!(browser.heard(), [("POST /v1/accounts".to_owned(), body)]);
    let page = text(&browser.get("/confirm?email=ana%2B1%40x.test"));
    assert!(page.contains("value=\"ana+1@x.test\""), "{page}");
    assert!(!page.contains("/_dev/mail"), "{page}");
    let answer = browser.post("/confirm", &[("email", "ana+1@x.test"), ("again", "yes")]);
    assert_eq!(location(&answer), "/confirm?done=sent&email=ana%2B1%40x.test");
    let resent = json!({"email": "ana+1@x.test"});
    assert_eq!(browser.heard(), [("POST /v1/accounts/resend".to_owned(), resent)]);
    let answer = browser.post("/confirm", &[("email", "ana+1@x.test"), ("code", " 123 456 ")]);
    assert_eq!(location(&answer), "/sign-in?done=confirmed&email=ana%2B1%40x.test");
    let confirmed = json!({"email": "ana+1@x.test", "code": "123456"});
    assert_eq!(browser.heard(), [("POST /v1/accounts/confirm".to_owned(), confirmed)]);
    let page = text(&browser.get("/sign-in?done=confirmed&email=ana%2B1%40x.test"));
    assert!(page.contains("Your address is confirmed."), "{page}");
    assert!(page.contains("autocomplete=\"username\" required value=\"ana+1@x.test\""), "{page}");
}

#[test]
fn in_development_letters_can_be_read() {
    let browser =
        Browser::at("http://shop.test", |memory| memory.with_variable("development", "true"));
    for target in ["/confirm?email=a%40x.test", "/password?step=code&email=a%40x.test"] {
        let page = text(&browser.get(target));
        assert!(page.contains("href=\"/_dev/mail?to=a%40x.test\""), "{page}");
    }
}

#[test]
fn a_wrong_code_is_said_at_its_field() {
    let browser = Browser::new();
    browser.refuses("POST /v1/accounts/confirm", 422, "invalid_code");
    let answer = browser.post("/confirm", &[("email", "a@x.test"), ("code", "000000")]);
    let page = text(&answer);
    assert_eq!(answer.status, 422);
    assert!(page.contains("<p id=\"confirm-code-wrong\">It says invalid_code.</p>"), "{page}");
    assert!(page.contains("aria-describedby=\"confirm-code-wrong\""), "{page}");
}

#[test]
fn a_one_time_code_is_asked_for_when_the_api_wants_one() {
    let browser = Browser::new();
    assert!(!text(&browser.get("/sign-in")).contains("one-time-code"));
    browser.refuses("POST /v1/sessions", 401, "otp_required");
    let fields = [("email", "a@x.test"), ("password", PASSWORD), ("next", "/my/bids")];
    let answer = browser.post("/sign-in", &fields);
    let page = text(&answer);
    assert_eq!(answer.status, 403, "a page is not asked again with a token");
    assert!(page.contains("id=\"otp\" name=\"otp\" autocomplete=\"one-time-code\""), "{page}");
    assert!(page.contains("aria-describedby=\"in-otp-wrong\""), "{page}");
    assert!(page.contains("name=\"next\" value=\"/my/bids\""), "{page}");
    let (_, body) = browser.heard().pop().unwrap();
    assert_eq!(body, json!({"email": "a@x.test", "password": PASSWORD, "otp": null}));
    browser.refuses("POST /v1/sessions", 401, "invalid_credentials");
    let fields: Vec<_> = fields.into_iter().chain([("otp", "123 456")]).collect();
    let page = text(&browser.post("/sign-in", &fields));
    assert!(page.contains("id=\"otp\"") && !page.contains("123456"), "{page}");
    browser.api("POST /v1/sessions", 201, &browser.pair("rt_1"));
    browser.asked();
    assert_eq!(location(&browser.post("/sign-in", &fields)), "/my/bids");
    let (_, body) = browser.heard().pop().unwrap();
    assert_eq!(body, json!({"email": "a@x.test", "password": PASSWORD, "otp": "123456"}));
}

#[test]
fn who_has_not_confirmed_is_shown_where_to() {
    let browser = Browser::new();
    browser.refuses("POST /v1/sessions", 403, "account_not_confirmed");
    let answer = browser.post("/sign-in", &[("email", "a@x.test"), ("password", PASSWORD)]);
    assert_eq!(answer.status, 403);
    assert!(text(&answer).contains("href=\"/confirm?email=a%40x.test\""), "{}", text(&answer));
}

#[test]
fn a_forgotten_password_is_set_anew_in_two_steps() {
    let browser = Browser::new();
    browser.api("POST /v1/passwords/forgot", 202, &json!({}));
    let first = text(&browser.get("/password?email=a%40x.test"));
    assert!(!first.contains("new-password"), "{first}");
    let onward = browser.post("/password", &[("email", "a@x.test")]);
    let onward = location(&onward).to_owned();
    assert_eq!(onward, "/password?done=sent&step=code&email=a%40x.test");
    let second = text(&browser.get(&onward));
    assert!(second.contains("a letter with a code is on its way"), "{second}");
    assert!(second.contains("autocomplete=\"new-password\""), "{second}");
    browser.asked();
    let fields =
        [("email", "a@x.test"), ("step", "code"), ("code", "abcd-efgh"), ("password", PASSWORD)];
    browser.refuses("POST /v1/passwords/reset", 422, "invalid_code");
    let answer = browser.post("/password", &fields);
    let page = text(&answer);
    assert_eq!(answer.status, 422);
    assert!(page.contains("value=\"abcd-efgh\"") && page.contains("password-code-wrong"), "{page}");
    browser.api("POST /v1/passwords/reset", 204, &Value::Null);
    browser.asked();
    let answer = browser.post("/password", &fields);
    assert_eq!(location(&answer), "/sign-in?done=password&email=a%40x.test");
    let body = json!({"email": "a@x.test", "code": "abcd-efgh", "password": PASSWORD});
    assert_eq!(browser.heard(), [("POST /v1/passwords/reset".to_owned(), body)]);
}

#[test]
fn an_api_that_does_not_answer_is_a_page_of_503() {
    let browser = Browser::new();
    browser.breaks("POST /v1/sessions");
    let answer = browser.post("/sign-in", &[("email", "a@x.test"), ("password", PASSWORD)]);
    assert_eq!(answer.status, 503);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(answer.header("retry-after"), Some("1"));
}
