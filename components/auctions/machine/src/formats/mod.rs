//! The formats: one module for each, behind one trait. What they share (who may bid, when, the end,
//! the chain, retraction) is outside.

mod dutch;
mod english;
mod open_outcry;
mod proxy;
mod reverse;
mod sealed;
mod uniform;

use kernel::{Minor, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contract::{Outcome, Pricing, ReserveState, Rule};
use crate::event::{Award, Listing};
use crate::lot::Lot;
use crate::refusal::Refusal;
use crate::why::Why;

pub use dutch::Clock;
pub use reverse::Decrement;

/// The format of an auction with its own numbers. New variants go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Proxy bidding (rules.md B2).
    English,
    /// The amount is the price (B8).
    OpenOutcry,
    /// A falling clock (B8).
    Dutch(Clock),
    /// The highest sealed bid wins and is paid (B8).
    SealedFirstPrice,
    /// The highest sealed bid wins and pays the second (B8).
    Vickrey,
    /// The lowest ask wins (B8).
    Reverse(Decrement),
    /// Many units at one price (B8).
    UniformPrice(Pricing),
}

/// What a format decides.
pub(crate) trait FormatRules {
    /// What an accepted bid leads to, or why it is refused. The caller has checked who bids, when,
    /// the currency and that units are within the auction's.
    fn judge(&self, bid: &Asked<'_>) -> Result<Judged, Refusal>;

    /// Who gets what at the end; nobody when it stays unsold.
    fn awards(&self, lot: &Lot) -> Vec<Award>;

    /// What the next bid must be at that price; `None` where amounts say nothing before the end.
    fn asks(&self, lot: &Lot, price: Option<Minor>, now: Timestamp) -> Asks;

    /// Price and leading bid when only the surviving bids of the lot had been placed (B5).
    fn refold(&self, _: &Lot, _: &dyn Fn(u32) -> bool) -> Folded {
        Folded { price: None, leading: None, reserve_met: false }
    }

    /// Are amounts, price and leader hidden until the close?
    fn is_sealed(&self) -> bool {
        false
    }

    /// The price that everyone sees while the auction is not over.
    fn shown_price(&self, lot: &Lot, _: Timestamp) -> Option<Minor> {
        lot.price
    }

    /// The least amount that a usual bid has; far above it a confirmation is asked for.
    fn usual(&self, lot: &Lot) -> Option<Minor>;

    /// The format's own rules in plain words.
    fn explain(&self, listing: &Listing) -> Vec<Rule>;
}

/// A bid to judge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) lot: &'a Lot,
    pub(crate) now: Timestamp,
    /// None: the bidder's first.
    pub(crate) bidder: Option<u32>,
    pub(crate) amount: Minor,
    pub(crate) quantity: u32,
    /// Fewest units, as asked.
    pub(crate) min_quantity: Option<u32>,
}

/// What an accepted bid leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) outcome: Outcome,
    pub(crate) price: Option<Minor>,
    pub(crate) reserve: ReserveState,
    pub(crate) why: Why,
    /// Is the amount behind a commitment?
    pub(crate) hidden: bool,
    /// Did leader or price change (B6)?
    pub(crate) moved: bool,
    /// Units that were bought at once.
    pub(crate) filled: u32,
    /// Does it end the auction?
    pub(crate) ends: bool,
}

/// What the next bid must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// At least that many minor units. It can lie above every possible amount.
    AtLeast(i64),
    /// At most.
    AtMost(Minor),
    /// Nothing can be said, or nobody can bid.
    Nothing,
}

/// What stands after a refold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Folded {
    pub(crate) price: Option<Minor>,
    /// Index of the leading bid.
    pub(crate) leading: Option<u32>,
    pub(crate) reserve_met: bool,
}

impl Format {
    /// The names on the wire, in the order of api.md §3.
    pub const NAMES: [&'static str; 7] = [
        "english",
        "open_outcry",
        "dutch",
        "sealed_first_price",
        "vickrey",
        "reverse",
        "uniform_price",
    ];

    /// The name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::English => "english",
            Self::OpenOutcry => "open_outcry",
            Self::Dutch(_) => "dutch",
            Self::SealedFirstPrice => "sealed_first_price",
            Self::Vickrey => "vickrey",
            Self::Reverse(_) => "reverse",
            Self::UniformPrice(_) => "uniform_price",
        }
    }

    /// Do bids go up in the steps of a ladder?
    pub const fn has_ladder(&self) -> bool {
        matches!(self, Self::English | Self::OpenOutcry)
    }

    /// Can a late bid move the end? Sealed formats and clocks never extend (B6).
    pub const fn extends(&self) -> bool {
        matches!(self, Self::English | Self::OpenOutcry | Self::Reverse(_))
    }

    /// Can it sell more than one unit?
    pub const fn is_multi_unit(&self) -> bool {
        matches!(self, Self::Dutch(_) | Self::UniformPrice(_))
    }

    /// Can bids be retracted with a refold (B5)? Sealed bids are withdrawn instead.
    pub const fn has_retraction(&self) -> bool {
        matches!(self, Self::English | Self::OpenOutcry | Self::Reverse(_))
    }

    pub(crate) fn rules(&self) -> &dyn FormatRules {
        match self {
            Self::English => &english::English,
            Self::OpenOutcry => &open_outcry::OpenOutcry,
            Self::Dutch(clock) => clock,
            Self::SealedFirstPrice => &sealed::Sealed::FirstPrice,
            Self::Vickrey => &sealed::Sealed::SecondPrice,
            Self::Reverse(decrement) => decrement,
            Self::UniformPrice(pricing) => pricing,
        }
    }
}

impl Asks {
    /// The least amount, as far as an amount can say it.
    pub(crate) fn minimum(self) -> Option<Minor> {
        match self {
            Self::AtLeast(least) => Some(Minor::new(least).unwrap_or(Minor::MAX)),
            Self::AtMost(_) | Self::Nothing => None,
        }
    }

    /// The highest amount.
    pub(crate) const fn maximum(self) -> Option<Minor> {
        match self {
            Self::AtMost(most) => Some(most),
            Self::AtLeast(_) | Self::Nothing => None,
        }
    }

    /// Either, as bids remember it.
    pub(crate) fn bound(self) -> Option<Minor> {
        self.minimum().or(self.maximum())
    }
}

/// A rule in plain words.
pub(crate) fn rule(rule: &str, title: &str, text: impl Into<String>) -> Rule {
    Rule { rule: rule.to_owned(), title: title.to_owned(), text: text.into() }
}
