//! English open outcry (rules.md B8): the amount is the price.

use kernel::{Minor, Timestamp};

use super::{Asked, Asks, Folded, FormatRules, Judged, english, proxy, rule};
use crate::contract::{Outcome, ReserveState, Rule};
use crate::event::{Award, Listing};
use crate::explain;
use crate::lot::Lot;
use crate::refusal::{Code, Refusal};
use crate::why::Why;

/// The format.
pub(super) struct OpenOutcry;

impl FormatRules for OpenOutcry {
    fn judge(&self, bid: &Asked<'_>) -> Result<Judged, Refusal> {
        let listing = &bid.lot.listing;
        let least = proxy::minimum(listing, bid.lot.price);
        if bid.amount.get() < least {
            return Err(Refusal::new(Code::BidTooLow, explain::too_low(bid.lot, least)));
        }
        Ok(Judged {
            outcome: Outcome::Leading,
            price: Some(bid.amount),
            reserve: ReserveState::of(Some(bid.amount), listing.reserve_amount()),
            why: Why::Called,
            hidden: false,
            moved: true,
            filled: 0,
            ends: false,
        })
    }

    fn awards(&self, lot: &Lot) -> Vec<Award> {
        english::leader_pays_the_price(lot)
    }

    fn asks(&self, lot: &Lot, price: Option<Minor>, _: Timestamp) -> Asks {
        Asks::AtLeast(proxy::minimum(&lot.listing, price))
    }

    fn refold(&self, lot: &Lot, survives: &dyn Fn(u32) -> bool) -> Folded {
        newest(lot, survives)
    }

    fn usual(&self, lot: &Lot) -> Option<Minor> {
        Minor::new(proxy::minimum(&lot.listing, lot.price)).ok()
    }

    fn explain(&self, listing: &Listing) -> Vec<Rule> {
        let start = listing.money(listing.start_price);
        let text = format!(
            "Your amount is the price at once. The first bid is at least {start}; each later one \
             at least one increment above the price, and it may jump."
        );
        let mut rules = vec![rule("B8", "Bidding", text)];
        if listing.reserve.is_some() {
            let text = "There is a hidden reserve. Below it nothing is sold.";
            rules.push(rule("B3.3", "Reserve", text));
        }
        rules
    }
}

/// Where each bid beats the one before it, the newest that survives leads at its own amount.
pub(super) fn newest(lot: &Lot, survives: &dyn Fn(u32) -> bool) -> Folded {
    let newest = lot.standing_bids().rev().find(|(index, _)| survives(*index));
    let price = newest.map(|(_, bid)| bid.max());
    let reserve = lot.listing.reserve_amount();
    let reserve_met = price.zip(reserve).is_some_and(|(price, reserve)| price >= reserve);
    Folded { price, leading: newest.map(|(index, _)| index), reserve_met }
}
