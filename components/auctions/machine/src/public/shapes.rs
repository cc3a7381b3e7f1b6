//! The `data` of public events. Fields stand in byte order.

use kernel::{Digest, Id, Money, Salt, Timestamp, kind};
use serde::Serialize;

use crate::contract::{self, Band, Decrement, ReserveState, RetractionReason, Status, Uniform};

#[derive(Serialize)]
pub(super) struct PublicTerms<'a> {
    pub(super) buy_now_price: Option<Money>,
    pub(super) category: &'a str,
    pub(super) description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dutch: Option<PublicClock>,
    pub(super) ends_at: Timestamp,
    pub(super) format: &'static str,
    pub(super) increments: &'a [Band],
    pub(super) quantity: u32,
    pub(super) reserve: ReserveState,
    pub(super) reserve_commitment: Option<Digest>,
    pub(super) retraction: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reverse: Option<Decrement>,
    pub(super) seller: Id<kind::User>,
    pub(super) soft_close: PublicSoftClose,
    pub(super) start_price: Money,
    pub(super) starts_at: Timestamp,
    pub(super) title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uniform_price: Option<Uniform>,
}

#[derive(Serialize)]
pub(super) struct PublicSoftClose {
    pub(super) extension_seconds: Option<u32>,
    pub(super) hard_stop_at: Option<Timestamp>,
    pub(super) mode: &'static str,
    pub(super) window_seconds: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct PublicClock {
    decrement: Money,
    dwell_seconds: u32,
    floor_price: Money,
    tick_seconds: u32,
}

impl From<contract::Clock> for PublicClock {
    fn from(clock: contract::Clock) -> Self {
        let contract::Clock { floor_price, decrement, tick_seconds, dwell_seconds } = clock;
        Self { decrement, dwell_seconds, floor_price, tick_seconds }
    }
}

#[derive(Serialize)]
pub(super) struct PublicBid {
    pub(super) amount: Option<Money>,
    pub(super) bid_count: usize,
    pub(super) bid_id: Id<kind::Bid>,
    pub(super) bidder: String,
    pub(super) commitment: Option<Digest>,
    pub(super) ends_at: Timestamp,
    pub(super) leader: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_maximum: Option<Money>,
    pub(super) next_minimum: Option<Money>,
    pub(super) price: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quantity: Option<u32>,
    pub(super) reserve: ReserveState,
    pub(super) revealed: Vec<Revealed>,
}

#[derive(Serialize)]
pub(super) struct Revealed {
    pub(super) amount: Money,
    pub(super) bid_id: Id<kind::Bid>,
    pub(super) salt: Option<Salt>,
}

#[derive(Serialize)]
pub(super) struct PublicRetraction {
    pub(super) bid_count: usize,
    pub(super) bid_ids: Vec<Id<kind::Bid>>,
    pub(super) bidder: String,
    pub(super) leader: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_maximum: Option<Money>,
    pub(super) next_minimum: Option<Money>,
    pub(super) price: Option<Money>,
    pub(super) reason: RetractionReason,
    pub(super) reserve: ReserveState,
    /// An earlier maximum of the bidder that is live again and beaten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) revealed: Vec<Revealed>,
}

#[derive(Serialize)]
pub(super) struct MaxLowered {
    pub(super) bid_id: Id<kind::Bid>,
    pub(super) bidder: String,
    pub(super) commitment: Digest,
}

#[derive(Serialize)]
pub(super) struct ReserveLowered {
    pub(super) reserve_commitment: Digest,
}

#[derive(Serialize)]
pub(super) struct DescriptionAdded<'a> {
    pub(super) text: &'a str,
}

#[derive(Serialize)]
pub(super) struct OutageDeclared {
    pub(super) from: Timestamp,
    pub(super) grace_seconds: u32,
    pub(super) until: Timestamp,
}

#[derive(Serialize)]
pub(super) struct Extended {
    pub(super) cause_seq: u64,
    pub(super) new_end: Timestamp,
    pub(super) old_end: Timestamp,
}

#[derive(Serialize)]
pub(super) struct Unsealed {
    pub(super) bids: Vec<UnsealedBid>,
}

#[derive(Serialize)]
pub(super) struct UnsealedBid {
    pub(super) amount: Money,
    pub(super) bid_id: Id<kind::Bid>,
    pub(super) bidder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_quantity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quantity: Option<u32>,
    pub(super) salt: Option<Salt>,
}

#[derive(Serialize)]
pub(super) struct Cancelled<'a> {
    pub(super) reason: &'a str,
    pub(super) result: PublicResult,
}

#[derive(Serialize)]
pub(super) struct Closed {
    pub(super) result: PublicResult,
}

#[derive(Serialize)]
pub(super) struct PublicResult {
    pub(super) hammer_price: Option<Money>,
    pub(super) outcome: Status,
    pub(super) quantity: u32,
    pub(super) reason: Option<&'static str>,
    pub(super) winner: Option<Named>,
    pub(super) winners: Vec<PublicWinner>,
}

#[derive(Serialize)]
pub(super) struct Named {
    pub(super) bidder: Option<String>,
}

#[derive(Serialize)]
pub(super) struct PublicWinner {
    pub(super) bidder: String,
    pub(super) quantity: u32,
    pub(super) unit_price: Money,
}

#[derive(Serialize)]
pub(super) struct Offered {
    pub(super) bidder: String,
    pub(super) expires_at: Timestamp,
    pub(super) offer_id: Id<kind::Offer>,
    pub(super) price: Money,
}

#[derive(Serialize)]
pub(super) struct OfferEnded {
    pub(super) bidder: String,
    pub(super) offer_id: Id<kind::Offer>,
}

#[derive(Serialize)]
pub(super) struct PicturesChanged {
    pub(super) pictures: Vec<contract::Picture>,
}
