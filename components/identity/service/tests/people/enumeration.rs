//! Who has an account cannot be told from answers, from the work that is done, or from what is
//! written and sent.

use ports::ready;
use serde_json::{Value, json};

use crate::house::{House, PASSWORD, json_of, request};
use crate::watched::Watched;

/// A house with one confirmed and one unconfirmed account.
fn house() -> House {
    let house = House::new();
    house.settle("known@example.test");
    house.sign_up("waiting@example.test", PASSWORD);
    house.deliver();
    house
}

/// Status, body without its request id, headers without it, and every call of a port.
fn seen(house: &House, path: &str, body: &Value) -> (u16, Value, Vec<String>, Vec<String>) {
    let watched = Watched::over(&house.memory);
    let response =
        ready(identity_service::handle(&watched, request("POST", path, None, Some(body))));
    let mut shown = json_of(&response);
    shown.as_object_mut().unwrap().remove("request_id");
    let headers = response.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let headers = headers.map(|(name, value)| format!("{name}: {value}")).collect();
    (response.status, shown, headers, watched.calls.into_inner())
}

fn assert_alike(path: &str, body: impl Fn(&str) -> Value, status: u16) {
    let house = house();
    let seen = |email: &str| seen(&house, path, &body(email));
    let unknown = seen("nobody@example.test");
    assert_eq!(unknown.0, status, "{path}: {}", unknown.1);
    assert!(unknown.3.len() >= 3, "{path}: something is done");
    assert_eq!(unknown, seen("known@example.test"), "{path}");
    assert_eq!(unknown, seen("waiting@example.test"), "{path}");
    assert_eq!(unknown, seen("nobody@example.test"), "{path}: again");
}

#[test]
fn signing_up_looks_the_same_whoever_has_an_account() {
    let password = "another fine password";
    let body = |email: &str| json!({"email": email, "password": password, "display_name": "Eve"});
    assert_alike("/v1/accounts", body, 202);
}

#[test]
fn asking_for_letters_looks_the_same_whoever_has_an_account() {
    assert_alike("/v1/accounts/resend", |email| json!({"email": email}), 202);
    assert_alike("/v1/passwords/forgot", |email| json!({"email": email}), 202);
}

#[test]
fn a_wrong_password_looks_like_no_account() {
    let body = |email: &str| json!({"email": email, "password": "wrong password"});
    assert_alike("/v1/sessions", body, 401);
}

#[test]
fn a_wrong_code_looks_like_no_account() {
    let house = house();
    let seen = |email: &str| {
        let body = json!({"email": email, "code": "not-a-code"});
        let (status, body, headers, calls) = seen(&house, "/v1/accounts/confirm", &body);
        // The row of a code that was tried comes back; nobody outside sees that.
        let calls: Vec<_> = calls.into_iter().filter(|call| !call.ends_with("rows back")).collect();
        (status, body, headers, calls)
    };
    let unknown = seen("nobody@example.test");
    assert_eq!((unknown.0, &unknown.1["code"]), (422, &json!("invalid_code")));
    assert_eq!(unknown, seen("known@example.test"));
    assert_eq!(unknown, seen("waiting@example.test"));
}

#[test]
fn limits_count_the_same_for_who_has_no_account() {
    let house = house();
    let until_refused = |email: &str| {
        let body = json!({"email": email, "password": "wrong password"});
        (0..20).find(|_| house.post("/v1/sessions", &body).status == 429)
    };
    let unknown = until_refused("nobody@example.test");
    assert_eq!(unknown, Some(10));
    house.later(60_000);
    assert_eq!(until_refused("waiting@example.test"), unknown);
}

#[test]
fn nobodys_letter_is_written_down_and_never_sent() {
    let house = house();
    for path in ["/v1/accounts/resend", "/v1/passwords/forgot"] {
        house.post(path, &json!({"email": "nobody@example.test"}));
    }
    assert_eq!(house.count("SELECT count(*) FROM identity_codes WHERE owner LIKE '-%'"), 2);
    house.deliver();
    assert!(house.memory.mail.to("nobody@example.test").is_empty());
    // Asking again does not fill the table.
    house.post("/v1/passwords/forgot", &json!({"email": "nobody@example.test"}));
    assert_eq!(house.count("SELECT count(*) FROM identity_codes WHERE owner LIKE '-%'"), 2);
}
