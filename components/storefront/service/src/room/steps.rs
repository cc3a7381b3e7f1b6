//! Amounts to tap on: the next one that is taken, and some above it.

use kernel::{Minor, Money};

use crate::api::Auction;
use crate::form;

/// The amounts, as they are typed. None where a bid is not a step above another.
pub(crate) fn quick(auction: &Auction) -> Vec<String> {
    let Some(next) = auction.next_minimum.filter(|_| auction.format != "dutch") else {
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
