//! Who is busy while the platform is killed: sellers, bidders, somebody who watches.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Field, Lot};
use crate::record::{Acknowledged, Seen};
use crate::{Reply, User, amount_of, ms_of, now_ms, rfc3339, usd};

/// Lists an auction, waits for half of its life, lists the next one.
pub(super) async fn sell(field: Arc<Field>, seller: usize, mut rng: Rng) {
    let mut user = signed_in(&field, &format!("seller-{seller}")).await;
    for n in 0.. {
        if field.is_over() {
            return;
        }
        let (body, run_ms) = offer(&mut rng);
        let key = format!("lot-{seller}-{n}");
        let (reply, _) = settle(&field, &mut user, "/v1/auctions", &body, &key).await;
        match reply.status {
            201 => {
                let view = reply.json();
                // Answered so long after a kill that it may be over: then it has no next minimum.
                let hard_stop = ms_of(&view["soft_close"]["hard_stop_at"]);
                let end_ms = hard_stop.or(ms_of(&view["ends_at"])).unwrap();
                let lot = Lot {
                    id: crate::id_of(&view),
                    seller,
                    next_minimum: AtomicI64::new(amount_of(&view["next_minimum"]).unwrap_or(0)),
                    end_ms,
                };
                field.lots.lock().unwrap().push(Arc::new(lot));
            }
            // Repeated so long after a kill that the end it asks for is too near.
            422 => {}
            _ => field.complain(format!("listing: {} {}", reply.status, reply.text())),
        }
        let next = Instant::now() + Duration::from_millis(run_ms / 2);
        while Instant::now() < next && !field.is_over() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Five to nine seconds, half of them with a soft close that may double that.
fn offer(rng: &mut Rng) -> (Value, u64) {
    let run_ms = rng.u64(5_000..9_000);
    let end_ms = now_ms() + 500 + i64::try_from(run_ms).unwrap();
    let soft_close = if rng.bool() {
        json!({"mode": "reset", "window_seconds": 2, "extension_seconds": 2,
            "hard_stop_at": rfc3339(end_ms + 4_000)})
    } else {
        json!({"mode": "off"})
    };
    let body = User::terms(json!({
        "ends_at": rfc3339(end_ms), "duration_seconds": null, "soft_close": soft_close,
    }));
    (body, run_ms)
}

/// Bids and bids.
pub(super) async fn bid(field: Arc<Field>, writer: u32, mut rng: Rng) {
    let mut user = signed_in(&field, &format!("writer-{writer}")).await;
    for n in 0.. {
        if field.is_over() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(0..6))).await;
        let Some(lot) = field.lot(&mut rng) else { continue };
        let amount = lot.next_minimum.load(Ordering::Relaxed) + rng.i64(0..400);
        let key = format!("bid-{writer}-{n}");
        let (path, body) =
            (format!("/v1/auctions/{}/bids", lot.id), json!({"amount": usd(amount)}));
        let (reply, attempts) = settle(&field, &mut user, &path, &body, &key).await;
        if let Some(next) = amount_of(&reply.json()["next_minimum"]) {
            lot.next_minimum.fetch_max(next, Ordering::Relaxed);
        }
        if reply.status == 201 {
            field.writes.fetch_add(1, Ordering::Relaxed);
            if attempts > 1 && reply.is_replay() {
                field.unknown_accepted.fetch_add(1, Ordering::Relaxed);
            }
            let told = Acknowledged::read(&lot.id, amount, &key, &reply);
            field.acknowledged.lock().unwrap().push(told);
        } else if !REFUSALS.contains(&reply.code().as_str()) {
            field.complain(format!("bid: {} {}", reply.status, reply.text()));
        }
    }
}

/// Reads what everybody can read; what was shown may not be taken back.
pub(super) async fn look(field: Arc<Field>, mut rng: Rng) {
    let mut last: HashMap<String, Seen> = HashMap::new();
    while !field.is_over() {
        tokio::time::sleep(Duration::from_millis(rng.u64(0..4))).await;
        let Some(lot) = field.lot(&mut rng) else { continue };
        let reply = field.client.call("GET", &format!("/v1/auctions/{}", lot.id)).send().await;
        let Ok(reply) = reply else { continue };
        if reply.status != 200 {
            field.complain(format!("view of {}: {} {}", lot.id, reply.status, reply.text()));
            continue;
        }
        let seen = Seen::read(&reply.json());
        if let Some(before) = last.get(&lot.id)
            && (seen.seq < before.seq || seen.price < before.price)
        {
            field.complain(format!("{seen:?} was shown after {before:?}"));
        }
        last.insert(lot.id.clone(), seen.clone());
        field.seen.lock().unwrap().push(seen);
    }
}

async fn signed_in(field: &Field, name: &str) -> User {
    loop {
        match User::try_by_development_token(&field.client, name).await {
            Ok(user) => return user,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Repeats a request until it is answered for good; how often it was sent, too.
async fn settle(
    field: &Field,
    user: &mut User,
    path: &str,
    body: &Value,
    key: &str,
) -> (Reply, u32) {
    let deadline = Instant::now() + SETTLED_MAX;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let pause_ms = match user.client.post(path, body).key(key).send().await {
            Ok(reply) if reply.status == 401 => {
                *user = signed_in(field, &user.name).await;
                0
            }
            Ok(reply) if reply.status == 409 && reply.code() == "idempotency_in_progress" => 200,
            Ok(reply) if reply.status > 500 => 50,
            Ok(reply) => return (reply, attempts),
            Err(_) => 10,
        };
        if attempts == 1 && pause_ms > 0 {
            field.unknown.fetch_add(1, Ordering::Relaxed);
        }
        assert!(Instant::now() < deadline, "a request of {} stays unanswered", user.name);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

/// What a bid may be told in a crowd.
const REFUSALS: [&str; 3] = ["bid_too_low", "own_max_not_raised", "auction_closed"];
/// Longer than the lease of a creation and a restart together.
const SETTLED_MAX: Duration = Duration::from_secs(60);
