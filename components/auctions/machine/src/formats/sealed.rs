//! Sealed bids for one unit (rules.md B8): the highest wins and pays its own bid, or the second
//! (Vickrey).

use core::cmp::Reverse;

use kernel::{Minor, Timestamp};

use super::{Asked, Asks, FormatRules, Judged, rule};
use crate::contract::{Outcome, ReserveState, Rule};
use crate::event::{Award, Listing};
use crate::lot::Lot;
use crate::refusal::{Code, Refusal};
use crate::why::Why;

/// What the winner pays.
pub(super) enum Sealed {
    FirstPrice,
    SecondPrice,
}

impl FormatRules for Sealed {
    fn judge(&self, bid: &Asked<'_>) -> Result<Judged, Refusal> {
        judge(bid)
    }

    fn awards(&self, lot: &Lot) -> Vec<Award> {
        let listing = &lot.listing;
        let floor = listing.reserve_amount().unwrap_or(Minor::ZERO).max(listing.start_price);
        let mut live: Vec<_> = lot.live_bids().collect();
        live.sort_unstable_by_key(|bid| (Reverse(bid.amount), bid.seq));
        let Some(best) = live.first().filter(|best| best.amount >= floor) else {
            return Vec::new();
        };
        let unit_price = match self {
            Self::FirstPrice => best.amount,
            // The second bid counts even below the reserve: the floor covers it.
            Self::SecondPrice => live.get(1).map_or(floor, |second| second.amount.max(floor)),
        };
        vec![Award { bidder: best.bidder, quantity: 1, unit_price }]
    }

    fn asks(&self, _: &Lot, _: Option<Minor>, _: Timestamp) -> Asks {
        Asks::Nothing
    }

    fn is_sealed(&self) -> bool {
        true
    }

    fn usual(&self, lot: &Lot) -> Option<Minor> {
        Some(lot.listing.start_price)
    }

    fn explain(&self, listing: &Listing) -> Vec<Rule> {
        let pays = match self {
            Self::FirstPrice => "The highest bid wins and pays what it bid.".to_owned(),
            Self::SecondPrice => format!(
                "The highest bid wins and pays the second highest bid, at least {}{}.",
                listing.money(listing.start_price),
                if listing.reserve.is_some() { " and the reserve" } else { "" }
            ),
        };
        let mut rules = vec![
            rule("B8", "Bidding", sealed_words(listing)),
            rule("B8", "Price", pays),
            rule("B8", "Ties", "Of equal bids the earlier one wins."),
        ];
        if listing.reserve.is_some() {
            let text = "There is a hidden reserve. When no bid meets it, nothing is sold.";
            rules.push(rule("B3.3", "Reserve", text));
        }
        rules
    }
}

/// A sealed bid is accepted from the start price on and says nothing before the close.
pub(super) fn judge(bid: &Asked<'_>) -> Result<Judged, Refusal> {
    let listing = &bid.lot.listing;
    if bid.amount < listing.start_price {
        let detail = format!("a bid is at least {} (B8)", listing.money(listing.start_price));
        return Err(Refusal::new(Code::BidTooLow, detail));
    }
    Ok(Judged {
        outcome: Outcome::Accepted,
        price: None,
        reserve: ReserveState::of(None, listing.reserve_amount()),
        why: Why::Sealed,
        hidden: true,
        moved: false,
        filled: 0,
        ends: false,
    })
}

/// What all sealed formats tell bidders.
pub(super) fn sealed_words(listing: &Listing) -> String {
    format!(
        "Bids of at least {} are sealed: nobody sees an amount before the close. Until then you \
         may replace your bid, which makes it a new arrival, or withdraw it. At the close all bids \
         are opened.",
        listing.money(listing.start_price)
    )
}
