//! How often: floods meet 429, people do not, and strangers lock nobody out.

use serde_json::json;
use web::Response;

use crate::house::{House, PASSWORD, from, pair, refused, request, said, wrong};

const ANA: &str = "ana@example.test";

fn sign_in_from(house: &House, address: &str, email: &str, password: &str) -> Response {
    let body = json!({"email": email, "password": password});
    house.send(from(address, request("POST", "/v1/sessions", None, Some(&body))))
}

#[test]
fn a_thousand_stuffed_pairs_from_one_address_meet_429_early() {
    let house = House::new();
    let statuses = (0..1_000).map(|n| {
        let email = format!("victim{n}@example.test");
        sign_in_from(&house, "198.51.100.9", &email, "stuffed password").status
    });
    let statuses: Vec<_> = statuses.collect();
    assert!(statuses[..30].iter().all(|status| *status == 401));
    assert!(statuses[30..].iter().all(|status| *status == 429));
    let elsewhere = sign_in_from(&house, "198.51.100.10", ANA, PASSWORD);
    assert_eq!(said(&elsewhere), refused(401, "invalid_credentials"));
}

#[test]
fn a_refusal_says_when_and_how_much() {
    let house = House::new();
    let all = (0..31).map(|n| house.try_sign_in(&format!("a{n}@example.test"), PASSWORD));
    let refusal = all.last().unwrap();
    assert_eq!(said(&refusal), refused(429, "rate_limited"));
    assert_eq!(refusal.header("retry-after"), Some("2"));
    assert_eq!(refusal.header("ratelimit"), Some("\"sign-in\";r=0;t=2"));
    assert_eq!(refusal.header("ratelimit-policy"), Some("\"sign-in\";q=30;w=60"));
    house.later(2_000);
    assert_eq!(house.try_sign_in("b@example.test", PASSWORD).status, 401);
}

#[test]
fn strangers_cannot_lock_an_owner_out() {
    let house = House::new();
    house.resident(ANA);
    house.later(30_000);
    let attack = |house: &House| {
        let tries = (0..30).map(|n| {
            sign_in_from(house, &format!("198.51.100.{n}"), ANA, "a guess of somebody").status
        });
        assert_eq!(tries.filter(|status| *status == 401).count(), 10, "then they wait");
    };
    attack(&house);
    house.sign_in(ANA);
    // From a place where she never was she waits half a minute, or proves that she reads her mail.
    let hotel = "192.0.2.77";
    assert_eq!(sign_in_from(&house, hotel, ANA, PASSWORD).status, 429);
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    let body = json!({"email": ANA, "code": house.code(ANA), "password": PASSWORD});
    let reset = from(hotel, request("POST", "/v1/passwords/reset", None, Some(&body)));
    assert_eq!(house.send(reset).status, 204);
    pair(&sign_in_from(&house, hotel, ANA, PASSWORD), 201);
    house.later(30_000);
    pair(&sign_in_from(&house, "192.0.2.78", ANA, PASSWORD), 201);
}

#[test]
fn guesses_from_a_known_place_are_counted_as_well() {
    let house = House::new();
    house.resident(ANA);
    let tries = (0..12).map(|_| house.try_sign_in(ANA, "a guess of my own").status);
    assert_eq!(tries.filter(|status| *status == 401).count(), 10);
    house.later(30_000);
    assert_eq!(house.try_sign_in(ANA, PASSWORD).status, 201, "half a minute is enough");
}

#[test]
fn one_mailbox_is_not_filled() {
    let house = House::new();
    house.settle(ANA);
    let mut letters = 0;
    for n in 0..30 {
        let path = ["/v1/accounts/resend", "/v1/passwords/forgot"][n % 2];
        let body = json!({"email": ANA});
        let address = format!("198.51.100.{n}");
        let asked = house.send(from(&address, request("POST", path, None, Some(&body))));
        letters += usize::from(asked.status == 202);
        house.deliver();
    }
    assert_eq!(letters, 9, "five of each kind, one of which was her sign-up's");
    assert_eq!(house.memory.mail.to(ANA).len(), 10);
}

#[test]
fn strangers_cannot_keep_an_owner_from_a_new_password() {
    let house = House::on(|memory| memory.with_variable("letters_per_hour", "1000"));
    house.settle(ANA);
    // Letters of another kind do not count, and guesses from elsewhere do not either.
    for _ in 0..20 {
        house.post("/v1/accounts/resend", &json!({"email": ANA}));
    }
    let forgot = house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    assert_eq!(forgot.status, 202);
    let code = house.code(ANA);
    let reset = |address: &str, code: &str| {
        let body = json!({"email": ANA, "code": code, "password": PASSWORD});
        house.send(from(address, request("POST", "/v1/passwords/reset", None, Some(&body)))).status
    };
    for n in 0..30 {
        let address = format!("198.51.100.{n}");
        let tried = (0..20).map(|_| reset(&address, &wrong(&code)));
        assert_eq!(tried.filter(|status| *status == 429).count(), 5);
    }
    // Whoever guesses has used up the tries of the own place and of no other.
    assert_eq!(reset("198.51.100.0", &code), 429);
    house.later(240_000);
    assert_eq!(reset("198.51.100.0", &code), 422);
    assert_eq!(reset("203.0.113.7", &code), 204);
}

#[test]
fn each_kind_of_request_has_a_rate_of_its_own_for_an_address() {
    let house = House::new();
    let fill = |path: &str, body: &dyn Fn(usize) -> serde_json::Value, many: usize| {
        let statuses = (0..many).map(|n| house.post(path, &body(n)).status);
        statuses.filter(|status| *status != 429).count()
    };
    let up =
        |n| json!({"email": format!("u{n}@a.test"), "password": PASSWORD, "display_name": "U"});
    assert_eq!(fill("/v1/accounts", &up, 25), 20);
    let letter = |n| json!({"email": format!("l{n}@a.test")});
    assert_eq!(fill("/v1/passwords/forgot", &letter, 20), 20);
    assert_eq!(fill("/v1/accounts/resend", &letter, 20), 10, "letters are letters");
    let code = |n| json!({"email": format!("c{n}@a.test"), "code": "000000"});
    assert_eq!(fill("/v1/accounts/confirm", &code, 50), 50);
    let reset = |n| json!({"email": format!("r{n}@a.test"), "code": "0", "password": PASSWORD});
    assert_eq!(fill("/v1/passwords/reset", &reset, 50), 10, "codes are codes");
    let refresh = |n| json!({"refresh_token": format!("rt_{n}")});
    assert_eq!(fill("/v1/sessions/refresh", &refresh, 130), 120);
}

#[test]
fn rates_of_addresses_are_the_deployers_and_development_changes_none() {
    let house = House::on(|memory| {
        let memory = memory.with_variable("development", "true");
        let memory = memory.with_variable("sign_ups_per_hour", "3");
        memory.with_variable("sign_ins_per_minute", "nonsense")
    });
    let ups = (0..5).map(|n| house.sign_up(&format!("u{n}@a.test"), PASSWORD).status);
    assert_eq!(ups.collect::<Vec<_>>(), [202, 202, 202, 429, 429]);
    house.later(1_200_000);
    assert_eq!(house.sign_up("u9@a.test", PASSWORD).status, 202);
    let ins = (0..31).map(|n| house.try_sign_in(&format!("i{n}@a.test"), PASSWORD).status);
    assert_eq!(ins.filter(|status| *status == 401).count(), 30);
}
