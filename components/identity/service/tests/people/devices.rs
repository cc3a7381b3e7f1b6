//! The sessions of an account: who sees them, and who ends them.

use kernel::{Id, kind};
use ports::{Sql, Statement, ready};
use serde_json::{Value, json};

use crate::house::{House, PASSWORD, Pair, json_of, pair, refused, request, said, with_header};
use crate::provider::{self, Browser};

const ANA: &str = "ana@example.test";
const BEN: &str = "ben@example.test";
const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) \
    AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn sign_in(house: &House, email: &str, agent: &str) -> Pair {
    let body = json!({"email": email, "password": PASSWORD});
    let request = request("POST", "/v1/sessions", None, Some(&body));
    pair(&house.send(with_header(request, "user-agent", agent)), 201)
}

fn list(house: &House, token: &str) -> Vec<Value> {
    let response = house.call("GET", "/v1/sessions", token, None);
    assert_eq!(response.status, 200, "{}", json_of(&response));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    json_of(&response)["items"].as_array().unwrap().clone()
}

fn devices(house: &House, token: &str) -> Vec<Value> {
    list(house, token).iter().map(|session| session["device"].clone()).collect()
}

fn id(session: &Value) -> String {
    session["id"].as_str().unwrap().to_owned()
}

/// The session that a token belongs to.
fn own(house: &House, token: &str) -> String {
    id(list(house, token).iter().find(|session| session["current"] == true).unwrap())
}

fn end(house: &House, token: &str, id: &str) -> (u16, String) {
    said(&house.call("DELETE", &format!("/v1/sessions/{id}"), token, None))
}

fn done() -> (u16, String) {
    (204, String::new())
}

#[test]
fn two_devices_are_told_apart_and_the_one_in_hand_is_marked() {
    let house = House::new();
    house.settle(ANA);
    let phone = sign_in(&house, ANA, SAFARI);
    house.later(60_000);
    let laptop = sign_in(&house, ANA, FIREFOX);
    let listed = list(&house, &laptop.access);
    let ids: Vec<_> = listed.iter().map(id).collect();
    assert!(ids.iter().all(|id| id.parse::<Id<kind::Session>>().is_ok()), "{ids:?}");
    let expected = [
        json!({"id": ids[0], "device": "Firefox on Windows", "current": true,
            "created_at": "2027-01-15T08:01:00.000Z", "last_used_at": "2027-01-15T08:01:00.000Z"}),
        json!({"id": ids[1], "device": "Safari on iPhone", "current": false,
            "created_at": "2027-01-15T08:00:00.000Z", "last_used_at": "2027-01-15T08:00:00.000Z"}),
    ];
    assert_eq!(listed, expected);

    // What is used comes first, by whatever token of it.
    house.later(60_000);
    let later = pair(&house.refresh(&phone.refresh), 200);
    for token in [&phone.access, &later.access] {
        let listed = list(&house, token);
        assert_eq!(listed.iter().map(id).collect::<Vec<_>>(), [ids[1].as_str(), ids[0].as_str()]);
        assert_eq!(listed[0]["last_used_at"], "2027-01-15T08:02:00.000Z");
        assert_eq!(listed[0]["created_at"], "2027-01-15T08:00:00.000Z");
        assert_eq!((&listed[0]["current"], &listed[1]["current"]), (&json!(true), &json!(false)));
        assert_eq!(listed[0]["device"], "Safari on iPhone", "as it was signed in with");
    }
}

#[test]
fn a_session_that_is_ended_gets_no_further() {
    let house = House::new();
    house.settle(ANA);
    let phone = sign_in(&house, ANA, SAFARI);
    let laptop = sign_in(&house, ANA, FIREFOX);
    let phones = own(&house, &phone.access);
    assert_eq!(end(&house, &laptop.access, &phones), done());
    assert_eq!(said(&house.refresh(&phone.refresh)), refused(401, "invalid_token"));
    // Its access token looks on, and changes nothing.
    assert_eq!(house.call("GET", "/v1/me", &phone.access, None).status, 200);
    let password = json!({"current_password": PASSWORD, "password": "a staple is no battery"});
    let changed = house.call("POST", "/v1/me/password", &phone.access, Some(&password));
    assert_eq!(said(&changed), refused(401, "unauthenticated"));
    let laptops = own(&house, &laptop.access);
    assert_eq!(end(&house, &phone.access, &laptops), refused(401, "unauthenticated"));
    assert!(list(&house, &phone.access).iter().all(|session| session["current"] == false));

    assert_eq!(devices(&house, &laptop.access), [json!("Firefox on Windows")]);
    assert_eq!(end(&house, &laptop.access, &phones), done(), "twice");
    assert_eq!(house.refresh(&laptop.refresh).status, 200, "the other one lives on");
}

#[test]
fn the_session_in_hand_is_ended_by_its_id_too() {
    let house = House::new();
    let ana = house.resident(ANA);
    let mine = own(&house, &ana.access);
    assert_eq!(end(&house, &ana.access, &mine), done());
    assert_eq!(end(&house, &ana.access, &mine), done(), "twice");
    assert_eq!(said(&house.refresh(&ana.refresh)), refused(401, "invalid_token"));
    assert_eq!(list(&house, &ana.access), [] as [Value; 0]);
}

#[test]
fn nobody_sees_or_ends_what_is_another_persons() {
    let house = House::new();
    let ana = house.resident(ANA);
    let ben = house.resident(BEN);
    let bens = own(&house, &ben.access);
    assert_eq!(list(&house, &ana.access).len(), 1);
    assert_eq!(end(&house, &ana.access, &bens), refused(404, "not_found"));
    assert_eq!(house.refresh(&ben.refresh).status, 200);
    let family = "SELECT id FROM identity_families";
    let rows = ready(Sql::query(&house.memory, Statement::new(family, []))).unwrap().rows;
    let family = rows[0][0].as_text().unwrap();
    for unknown in ["ses_00000000000000000000000000", "x", "ses_", "%20", family] {
        assert_eq!(end(&house, &ana.access, unknown), refused(404, "not_found"), "{unknown}");
    }
    for (method, path) in
        [("GET", "/v1/sessions".to_owned()), ("DELETE", format!("/v1/sessions/{bens}"))]
    {
        let refusal = house.call(method, &path, "rt_nothing", None);
        assert_eq!(said(&refusal), refused(401, "unauthenticated"), "{method}");
        let refusal = house.call(method, &format!("{path}?a=b"), &ben.access, None);
        assert_eq!(said(&refusal), refused(400, "unknown_field"), "{method}");
    }
    assert_eq!(house.call("GET", "/v1/sessions/current", &ben.access, None).status, 405);
}

#[test]
fn what_has_ended_or_expired_is_not_listed() {
    let house = House::new();
    house.settle(ANA);
    sign_in(&house, ANA, FIREFOX);
    house.later(DAY_MS);
    let copied = sign_in(&house, ANA, "copied/1");
    pair(&house.refresh(&copied.refresh), 200);
    house.later(11_000);
    assert_eq!(said(&house.refresh(&copied.refresh)), refused(401, "token_reused"));
    let left = sign_in(&house, ANA, "left/1");
    assert_eq!(house.call("DELETE", "/v1/sessions/current", &left.access, None).status, 204);
    let phone = sign_in(&house, ANA, SAFARI);
    let both = [json!("Safari on iPhone"), json!("Firefox on Windows")];
    assert_eq!(devices(&house, &phone.access), both);

    // Thirty days after its last use the first one is over, swept or not.
    house.later(29 * DAY_MS - 11_000 - 1);
    let phone = pair(&house.refresh(&phone.refresh), 200);
    assert_eq!(devices(&house, &phone.access), both);
    house.later(1);
    assert_eq!(devices(&house, &phone.access), both[..1]);
    house.call("DELETE", "/v1/sessions", &phone.access, None);
    assert_eq!(devices(&house, &phone.access), [] as [Value; 0]);
}

#[test]
fn odd_clients_have_no_name_and_are_listed() {
    let house = House::on(|memory| memory.with_variable("sign_ins_per_minute", "100"));
    let mut phone = house.resident(ANA);
    let long = format!("{FIREFOX} {}", "x".repeat(5_000));
    for agent in ["", "\t", "<script>alert(1)</script>", "Ω/1", "203.0.113.7/1", &long] {
        house.later(30_000);
        phone = sign_in(&house, ANA, agent);
        assert_eq!(list(&house, &phone.access)[0]["device"], json!(null), "{agent:.40}");
    }
    assert_eq!(list(&house, &phone.access).len(), 7);
    assert_eq!(house.count("SELECT count(*) FROM identity_families WHERE device NOT NULL"), 0);
}

#[test]
fn who_comes_from_a_provider_has_a_device_too() {
    let house = provider::house();
    let mut browser = Browser::of(&house);
    let ticket = browser.round("google").remove("ticket").unwrap();
    let google = pair(&browser.pick_up(&ticket), 201);
    assert_eq!(devices(&house, &google.access), [json!("curl")]);

    house.settle(BEN);
    browser.provider.borrow_mut().claims = json!({"sub": "g-2", "email": BEN});
    let link = browser.round("google").remove("link").unwrap();
    let linked = pair(&browser.link_up(&link, &house.code(BEN)), 201);
    assert_eq!(devices(&house, &linked.access), [json!("curl")]);
}

#[test]
fn a_suspended_account_looks_at_its_sessions_and_ends_them() {
    let house = House::on(|memory| memory.with_variable("admin_emails", "root@example.test"));
    let root = house.resident("root@example.test");
    let ana = house.resident(ANA);
    let path = format!("/v1/admin/users/{}/suspension", house.user_id(&ana.access));
    assert_eq!(house.call("PUT", &path, &root.access, None).status, 204);
    let (lost, back) = (house.sign_in(ANA), house.sign_in(ANA));
    assert_eq!(list(&house, &back.access).len(), 2, "those of before have ended");
    assert_eq!(end(&house, &back.access, &own(&house, &lost.access)), done());
    assert_eq!(said(&house.refresh(&lost.refresh)), refused(401, "invalid_token"));
}

#[test]
fn tokens_of_development_have_no_session() {
    let house = House::on(|memory| memory.with_variable("development", "true"));
    let token = json_of(&house.post("/_dev/token", &json!({"user": "ana"})));
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(list(&house, token), [] as [Value; 0]);
}

#[test]
fn the_list_is_as_long_as_an_account_has_sessions() {
    let house = House::on(|memory| memory.with_variable("sign_ins_per_minute", "100000"));
    house.settle(ANA);
    let mut last = house.sign_in(ANA);
    for _ in 0..100 {
        house.later(30_000);
        last = house.sign_in(ANA);
    }
    let listed = list(&house, &last.access);
    assert_eq!(listed.len(), 100);
    assert_eq!(listed[0]["current"], true);
    assert!(listed[1..].iter().all(|session| session["current"] == false));
}
