//! The `data` of every event of the public log, as the document shows it. What is written is in the
//! machine; members that are not always there are options, members that may be null are options
//! that are required.
#![allow(dead_code, reason = "shapes: they exist for their schemas")]

use utoipa::ToSchema;
use web::document::{BidId, Instant, Money, OfferId, UserId};

use super::views::{Clock, OneForAll, Reserve, Status, Step, Underbid, VoidReason};

/// The public terms; the reserve stands in them as a commitment.
#[derive(ToSchema)]
pub(super) struct Terms {
    title: String,
    description: String,
    category: String,
    format: String,
    seller: UserId,
    start_price: Money,
    #[schema(required)]
    buy_now_price: Option<Money>,
    reserve: Reserve,
    /// Null without a reserve.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    reserve_commitment: Option<String>,
    increments: Vec<Step>,
    #[schema(nullable = false)]
    dutch: Option<Clock>,
    #[schema(nullable = false)]
    reverse: Option<Underbid>,
    #[schema(nullable = false)]
    uniform_price: Option<OneForAll>,
    soft_close: PublicMovement,
    retraction: String,
    quantity: u32,
    starts_at: Instant,
    ends_at: Instant,
}

/// How late bids move the end; null where they do not.
#[derive(ToSchema)]
struct PublicMovement {
    #[schema(pattern = "^(reset|add|off)$")]
    mode: String,
    #[schema(required)]
    window_seconds: Option<u32>,
    #[schema(required)]
    extension_seconds: Option<u32>,
    #[schema(required)]
    hard_stop_at: Option<Instant>,
}

/// A bid was accepted.
#[derive(ToSchema)]
pub(super) struct BidPlaced {
    bid_id: BidId,
    /// Alias.
    bidder: String,
    /// Null when the bid leads and its maximum is hidden, and where bids are sealed.
    #[schema(required)]
    amount: Option<Money>,
    /// SHA-256 of salt and hidden amount; null when the amount is shown.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    commitment: Option<String>,
    #[schema(required)]
    price: Option<Money>,
    #[schema(required)]
    next_minimum: Option<Money>,
    /// `reverse` only.
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
    /// Units, where a bid can be for more than one.
    #[schema(nullable = false)]
    quantity: Option<u32>,
    /// Alias.
    #[schema(required)]
    leader: Option<String>,
    reserve: Reserve,
    bid_count: u64,
    ends_at: Instant,
    /// Maximums that this bid beat.
    revealed: Vec<Revealed>,
}

/// A maximum that is hidden no more.
#[derive(ToSchema)]
struct Revealed {
    bid_id: BidId,
    amount: Money,
    /// Opens the commitment; null when there was none.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    salt: Option<String>,
}

/// Bids were taken back.
#[derive(ToSchema)]
pub(super) struct BidRetracted {
    /// Alias.
    bidder: String,
    bid_ids: Vec<BidId>,
    reason: VoidReason,
    #[schema(required)]
    price: Option<Money>,
    #[schema(required)]
    next_minimum: Option<Money>,
    /// `reverse` only.
    #[schema(nullable = false)]
    next_maximum: Option<Money>,
    #[schema(required)]
    leader: Option<String>,
    reserve: Reserve,
    bid_count: u64,
    /// An earlier maximum of the bidder that is live again and beaten.
    #[schema(nullable = false)]
    revealed: Option<Vec<Revealed>>,
}

/// A leading maximum was cut to what is left of it (B3.4).
#[derive(ToSchema)]
pub(super) struct MaxLowered {
    bid_id: BidId,
    /// Alias.
    bidder: String,
    #[schema(pattern = "^[0-9a-f]{64}$")]
    commitment: String,
}

/// Sealed bids, at the close.
#[derive(ToSchema)]
pub(super) struct BidsRevealed {
    bids: Vec<UnsealedBid>,
}

/// A bid that was sealed.
#[derive(ToSchema)]
struct UnsealedBid {
    bid_id: BidId,
    /// Alias.
    bidder: String,
    amount: Money,
    #[schema(nullable = false)]
    quantity: Option<u32>,
    #[schema(nullable = false)]
    min_quantity: Option<u32>,
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    salt: Option<String>,
}

/// The reserve is lower, and still hidden.
#[derive(ToSchema)]
pub(super) struct ReserveLowered {
    #[schema(pattern = "^[0-9a-f]{64}$")]
    reserve_commitment: String,
}

/// A late bid moved the end.
#[derive(ToSchema)]
pub(super) struct Extended {
    old_end: Instant,
    new_end: Instant,
    /// Number of the bid or of the outage that did it.
    cause_seq: u64,
}

/// The platform was away. What moves the end because of it follows.
#[derive(ToSchema)]
pub(super) struct OutageDeclared {
    from: Instant,
    /// Exclusive.
    until: Instant,
    /// Beyond the lost time.
    #[schema(maximum = 86_400)]
    grace_seconds: u32,
}

/// All pictures that stand from now on, by their places.
#[derive(ToSchema)]
pub(super) struct PicturesChanged {
    pictures: Vec<LoggedPicture>,
}

/// A picture in the log.
#[derive(ToSchema)]
struct LoggedPicture {
    /// Its place.
    #[schema(minimum = 1, maximum = 12)]
    n: u8,
    #[schema(pattern = "^pic_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    id: String,
    /// SHA-256 of its bytes as they are shown.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    content_type: String,
    width: u16,
    height: u16,
}

/// The seller added to the description.
#[derive(ToSchema)]
pub(super) struct DescriptionAdded {
    text: String,
}

/// Somebody may not bid here, or may again; the alias of who has bid, else null.
#[derive(ToSchema)]
pub(super) struct Named {
    #[schema(required)]
    bidder: Option<String>,
}

/// It is over.
#[derive(ToSchema)]
pub(super) struct Closed {
    result: PublicResult,
}

/// It was called off.
#[derive(ToSchema)]
pub(super) struct Cancelled {
    reason: String,
    result: PublicResult,
}

/// How it ended; winners by alias.
#[derive(ToSchema)]
struct PublicResult {
    outcome: Status,
    /// Null when it was simply sold.
    #[schema(required)]
    reason: Option<String>,
    /// Null where there is none, or there are several.
    #[schema(required)]
    winner: Option<Named>,
    winners: Vec<PublicWinner>,
    #[schema(required)]
    hammer_price: Option<Money>,
    /// Units sold.
    quantity: u32,
}

/// A winner.
#[derive(ToSchema)]
struct PublicWinner {
    /// Alias.
    bidder: String,
    quantity: u32,
    unit_price: Money,
}

/// A beaten bidder may buy.
#[derive(ToSchema)]
pub(super) struct Offered {
    offer_id: OfferId,
    /// Alias.
    bidder: String,
    price: Money,
    expires_at: Instant,
}

/// An offer was taken, refused, or lapsed.
#[derive(ToSchema)]
pub(super) struct OfferEnded {
    offer_id: OfferId,
    /// Alias.
    bidder: String,
}
