//! How refusals are provoked that do not follow from what an operation takes: a line for each.

use conformance::document::Operation;
use conformance::pictures::{png, too_large};
use conformance::{Reply, usd};
use serde_json::{Value, json};

use crate::accounts;
use crate::scene::{Request, Scene, fresh};

/// The answer to a request that should be refused so; none when nobody knows how.
pub(crate) async fn provoked(scene: &Scene, operation: &Operation, code: &str) -> Option<Reply> {
    if let Some(reply) = accounts::provoked(scene, operation, code).await {
        return Some(reply);
    }
    let fine = scene.request(operation).await;
    let spoilt = match operation.id.as_str() {
        "createAuction" | "changeAuction" | "deleteAuction" => terms(scene, &fine, code).await,
        "setPicture" | "removePicture" => picture(scene, &fine, code).await,
        "placeBid" => bid(scene, &fine, code).await,
        "buyNow" => purchase(scene, &fine, code).await,
        "cancelAuction" => member(&fine, code, "validation_failed", "reason", json!(" ")),
        "lowerReserve" => reserve(scene, &fine, code).await,
        "blockBidder" => block(scene, &fine, code).await,
        "retractBid" | "withdrawBid" => take_back(scene, &fine, code).await,
        "offerSecondChance" => offer(scene, &fine, code).await,
        "acceptOffer" | "declineOffer" => answer(scene, &fine, code).await,
        "watchLive" => match code {
            "forbidden_origin" => Some(fine.clone().header("origin", "https://elsewhere.example")),
            "upgrade_unsupported" => Some(fine.clone()),
            _ => None,
        },
        // What is not watched can be given up; only what is no id is not found.
        "unwatchAuction" => (code == "not_found").then(|| fine.clone().auction("auc_x")),
        _ => None,
    };
    let spoilt = match spoilt {
        None => common(scene, operation, fine, code).await?,
        Some(spoilt) => spoilt,
    };
    Some(spoilt.send(&scene.client()).await)
}

/// What several operations refuse.
async fn common(
    scene: &Scene,
    operation: &Operation,
    fine: Request,
    code: &str,
) -> Option<Request> {
    let request = match code {
        "forbidden" => fine.by(&scene.cy),
        "seller_cannot_bid" => fine.by(&scene.ana),
        "bidder_blocked" => {
            let path = format!("/v1/auctions/{}/blocked-bidders/{}", fine.id(), scene.ben.id);
            scene.ana.client.call("PUT", &path).send().await.unwrap().expect(204);
            fine
        }
        "auction_closed" => {
            let path = format!("/v1/auctions/{}/cancellation", fine.id());
            let reason = json!({"reason": "It broke."});
            scene.ana.client.post(&path, &reason).send().await.unwrap().expect(200);
            fine.header("if-match", "*")
        }
        "auction_not_started" => {
            let terms = json!({"starts_at": "2099-01-01T00:00:00Z", "buy_now_price": usd(5_000)});
            fine.auction(&scene.lists(terms).await)
        }
        "currency_mismatch" => {
            let euro = json!({"amount": 900_000, "currency": "EUR"});
            let is_bid = operation.example()["amount"].is_object();
            fine.member(if is_bid { "amount" } else { "reserve_price" }, euro)
        }
        "invalid_quantity" => fine.member("quantity", json!(2)),
        _ => return None,
    };
    Some(request)
}

async fn terms(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    let fine = fine.clone();
    let request = match code {
        "format_not_allowed" => fine.member("format", json!("pay_per_bid")),
        "increments_required" => fine.member("increments", Value::Null),
        "validation_failed" => fine.member("title", json!(" ")),
        "frozen_after_bid" | "has_bids" => {
            scene.ben.bids(fine.id(), 1_000).await.expect(201);
            fine.header("if-match", "*")
        }
        _ => return None,
    };
    Some(request)
}

async fn bid(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    let fine = fine.clone();
    let request = match code {
        "bid_too_low" => fine.member("amount", usd(1)),
        "confirmation_required" => fine.member("amount", usd(1_000_000)),
        "ask_too_high" => {
            let step = json!({"decrement_bps": 100, "decrement": null});
            let terms = json!({"format": "reverse", "reverse": step, "increments": null});
            fine.auction(&scene.lists(terms).await)
        }
        "own_max_not_raised" => {
            fine.clone().send(&scene.client()).await.expect(201);
            fine.header("idempotency-key", &fresh())
        }
        "auction_closed" => {
            let auction = scene.lists(json!({"duration_seconds": 5})).await;
            while scene.client().view(&auction).await["status"] == "open" {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            fine.auction(&auction)
        }
        _ => return None,
    };
    Some(request)
}

async fn purchase(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    match code {
        "buy_now_unavailable" => Some(fine.clone().auction(&scene.auction)),
        // A bid has used the key.
        "idempotency_key_reused" => {
            let key = fine.value_of("idempotency-key");
            let bid = scene.ben.bid_call(fine.id(), 1_000, key).send().await.unwrap();
            bid.expect(201);
            Some(fine.clone())
        }
        _ => None,
    }
}

async fn reserve(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    let fine = fine.clone();
    let request = match code {
        "reserve_not_lower" => fine.member("amount", usd(9_000)),
        "validation_failed" => fine.member("amount", usd(999)),
        "reserve_already_met" => {
            scene.ben.bids(fine.id(), 9_000).await.expect(201);
            fine
        }
        "too_late" => {
            let terms = json!({"reserve_price": usd(9_000), "duration_seconds": 43_000});
            fine.auction(&scene.lists(terms).await)
        }
        _ => return None,
    };
    Some(request)
}

async fn picture(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    let fine = fine.clone();
    let request = match code {
        "payload_too_large" if fine.method == "PUT" => {
            Request { body: vec![b' '; PICTURE_MAX_BYTES + 1], ..fine }
        }
        "unsupported_media_type" => Request { body: b"<svg/>".to_vec(), ..fine },
        "invalid_image" => Request { body: png(40, 30, 40, "")[..40].to_vec(), ..fine },
        "image_too_large" => Request { body: too_large(), ..fine },
        "frozen_after_bid" => {
            if fine.method == "PUT" {
                fine.clone().send(&scene.client()).await.expect(201);
            }
            scene.ben.bids(fine.id(), 1_000).await.expect(201);
            fine
        }
        // Somebody else sends them: the rate is the seller's, who sends others here.
        "rate_limited" => {
            let auction = conformance::id_of(&scene.cy.lists(json!({})).await);
            let fine = fine.auction(&auction).by(&scene.cy);
            let broken = Request { body: b"<svg/>".to_vec(), ..fine };
            for _ in 0..UPLOADS_AT_ONCE {
                broken.clone().send(&scene.client()).await.expect(415);
            }
            broken
        }
        _ => return None,
    };
    Some(request)
}

/// One more bidder than a seller can block.
async fn block(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    if code != "validation_failed" {
        return None;
    }
    for user in 0..BLOCKED_MAX {
        let path = format!("/v1/auctions/{}/blocked-bidders/usr_{user:026}", fine.id());
        scene.ana.client.call("PUT", &path).send().await.unwrap().expect(204);
    }
    Some(fine.clone())
}

async fn take_back(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    if code != "retraction_not_allowed" {
        return None;
    }
    // A later bid takes the place of the first, and only the last one can go this late.
    scene.ben.bids(fine.id(), 2_000).await.expect(201);
    Some(fine.clone())
}

async fn offer(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    if code == "validation_failed" {
        return Some(fine.clone().member("days", json!(2)));
    }
    if !matches!(code, "offer_unavailable" | "idempotency_key_reused") {
        return None;
    }
    fine.clone().send(&scene.client()).await.expect(201);
    Some(match code {
        "offer_unavailable" => fine.clone().header("idempotency-key", &fresh()),
        _ => fine.clone().member("days", json!(5)),
    })
}

/// The other answer was given before.
async fn answer(scene: &Scene, fine: &Request, code: &str) -> Option<Request> {
    if code != "offer_closed" {
        return None;
    }
    let (start, last) = fine.target.rsplit_once('/')?;
    let other = if last == "decline" { "acceptance" } else { "decline" };
    let other = Request { target: format!("{start}/{other}"), ..fine.clone() };
    other.send(&scene.client()).await.expect(200);
    Some(fine.clone())
}

/// The request with one member changed, if that is what provokes this code.
fn member(fine: &Request, code: &str, provokes: &str, name: &str, value: Value) -> Option<Request> {
    (code == provokes).then(|| fine.clone().member(name, value))
}

/// Largest picture.
const PICTURE_MAX_BYTES: usize = 10 << 20;
/// So many pictures may come at once.
const UPLOADS_AT_ONCE: usize = 60;
/// Most bidders that are blocked on one auction.
const BLOCKED_MAX: usize = 1_000;
