//! What the auctions service says to the machine and hears from it: commands, questions, replies.
//!
//! JSON on the wire between component and platform; the HTTP shapes of api.md §3 are the service's
//! business.

mod answer;

use kernel::{Minor, Money, Timestamp};
use serde::{Deserialize, Serialize};

pub use answer::{
    AuctionResult, BidReply, Commitment, Explanation, FieldError, Fixed, History, Own, PastBid,
    Receipt, Refused, Reply, ReserveState, Row, Standing, Status, View, Winner,
};

/// A command to an auction. The principal of the envelope is the user who gives it; `Wake` comes
/// from the platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "lives for one call and is never stored")]
pub enum Command {
    /// List the auction; its id is the entity's key, the seller is the principal.
    Create(Terms),
    /// Bid up to a maximum (rules.md B2).
    PlaceBid(PlaceBid),
    /// Do what is due at the envelope's `now`: open, close.
    Wake,
}

/// What the seller offers, checked by the machine. Everything in it is public but `reserve_price`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// 1 to `TITLE_MAX_CHARS` characters.
    pub title: String,
    /// At most `DESCRIPTION_MAX_CHARS` characters.
    #[serde(default)]
    pub description: String,
    /// At most `CATEGORY_MAX_CHARS` characters.
    #[serde(default)]
    pub category: String,
    /// Auction format.
    pub format: String,
    /// S: the first bid's minimum.
    pub start_price: Money,
    /// R: hidden, at least S.
    #[serde(default)]
    pub reserve_price: Option<Money>,
    /// Buy It Now price.
    #[serde(default)]
    pub buy_now_price: Option<Money>,
    /// A preset name or bands; pinned at creation.
    pub increments: Increments,
    /// None: now.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// One of `ends_at` and `duration_seconds`.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// One of `ends_at` and `duration_seconds`.
    #[serde(default)]
    pub duration_seconds: Option<i64>,
    /// How late bids move the end (rules.md B6).
    #[serde(default)]
    pub soft_close: SoftClose,
    /// `none`, `ebay` or `until(h)` (rules.md B5); pinned at creation.
    #[serde(default = "ebay")]
    pub retraction: String,
    /// Units; 1 in single-unit formats.
    #[serde(default = "one")]
    pub quantity: u32,
}

fn ebay() -> String {
    "ebay".to_owned()
}

fn one() -> u32 {
    1
}

/// The increment ladder as asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Increments {
    /// `ebay_us`, `ebay_uk`, `trade_me`, `gun_broker`, `copart`.
    Preset(String),
    /// Bands in minor units, ascending.
    Bands(Vec<Band>),
}

/// One band of a ladder: prices from `from` (inclusive) up to the next band step by `step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Lower bound, inclusive, minor units.
    pub from: Minor,
    /// Increment, minor units, at least 1.
    pub step: Minor,
}

/// Soft close (rules.md B6). Defaults: reset, 120 s, 120 s, no hard stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftClose {
    /// How the end moves.
    pub mode: SoftCloseMode,
    /// W.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<i64>,
    /// X.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_seconds: Option<i64>,
    /// H: the end never moves beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_stop_at: Option<Timestamp>,
}

impl Default for SoftClose {
    fn default() -> Self {
        Self {
            mode: SoftCloseMode::Reset,
            window_seconds: Some(120),
            extension_seconds: Some(120),
            hard_stop_at: None,
        }
    }
}

/// How a late bid moves the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftCloseMode {
    /// E = max(E, t + X).
    Reset,
    /// E = E + X.
    Add,
    /// The end never moves.
    Off,
}

/// A bid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceBid {
    /// The most the bidder will pay.
    pub amount: Money,
    /// Units; only 1 in single-unit formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Fewest units; only 1 in single-unit formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quantity: Option<u32>,
    /// The bidder has confirmed an unusually high amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<bool>,
}

/// A question to an auction. The principal of the envelope is the viewer, if signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// [`View`].
    View,
    /// [`View`], or `"same"` when the log still stands at that head.
    ViewUnless {
        /// Chain head, lower-case hex.
        head: String,
    },
    /// [`Own`], the viewer's own bidding.
    Own,
    /// [`History`]: bids with `seq > after`, oldest first.
    History {
        /// Exclusive lower bound of `seq`.
        after: u64,
        /// Most items.
        limit: u32,
    },
}
