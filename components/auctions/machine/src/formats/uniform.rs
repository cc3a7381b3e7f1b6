//! Many units at one price (rules.md B8).

use core::cmp::Reverse;

use kernel::{Minor, Timestamp};

use super::{Asked, Asks, FormatRules, Judged, rule, sealed};
use crate::contract::{Pricing, Rule};
use crate::event::{Award, Listing};
use crate::lot::Lot;
use crate::refusal::Refusal;

impl FormatRules for Pricing {
    fn judge(&self, bid: &Asked<'_>) -> Result<Judged, Refusal> {
        sealed::judge(bid)
    }

    fn awards(&self, lot: &Lot) -> Vec<Award> {
        let filled = fill(lot);
        let Some(lowest) = filled.accepted.iter().map(|(_, _, price)| *price).min() else {
            return Vec::new();
        };
        let unit_price = match self {
            Self::LowestAccepted => lowest,
            Self::HighestRejected => filled.rejected.unwrap_or(floor(&lot.listing)).min(lowest),
        };
        let award = |(bidder, quantity, _): &(u32, u32, Minor)| Award {
            bidder: *bidder,
            quantity: *quantity,
            unit_price,
        };
        filled.accepted.iter().map(award).collect()
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
        let price = match self {
            Self::LowestAccepted => "the lowest bid that gets a unit",
            Self::HighestRejected => {
                "the highest bid that is refused for lack of supply, never above the lowest that \
                 gets a unit"
            }
        };
        let filling = format!(
            "There are {} units. They go to the highest unit prices first, of equal ones to the \
             earlier; the last bid may be filled in part unless it sets a least quantity, then it \
             is passed over when less is left.",
            listing.quantity
        );
        vec![
            rule("B8", "Bidding", sealed::sealed_words(listing)),
            rule("B8", "Units", filling),
            rule("B8", "Price", format!("Every winner pays the same for a unit: {price}.")),
        ]
    }
}

/// Who gets units, and the highest price that was refused for lack of supply.
struct Filled {
    /// (bidder, units, unit price of the bid), highest first.
    accepted: Vec<(u32, u32, Minor)>,
    rejected: Option<Minor>,
}

/// Greedy, by price and then by seq. Skips through a least quantity are no lack of supply.
fn fill(lot: &Lot) -> Filled {
    let listing = &lot.listing;
    let floor = floor(listing);
    let mut live: Vec<_> = lot.live_bids().filter(|bid| bid.amount >= floor).collect();
    live.sort_unstable_by_key(|bid| (Reverse(bid.amount), bid.seq));
    let mut left = listing.quantity;
    let mut filled = Filled { accepted: Vec::new(), rejected: None };
    for bid in live {
        let wanted = bid.shape.quantity.unwrap_or(1);
        let least = bid.shape.min_quantity.unwrap_or(1);
        let units = wanted.min(left);
        if left > 0 && units < least {
            continue;
        }
        if units > 0 {
            filled.accepted.push((bid.bidder, units, bid.amount));
        }
        if units < wanted {
            filled.rejected.get_or_insert(bid.amount);
        }
        left = left.saturating_sub(units);
    }
    filled
}

/// No unit is sold below it.
fn floor(listing: &Listing) -> Minor {
    listing.reserve_amount().unwrap_or(Minor::ZERO).max(listing.start_price)
}
