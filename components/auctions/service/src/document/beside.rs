//! Further answers as the document shows them: the caller's own, previews, rules, offers.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use web::document::{AuctionId, Instant, Money, OfferId, schema};

use super::views::{Auction, Explanation, Reserve, Status};

/// The caller's own bidding.
#[derive(ToSchema)]
pub(super) struct Bidding {
    auction_id: AuctionId,
    #[schema(required)]
    my_max: Option<Money>,
    leading: bool,
    /// The caller's alias here.
    #[schema(required)]
    alias: Option<String>,
    status: Status,
    #[schema(required)]
    price: Option<Money>,
    #[schema(required)]
    next_minimum: Option<Money>,
    /// `reverse` only.
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
    reserve: Reserve,
    /// For the seller.
    #[schema(nullable = false)]
    reserve_price: Option<Money>,
    bid_count: u64,
    ends_at: Instant,
    seq: u64,
    /// What opens the caller's commitments in the log.
    commitments: Vec<Commitment>,
    /// Second-chance offers to the caller; all of them for the seller.
    offers: Vec<Offer>,
    server_time: Instant,
}

/// SHA-256 of salt and canonical amount is in the event with this `seq`.
#[derive(ToSchema)]
struct Commitment {
    seq: u64,
    #[schema(pattern = "^[0-9a-f]{64}$")]
    salt: String,
    amount: Money,
}

/// A second-chance offer.
#[derive(ToSchema)]
pub(super) struct Offer {
    offer_id: OfferId,
    /// Alias.
    bidder: String,
    /// What the bidder would pay.
    price: Money,
    /// When it lapses.
    expires_at: Instant,
    status: OfferStatus,
}

/// Where an offer stands.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum OfferStatus {
    Open,
    Accepted,
    Declined,
    Expired,
}

/// What a bid would lead to, as far as everyone can know.
#[derive(ToSchema)]
pub(super) struct Preview {
    outcome: PreviewOutcome,
    /// The least that is accepted next.
    #[schema(required)]
    next_minimum: Option<Money>,
    /// The highest ask that is accepted next; `reverse` only.
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
    /// The amount is so far above the least that a person should be asked again.
    confirmation_advised: bool,
    explanation: Explanation,
}

/// `not_allowed`: the seller and blocked bidders.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum PreviewOutcome {
    WouldLeadOrBeOutbid,
    WouldWin,
    TooLow,
    TooHigh,
    NotOpen,
    NotAllowed,
}

/// Who may not bid.
#[derive(ToSchema)]
pub(super) struct BlockedBidders {
    #[schema(max_items = 1_000)]
    items: Vec<BlockedBidder>,
}

/// Somebody who may not bid.
#[derive(ToSchema)]
struct BlockedBidder {
    /// The alias, or the id of a user who has not bid.
    #[schema(examples("bidder-1"))]
    bidder: String,
}

/// That the caller watches an auction.
#[derive(ToSchema)]
pub(super) struct Watch {
    auction_id: AuctionId,
    /// Since when.
    created_at: Instant,
}

/// The rules of an auction.
#[derive(ToSchema)]
pub(super) struct AuctionRules {
    auction_id: AuctionId,
    format: String,
    rules: Vec<Rule>,
}

/// One rule in plain words.
#[derive(ToSchema)]
struct Rule {
    /// Number of the rule, for example `B2.4`.
    rule: String,
    title: String,
    text: String,
}

/// An auction and how the caller stands in it: the members of both, side by side.
pub(super) struct MyBid;

impl PartialSchema for MyBid {
    fn schema() -> RefOr<Schema> {
        let mut auction = schema::<Auction>();
        if let Some(members) = auction.as_object_mut() {
            let about = "An auction and how the caller stands in it.";
            members.insert("description".to_owned(), about.into());
        }
        if let Some(Value::Object(properties)) = auction.get_mut("properties") {
            let my_max = json!({
                "description": "The caller's maximum; null when all of its bids are void.",
                "oneOf": [{"$ref": "#/components/schemas/Money"}, {"type": "null"}],
            });
            properties.insert("my_max".to_owned(), my_max);
            properties.insert("leading".to_owned(), json!({"type": "boolean"}));
        }
        if let Some(Value::Array(required)) = auction.get_mut("required") {
            required.extend(["my_max".into(), "leading".into()]);
        }
        serde_json::from_value(auction).unwrap_or_default()
    }
}

impl ToSchema for MyBid {
    fn name() -> Cow<'static, str> {
        "MyBid".into()
    }

    fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
        Auction::schemas(found);
    }
}
