//! The development token: one id per name, and no route outside of development.

use kernel::{Id, Timestamp, kind};
use ports::memory::Memory;
use ports::{Vault, ready};
use serde_json::{Value, json};
use web::{Request, Response};

fn memory() -> Memory {
    let memory = Memory::new("identity", Timestamp::from_ms(1_800_000_000_000));
    ready(identity_service::migrate(&memory)).unwrap();
    memory
}

fn development() -> Memory {
    memory().with_variable("development", "true")
}

fn ask(memory: &Memory, body: &str) -> Response {
    let request = Request {
        method: "POST".to_owned(),
        target: "/_dev/token".to_owned(),
        headers: [("content-type", "application/json")].into_iter().collect(),
        body: body.as_bytes().to_vec(),
    };
    ready(identity_service::handle(memory, request))
}

fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn a_name_gets_a_token_that_the_vault_knows() {
    let memory = development();
    let response = ask(&memory, r#"{"user":"ana"}"#);
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let token = json_of(&response);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 600);
    let claims = token["access_token"].as_str().unwrap();
    let claims = ready(memory.verify_access_token(claims)).unwrap();
    assert_eq!(json!(claims.subject), token["user_id"]);
    assert!(claims.subject.parse::<Id<kind::User>>().is_ok());
    assert_eq!((claims.name.as_str(), claims.expires_at), ("ana", 1_800_000_600));
}

#[test]
fn the_same_name_is_the_same_user() {
    let memory = development();
    let id =
        |name: &str| json_of(&ask(&memory, &json!({"user": name}).to_string()))["user_id"].clone();
    assert_eq!(id("ana"), id("ana"));
    assert_ne!(id("ana"), id("ben"));
    ready(identity_service::migrate(&memory)).unwrap();
    assert_eq!(id("ana"), id("ana"), "a second start keeps the table");
}

#[test]
fn names_are_short_and_plain() {
    let memory = development();
    let longest = "a".repeat(64);
    for name in ["a", "a-b_c9", &longest] {
        assert_eq!(ask(&memory, &json!({"user": name}).to_string()).status, 200, "{name}");
    }
    let long = "a".repeat(65);
    for name in ["", "Ana", "a b", "ä", "a'--", &long] {
        let refused = ask(&memory, &json!({"user": name}).to_string());
        assert_eq!(refused.status, 400, "{name}");
        assert_eq!(json_of(&refused)["errors"][0]["pointer"], "/user");
    }
    assert_eq!(json_of(&ask(&memory, r#"{"user":"a","role":"x"}"#))["code"], "unknown_field");
}

#[test]
fn outside_of_development_the_route_does_not_exist() {
    for value in [None, Some("false"), Some("TRUE"), Some("1")] {
        let memory =
            value.map_or_else(memory, |value| memory().with_variable("development", value));
        let response = ask(&memory, r#"{"user":"ana"}"#);
        assert_eq!(
            (response.status, json_of(&response)["code"].as_str()),
            (404, Some("not_found"))
        );
    }
}

#[test]
fn users_of_before_keep_their_ids() {
    let memory = Memory::new("identity", Timestamp::from_ms(1_800_000_000_000));
    let sql = [
        "CREATE TABLE identity_migrations (version INTEGER PRIMARY KEY,
            applied_at INTEGER NOT NULL)",
        "INSERT INTO identity_migrations (version, applied_at) VALUES (1, 0)",
        "CREATE TABLE identity_users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE,
            display_name TEXT NOT NULL, created_at INTEGER NOT NULL)",
        "INSERT INTO identity_users VALUES ('usr_01h2xcejqtf2nbrexx3vqjhp41', 'ana', 'ana', 7)",
    ];
    let sql = sql.map(|sql| ports::Statement::new(sql, [])).to_vec();
    ready(ports::Sql::batch(&memory, sql)).unwrap();
    ready(identity_service::migrate(&memory)).unwrap();
    let memory = memory.with_variable("development", "true");
    let token = json_of(&ask(&memory, r#"{"user":"ana"}"#));
    assert_eq!(token["user_id"], "usr_01h2xcejqtf2nbrexx3vqjhp41");
}
