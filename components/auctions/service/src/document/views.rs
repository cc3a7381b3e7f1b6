//! Answers as the document shows them; what is written is in the modules of each route.
//!
//! Members may be added, so these shapes are open. A member that is not always there is an option;
//! one that is always there and may be null is an option that is required.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::document::{AuctionId, BidId, Instant, Minor, Money, UserId};

/// An auction as a caller may see it.
#[derive(ToSchema)]
pub(super) struct Auction {
    id: AuctionId,
    title: String,
    description: String,
    category: String,
    format: String,
    seller: Seller,
    status: Status,
    start_price: Money,
    /// Null before the first bid.
    #[schema(required)]
    price: Option<Money>,
    /// The least that is accepted next; null once nobody can bid.
    #[schema(required)]
    next_minimum: Option<Money>,
    /// Accepted bids, own raises included.
    bid_count: u64,
    bidder_count: u64,
    /// Alias of who leads, stable for the auction's life.
    #[schema(required)]
    leader: Option<String>,
    reserve: Reserve,
    #[schema(required)]
    buy_now_price: Option<Money>,
    increments: Vec<Step>,
    soft_close: Movement,
    retraction: String,
    quantity: u32,
    starts_at: Instant,
    /// The end as it is now.
    ends_at: Instant,
    /// The end that it was created with.
    scheduled_end: Instant,
    /// Of the newest event.
    seq: u64,
    server_time: Instant,
    pictures: Vec<Picture>,
    #[schema(required)]
    qr: Option<Qr>,
    /// Null until it is over.
    #[schema(required)]
    result: Option<AuctionResult>,
}

/// Who sells.
#[derive(ToSchema)]
struct Seller {
    id: UserId,
    display_name: String,
}

/// Where an auction is in its life.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Scheduled,
    Open,
    Sold,
    Unsold,
    Cancelled,
}

/// Is there a hidden reserve, and is it met?
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Reserve {
    None,
    NotMet,
    Met,
}

/// From this price on, bids rise by this step.
#[derive(ToSchema)]
struct Step {
    from: Minor,
    step: Minor,
}

/// How late bids move the end.
#[derive(ToSchema)]
struct Movement {
    #[schema(pattern = "^(reset|add|off)$")]
    mode: String,
    #[schema(nullable = false)]
    window_seconds: Option<u32>,
    #[schema(nullable = false)]
    extension_seconds: Option<u32>,
    #[schema(nullable = false)]
    hard_stop_at: Option<Instant>,
}

/// A picture.
#[derive(ToSchema)]
struct Picture {
    id: String,
    url: String,
    content_type: String,
    width: u32,
    height: u32,
}

/// Addresses of the QR code.
#[derive(ToSchema)]
struct Qr {
    png: String,
    svg: String,
}

/// How it ended.
#[derive(ToSchema)]
struct AuctionResult {
    #[schema(pattern = "^(sold|unsold|cancelled)$")]
    outcome: String,
    /// Null when it was simply sold.
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    winner: Option<Winner>,
    winners: Vec<Winner>,
    #[schema(required)]
    hammer_price: Option<Money>,
    /// Units sold.
    quantity: u32,
}

/// A winner.
#[derive(ToSchema)]
struct Winner {
    /// Alias.
    bidder: String,
    /// For the seller, and each winner's own.
    #[schema(nullable = false)]
    user_id: Option<UserId>,
    quantity: u32,
    unit_price: Money,
}

/// What a bidder is told.
#[derive(ToSchema)]
pub(super) struct BidReply {
    bid_id: BidId,
    /// Of its `bid_placed`.
    seq: u64,
    outcome: Outcome,
    #[schema(required)]
    price: Option<Money>,
    #[schema(required)]
    next_minimum: Option<Money>,
    leading: bool,
    reserve: Reserve,
    ends_at: Instant,
    /// When the bid was decided.
    server_time: Instant,
    explanation: Explanation,
    receipt: Receipt,
}

/// `outbid`: a hidden maximum beats it. `accepted`: sealed until the close.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Leading,
    Outbid,
    Accepted,
    Won,
}

/// The rule that set the price.
#[derive(ToSchema)]
struct Explanation {
    /// Number of the rule, for example `B2.4`.
    rule: String,
    text: String,
}

/// Where the bid stands in the hash chain.
#[derive(ToSchema)]
struct Receipt {
    seq: u64,
    #[schema(pattern = "^[0-9a-f]{64}$")]
    prev: String,
    #[schema(pattern = "^[0-9a-f]{64}$")]
    head: String,
    server_time: Instant,
}

/// The current facts that go with a refused bid.
#[derive(ToSchema)]
pub(super) struct Standing {
    price: Option<Money>,
    next_minimum: Option<Money>,
    #[schema(nullable = false)]
    ends_at: Option<Instant>,
    #[schema(nullable = false)]
    seq: Option<u64>,
    #[schema(nullable = false)]
    server_time: Option<Instant>,
}

/// A bid as everyone may see it.
#[derive(ToSchema)]
pub(super) struct PastBid {
    bid_id: BidId,
    /// Alias.
    bidder: String,
    /// Null while it is the leading maximum.
    #[schema(required)]
    amount: Option<Money>,
    /// Price after the bid.
    #[schema(required)]
    price: Option<Money>,
    time: Instant,
    seq: u64,
    retracted: bool,
}

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
    reserve: Reserve,
    /// For the seller.
    #[schema(nullable = false)]
    reserve_price: Option<Money>,
    bid_count: u64,
    ends_at: Instant,
    seq: u64,
    /// What opens the caller's commitments in the log.
    commitments: Vec<Commitment>,
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

/// One event of the public log.
#[derive(ToSchema)]
pub(super) struct Event {
    seq: u64,
    event: EventName,
    time: Instant,
    /// As the event says.
    data: Map<String, Value>,
    /// Chain head before it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    prev: String,
    /// Chain head after it: SHA-256 of `prev` and the canonical `seq`, `event`, `time`, `data`.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

/// What can happen.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum EventName {
    AuctionScheduled,
    AuctionOpened,
    AuctionChanged,
    AuctionExtended,
    AuctionClosed,
    AuctionCancelled,
    BidPlaced,
    BidRetracted,
    BidsRevealed,
    DescriptionAdded,
    MaxLowered,
    ReserveLowered,
}
