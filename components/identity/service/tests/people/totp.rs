//! The second factor.

use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder, Secret};

use crate::house::{House, PASSWORD, Pair, json_of, pair, refused, said};

const ANA: &str = "ana@example.test";

/// What Ana's phone shows.
struct Phone {
    secret: String,
}

impl Phone {
    fn offered(house: &House, ana: &Pair) -> Self {
        let offer = house.call("POST", "/v1/me/totp", &ana.access, None);
        assert_eq!(offer.status, 200);
        let secret = json_of(&offer)["secret"].as_str().unwrap().to_owned();
        let uri = json_of(&offer)["otpauth_uri"].as_str().unwrap().to_owned();
        assert!(uri.starts_with("otpauth://totp/EcomAuction:ana%40example.test?secret="));
        assert!(uri.contains(&secret) && uri.contains("&issuer=EcomAuction"));
        Self { secret }
    }

    fn code(&self, house: &House, steps: i64) -> String {
        let secret = Secret::try_from_base32(&self.secret).unwrap();
        assert_eq!(secret.as_bytes().len(), 20);
        let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(secret);
        let now = ports::Clock::now(&house.memory).as_ms() / 1_000 + 30 * steps;
        totp.build().unwrap().generate(now.unsigned_abs()).to_string()
    }
}

/// Ana with the second factor on: her phone and her recovery codes.
fn secured(house: &House) -> (Phone, Vec<String>, Pair) {
    let ana = house.resident(ANA);
    let phone = Phone::offered(house, &ana);
    let body = json!({"code": phone.code(house, 0)});
    let on = house.call("POST", "/v1/me/totp/confirm", &ana.access, Some(&body));
    assert_eq!(on.status, 200);
    let codes = json_of(&on)["recovery_codes"].as_array().unwrap().clone();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    house.later(30_000);
    (phone, codes, ana)
}

fn sign_in(house: &House, otp: &str) -> web::Response {
    house.post("/v1/sessions", &json!({"email": ANA, "password": PASSWORD, "otp": otp}))
}

#[test]
fn with_the_second_factor_a_password_is_not_enough() {
    let house = House::new();
    let (phone, codes, ana) = secured(&house);
    assert_eq!(codes.len(), 10);
    assert_eq!(said(&house.try_sign_in(ANA, PASSWORD)), refused(401, "otp_required"));
    assert_eq!(said(&house.try_sign_in(ANA, "not it")), refused(401, "invalid_credentials"));
    assert_eq!(said(&sign_in(&house, "000000")), refused(401, "invalid_credentials"));
    pair(&sign_in(&house, &phone.code(&house, 0)), 201);
    let me = house.call("GET", "/v1/me", &ana.access, None);
    assert_eq!(json_of(&me)["second_factor"], true);
    let again = house.call("POST", "/v1/me/totp", &ana.access, None);
    assert_eq!(said(&again), refused(409, "second_factor_on"));
}

#[test]
fn until_it_is_confirmed_the_second_factor_is_off() {
    let house = House::new();
    let ana = house.resident(ANA);
    let body = json!({"code": "123456"});
    let confirm = || house.call("POST", "/v1/me/totp/confirm", &ana.access, Some(&body));
    assert_eq!(said(&confirm()), refused(422, "invalid_code"), "nothing was offered");
    let first = Phone::offered(&house, &ana);
    let second = Phone::offered(&house, &ana);
    assert_ne!(first.secret, second.secret);
    house.sign_in(ANA);
    let body = json!({"code": first.code(&house, 0)});
    let old = house.call("POST", "/v1/me/totp/confirm", &ana.access, Some(&body));
    assert_eq!(said(&old), refused(422, "invalid_code"), "the newest secret counts");
}

#[test]
fn a_time_step_is_accepted_once_and_a_step_to_either_side() {
    let house = House::new();
    let (phone, ..) = secured(&house);
    let code = phone.code(&house, 0);
    pair(&sign_in(&house, &code), 201);
    assert_eq!(said(&sign_in(&house, &code)), refused(401, "invalid_credentials"), "replayed");
    let before = phone.code(&house, -1);
    assert_eq!(said(&sign_in(&house, &before)), refused(401, "invalid_credentials"), "older");
    pair(&sign_in(&house, &phone.code(&house, 1)), 201);
    house.later(3_600_000);
    for (steps, status) in [(-2, 401), (2, 401), (-1, 201)] {
        assert_eq!(sign_in(&house, &phone.code(&house, steps)).status, status, "{steps}");
    }
}

#[test]
fn the_code_that_confirmed_is_spent() {
    let house = House::new();
    let ana = house.resident(ANA);
    let phone = Phone::offered(&house, &ana);
    let code = phone.code(&house, 0);
    let body = json!({"code": code});
    assert_eq!(house.call("POST", "/v1/me/totp/confirm", &ana.access, Some(&body)).status, 200);
    assert_eq!(said(&sign_in(&house, &code)), refused(401, "invalid_credentials"));
    pair(&sign_in(&house, &phone.code(&house, 1)), 201);
}

#[test]
fn a_recovery_code_is_good_once_however_it_is_written() {
    let house = House::new();
    let (_, codes, ana) = secured(&house);
    pair(&sign_in(&house, &codes[0]), 201);
    assert_eq!(said(&sign_in(&house, &codes[0])), refused(401, "invalid_credentials"));
    pair(&sign_in(&house, &codes[9].replace('-', " ").to_uppercase()), 201);
    let export = json_of(&house.call("GET", "/v1/me/export", &ana.access, None));
    assert_eq!(export["second_factor"]["recovery_codes_left"], 8);
}

#[test]
fn one_time_codes_cannot_be_guessed_for_long() {
    let house = House::new();
    let (phone, ..) = secured(&house);
    house.later(300_000);
    let guesses = (0..6).map(|n| said(&sign_in(&house, &format!("00000{n}"))).0);
    assert_eq!(guesses.collect::<Vec<_>>(), [401, 401, 401, 401, 401, 429]);
    house.later(300_000);
    pair(&sign_in(&house, &phone.code(&house, 0)), 201);
}

#[test]
fn the_second_factor_goes_with_a_proof_and_takes_its_recovery_codes_along() {
    let house = House::new();
    let (phone, codes, ana) = secured(&house);
    house.later(600_000);
    let ana = pair(&house.refresh(&ana.refresh), 200);
    let remove =
        |body: Option<Value>| house.call("DELETE", "/v1/me/totp", &ana.access, body.as_ref());
    assert_eq!(said(&remove(None)), refused(403, "reauthentication_required"));
    let wrong = remove(Some(json!({"otp": "000000"})));
    assert_eq!(said(&wrong), refused(403, "reauthentication_required"));
    assert_eq!(remove(Some(json!({"otp": phone.code(&house, 0)}))).status, 204);
    assert_eq!(remove(None).status, 204, "it is off");
    assert_eq!(house.count("SELECT count(*) FROM identity_recovery_codes"), 0);
    house.sign_in(ANA);
    let ana = house.sign_in(ANA);
    let renewed = Phone::offered(&house, &ana);
    assert_ne!(renewed.secret, phone.secret);
    let body = json!({"code": renewed.code(&house, 0)});
    assert_eq!(house.call("POST", "/v1/me/totp/confirm", &ana.access, Some(&body)).status, 200);
    assert_eq!(said(&sign_in(&house, &codes[1])), refused(401, "invalid_credentials"));
}
