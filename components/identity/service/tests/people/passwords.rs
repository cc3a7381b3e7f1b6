//! New passwords.

use serde_json::json;

use crate::house::{House, PASSWORD, json_of, pair, refused, said, wrong};

const ANA: &str = "ana@example.test";
const NEW: &str = "a staple is not a battery";

fn forget(house: &House) -> String {
    let response = house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    assert_eq!((response.status, json_of(&response)), (202, json!({})));
    house.code(ANA)
}

fn reset(house: &House, code: &str, password: &str) -> web::Response {
    let body = json!({"email": ANA, "code": code, "password": password});
    house.post("/v1/passwords/reset", &body)
}

#[test]
fn a_mailed_code_sets_a_new_password_and_ends_all_sessions() {
    let house = House::new();
    let phone = house.resident(ANA);
    let code = forget(&house);
    assert_eq!(house.refresh(&phone.refresh).status, 200, "asking changes nothing");
    assert_eq!(reset(&house, &code, NEW).status, 204);
    assert_eq!(said(&house.refresh(&phone.refresh)), refused(401, "invalid_token"));
    assert_eq!(house.try_sign_in(ANA, PASSWORD).status, 401);
    assert_eq!(house.try_sign_in(ANA, NEW).status, 201);
    assert_eq!(said(&reset(&house, &code, NEW)), refused(422, "invalid_code"), "it is spent");
}

#[test]
fn a_code_for_a_password_can_be_tried_five_times_within_ten_minutes() {
    let house = House::new();
    house.settle(ANA);
    let code = forget(&house);
    for _ in 0..5 {
        assert_eq!(said(&reset(&house, &wrong(&code), NEW)), refused(422, "invalid_code"));
    }
    assert_eq!(said(&reset(&house, &code, NEW)), refused(422, "invalid_code"));
    house.later(3_600_000);
    let code = forget(&house);
    house.later(600_000);
    assert_eq!(said(&reset(&house, &code, NEW)), refused(422, "invalid_code"));
    house.sign_in(ANA);
}

#[test]
fn a_code_for_a_password_cannot_be_guessed_and_is_typed_as_people_type() {
    let house = House::new();
    house.settle(ANA);
    let code = forget(&house);
    assert_eq!(code.len(), 26, "130 bits");
    assert_eq!(house.count("SELECT count(*) FROM identity_codes"), 1);
    let kept = format!("SELECT count(*) FROM identity_codes WHERE instr(id, '{code}') > 0");
    assert_eq!(house.count(&kept), 0, "it is not in the table");
    let typed = format!(" {}-{} {}", &code[..5], code[5..13].to_lowercase(), &code[13..]);
    assert_eq!(reset(&house, &code[..25], NEW).status, 422);
    assert_eq!(reset(&house, &typed, NEW).status, 204);
}

#[test]
fn a_password_that_is_refused_costs_no_try() {
    let house = House::new();
    house.settle(ANA);
    let code = forget(&house);
    for _ in 0..6 {
        assert_eq!(said(&reset(&house, &code, "short")), refused(422, "password_too_weak"));
    }
    assert_eq!(said(&reset(&house, &code, "iloveyou")), refused(422, "password_too_common"));
    assert_eq!(reset(&house, &code, NEW).status, 204);
}

#[test]
fn a_reset_proves_the_address_of_who_never_confirmed() {
    let house = House::new();
    house.sign_up(ANA, "what somebody else chose");
    let code = forget(&house);
    assert_eq!(reset(&house, &code, NEW).status, 204);
    assert_eq!(house.deliver().len(), 1, "others hear of the account");
    assert_eq!(house.try_sign_in(ANA, NEW).status, 201);
}

#[test]
fn who_knows_the_old_password_changes_it_and_ends_the_other_sessions() {
    let house = House::new();
    let phone = house.resident(ANA);
    let laptop = house.sign_in(ANA);
    let change = |token: &str, old: &str, new: &str| {
        let body = json!({"current_password": old, "password": new});
        house.call("POST", "/v1/me/password", token, Some(&body))
    };
    let no = change(&laptop.access, NEW, NEW);
    assert_eq!(said(&no), refused(401, "invalid_credentials"));
    let no = change(&laptop.access, PASSWORD, "password1");
    assert_eq!(said(&no), refused(422, "password_too_common"));
    assert_eq!(change(&laptop.access, PASSWORD, NEW).status, 204);
    assert_eq!(said(&house.refresh(&phone.refresh)), refused(401, "invalid_token"));
    pair(&house.refresh(&laptop.refresh), 200);
    assert_eq!(house.try_sign_in(ANA, PASSWORD).status, 401);
    assert_eq!(house.try_sign_in(ANA, NEW).status, 201);
    let guesses = (0..20).map(|_| change(&laptop.access, "a guess of mine", NEW).status);
    assert!(guesses.into_iter().any(|status| status == 429), "a stolen token cannot guess on");
}

#[test]
fn after_a_new_password_the_old_tokens_change_nothing() {
    let house = House::new();
    let thief = house.resident(ANA);
    let offer = house.call("POST", "/v1/me/totp", &thief.access, None);
    let secret = json_of(&offer)["secret"].as_str().unwrap().to_owned();
    let secret = totp_rs::Secret::try_from_base32(&secret).unwrap();
    let now = (crate::house::BEGIN_MS / 1_000).unsigned_abs();
    let otp = totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(now);
    let code = forget(&house);
    assert_eq!(reset(&house, &code, NEW).status, 204);
    let change = json!({"current_password": NEW, "password": PASSWORD});
    for (method, path, body) in [
        ("DELETE", "/v1/me", None),
        ("POST", "/v1/me/totp", None),
        ("POST", "/v1/me/totp/confirm", Some(json!({"code": otp.to_string()}))),
        ("DELETE", "/v1/me/totp", None),
        ("POST", "/v1/me/password", Some(change)),
        ("PATCH", "/v1/me", Some(json!({"display_name": "Eve"}))),
    ] {
        let tried = house.call(method, path, &thief.access, body.as_ref());
        assert_eq!(said(&tried), refused(401, "unauthenticated"), "{method} {path}");
    }
    let ana = pair(&house.try_sign_in(ANA, NEW), 201);
    let me = json_of(&house.call("GET", "/v1/me", &ana.access, None));
    assert_eq!((&me["display_name"], &me["second_factor"]), (&json!("Ana"), &json!(false)));
    // Signing out ends a session as well, and another one goes on.
    let other = pair(&house.try_sign_in(ANA, NEW), 201);
    assert_eq!(house.call("DELETE", "/v1/sessions/current", &other.access, None).status, 204);
    let tried = house.call("DELETE", "/v1/me", &other.access, None);
    assert_eq!(said(&tried), refused(401, "unauthenticated"));
    assert_eq!(house.call("DELETE", "/v1/me", &ana.access, None).status, 204);
}
