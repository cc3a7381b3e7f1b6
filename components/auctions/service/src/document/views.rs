//! Answers as the document shows them; what is written is in the modules of each route.
//!
//! Members may be added, so these shapes are open. A member that is not always there is an option;
//! one that is always there and may be null is an option that is required.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::document::{AuctionId, BidId, Instant, Minor, Money, UserId};

use super::bodies::Pricing;

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
    /// Null before the first bid, where bids are sealed until the close; the clock's in `dutch`.
    #[schema(required)]
    price: Option<Money>,
    /// The least that is accepted next; null once nobody can bid, in `reverse` and where bids are
    /// sealed.
    #[schema(required)]
    next_minimum: Option<Money>,
    /// The highest ask that is accepted next; `reverse` only.
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
    /// Accepted bids that stand, own raises included.
    bid_count: u64,
    bidder_count: u64,
    /// Alias of who leads, stable for the auction's life.
    #[schema(required)]
    leader: Option<String>,
    reserve: Reserve,
    /// Null when there is none, or none any more.
    #[schema(required)]
    buy_now_price: Option<Money>,
    /// Empty where bids do not go up in steps.
    increments: Vec<Step>,
    #[schema(nullable = false)]
    dutch: Option<Clock>,
    #[schema(nullable = false)]
    reverse: Option<Underbid>,
    #[schema(nullable = false)]
    uniform_price: Option<OneForAll>,
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
pub(super) enum Status {
    Scheduled,
    Open,
    Sold,
    Unsold,
    Cancelled,
}

/// Is there a hidden reserve, and is it met?
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reserve {
    None,
    NotMet,
    Met,
}

/// From this price on, bids rise by this step.
#[derive(ToSchema)]
pub(super) struct Step {
    from: Minor,
    step: Minor,
}

/// The clock of a `dutch` auction.
#[derive(ToSchema)]
pub(super) struct Clock {
    /// The clock stops here.
    floor_price: Money,
    /// How much the price falls at a tick.
    decrement: Money,
    tick_seconds: u32,
    /// How long the floor holds.
    dwell_seconds: u32,
}

/// How far an ask must lie below the best one in `reverse`: one of the two.
#[derive(ToSchema)]
pub(super) struct Underbid {
    #[schema(nullable = false)]
    decrement: Option<Money>,
    /// Basis points of the best ask.
    #[schema(nullable = false)]
    decrement_bps: Option<u32>,
}

/// Which bid sets the price of all units in `uniform_price`.
#[derive(ToSchema)]
pub(super) struct OneForAll {
    pricing: Pricing,
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
    /// Its place, by which `setPicture` and `removePicture` name it.
    #[schema(minimum = 1, maximum = 12)]
    n: u8,
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
    /// `reverse` only.
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
    /// Units bought at once; `dutch` only.
    #[schema(nullable = false)]
    quantity: Option<u32>,
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
pub(super) struct Explanation {
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
    /// `kid` in `/.well-known/proof-keys.json`.
    #[schema(nullable = false)]
    key_id: Option<String>,
    /// Ed25519 over `<auction_id>:<seq>:<head>`, base64url. Deployments may switch it off.
    #[schema(nullable = false, pattern = "^[A-Za-z0-9_-]{86}$")]
    signature: Option<String>,
}

/// The current facts that go with what an auction refuses.
#[derive(ToSchema)]
pub(super) struct Standing {
    price: Option<Money>,
    next_minimum: Option<Money>,
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
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
    /// Null while it is the leading maximum or sealed.
    #[schema(required)]
    amount: Option<Money>,
    /// Units, where a bid can be for more than one.
    #[schema(nullable = false)]
    quantity: Option<u32>,
    /// Price after the bid; null where bids are sealed.
    #[schema(required)]
    price: Option<Money>,
    time: Instant,
    seq: u64,
    retracted: bool,
    /// Why it is void.
    #[schema(nullable = false)]
    reason: Option<VoidReason>,
}

/// Why a bid is void. `withdrawn`: a sealed bid was taken back.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum VoidReason {
    WrongAmount,
    DescriptionChanged,
    SellerUnreachable,
    CancelledBySeller,
    Withdrawn,
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
    BidderBlocked,
    BidderUnblocked,
    BidPlaced,
    BidRetracted,
    BidsRevealed,
    DescriptionAdded,
    MaxLowered,
    OutageDeclared,
    PicturesChanged,
    ReserveLowered,
    SecondChanceOffered,
    SecondChanceAccepted,
    SecondChanceDeclined,
    SecondChanceExpired,
}
