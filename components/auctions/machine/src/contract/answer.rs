//! Replies to commands and answers to questions.

use kernel::{Id, Money, Timestamp, kind};
use serde::{Deserialize, Serialize};

use super::beside::Offer;
use super::{Band, Clock, Decrement, Picture, RetractionReason, SoftClose, Uniform};

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The auction exists.
    Created {
        /// True when this command had been accepted before.
        replayed: bool,
        /// The auction as it is now.
        view: View,
    },
    /// The bid stands.
    Bid {
        /// True when this command had been accepted before: `bid` is the same then.
        replayed: bool,
        /// What the bidder is told.
        bid: BidReply,
        /// The changing part of the public view as it is now.
        row: Row,
        /// Is it the bidder's first bid here?
        #[serde(default, skip_serializing_if = "is_false")]
        newcomer: bool,
        /// Is the auction over with it?
        #[serde(default, skip_serializing_if = "is_false")]
        ended: bool,
    },
    /// The auction as it is after another command.
    Auction {
        /// The view; none when the listing was taken away.
        view: Option<View>,
    },
    /// An offer was made or answered.
    Offer {
        /// True when this command had been accepted before.
        replayed: bool,
        /// As it is now.
        offer: Offer,
        /// The auction as it is now.
        view: View,
    },
    /// A wake was handled; nothing may have been due.
    Woken,
    /// Business said no; nothing changed.
    Refused(Refused),
}

/// What a bidder is told about an accepted bid; the 201 body of api.md §3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BidReply {
    /// The bid.
    pub bid_id: Id<kind::Bid>,
    /// Seq of its `bid_placed`.
    pub seq: u64,
    /// `leading`, `outbid`, `accepted` or `won`.
    pub outcome: Outcome,
    /// Price after the bid; none in sealed formats.
    pub price: Option<Money>,
    /// The least that the next bidder must offer; none in `reverse` and sealed formats.
    pub next_minimum: Option<Money>,
    /// The highest ask that is accepted next; `reverse` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_maximum: Option<Money>,
    /// Units that the bid got at once; multi-unit clocks only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Does this bidder lead now?
    pub leading: bool,
    /// `none`, `not_met`, `met`.
    pub reserve: ReserveState,
    /// The end after the bid.
    pub ends_at: Timestamp,
    /// When the bid was decided.
    pub server_time: Timestamp,
    /// Which rule set the price, in words.
    pub explanation: Explanation,
    /// Where the bid stands in the chain.
    pub receipt: Receipt,
}

/// What became of a bid when it was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It leads.
    Leading,
    /// A hidden maximum beats it.
    Outbid,
    /// It is sealed until the close.
    Accepted,
    /// It bought.
    Won,
}

/// The rule that set the price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Number of the rule in rules.md, for example `B2.4`.
    pub rule: String,
    /// One or two sentences for the bidder.
    pub text: String,
}

/// Where an event stands in the chain (api.md §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Seq of the event.
    pub seq: u64,
    /// Chain head before it, lower-case hex.
    pub prev: String,
    /// Chain head after it, lower-case hex.
    pub head: String,
    /// Time of the event.
    pub server_time: Timestamp,
}

/// Is there a reserve, and is it met?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReserveState {
    /// No reserve.
    None,
    /// Below it.
    NotMet,
    /// At or above it.
    Met,
}

/// Where an auction is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Listed, starts later.
    Scheduled,
    /// Takes bids.
    Open,
    /// Ended with a winner.
    Sold,
    /// Ended without one.
    Unsold,
    /// Called off.
    Cancelled,
}

/// A refusal with the current facts, so that the client can repair itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Stable code of api.md §3, for example `bid_too_low`.
    pub code: String,
    /// A sentence for the person.
    pub detail: String,
    /// Which fields are wrong and why, for refused terms; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Current public facts; none while the auction does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Standing>,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer into the request body.
    pub pointer: String,
    /// Stable code.
    pub code: String,
    /// A sentence for the person.
    pub detail: String,
}

/// Public facts that go with a refused bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Null before the first bid.
    pub price: Option<Money>,
    /// Least acceptable next bid.
    pub next_minimum: Option<Money>,
    /// Highest acceptable next ask; `reverse` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_maximum: Option<Money>,
    /// Current end.
    pub ends_at: Timestamp,
    /// Seq of the newest event.
    pub seq: u64,
}

/// Everything the service needs to render the public view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// What does not change by bidding.
    pub fixed: Fixed,
    /// What does.
    pub row: Row,
    /// Chain head, lower-case hex.
    pub head: String,
    /// Tick of a running clock: the view changes with it and not only with the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick: Option<u64>,
}

/// The part of the public view that bidding does not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fixed {
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Category.
    pub category: String,
    /// Format.
    pub format: String,
    /// Who sells.
    pub seller: Id<kind::User>,
    /// S.
    pub start_price: Money,
    /// The pinned ladder; empty where bids do not go up in steps.
    pub increments: Vec<Band>,
    /// `dutch` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dutch: Option<Clock>,
    /// `reverse` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse: Option<Decrement>,
    /// `uniform_price` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uniform_price: Option<Uniform>,
    /// Soft close with its numbers.
    pub soft_close: SoftClose,
    /// Retraction policy.
    pub retraction: String,
    /// Units.
    pub quantity: u32,
    /// Start.
    pub starts_at: Timestamp,
    /// The end it was created with.
    pub scheduled_end: Timestamp,
    /// Pictures by their places.
    #[serde(default)]
    pub pictures: Vec<Picture>,
}

/// The part of the public view that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Where the auction is in its life.
    pub status: Status,
    /// Null before the first bid; the clock's in `dutch`; null until the close in sealed formats.
    pub price: Option<Money>,
    /// Null once nobody can bid any more, in sealed formats and in `reverse`.
    pub next_minimum: Option<Money>,
    /// Highest ask that is accepted next; `reverse` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_maximum: Option<Money>,
    /// Buy It Now, while offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buy_now_price: Option<Money>,
    /// Accepted bids that stand, own raises included.
    pub bid_count: u64,
    /// Bidders with a bid that stands.
    pub bidder_count: u64,
    /// Alias of the leader.
    pub leader: Option<String>,
    /// Reserve.
    pub reserve: ReserveState,
    /// Current end.
    pub ends_at: Timestamp,
    /// Seq of the newest event.
    pub seq: u64,
    /// After the end.
    pub result: Option<AuctionResult>,
}

/// How an auction ended. User ids are there for the service, which shows them to the seller and
/// the winner only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuctionResult {
    /// `sold`, `unsold`, `cancelled`.
    pub outcome: Status,
    /// `no_bids`, `reserve_not_met`, …; null when simply sold.
    pub reason: Option<String>,
    /// The winner of a single-unit auction.
    pub winner: Option<Winner>,
    /// Every winner.
    pub winners: Vec<Winner>,
    /// What the winner pays a unit.
    pub hammer_price: Option<Money>,
    /// Units sold.
    pub quantity: u32,
}

/// A winner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Winner {
    /// Alias.
    pub bidder: String,
    /// Identity, hidden from the public.
    pub user_id: Id<kind::User>,
    /// Units won.
    pub quantity: u32,
    /// Price of a unit.
    pub unit_price: Money,
}

/// The viewer's own bidding (GET …/bidding).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Own {
    /// None when the viewer has never bid here; for the seller all other members still hold.
    pub my_max: Option<Money>,
    /// Has the viewer an accepted bid here?
    pub has_bid: bool,
    /// Is the viewer the seller?
    pub is_seller: bool,
    /// Does the viewer lead?
    pub leading: bool,
    /// The viewer's alias.
    pub alias: Option<String>,
    /// The reserve, for the seller only.
    pub reserve_price: Option<Money>,
    /// Salts of the viewer's own commitments (api.md §5); the reserve's for the seller.
    pub commitments: Vec<Commitment>,
    /// Offers to the viewer; all of them for the seller.
    #[serde(default)]
    pub offers: Vec<Offer>,
    /// Changing part of the public view.
    pub row: Row,
}

/// An opened commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Seq of the event that carries the commitment.
    pub seq: u64,
    /// 32 bytes, lower-case hex.
    pub salt: String,
    /// What was committed to.
    pub amount: Money,
}

/// A page of the anonymised bid history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// In the order that was asked for.
    pub items: Vec<PastBid>,
    /// Are there bids beyond the last item?
    pub more: bool,
}

/// One bid as everyone may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastBid {
    /// The bid.
    pub bid_id: Id<kind::Bid>,
    /// Alias.
    pub bidder: String,
    /// Null while it is the leading max or sealed.
    pub amount: Option<Money>,
    /// Units, where a bid can be for more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Price after the bid; null in sealed formats.
    pub price: Option<Money>,
    /// When it was decided.
    pub time: Timestamp,
    /// Seq of its `bid_placed`.
    pub seq: u64,
    /// Void since a retraction.
    pub retracted: bool,
    /// Why it is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RetractionReason>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
