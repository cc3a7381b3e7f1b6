//! Who has an account cannot be told from answers, from the work that is done, or from what is
//! written and sent.

use ports::ready;
use serde_json::{Value, json};

use crate::house::{House, PASSWORD, from, json_of, refused, request, said};
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
    let body = |email: &str| json!({"email": email, "code": "not-a-code"});
    assert_alike("/v1/accounts/confirm", body, 422);
    let body = |email: &str| json!({"email": email, "code": "x", "password": "another fine one"});
    assert_alike("/v1/passwords/reset", body, 422);
    // Also when somebody asked for a letter before.
    let house = house();
    let addresses = ["nobody@example.test", "known@example.test", "waiting@example.test"];
    for path in ["/v1/accounts/resend", "/v1/passwords/forgot"] {
        for email in addresses {
            assert_eq!(house.post(path, &json!({"email": email})).status, 202);
        }
    }
    house.deliver();
    for (path, body) in [
        ("/v1/accounts/confirm", json!({"code": "000000"})),
        ("/v1/passwords/reset", json!({"code": "000000", "password": "another fine one"})),
    ] {
        let [nobody, known, waiting] = addresses.map(|email| {
            let mut body = body.clone();
            body["email"] = json!(email);
            seen(&house, path, &body)
        });
        assert!(nobody.3.iter().any(|call| call == "something is written"), "{:?}", nobody.3);
        assert_eq!((&nobody, &nobody), (&known, &waiting), "{path}");
    }
}

/// Whoever signs up with an address and then in with the same password is told the same whether
/// there is an account or not, before and after its owner proves it.
#[test]
fn a_sign_up_and_a_sign_in_do_not_tell_who_has_an_account() {
    let house = house();
    let strange = "what somebody else chose";
    let stranger = |path: &str, email: &str, password: &str| {
        let mut body = json!({"email": email, "password": password});
        if path == "/v1/accounts" {
            body["display_name"] = json!("Eve");
        }
        let watched = Watched::over(&house.memory);
        let asked = from("198.51.100.1", request("POST", path, None, Some(&body)));
        let response = ready(identity_service::handle(&watched, asked));
        (said(&response), watched.calls.into_inner())
    };
    let all = ["nobody@example.test", "known@example.test", "waiting@example.test"];
    let signed_up = all.map(|email| stranger("/v1/accounts", email, strange));
    assert!(signed_up.iter().all(|seen| *seen == signed_up[0]), "{signed_up:?}");
    for (password, told) in [
        (strange, refused(403, "account_not_confirmed")),
        ("another guess", refused(401, "invalid_credentials")),
    ] {
        let tried = all.map(|email| stranger("/v1/sessions", email, password));
        assert!(tried.iter().all(|seen| *seen == tried[0]), "{tried:?}");
        assert_eq!(tried[0].0, told);
        assert_eq!(tried[0].1.iter().filter(|call| *call == "verify").count(), 2);
    }
    // The owner proves the address: the stranger does not hear of it, and gets nowhere.
    house.post("/v1/accounts/resend", &json!({"email": all[2]}));
    let body = json!({"email": all[2], "code": house.code(all[2])});
    assert_eq!(house.post("/v1/accounts/confirm", &body).status, 204);
    house.sign_in(all[2]);
    let told = refused(403, "account_not_confirmed");
    assert_eq!(stranger("/v1/sessions", all[2], strange).0, told);
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
    let nobodys = |house: &House, table: &str| {
        house.count(&format!("SELECT count(*) FROM identity_{table} WHERE owner LIKE '-%'"))
    };
    assert_eq!((nobodys(&house, "codes"), nobodys(&house, "sign_ups")), (1, 1));
    house.deliver();
    assert!(house.memory.mail.to("nobody@example.test").is_empty());
    // Asking again does not fill the table.
    for path in ["/v1/accounts/resend", "/v1/passwords/forgot"] {
        house.post(path, &json!({"email": "nobody@example.test"}));
    }
    assert_eq!((nobodys(&house, "codes"), nobodys(&house, "sign_ups")), (1, 1));
}
