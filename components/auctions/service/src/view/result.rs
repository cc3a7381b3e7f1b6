//! How an auction ended, as a viewer may know it.

use auction_machine::contract::{AuctionResult, Status, Winner};
use kernel::{Id, Money, kind};
use serde::Serialize;
use serde_json::value::RawValue;
use web::Problem;

use super::Viewer;

#[derive(Serialize)]
struct ResultPart<'a> {
    outcome: Status,
    reason: Option<&'a str>,
    winner: Option<WinnerPart<'a>>,
    winners: Vec<WinnerPart<'a>>,
    hammer_price: Option<Money>,
    quantity: u32,
}

#[derive(Serialize)]
struct WinnerPart<'a> {
    bidder: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Id<kind::User>>,
    quantity: u32,
    unit_price: Money,
}

impl<'a> WinnerPart<'a> {
    fn new(winner: &'a Winner, viewer: Viewer) -> Self {
        let Winner { bidder, user_id, quantity, unit_price } = winner;
        let user_id = viewer.sees(*user_id).then_some(*user_id);
        Self { bidder, user_id, quantity: *quantity, unit_price: *unit_price }
    }
}

/// How an auction ended, as that viewer may know it.
pub(crate) fn result(result: &AuctionResult, viewer: Viewer) -> Result<Box<RawValue>, Problem> {
    let part = ResultPart {
        outcome: result.outcome,
        reason: result.reason.as_deref(),
        winner: result.winner.as_ref().map(|winner| WinnerPart::new(winner, viewer)),
        winners: result.winners.iter().map(|winner| WinnerPart::new(winner, viewer)).collect(),
        hammer_price: result.hammer_price,
        quantity: result.quantity,
    };
    serde_json::value::to_raw_value(&part).map_err(|_| Problem::internal())
}
