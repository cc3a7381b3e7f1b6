//! The messages that the service hears, and what a letter keeps of them.

use kernel::{Money, Timestamp};
use serde::{Deserialize, Serialize};

/// `auction.opened.v1` and `auction.amended.v1`.
#[derive(Debug, Deserialize)]
pub(crate) struct Opened {
    pub(crate) seq: i64,
    pub(crate) title: String,
    pub(crate) seller: String,
    pub(crate) format: String,
    pub(crate) start_price: Money,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

/// `auction.outbid.v1`.
#[derive(Debug, Deserialize)]
pub(crate) struct Outbid {
    pub(crate) seq: i64,
    pub(crate) title: String,
    pub(crate) format: String,
    pub(crate) user_id: String,
    pub(crate) price: Option<Money>,
    pub(crate) next_minimum: Option<Money>,
    pub(crate) next_maximum: Option<Money>,
    pub(crate) ends_at: Timestamp,
}

/// `auction.extended.v1`.
#[derive(Debug, Deserialize)]
pub(crate) struct Extended {
    pub(crate) seq: i64,
    pub(crate) title: String,
    pub(crate) price: Option<Money>,
    pub(crate) ends_at: Timestamp,
}

/// `auction.ended.v1`.
#[derive(Debug, Deserialize)]
pub(crate) struct Ended {
    pub(crate) seq: i64,
    pub(crate) title: String,
    pub(crate) format: String,
    pub(crate) seller: String,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) deleted: bool,
    pub(crate) winners: Vec<Winner>,
}

/// How an auction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Sold,
    Unsold,
    Cancelled,
}

/// Somebody who bought.
#[derive(Debug, Deserialize)]
pub(crate) struct Winner {
    pub(crate) user_id: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price: Money,
}

/// `auction.watched.v1`.
#[derive(Debug, Deserialize)]
pub(crate) struct Watched {
    pub(crate) user_id: String,
    pub(crate) auction_id: String,
    pub(crate) watching: bool,
}

/// `identity.user-changed.v1`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserChanged {
    pub(crate) user_id: String,
    pub(crate) email: String,
    pub(crate) display_name: String,
}

/// `identity.user-erased.v1`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserErased {
    pub(crate) user_id: String,
}

/// `notifications.letter-due.v1`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LetterDue {
    pub(crate) letter_id: String,
}

/// `notifications.ending-soon.v1`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EndingSoon {
    pub(crate) starts_at: Timestamp,
}

/// What a letter says, as its row keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    pub(crate) title: String,
    /// Empty where nothing depends on it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) format: String,
    /// Is it the seller who gets the letter?
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) to_seller: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ends_at: Option<Timestamp>,
    /// What was bought or sold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) units: Vec<Units>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// There is nothing left to look at.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) deleted: bool,
}

/// Units at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Units {
    pub(crate) quantity: u32,
    pub(crate) unit_price: Money,
}

impl Facts {
    /// Is it about an auction in which the lowest ask wins?
    pub(crate) fn is_reverse(&self) -> bool {
        self.format == "reverse"
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(is_set: &bool) -> bool {
    !is_set
}
