//! Business said no: stable codes of api.md §3 and a sentence for the person.

use crate::contract::FieldError;

/// A refused command. It changes nothing and leaves no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which no.
    pub code: Code,
    /// A sentence for the person.
    pub detail: String,
    /// Wrong fields of refused terms.
    pub errors: Vec<FieldError>,
}

/// Every way in which the machine says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The body is no command.
    InvalidCommand,
    /// The entity was never created.
    AuctionNotFound,
    /// The entity was created by another command.
    AuctionExists,
    /// The command id came before with another body.
    IdempotencyKeyReused,
    /// The format is not offered.
    FormatNotAllowed,
    /// A single-unit format takes one unit.
    InvalidQuantity,
    /// Two currencies in one auction.
    CurrencyMismatch,
    /// Presets are for currencies with two decimals.
    IncrementsRequired,
    /// Other wrong fields of the terms.
    ValidationFailed,
    /// Sellers do not bid on what they sell.
    SellerCannotBid,
    /// Too early.
    AuctionNotStarted,
    /// Too late.
    AuctionClosed,
    /// Below the next minimum.
    BidTooLow,
    /// Not above the leader's own maximum.
    OwnMaxNotRaised,
}

impl Refusal {
    /// A refusal without wrong fields.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new() }
    }
}

impl Code {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCommand => "invalid_command",
            Self::AuctionNotFound => "auction_not_found",
            Self::AuctionExists => "auction_exists",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::FormatNotAllowed => "format_not_allowed",
            Self::InvalidQuantity => "invalid_quantity",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::IncrementsRequired => "increments_required",
            Self::ValidationFailed => "validation_failed",
            Self::SellerCannotBid => "seller_cannot_bid",
            Self::AuctionNotStarted => "auction_not_started",
            Self::AuctionClosed => "auction_closed",
            Self::BidTooLow => "bid_too_low",
            Self::OwnMaxNotRaised => "own_max_not_raised",
        }
    }
}
