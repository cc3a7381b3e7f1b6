//! Signing up, and proving an address.

use serde_json::json;

use crate::house::{House, PASSWORD, code_in, from, json_of, refused, request, said, wrong};

const ANA: &str = "ana@example.test";

#[test]
fn a_person_signs_up_proves_the_address_and_signs_in() {
    let house = House::new();
    let up = house.sign_up(" Ana@Example.test ", PASSWORD);
    assert_eq!((up.status, json_of(&up)), (202, json!({})));
    let not_yet = house.try_sign_in(ANA, PASSWORD);
    assert_eq!(said(&not_yet), refused(403, "account_not_confirmed"));
    let code = house.code(ANA);
    let confirmed =
        house.post("/v1/accounts/confirm", &json!({"email": "ANA@example.test", "code": code}));
    assert_eq!((confirmed.status, confirmed.body.len()), (204, 0));
    let news = house.deliver();
    assert_eq!(news.len(), 1);
    let pair = house.sign_in(ANA);
    let body: serde_json::Value = serde_json::from_slice(&news[0].body).unwrap();
    let id = house.user_id(&pair.access);
    assert_eq!((news[0].topic.as_str(), &news[0].key), ("identity.user-changed.v1", &id));
    assert_eq!(body, json!({"user_id": id, "email": ANA, "display_name": "Ana"}));
    assert_eq!(house.roles(&pair.access), ["user"]);
}

#[test]
fn a_code_is_good_once() {
    let house = House::new();
    house.sign_up(ANA, PASSWORD);
    let body = json!({"email": ANA, "code": house.code(ANA)});
    assert_eq!(house.post("/v1/accounts/confirm", &body).status, 204);
    assert_eq!(said(&house.post("/v1/accounts/confirm", &body)), refused(422, "invalid_code"));
    assert_eq!(house.deliver().len(), 1, "it is told once");
}

#[test]
fn a_code_can_be_tried_five_times() {
    for (tries, expected) in [(4, 204), (5, 422)] {
        let house = House::new();
        house.sign_up(ANA, PASSWORD);
        let code = house.code(ANA);
        for _ in 0..tries {
            let body = json!({"email": ANA, "code": wrong(&code)});
            let tried = house.post("/v1/accounts/confirm", &body);
            assert_eq!(said(&tried), refused(422, "invalid_code"));
        }
        let body = json!({"email": ANA, "code": code});
        assert_eq!(house.post("/v1/accounts/confirm", &body).status, expected, "{tries}");
    }
}

#[test]
fn a_code_lives_ten_minutes() {
    for (ms, expected) in [(599_999, 204), (600_000, 422)] {
        let house = House::new();
        house.sign_up(ANA, PASSWORD);
        let body = json!({"email": ANA, "code": house.code(ANA)});
        house.later(ms);
        assert_eq!(house.post("/v1/accounts/confirm", &body).status, expected, "{ms}");
    }
}

#[test]
fn only_the_newest_code_counts() {
    let house = House::new();
    house.sign_up(ANA, PASSWORD);
    let first = house.code(ANA);
    let again = house.post("/v1/accounts/resend", &json!({"email": ANA}));
    assert_eq!((again.status, json_of(&again)), (202, json!({})));
    let second = house.code(ANA);
    assert_ne!(first, second);
    let confirm = |code: &str| {
        house.post("/v1/accounts/confirm", &json!({"email": ANA, "code": code})).status
    };
    assert_eq!(confirm(&first), 422);
    assert_eq!(confirm(&second), 204);
}

#[test]
fn a_code_is_for_its_purpose_and_its_owner() {
    let house = House::new();
    house.settle(ANA);
    house.sign_up("ben@example.test", PASSWORD);
    let code = house.code("ben@example.test");
    let reset = json!({"email": "ben@example.test", "code": code, "password": "new password 1"});
    assert_eq!(said(&house.post("/v1/passwords/reset", &reset)), refused(422, "invalid_code"));
    let confirm = json!({"email": ANA, "code": code});
    assert_eq!(said(&house.post("/v1/accounts/confirm", &confirm)), refused(422, "invalid_code"));
    let confirm = json!({"email": "ben@example.test", "code": code});
    assert_eq!(house.post("/v1/accounts/confirm", &confirm).status, 204);
}

#[test]
fn the_newest_sign_up_is_who_the_code_stands_for() {
    let house = House::new();
    house.sign_up(ANA, "what somebody else chose");
    house.later(1_000);
    house.sign_up(ANA, PASSWORD);
    let body = json!({"email": ANA, "code": house.code(ANA)});
    assert_eq!(house.post("/v1/accounts/confirm", &body).status, 204);
    assert_eq!(house.try_sign_in(ANA, "what somebody else chose").status, 401);
    house.sign_in(ANA);
}

#[test]
fn who_has_an_account_is_told_so_by_mail_and_keeps_the_password() {
    let house = House::new();
    house.settle(ANA);
    assert_eq!(house.sign_up(ANA, "what somebody else chose").status, 202);
    house.post("/v1/accounts/resend", &json!({"email": ANA}));
    house.deliver();
    let letters = house.memory.mail.to(ANA);
    assert_eq!(letters.len(), 2, "one letter is due, the newest");
    assert!(letters[1].text.contains("an account for it already"));
    assert_eq!(code_in(&letters[1].text), None);
    let strange = house.try_sign_in(ANA, "what somebody else chose");
    assert_eq!(said(&strange), refused(403, "account_not_confirmed"), "as for any address");
    house.sign_in(ANA);
    let me = house.call("GET", "/v1/me", &house.sign_in(ANA).access, None);
    assert_eq!(json_of(&me)["display_name"], "Ana");
}

/// Somebody signs up from elsewhere with Ana's address, in whatever order.
#[test]
fn a_code_confirms_the_sign_up_that_it_was_mailed_for() {
    for is_stranger_first in [true, false] {
        let house = House::new();
        let strange = || {
            let body = json!({"email": ANA, "password": "what Eve chose", "display_name": "Eve"});
            let asked = request("POST", "/v1/accounts", None, Some(&body));
            assert_eq!(house.send(from("198.51.100.1", asked)).status, 202);
            house.code(ANA)
        };
        let own = || {
            house.later(60_000);
            assert_eq!(house.sign_up(ANA, PASSWORD).status, 202);
            house.code(ANA)
        };
        let (strange, own) = if is_stranger_first {
            let strange = strange();
            (strange, own())
        } else {
            let own = own();
            (strange(), own)
        };
        let letters = house.memory.mail.to(ANA);
        assert!(
            letters.iter().any(|letter| letter.text.contains("sign-up of 2027-01-15, 08:01 UTC"))
        );
        let confirm = |code: &str| {
            house.post("/v1/accounts/confirm", &json!({"email": ANA, "code": code})).status
        };
        assert_eq!(confirm(&own), 204);
        assert_eq!(confirm(&strange), 422, "the address is proven");
        let pair = house.sign_in(ANA);
        assert_ne!(house.try_sign_in(ANA, "what Eve chose").status, 201);
        let me = json_of(&house.call("GET", "/v1/me", &pair.access, None));
        assert_eq!(me["display_name"], "Ana");
    }
}

#[test]
fn a_letter_that_is_asked_for_again_is_about_the_sign_up_from_there() {
    let house = House::new();
    let resend = |address: &str| {
        let body = json!({"email": ANA});
        let asked = request("POST", "/v1/accounts/resend", None, Some(&body));
        assert_eq!(house.send(from(address, asked)).status, 202);
        house.code(ANA)
    };
    let confirm = |code: &str| {
        house.post("/v1/accounts/confirm", &json!({"email": ANA, "code": code})).status
    };
    house.sign_up(ANA, PASSWORD);
    let first = house.code(ANA);
    // The only sign-up that there is moves with who asks.
    let moved = resend("192.0.2.1");
    assert_eq!(confirm(&first), 422);
    house.later(600_000);
    assert_eq!(confirm(&moved), 422, "ten minutes");
    let body = json!({"email": ANA, "password": "what Eve chose", "display_name": "Eve"});
    house.send(from("198.51.100.1", request("POST", "/v1/accounts", None, Some(&body))));
    // Of two, somebody from a third place gets neither.
    let alone = resend("192.0.2.2");
    assert!(house.memory.mail.to(ANA).last().unwrap().text.contains("sets no password"));
    let own = resend("192.0.2.1");
    assert_eq!(confirm(&own), 204);
    house.sign_in(ANA);
    assert_eq!(confirm(&alone), 422);
}

#[test]
fn a_code_for_the_address_alone_sets_no_password() {
    let house = House::new();
    for (address, password) in [("198.51.100.1", "what Eve chose"), ("198.51.100.2", PASSWORD)] {
        let body = json!({"email": ANA, "password": password, "display_name": "Eve"});
        house.send(from(address, request("POST", "/v1/accounts", None, Some(&body))));
    }
    house.post("/v1/accounts/resend", &json!({"email": ANA}));
    let body = json!({"email": ANA, "code": house.code(ANA)});
    assert_eq!(house.post("/v1/accounts/confirm", &body).status, 204);
    for password in ["what Eve chose", PASSWORD] {
        assert_ne!(house.try_sign_in(ANA, password).status, 201);
    }
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    let body = json!({"email": ANA, "code": house.code(ANA), "password": PASSWORD});
    assert_eq!(house.post("/v1/passwords/reset", &body).status, 204);
    let me = json_of(&house.call("GET", "/v1/me", &house.sign_in(ANA).access, None));
    assert_eq!(me["display_name"], "ana", "nobody's name");
}

#[test]
fn all_codes_of_an_address_have_five_tries_together() {
    let house = House::new();
    let codes: Vec<_> = (0..3)
        .map(|n| {
            let body = json!({"email": ANA, "password": PASSWORD, "display_name": "Ana"});
            let asked = request("POST", "/v1/accounts", None, Some(&body));
            house.send(from(&format!("192.0.2.{n}"), asked));
            house.code(ANA)
        })
        .collect();
    let confirm = |n: usize, code: &str| {
        let body = json!({"email": ANA, "code": code});
        let asked = request("POST", "/v1/accounts/confirm", None, Some(&body));
        house.send(from(&format!("198.51.100.{n}"), asked)).status
    };
    assert!((0..5).all(|n| confirm(n, "not-a-code") == 422), "from wherever");
    for code in &codes {
        assert_eq!(confirm(9, code), 422);
    }
    // A new letter has tries of its own, and gives none to the others.
    house.later(300_000);
    house.post("/v1/accounts/resend", &json!({"email": ANA}));
    let newest = house.code(ANA);
    assert_eq!(confirm(9, &codes[1]), 422);
    assert_eq!(confirm(9, &newest), 204);
}

#[test]
fn the_newest_seven_sign_ups_of_an_address_wait() {
    let house = House::new();
    for n in 0..12 {
        let body = json!({"email": ANA, "password": PASSWORD, "display_name": "Ana"});
        let asked = request("POST", "/v1/accounts", None, Some(&body));
        assert_eq!(house.send(from(&format!("192.0.2.{n}"), asked)).status, 202);
        house.later(300_000);
    }
    assert_eq!(house.count("SELECT count(*) FROM identity_sign_ups"), 7);
}

#[test]
fn what_is_wrong_in_a_sign_up_is_said_by_its_pointer() {
    let house = House::new();
    let long = "x".repeat(129);
    for (member, value, status, code) in [
        ("email", "ana", 400, "invalid_request"),
        ("email", "ana@example.test\r\nBcc: eve@example.test", 400, "invalid_request"),
        ("password", "short", 422, "password_too_weak"),
        ("password", "PASSWORD", 422, "password_too_common"),
        ("password", "qwertyuiop", 422, "password_too_common"),
        ("password", long.as_str(), 422, "password_too_long"),
        ("display_name", "", 400, "invalid_request"),
        ("display_name", "a\u{7}b", 400, "invalid_request"),
        ("display_name", long.as_str(), 400, "invalid_request"),
    ] {
        let mut body = json!({"email": ANA, "password": PASSWORD, "display_name": "Ana"});
        body[member] = json!(value);
        let response = house.post("/v1/accounts", &body);
        assert_eq!(said(&response), refused(status, code), "{member}: {value:?}");
        assert_eq!(json_of(&response)["errors"][0]["pointer"], format!("/{member}"));
    }
    let mut body = json!({"email": ANA, "password": PASSWORD, "display_name": "Ana"});
    body["roles"] = json!(["admin"]);
    assert_eq!(said(&house.post("/v1/accounts", &body)), refused(400, "unknown_field"));
    assert_eq!(house.count("SELECT count(*) FROM identity_accounts"), 0);
}

#[test]
fn when_the_store_is_away_nothing_is_said_and_no_letter_goes_out() {
    let house = House::new();
    house.memory.sql.break_batch(0);
    assert_eq!(said(&house.sign_up(ANA, PASSWORD)), refused(503, "unavailable"));
    assert!(house.memory.take_messages().is_empty());
    house.sign_up(ANA, PASSWORD);
    let body = json!({"email": ANA, "code": house.code(ANA)});
    house.memory.sql.break_batch(1);
    let broken = house.post("/v1/accounts/confirm", &body);
    assert_eq!(said(&broken), refused(503, "unavailable"));
    assert!(house.deliver().is_empty());
    assert_eq!(house.post("/v1/accounts/confirm", &body).status, 204, "the code is not lost");
}
