//! What the auctions service says to the machine and hears from it: commands, questions, replies.
//!
//! JSON on the wire between component and platform; the HTTP shapes of api.md §3 are the service's
//! business.

mod answer;
mod beside;
mod picture;

use kernel::{Id, Minor, Money, Timestamp, kind};
use serde::{Deserialize, Serialize};

pub use answer::{
    AuctionResult, BidReply, Commitment, Explanation, FieldError, Fixed, History, Outcome, Own,
    PastBid, Receipt, Refused, Reply, ReserveState, Row, Standing, Status, View, Winner,
};
pub use beside::{Bidders, Blocked, Offer, OfferStatus, Preview, PreviewOutcome, Rule};
pub use picture::{Picture, PictureType, SetPicture};

/// A command to an auction. The principal of the envelope is the user who gives it; `Wake` comes
/// from the platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "lives for one call and is never stored")]
pub enum Command {
    /// List the auction; its id is the entity's key, the seller is the principal.
    Create(Terms),
    /// Bid: up to a maximum, a price, an ask, as the format says (rules.md B2, B8).
    PlaceBid(PlaceBid),
    /// Take the Buy It Now price (B4).
    BuyNow,
    /// Change the terms before the first bid, or add to the description at any time.
    Change(Change),
    /// Call the auction off; the seller's.
    Cancel {
        /// What bidders are told; at most `REASON_MAX_CHARS` characters.
        reason: String,
    },
    /// Take the listing away while nobody has bid.
    Delete {
        /// Chain head that the seller saw, lower-case hex.
        head: String,
    },
    /// Make bids void (B5): a bidder's own, or a bidder's for the seller.
    Retract {
        /// A bid of the bidder.
        bid_id: Id<kind::Bid>,
        /// Why.
        reason: RetractionReason,
    },
    /// Take a sealed bid back before the close.
    Withdraw {
        /// The caller's bid.
        bid_id: Id<kind::Bid>,
    },
    /// Lower the reserve (B3.4).
    LowerReserve {
        /// The new reserve.
        amount: Money,
    },
    /// Keep a bidder from bidding here, or let it bid again.
    Block {
        /// Alias, or id of a user who has not bid.
        bidder: String,
        /// False: let it bid again.
        blocked: bool,
    },
    /// Offer a unit to a beaten bidder after the end (B7).
    OfferSecondChance {
        /// Alias.
        bidder: String,
        /// 1, 3, 5 or 7.
        days: u8,
    },
    /// Accept or decline an offer.
    AnswerOffer {
        /// The offer.
        offer_id: Id<kind::Offer>,
        /// False: decline.
        accept: bool,
    },
    /// Do what is due at the envelope's `now`: open, close.
    Wake,
    /// The platform was away, and says so itself: everyone gets the lost time back, and some grace.
    Outage {
        /// From when.
        from: Timestamp,
        /// Until when, exclusive.
        until: Timestamp,
        /// Beyond the lost time.
        grace_seconds: u32,
    },
    /// Put a picture at a place; after the first bid at a free one.
    SetPicture(SetPicture),
    /// Take a picture away before the first bid.
    RemovePicture {
        /// Its place, from 1.
        n: u8,
        /// The picture that the seller saw there.
        id: Id<kind::Picture>,
    },
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
    /// S: the first bid's minimum; the ceiling in `reverse`.
    pub start_price: Money,
    /// R: hidden, at least S.
    #[serde(default)]
    pub reserve_price: Option<Money>,
    /// Buy It Now price (rules.md B4).
    #[serde(default)]
    pub buy_now_price: Option<Money>,
    /// A preset name or bands; pinned at creation. Needed where bids go up in steps.
    #[serde(default)]
    pub increments: Option<Increments>,
    /// The falling clock of `dutch`.
    #[serde(default)]
    pub dutch: Option<Clock>,
    /// The step of `reverse`.
    #[serde(default)]
    pub reverse: Option<Decrement>,
    /// The clearing price of `uniform_price`.
    #[serde(default)]
    pub uniform_price: Option<Uniform>,
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

/// The clock of a dutch auction (rules.md B8): P(t) = max(F, S − d × floor((t − t0) / τ)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// F: the clock stops here.
    pub floor_price: Money,
    /// d: how much the price falls at a tick.
    pub decrement: Money,
    /// τ.
    pub tick_seconds: u32,
    /// How long the floor holds.
    pub dwell_seconds: u32,
}

/// By how much an ask must lie below the best one (rules.md B8): one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decrement {
    /// A fixed amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decrement: Option<Money>,
    /// Basis points of the best ask, rounded up to a minor unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decrement_bps: Option<u32>,
}

/// What everyone pays (rules.md B8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// Which bid sets the price.
    pub pricing: Pricing,
}

/// Which bid sets the price of all units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pricing {
    /// The lowest that gets a unit.
    LowestAccepted,
    /// The highest that is refused for lack of supply.
    HighestRejected,
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
    /// The most the bidder will pay, the price, the ask or the unit price, as the format says.
    pub amount: Money,
    /// Units; only 1 in single-unit formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Fewest units that the bidder takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quantity: Option<u32>,
    /// The bidder has confirmed an unusually high amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<bool>,
}

/// A change of an auction's terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Chain head that the seller saw, lower-case hex.
    pub head: String,
    /// A merge patch (RFC 7396) of [`Terms`], allowed before the first bid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<serde_json::Map<String, serde_json::Value>>,
    /// What to add to the description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_addition: Option<String>,
}

/// Why bids are made void (rules.md B5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetractionReason {
    /// The bidder mistyped.
    WrongAmount,
    /// The listing became another one.
    DescriptionChanged,
    /// The seller does not answer.
    SellerUnreachable,
    /// The seller's own decision.
    CancelledBySeller,
    /// A sealed bid was taken back.
    Withdrawn,
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
    /// [`History`]: bids with `seq < before`, newest first.
    Newest {
        /// Exclusive upper bound of `seq`; none for the newest of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// Most items.
        limit: u32,
    },
    /// [`Preview`]: what a bid would lead to, from public data only.
    Preview(PlaceBid),
    /// A list of [`Rule`]s: the terms in plain words.
    Rules,
    /// [`Bidders`]: who has bid, for the platform's tables; never for a caller's eyes.
    Bidders {
        /// How many the asker knows already.
        after: u32,
    },
    /// [`Blocked`]: who may not bid here, for the seller; a refusal for everybody else.
    Blocked,
}
