//! Signing in and out.

use ports::{Vault, ready};
use serde_json::json;

use crate::house::{House, PASSWORD, json_of, pair, refused, request, said};
use crate::watched::Watched;

const ANA: &str = "ana@example.test";

#[test]
fn a_sign_in_answers_a_pair() {
    let house = House::new();
    house.settle(ANA);
    let response = house.try_sign_in(" ANA@example.test", PASSWORD);
    let tokens = pair(&response, 201);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(json_of(&response)["expires_in"], 600);
    assert!(tokens.refresh.starts_with("rt_") && tokens.refresh.len() == 46);
    let claims = ready(house.memory.verify_access_token(&tokens.access)).unwrap();
    assert_eq!((claims.name.as_str(), claims.expires_at), ("Ana", 1_800_000_600));
}

#[test]
fn a_wrong_password_and_an_unknown_address_are_one_refusal() {
    let house = House::new();
    house.settle(ANA);
    for (email, password) in [
        (ANA, "Correct horse battery"),
        (ANA, ""),
        (ANA, "correct horse battery "),
        ("ben@example.test", PASSWORD),
    ] {
        let refusal = house.try_sign_in(email, password);
        assert_eq!(said(&refusal), refused(401, "invalid_credentials"), "{email} {password}");
        assert_eq!(refusal.header("www-authenticate"), Some("Bearer"));
    }
    let body = json!({"email": "ana", "password": PASSWORD});
    assert_eq!(said(&house.post("/v1/sessions", &body)), refused(400, "invalid_request"));
}

#[test]
fn signing_out_here_leaves_the_other_devices() {
    let house = House::new();
    let phone = house.resident(ANA);
    let laptop = house.sign_in(ANA);
    assert_ne!(phone.access, laptop.access, "in one second, too");
    let out = house.call("DELETE", "/v1/sessions/current", &laptop.access, None);
    assert_eq!((out.status, out.body.len()), (204, 0));
    assert_eq!(said(&house.refresh(&laptop.refresh)), refused(401, "invalid_token"));
    let phone = pair(&house.refresh(&phone.refresh), 200);
    // What a refresh handed out stands for the same session.
    assert_eq!(house.call("DELETE", "/v1/sessions/current", &phone.access, None).status, 204);
    assert_eq!(said(&house.refresh(&phone.refresh)), refused(401, "invalid_token"));
}

#[test]
fn signing_out_everywhere_ends_all_sessions_of_this_account() {
    let house = House::new();
    let phone = house.resident(ANA);
    let laptop = house.sign_in(ANA);
    let ben = house.resident("ben@example.test");
    assert_eq!(house.call("DELETE", "/v1/sessions", &phone.access, None).status, 204);
    for pair in [&phone, &laptop] {
        assert_eq!(said(&house.refresh(&pair.refresh)), refused(401, "invalid_token"));
    }
    assert_eq!(house.refresh(&ben.refresh).status, 200);
    house.sign_in(ANA);
}

#[test]
fn nobody_signs_out_without_being_signed_in() {
    let house = House::new();
    for path in ["/v1/sessions", "/v1/sessions/current"] {
        let refusal = house.call("DELETE", path, "rt_nothing", None);
        assert_eq!(said(&refusal), refused(401, "unauthenticated"));
    }
}

#[test]
fn administrators_are_named_by_the_deployer_and_known_by_a_proven_address() {
    let house = House::on(|memory| {
        memory.with_variable("admin_emails", "root@example.test, Ana@Example.test,,nonsense")
    });
    let ana = house.resident(ANA);
    assert_eq!(house.roles(&ana.access), ["user", "admin"]);
    let ben = house.resident("ben@example.test");
    assert_eq!(house.roles(&ben.access), ["user"]);
    house.sign_up("root@example.test", PASSWORD);
    assert_eq!(house.try_sign_in("root@example.test", PASSWORD).status, 403);
}

#[test]
fn a_minute_of_sign_ins_is_told_apart_and_the_oldest_sessions_end() {
    let house = House::on(|memory| memory.with_variable("sign_ins_per_minute", "100000"));
    house.settle(ANA);
    let first = house.sign_in(ANA);
    for _ in 0..100 {
        house.later(30_000);
        house.sign_in(ANA);
    }
    assert_eq!(said(&house.refresh(&first.refresh)), refused(401, "invalid_token"));
    let live = "SELECT count(*) FROM identity_families WHERE revoked_at IS NULL";
    assert_eq!(house.count(live), 100);
}

#[test]
fn keys_may_be_kept_for_minutes() {
    let house = House::new();
    let keys = house.send(request("GET", "/.well-known/jwks.json", None, None));
    assert_eq!((keys.status, json_of(&keys)), (200, json!({"keys": []})));
    assert_eq!(keys.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(keys.header("content-type"), Some("application/json"));
}

#[test]
fn when_too_many_passwords_are_hashed_nothing_is_done_and_nothing_is_lost() {
    let house = House::new();
    house.settle(ANA);
    house.post("/v1/passwords/forgot", &json!({"email": ANA}));
    let code = house.code(ANA);
    let watched = Watched::over(&house.memory);
    watched.is_busy.set(true);
    for (path, body) in [
        ("/v1/accounts", json!({"email": "b@a.test", "password": PASSWORD, "display_name": "B"})),
        ("/v1/sessions", json!({"email": ANA, "password": PASSWORD})),
        ("/v1/passwords/reset", json!({"email": ANA, "code": code, "password": PASSWORD})),
    ] {
        let asked = request("POST", path, None, Some(&body));
        let busy = ready(identity_service::handle(&watched, asked));
        assert_eq!(said(&busy), refused(503, "overloaded"), "{path}");
        assert_eq!(busy.header("retry-after"), Some("1"));
    }
    assert!(watched.calls.borrow().iter().all(|call| !call.starts_with("write")));
    let body = json!({"email": ANA, "code": code, "password": PASSWORD});
    assert_eq!(house.post("/v1/passwords/reset", &body).status, 204);
}

#[test]
fn a_weak_hash_is_replaced_while_the_password_is_known() {
    let house = House::new();
    house.settle(ANA);
    let hash = |house: &House| {
        let sql = "SELECT password FROM identity_accounts";
        let rows = ready(ports::Sql::query(&house.memory, ports::Statement::new(sql, [])));
        rows.unwrap().rows[0][0].as_text().unwrap().to_owned()
    };
    let watched = Watched::over(&house.memory);
    watched.is_outdated.set(true);
    let sign_in = |password: &str| {
        let body = json!({"email": ANA, "password": password});
        ready(identity_service::handle(
            &watched,
            request("POST", "/v1/sessions", None, Some(&body)),
        ))
    };
    let weak = hash(&house);
    assert_eq!(sign_in("a wrong password").status, 401);
    assert_eq!(hash(&house), weak, "a wrong password replaces nothing");
    pair(&sign_in(PASSWORD), 201);
    assert_ne!(hash(&house), weak);
    house.sign_in(ANA);
}
