//! How refusals are provoked that follow from what the document says of an operation: a new
//! operation gets them for nothing.

use conformance::Reply;
use conformance::document::Operation;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::scene::{Request, Scene};
use crate::wire;

/// The answer to a request that should be refused so; none when nobody knows how.
pub(crate) async fn provoked(scene: &Scene, operation: &Operation, code: &str) -> Option<Reply> {
    let fine = scene.request(operation).await;
    let spoilt = match code {
        "unknown_field" => fine.query("no_such_parameter=1"),
        "invalid_cursor" => fine.query("cursor=x"),
        "invalid_limit" => fine.query("limit=0"),
        "invalid_request" if fine.body.is_empty() || operation.id == "setPicture" => {
            return wire::broken(scene, &fine).await;
        }
        "invalid_request" => fine.bytes("[]"),
        "invalid_json" => fine.bytes("{"),
        "invalid_money" => {
            let mut body = fine.value();
            *amount(&mut body)? = 1.5.into();
            fine.json(&body)
        }
        "invalid_header" => return wire::no_text(scene, &fine).await,
        "idempotency_key_required" => fine.without("idempotency-key"),
        "invalid_idempotency_key" => fine.header("idempotency-key", "a b"),
        "idempotency_key_reused" => return reused(scene, fine).await,
        "idempotency_in_progress" => return in_progress(scene, operation).await,
        "unauthenticated" => fine.header("authorization", "Bearer x"),
        "not_found" => Request { target: nowhere(&operation.path, &fine.target)?, ..fine },
        "payload_too_large" => fine.bytes(vec![b' '; PLATFORM_MAX_BYTES + 1]),
        "precondition_failed" => fine.header("if-match", "\"another\""),
        "precondition_required" => fine.without("if-match"),
        "unsupported_media_type" => fine.header("content-type", "text/plain"),
        _ => return None,
    };
    Some(spoilt.send(&scene.client()).await)
}

/// The same key with an amount or text changed, after it was answered.
async fn reused(scene: &Scene, fine: Request) -> Option<Reply> {
    let first = fine.clone().send(&scene.client()).await;
    assert!((200..300).contains(&first.status), "{}", first.text());
    let mut body = fine.value();
    *amount(&mut body)? = 999_999_999.into();
    Some(fine.json(&body).send(&scene.client()).await)
}

/// Copies at once, until one of them meets another.
async fn in_progress(scene: &Scene, operation: &Operation) -> Option<Reply> {
    let mut last = None;
    for _ in 0..20 {
        let request = scene.request(operation).await;
        let mut copies = JoinSet::new();
        for _ in 0..20 {
            let (client, request) = (scene.client(), request.clone());
            copies.spawn(async move { request.send(&client).await });
        }
        for reply in copies.join_all().await {
            if reply.status == 409 {
                return Some(reply);
            }
            last = Some(reply);
        }
    }
    last
}

/// The amount of the first money in a body.
fn amount(body: &mut Value) -> Option<&mut Value> {
    let pointer = pointer_to_amount(body)?;
    body.pointer_mut(&pointer)
}

fn pointer_to_amount(body: &Value) -> Option<String> {
    if body["currency"].is_string() {
        return Some("/amount".to_owned());
    }
    let mut members = body.as_object()?.iter();
    members.find_map(|(name, member)| Some(format!("/{name}{}", pointer_to_amount(member)?)))
}

/// The path with its last parameter changed to something well-formed that is not there.
fn nowhere(template: &str, path: &str) -> Option<String> {
    let at = template.split('/').enumerate().filter(|(_, part)| part.starts_with('{')).last();
    let (at, name) = at?;
    let none = match name {
        "{bid_id}" => "bid_00000000000000000000000000",
        "{offer_id}" => "off_00000000000000000000000000",
        "{bidder}" => "bidder-99",
        _ => "auc_00000000000000000000000000",
    };
    let parts = path.split('/').enumerate();
    let parts: Vec<_> = parts.map(|(n, part)| if n == at { none } else { part }).collect();
    Some(parts.join("/"))
}

/// What the platform reads of a body, whatever the operation takes.
const PLATFORM_MAX_BYTES: usize = 256 << 10;
