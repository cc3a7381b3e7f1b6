//! What follows for every operation alike: which refusals and faults, which headers.

use std::collections::BTreeMap;

use kernel::limits::{IDEMPOTENCY_KEY_MAX_CHARS, PAGE_DEFAULT_ITEMS, PAGE_MAX_ITEMS};
use serde_json::{Value, json};

use super::description::{Description, JSON, Keys};
use super::parameter::Parameter;
use crate::{Auth, Method, Route};

/// Codes by status, with references to further members of the problem.
pub(super) type Refused = BTreeMap<u16, (Vec<&'static str>, Vec<Value>)>;

/// Every refusal that an operation can answer: what its properties lead to, and its own.
pub(super) fn refusals(route: &Route<()>, said: &Description) -> Refused {
    let mut refused = Refused::new();
    let mut may = |status, codes: &[&'static str], when: bool| {
        if when {
            refused.entry(status).or_default().0.extend(codes);
        }
    };
    let keyed = said.keys.is_some();
    let takes_json = said.body.as_ref().is_some_and(|body| body.media_type == JSON);
    // What no operation takes is refused by all: parameters, header values and bodies.
    may(400, &["invalid_header", "invalid_request"], true);
    may(400, &["unknown_field"], !said.ignores_parameters);
    may(400, &["invalid_json"], takes_json);
    may(400, &["invalid_money"], said.takes_money());
    may(400, &["idempotency_key_required", "invalid_idempotency_key"], keyed);
    may(400, &["invalid_cursor", "invalid_limit"], said.paged);
    may(401, &["unauthenticated"], route.auth != Auth::Ignored);
    may(403, &["account_suspended"], matches!(route.auth, Auth::Active | Auth::Admin));
    may(403, &["forbidden"], route.auth == Auth::Admin);
    may(404, &["not_found"], route.path.contains('{'));
    may(408, &["request_timeout"], true);
    may(409, &["idempotency_in_progress"], said.keys == Some(Keys::Service));
    may(412, &["precondition_failed"], said.changes_what_was_seen);
    may(413, &["payload_too_large"], true);
    may(415, &["unsupported_media_type"], takes_json);
    may(422, &["idempotency_key_reused"], keyed);
    may(428, &["precondition_required"], said.changes_what_was_seen);
    for own in &said.refusals {
        let (codes, members) = refused.entry(own.status).or_default();
        codes.extend(own.codes);
        members.extend(own.members.clone());
    }
    for (codes, _) in refused.values_mut() {
        codes.sort_unstable();
        codes.dedup();
    }
    refused
}

/// Headers of a refusal beside the request id: name and whether each such answer has it.
pub(super) fn refusal_headers(status: u16, codes: &[&str]) -> Vec<(&'static str, bool)> {
    let mut headers = Vec::new();
    if status == 401 {
        headers.push(("WWW-Authenticate", true));
    }
    if codes.contains(&"idempotency_in_progress") || status == 429 {
        headers.push(("Retry-After", codes.len() == 1));
    }
    if status == 429 {
        headers.extend([("RateLimit", codes.len() == 1), ("RateLimit-Policy", codes.len() == 1)]);
    }
    headers
}

/// Faults: something broke, and it is not the caller's doing. Every operation can meet them.
pub(super) const FAULTS: &[(u16, &str)] =
    &[(500, "InternalError"), (503, "Unavailable"), (504, "DeadlineExceeded")];

/// Parameters in headers.
pub(super) fn header_parameters(route: &Route<()>, said: &Description) -> Vec<Value> {
    let mut parameters = Vec::new();
    if said.keys.is_some() {
        let text = "Chosen by the caller: a retry with the same key and body cannot act twice.";
        let schema = json!({"type": "string", "minLength": 1,
            "maxLength": IDEMPOTENCY_KEY_MAX_CHARS, "pattern": "^[!-~]+$"});
        parameters.push(Parameter::new("Idempotency-Key", text, schema).in_header(true));
    }
    if said.tagged && route.method == Method::Get {
        let text = "Tags that the caller knows: 304 when one of them is still right.";
        let schema = json!({"type": "string"});
        parameters.push(Parameter::new("If-None-Match", text, schema).in_header(false));
    }
    if said.changes_what_was_seen {
        let text = "The tag of what the caller has seen.";
        let schema = json!({"type": "string"});
        parameters.push(Parameter::new("If-Match", text, schema).in_header(true));
    }
    parameters
}

/// Parameters of a page.
pub(super) fn page_parameters() -> [Parameter; 2] {
    [
        Parameter::new(
            "limit",
            "Most items.",
            json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX_ITEMS,
                "default": PAGE_DEFAULT_ITEMS}),
        ),
        Parameter::new(
            "cursor",
            "`next_cursor` of the page before, with the same filters.",
            json!({"type": "string", "maxLength": 256, "pattern": "^[A-Za-z0-9_-]+$"}),
        ),
    ]
}

fn header(required: bool, text: &str, schema: Value) -> Value {
    json!({"required": required, "description": text, "schema": schema})
}

/// `components.headers`.
pub(super) fn headers() -> Value {
    let string = || json!({"type": "string"});
    let tag = json!({"type": "string", "pattern": "^\"[^\"]+\"$"});
    let yes = json!({"type": "string", "enum": ["true"]});
    let path = json!({"type": "string", "format": "uri-reference"});
    let seconds = json!({"type": "integer", "minimum": 1});
    let replayed = "The answer repeats an earlier one with the same key.";
    let link = "The next page, `rel=\"next\"`; absent on the last one.";
    json!({
        "Allow": header(true, "The methods of this path.", string()),
        "ETag": header(true, "Strong tag of this representation.", tag),
        "Idempotent-Replayed": header(false, replayed, yes),
        "Link": header(false, link, string()),
        "Location": header(true, "Path of the new resource.", path),
        "RateLimit": header(true, "What is left of the rate, and when there is more.", string()),
        "RateLimit-Policy": header(true, "How many of these in how many seconds.", string()),
        "Retry-After": header(true, "Seconds after which a retry may help.", seconds),
        "WWW-Authenticate": header(true, "How to sign in.", string()),
        "X-Request-Id": header(true, "Under which the request stands in our logs.", string()),
    })
}

/// `components.responses`: faults, and what a path answers to methods that it does not know.
pub(super) fn responses() -> Value {
    let fault = |status: u16, codes: &[&str], text: &str, headers: &[(&str, bool)]| {
        let mut response = super::operation::problem(status, codes, &[], headers);
        if let Some(members) = response.as_object_mut() {
            members.insert("description".to_owned(), text.into());
        }
        response
    };
    json!({
        "MethodNotAllowed": fault(405, &["method_not_allowed"],
            "The path does not know this method.", &[("Allow", true)]),
        "InternalError": fault(500, &["internal_error"], "Our mistake.", &[]),
        "Unavailable": fault(503, &["overloaded", "unavailable"],
            "Something that the service stands on is away, or too many ask at once.",
            &[("Retry-After", true)]),
        "DeadlineExceeded": fault(504, &["deadline_exceeded"],
            "It took too long; whether it had an effect is unknown.", &[]),
    })
}
