#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use utoipa::ToSchema;

use super::*;
use crate::{Auth, Method};

mod one {
    /// A thing.
    #[derive(utoipa::ToSchema)]
    #[allow(dead_code, reason = "a shape")]
    pub(super) struct Thing {
        name: String,
    }
}

mod other {
    /// Another thing.
    #[derive(utoipa::ToSchema)]
    #[allow(dead_code, reason = "a shape")]
    pub(super) struct Thing {
        price: super::Money,
    }
}

fn route(method: Method, path: &'static str, auth: Auth, body_max_bytes: usize) -> Route<()> {
    Route { method, path, operation: "changeThing", auth, body_max_bytes, handler: () }
}

fn documented(route: Route<()>, said: &Description) -> Value {
    let section = Section::new(&[], &[route], |()| Some(said.clone()));
    let document = render(&[section]).unwrap();
    let method = route.method.as_str().to_ascii_lowercase();
    document["paths"][route.path][method].clone()
}

fn codes(operation: &Value, status: &str) -> BTreeSet<String> {
    let schema = &operation["responses"][status]["content"]["application/problem+json"]["schema"];
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let codes = parts.filter_map(|part| part["properties"]["code"]["enum"].as_array()).flatten();
    codes.map(|code| code.as_str().unwrap().to_owned()).collect()
}

fn set(codes: &[&str]) -> BTreeSet<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

#[test]
fn a_read_refuses_what_every_read_refuses() {
    let said = Description::new("Things", "Show").answers::<one::Thing>(200, "It.");
    let read = documented(route(Method::Get, "/things", Auth::Ignored, 0), &said);
    let statuses: Vec<_> = read["responses"].as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200", "400", "408", "413", "500", "503", "504"]);
    assert_eq!(codes(&read, "400"), set(&["invalid_header", "invalid_request", "unknown_field"]));
}

#[test]
fn refusals_follow_from_what_an_operation_takes() {
    let said = Description::new("Things", "Change")
        .keyed(Keys::Service)
        .changes_what_was_seen()
        .takes::<other::Thing>(json!({}))
        .answers_empty(204, "Done.")
        .refuses(422, &["too_late", "idempotency_key_reused"]);
    let change = documented(route(Method::Patch, "/things/{id}", Auth::Required, 9), &said);
    for (status, expected) in [
        ("401", &["unauthenticated"][..]),
        ("404", &["not_found"]),
        ("409", &["idempotency_in_progress"]),
        ("412", &["precondition_failed"]),
        ("413", &["payload_too_large"]),
        ("415", &["unsupported_media_type"]),
        ("422", &["idempotency_key_reused", "too_late"]),
        ("428", &["precondition_required"]),
    ] {
        assert_eq!(codes(&change, status), set(expected), "{status}");
    }
    let bad = codes(&change, "400");
    for code in ["idempotency_key_required", "invalid_json", "invalid_money"] {
        assert!(bad.contains(code), "{code}");
    }
    let headers = &change["responses"]["409"]["headers"];
    assert_eq!(headers["Retry-After"]["$ref"], "#/components/headers/Retry-After");
    let names: Vec<_> = change["parameters"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&names[0]["name"], &names[1]["name"]),
        (&"Idempotency-Key".into(), &"If-Match".into())
    );
}

#[test]
fn an_entity_that_keeps_keys_is_never_in_progress_and_a_body_without_money_has_none() {
    let said = Description::new("Things", "Make")
        .keyed(Keys::Entity)
        .takes::<one::Thing>(json!({}))
        .answers::<one::Thing>(201, "It.");
    let make = documented(route(Method::Post, "/things", Auth::Optional, 9), &said);
    assert!(make["responses"].get("409").is_none());
    assert!(!codes(&make, "400").contains("invalid_money"));
    assert_eq!(make["security"], json!([{}, {"bearer": []}]));
}

#[test]
fn two_shapes_of_one_name_are_an_error() {
    let said = Description::new("Things", "Swap")
        .takes::<one::Thing>(json!({}))
        .answers::<other::Thing>(200, "It.");
    let section =
        Section::new(&[], &[route(Method::Put, "/", Auth::Ignored, 9)], |()| Some(said.clone()));
    assert!(render(&[section]).unwrap_err().to_string().contains("Thing"));
    assert_eq!(one::Thing::name(), other::Thing::name());
}
