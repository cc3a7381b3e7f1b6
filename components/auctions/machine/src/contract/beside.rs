//! Answers beside bidding: offers after the end, previews, rules in words, who has bid.

use kernel::{Id, Money, Timestamp, kind};
use serde::{Deserialize, Serialize};

use super::Explanation;

/// A second-chance offer (rules.md B7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The offer.
    pub offer_id: Id<kind::Offer>,
    /// Alias.
    pub bidder: String,
    /// What the bidder would pay.
    pub price: Money,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub status: OfferStatus,
}

/// Where an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferStatus {
    /// Waits for an answer.
    Open,
    /// A binding order.
    Accepted,
    /// Turned down.
    Declined,
    /// Not answered in time.
    Expired,
}

/// What a bid would lead to, as far as public data tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The answer of api.md §3.
    pub outcome: PreviewOutcome,
    /// Least acceptable bid.
    pub next_minimum: Option<Money>,
    /// Highest acceptable ask; `reverse` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_maximum: Option<Money>,
    /// Is the amount so far above the least that the person should be asked again?
    pub confirmation_advised: bool,
    /// The rule that says so.
    pub explanation: Explanation,
}

/// Outcomes of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewOutcome {
    /// Acceptable; hidden amounts decide.
    WouldLeadOrBeOutbid,
    /// It would buy.
    WouldWin,
    /// Below the least.
    TooLow,
    /// Above the highest ask.
    TooHigh,
    /// Not started, or over.
    NotOpen,
    /// Sellers and blocked bidders.
    NotAllowed,
}

/// One rule of an auction in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Number in rules.md, for example `B2.4`.
    pub rule: String,
    /// What it is about, a few words.
    pub title: String,
    /// One to three sentences.
    pub text: String,
}

/// Who may not bid, as the seller knows them: by the names that [`super::Command::Block`] takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// Aliases in order of first bids, then ids of users who have not bid.
    pub bidders: Vec<String>,
}

/// Users with a bid, in order of their first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bidders {
    /// Those after the ones that the asker knows.
    pub users: Vec<Id<kind::User>>,
    /// Seq of the newest event.
    pub seq: u64,
}
