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
    /// Above the highest ask that is accepted.
    AskTooHigh,
    /// The seller takes no bids from this bidder.
    BidderBlocked,
    /// Unusually high; may be a slip of the finger.
    ConfirmationRequired,
    /// No Buy It Now price, or no longer.
    BuyNowUnavailable,
    /// Only somebody else may do this.
    Forbidden,
    /// There is no such bid.
    BidNotFound,
    /// There is no such bidder.
    BidderNotFound,
    /// There is no such offer.
    OfferNotFound,
    /// Outside the window or the policy (B5).
    RetractionNotAllowed,
    /// Terms do not change after the first bid.
    FrozenAfterBid,
    /// An auction with bids is cancelled, not deleted.
    HasBids,
    /// The auction is not what the caller saw.
    PreconditionFailed,
    /// Not lower than the reserve (B3.4).
    ReserveNotLower,
    /// The reserve is met (B3.4).
    ReserveAlreadyMet,
    /// Too close to the end, or too long after it.
    TooLate,
    /// No such offer can be made (B7).
    OfferUnavailable,
    /// The offer waits for no answer any more.
    OfferClosed,
}

impl Refusal {
    /// A refusal without wrong fields.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new() }
    }

    /// One wrong field.
    pub fn field(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let error = FieldError {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.clone(),
        };
        Self { code: Code::ValidationFailed, detail, errors: vec![error] }
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
            Self::AskTooHigh => "ask_too_high",
            Self::BidderBlocked => "bidder_blocked",
            Self::ConfirmationRequired => "confirmation_required",
            Self::BuyNowUnavailable => "buy_now_unavailable",
            Self::Forbidden => "forbidden",
            Self::BidNotFound => "bid_not_found",
            Self::BidderNotFound => "bidder_not_found",
            Self::OfferNotFound => "offer_not_found",
            Self::RetractionNotAllowed => "retraction_not_allowed",
            Self::FrozenAfterBid => "frozen_after_bid",
            Self::HasBids => "has_bids",
            Self::PreconditionFailed => "precondition_failed",
            Self::ReserveNotLower => "reserve_not_lower",
            Self::ReserveAlreadyMet => "reserve_already_met",
            Self::TooLate => "too_late",
            Self::OfferUnavailable => "offer_unavailable",
            Self::OfferClosed => "offer_closed",
        }
    }
}
