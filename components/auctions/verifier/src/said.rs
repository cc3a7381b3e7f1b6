//! What events say, as far as it is checked. Members may be added to them.

use kernel::{Digest, Money, Salt, Timestamp};
use serde::Deserialize;

/// Is there a reserve, and is it met?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reserve {
    None,
    NotMet,
    Met,
}

#[derive(Deserialize)]
pub(crate) struct BidPlaced {
    pub(crate) amount: Option<Money>,
    pub(crate) bid_count: u64,
    pub(crate) bid_id: String,
    pub(crate) bidder: String,
    pub(crate) commitment: Option<Digest>,
    pub(crate) ends_at: Timestamp,
    pub(crate) leader: Option<String>,
    #[serde(default)]
    pub(crate) next_maximum: Option<Money>,
    pub(crate) next_minimum: Option<Money>,
    pub(crate) price: Option<Money>,
    #[serde(default)]
    pub(crate) quantity: Option<u32>,
    pub(crate) reserve: Reserve,
    pub(crate) revealed: Vec<Revealed>,
}

#[derive(Deserialize)]
pub(crate) struct Revealed {
    pub(crate) amount: Money,
    pub(crate) bid_id: String,
    pub(crate) salt: Option<Salt>,
}

#[derive(Deserialize)]
pub(crate) struct BidsRevealed {
    pub(crate) bids: Vec<Unsealed>,
}

#[derive(Deserialize)]
pub(crate) struct Unsealed {
    pub(crate) amount: Money,
    pub(crate) bid_id: String,
    pub(crate) bidder: String,
    #[serde(default)]
    pub(crate) min_quantity: Option<u32>,
    #[serde(default)]
    pub(crate) quantity: Option<u32>,
    pub(crate) salt: Option<Salt>,
}

#[derive(Deserialize)]
pub(crate) struct BidRetracted {
    pub(crate) bid_count: u64,
    pub(crate) bid_ids: Vec<String>,
    pub(crate) bidder: String,
    pub(crate) leader: Option<String>,
    #[serde(default)]
    pub(crate) next_maximum: Option<Money>,
    pub(crate) next_minimum: Option<Money>,
    pub(crate) price: Option<Money>,
    pub(crate) reason: String,
    pub(crate) reserve: Reserve,
    #[serde(default)]
    pub(crate) revealed: Vec<Revealed>,
}

#[derive(Deserialize)]
pub(crate) struct MaxLowered {
    pub(crate) bid_id: String,
    pub(crate) bidder: String,
    pub(crate) commitment: Digest,
}

#[derive(Deserialize)]
pub(crate) struct ReserveLowered {
    pub(crate) reserve_commitment: Digest,
}

#[derive(Deserialize)]
pub(crate) struct Extended {
    pub(crate) cause_seq: u64,
    pub(crate) new_end: Timestamp,
    pub(crate) old_end: Timestamp,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Outage {
    pub(crate) from: Timestamp,
    pub(crate) grace_seconds: u32,
    pub(crate) until: Timestamp,
}

#[derive(Deserialize)]
pub(crate) struct Pictures {
    pub(crate) pictures: Vec<Picture>,
}

#[derive(PartialEq, Eq, Deserialize)]
pub(crate) struct Picture {
    pub(crate) n: u8,
    id: String,
    sha256: Digest,
}

#[derive(Deserialize)]
pub(crate) struct Ended {
    pub(crate) result: Outcome,
}

#[derive(Deserialize)]
pub(crate) struct Outcome {
    pub(crate) hammer_price: Option<Money>,
    pub(crate) outcome: String,
    pub(crate) quantity: u32,
    pub(crate) reason: Option<String>,
    pub(crate) winner: Option<Named>,
    pub(crate) winners: Vec<Winner>,
}

#[derive(Deserialize)]
pub(crate) struct Named {
    pub(crate) bidder: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Winner {
    pub(crate) bidder: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price: Money,
}

#[derive(Deserialize)]
pub(crate) struct Offered {
    pub(crate) bidder: String,
    pub(crate) offer_id: String,
    pub(crate) price: Money,
}

#[derive(Deserialize)]
pub(crate) struct OfferEnded {
    pub(crate) bidder: String,
    pub(crate) offer_id: String,
}
