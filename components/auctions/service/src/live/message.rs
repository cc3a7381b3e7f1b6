//! Frames of clients: the time, and bids.
//!
//! A bid on a socket is the request `POST …/bids` of whoever opened it: the same rules, the same
//! status, the same body. Its `command_id` is the idempotency key.

use std::rc::Rc;

use kernel::Timestamp;
use ports::{Policy, Ports};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use web::live::Answered;
use web::{Fields, Problem, Request, Response};

use super::Context;
use crate::routes;

#[derive(Serialize)]
struct ReplyFrame<'a> {
    r#type: &'static str,
    command_id: &'a str,
    status: u16,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct TimeFrame<'a> {
    r#type: &'static str,
    t0: &'a Value,
    t1: i64,
    t2: i64,
}

#[derive(Serialize)]
struct ErrorFrame<'a> {
    r#type: &'static str,
    code: &'static str,
    detail: &'a str,
}

/// Handles a text frame of a client.
pub async fn message<P: Ports>(
    ports: &P,
    context: &str,
    text: &str,
    received_at: Timestamp,
) -> Answered {
    let frames = answer(ports, context, text, received_at).await.into_iter().collect();
    Answered { frames, closes_with: None }
}

async fn answer<P: Ports>(
    ports: &P,
    context: &str,
    text: &str,
    received_at: Timestamp,
) -> Option<String> {
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else {
        return error("invalid_json", "A frame is a JSON object.");
    };
    match frame.remove("type").as_ref().and_then(Value::as_str) {
        Some("time") => match frame.get("t0").filter(|t0| t0.is_number()) {
            Some(t0) => {
                let (t1, t2) = (received_at.as_ms(), ports.now().as_ms());
                serde_json::to_string(&TimeFrame { r#type: "time", t0, t1, t2 }).ok()
            }
            None => error("invalid_frame", "A frame of the time carries the number `t0`."),
        },
        Some("bid") => bid(ports, context, frame).await,
        _ => error("unknown_type", "Clients send frames of the types `bid` and `time`."),
    }
}

async fn bid<P: Ports>(ports: &P, context: &str, mut bid: Map<String, Value>) -> Option<String> {
    let context: Context = serde_json::from_str(context).ok()?;
    let command_id = match bid.remove("command_id") {
        Some(Value::String(id)) => id,
        _ => return error("invalid_frame", "A bid carries the text `command_id`, best a UUID."),
    };
    let target = format!("/v1/auctions/{}/bids", context.auction_id);
    let headers = [("content-type", "application/json"), ("idempotency-key", command_id.as_str())];
    let request = Request {
        method: "POST".to_owned(),
        target,
        headers: headers.into_iter().collect::<Fields>(),
        body: serde_json::to_vec(&bid).ok()?,
    };
    let Response { status, body, .. } = match over_the_limit(ports, &context).await {
        Some(problem) => web::refuse(ports, &request, problem),
        None => {
            let caller = context.caller.map(|caller| Rc::new(caller.claims()));
            web::serve_caller(ports, routes(), &request, caller, async |exchange, operation| {
                crate::run(ports, exchange, operation).await
            })
            .await
        }
    };
    let body = RawValue::from_string(String::from_utf8(body).ok()?).ok()?;
    let reply = ReplyFrame { r#type: "reply", command_id: &command_id, status, body: &body };
    serde_json::to_string(&reply).ok()
}

/// So many bids of one bidder in one auction (rules.md B11).
async fn over_the_limit<P: Ports>(ports: &P, context: &Context) -> Option<Problem> {
    let bidder = &context.caller.as_ref()?.subject;
    let set = ports.variable("socket_bids_per_10_seconds").and_then(|set| set.parse().ok());
    let capacity: u32 = set.unwrap_or(BIDS_PER_10_SECONDS).max(1);
    let policy = Policy { capacity, refill_ms: (10_000 / capacity).max(1) };
    let bucket = format!("socket-bids/{}/{bidder}", context.auction_id);
    let taken = ports.take(&bucket, policy).await;
    taken.err().map(|wait_ms| Problem::rate_limited("bids", policy, wait_ms))
}

fn error(code: &'static str, detail: &str) -> Option<String> {
    serde_json::to_string(&ErrorFrame { r#type: "error", code, detail }).ok()
}

const BIDS_PER_10_SECONDS: u32 = 10;
