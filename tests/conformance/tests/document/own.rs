//! How refusals are provoked that belong to one operation: a line for each.

use conformance::document::Operation;
use conformance::{Reply, id_of};
use serde_json::{Value, json};

use crate::scene::Scene;

/// The answer to a request that should be refused so; none when it is not an operation's own.
pub(crate) async fn provoked(scene: &Scene, operation: &Operation, code: &str) -> Option<Reply> {
    match operation.id.as_str() {
        "createAuction" => listing(scene, operation, code).await,
        "placeBid" => bid(scene, operation, code).await,
        _ => None,
    }
}

async fn listing(scene: &Scene, operation: &Operation, code: &str) -> Option<Reply> {
    let euro = json!({"amount": 5_000, "currency": "EUR"});
    let yen = json!({"amount": 5_000, "currency": "JPY"});
    let (member, value) = match code {
        "currency_mismatch" => ("reserve_price", euro),
        "format_not_allowed" => ("format", json!("pay_per_bid")),
        "increments_required" => ("start_price", yen),
        "invalid_quantity" => ("quantity", json!(2)),
        "validation_failed" => ("title", json!(" ")),
        _ => return None,
    };
    Some(with_member(scene, operation, member, value).await)
}

async fn bid(scene: &Scene, operation: &Operation, code: &str) -> Option<Reply> {
    let euro = json!({"amount": 900_000, "currency": "EUR"});
    let (ana, ben) = (&scene.ana, &scene.ben);
    let reply = match code {
        "seller_cannot_bid" => ana.bids(&scene.auction, 900_000).await,
        "bid_too_low" => ben.bids(&id_of(&ana.lists(json!({})).await), 1).await,
        "currency_mismatch" => with_member(scene, operation, "amount", euro).await,
        "invalid_quantity" => with_member(scene, operation, "quantity", json!(2)).await,
        "own_max_not_raised" => {
            let auction = id_of(&ana.lists(json!({})).await);
            ben.bids(&auction, 5_000).await.expect(201);
            ben.bids(&auction, 5_000).await
        }
        "auction_not_started" => {
            let starts_at = json!({"starts_at": "2099-01-01T00:00:00Z"});
            ben.bids(&id_of(&ana.lists(starts_at).await), 5_000).await
        }
        "auction_closed" => {
            let auction = id_of(&ana.lists(json!({"duration_seconds": 5})).await);
            closed(scene, &auction).await;
            ben.bids(&auction, 5_000).await
        }
        _ => return None,
    };
    Some(reply)
}

/// An accepted request with one member changed.
async fn with_member(scene: &Scene, operation: &Operation, member: &str, value: Value) -> Reply {
    let request = scene.request(operation);
    let mut body = request.value();
    body[member] = value;
    request.json(&body).send(&scene.client()).await
}

async fn closed(scene: &Scene, auction: &str) {
    while scene.platform.client().view(auction).await["status"] == "open" {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
