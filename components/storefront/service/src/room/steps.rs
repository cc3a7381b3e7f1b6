//! Amounts to tap on: the next one that is taken, and some above it.

use kernel::{Minor, Money};

use crate::api::{Auction, Bidding};
use crate::form;

/// The least that is taken of this visitor: whoever leads says more than before (rules.md B2.1).
pub(crate) fn least(auction: &Auction, bidding: Option<&Bidding>) -> Option<Money> {
    let next = auction.next_minimum?;
    let leads = |bidding: &&Bidding| auction.format == "english" && bidding.leading;
    let Some(most) = bidding.filter(leads).and_then(|bidding| bidding.my_max) else {
        return Some(next);
    };
    let amount = Minor::new(most.amount.get().saturating_add(1)).unwrap_or(Minor::MAX);
    Some(Money { amount, ..most })
}

/// The amounts, as they are typed. None where a bid is not a step above another.
pub(crate) fn quick(auction: &Auction, least: Option<&Money>) -> Vec<String> {
    let Some(next) = least.filter(|_| auction.format != "dutch") else {
        return Vec::new();
    };
    let mut amounts = Vec::with_capacity(STEPS);
    let mut at = next.amount.get();
    for _ in 0..STEPS {
        let Ok(amount) = Minor::new(at) else { break };
        amounts.push(form::typed(&Money { amount, currency: next.currency }));
        let band = auction.increments.iter().rev().find(|band| band.from <= at);
        let Some(band) = band.or(auction.increments.first()) else { break };
        at = at.saturating_add(band.step);
    }
    amounts
}

const STEPS: usize = 4;
