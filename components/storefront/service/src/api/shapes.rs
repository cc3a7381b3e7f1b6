//! What the API answers, as far as pages show it (api.md).

use kernel::{Money, Timestamp};
use serde::{Deserialize, Serialize};

/// The public view of an auction.
#[derive(Deserialize)]
pub(crate) struct Auction {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) format: String,
    pub(crate) seller: Seller,
    pub(crate) status: String,
    pub(crate) start_price: Money,
    pub(crate) price: Option<Money>,
    pub(crate) next_minimum: Option<Money>,
    pub(crate) next_maximum: Option<Money>,
    pub(crate) bid_count: u64,
    pub(crate) bidder_count: u64,
    pub(crate) leader: Option<String>,
    pub(crate) reserve: String,
    pub(crate) buy_now_price: Option<Money>,
    pub(crate) increments: Vec<Step>,
    pub(crate) dutch: Option<Clock>,
    pub(crate) soft_close: SoftClose,
    pub(crate) retraction: String,
    pub(crate) quantity: u32,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) scheduled_end: Timestamp,
    pub(crate) seq: u64,
    pub(crate) server_time: Timestamp,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) qr: Option<Qr>,
    pub(crate) result: Option<Outcome>,
    /// In the list of the visitor's bids.
    pub(crate) my_max: Option<Money>,
    /// In the list of the visitor's bids.
    pub(crate) leading: Option<bool>,
}

/// Who sells.
#[derive(Deserialize)]
pub(crate) struct Seller {
    pub(crate) id: String,
    pub(crate) display_name: String,
}

/// A band of the ladder, in minor units.
#[derive(Deserialize, Serialize)]
pub(crate) struct Step {
    pub(crate) from: i64,
    pub(crate) step: i64,
}

/// The falling clock of `dutch`.
#[derive(Deserialize, Serialize)]
pub(crate) struct Clock {
    pub(crate) floor_price: Money,
    pub(crate) decrement: Money,
    pub(crate) tick_seconds: u32,
    pub(crate) dwell_seconds: u32,
}

/// How late bids move the end.
#[derive(Deserialize)]
pub(crate) struct SoftClose {
    pub(crate) mode: String,
    pub(crate) window_seconds: Option<u32>,
    pub(crate) extension_seconds: Option<u32>,
}

/// A picture.
#[derive(Deserialize)]
pub(crate) struct Picture {
    /// Its place. Rows of lists from before views told it do without; nothing asks it of them.
    #[serde(default)]
    pub(crate) n: u8,
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The code of the auction's page.
#[derive(Deserialize)]
pub(crate) struct Qr {}

/// How it went out.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    pub(crate) outcome: String,
    pub(crate) reason: Option<String>,
    pub(crate) winners: Vec<Winner>,
    pub(crate) hammer_price: Option<Money>,
}

/// Who gets it.
#[derive(Deserialize)]
pub(crate) struct Winner {
    pub(crate) bidder: String,
    pub(crate) user_id: Option<String>,
    pub(crate) quantity: u32,
    pub(crate) unit_price: Money,
}

/// A bid in the history.
#[derive(Deserialize)]
pub(crate) struct PastBid {
    pub(crate) bid_id: String,
    pub(crate) bidder: String,
    pub(crate) amount: Option<Money>,
    pub(crate) quantity: Option<u32>,
    pub(crate) price: Option<Money>,
    pub(crate) time: Timestamp,
    pub(crate) seq: u64,
    pub(crate) retracted: bool,
    pub(crate) reason: Option<String>,
}

/// Somebody who may not bid.
#[derive(Deserialize)]
pub(crate) struct Blocked {
    pub(crate) bidder: String,
}

/// The visitor's own place in an auction.
#[derive(Deserialize)]
pub(crate) struct Bidding {
    pub(crate) my_max: Option<Money>,
    #[serde(default)]
    pub(crate) leading: bool,
    #[serde(default)]
    pub(crate) alias: Option<String>,
    /// For the seller alone.
    #[serde(default)]
    pub(crate) reserve_price: Option<Money>,
    #[serde(default)]
    pub(crate) offers: Vec<Offer>,
}

/// A second-chance offer.
#[derive(Deserialize)]
pub(crate) struct Offer {
    pub(crate) offer_id: String,
    pub(crate) bidder: String,
    pub(crate) price: Money,
    pub(crate) expires_at: Timestamp,
    pub(crate) status: String,
}

/// A bid that was taken.
#[derive(Deserialize)]
pub(crate) struct Placed {
    pub(crate) outcome: String,
    pub(crate) explanation: Explanation,
    pub(crate) receipt: Option<Receipt>,
}

/// Why the price is what it is.
#[derive(Deserialize)]
pub(crate) struct Explanation {
    pub(crate) rule: String,
    pub(crate) text: String,
}

/// What a bidder can show later.
#[derive(Deserialize, Serialize)]
pub(crate) struct Receipt {
    pub(crate) seq: u64,
    pub(crate) prev: String,
    pub(crate) head: String,
    pub(crate) server_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<String>,
}

/// A rule in plain words.
#[derive(Deserialize)]
pub(crate) struct Rule {
    pub(crate) rule: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// An event of the public log.
#[derive(Deserialize)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) event: String,
    pub(crate) data: serde_json::Value,
}

/// The visitor, as the platform knows it.
#[derive(Deserialize)]
pub(crate) struct Me {
    pub(crate) email: Option<String>,
    pub(crate) display_name: String,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) second_factor: bool,
}

/// A pair of tokens.
#[derive(Deserialize)]
pub(crate) struct Session {
    pub(crate) access_token: String,
    pub(crate) expires_in: i64,
    pub(crate) refresh_token: String,
}

/// A secret for an authenticator.
#[derive(Deserialize)]
pub(crate) struct TotpSecret {
    pub(crate) secret: String,
    pub(crate) otpauth_uri: String,
}

/// What stands in for a lost authenticator.
#[derive(Deserialize)]
pub(crate) struct RecoveryCodes {
    pub(crate) recovery_codes: Vec<String>,
}

/// The terms of an auction, as its log says them: without what was added later.
#[derive(Deserialize)]
pub(crate) struct Terms {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) format: String,
    pub(crate) seller: String,
    pub(crate) start_price: Money,
    pub(crate) buy_now_price: Option<Money>,
    pub(crate) increments: Vec<Step>,
    pub(crate) dutch: Option<Clock>,
    pub(crate) reverse: Option<Underbid>,
    pub(crate) uniform_price: Option<OnePrice>,
    pub(crate) soft_close: SoftClose,
    pub(crate) retraction: String,
    pub(crate) quantity: u32,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

/// By how much an ask is below the best one in `reverse`: one of the two.
#[derive(Deserialize, Serialize)]
pub(crate) struct Underbid {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decrement: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decrement_bps: Option<u32>,
}

/// What all winners pay in `uniform_price`.
#[derive(Deserialize, Serialize)]
pub(crate) struct OnePrice {
    pub(crate) pricing: String,
}

impl Auction {
    /// May somebody bid?
    pub(crate) fn is_open(&self) -> bool {
        self.status == "open"
    }

    /// Is it over?
    pub(crate) fn is_over(&self) -> bool {
        self.result.is_some()
    }

    /// Is there somebody who leads, and whom another can outbid?
    pub(crate) fn has_leader(&self) -> bool {
        !self.is_sealed() && self.format != "dutch"
    }

    /// What it went for.
    pub(crate) fn hammer_price(&self) -> Option<Money> {
        self.result.as_ref().and_then(|result| result.hammer_price)
    }

    /// Do bids stay hidden until the end?
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self.format.as_str(), "sealed_first_price" | "vickrey" | "uniform_price")
    }
}
