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
