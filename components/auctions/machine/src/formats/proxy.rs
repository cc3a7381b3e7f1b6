//! Proxy bidding (rules.md B2) and the reserve's lift of the price (B3.1, B3.2): from what stood
//! before and a new maximum to who leads and at what price.

use kernel::Minor;

use crate::event::Listing;
use crate::why::Why;

/// What stood before a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before {
    /// P, the standing price.
    pub(super) price: Minor,
    /// m1, the leader's live maximum.
    pub(super) leader_max: Minor,
    /// Is the new bid the leader's own?
    pub(super) own_raise: bool,
}

/// What stands after a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    /// Does the new bid lead?
    pub(super) leads: bool,
    /// m1 now.
    pub(super) leader_max: Minor,
    /// P now.
    pub(super) price: Minor,
    /// The rule that set the price.
    pub(super) why: Why,
}

/// B2.1: the least that a bidder who does not lead must offer, in minor units. It can lie above
/// every possible amount; then nobody can outbid.
pub(super) fn minimum(listing: &Listing, price: Option<Minor>) -> i64 {
    price.map_or(listing.start_price.get(), |price| {
        price.get().saturating_add(listing.step_at(price).get())
    })
}

/// B2.3 to B2.5, then B3.2. The bid has passed [`minimum`] or is the leader's higher maximum.
pub(super) fn settle(listing: &Listing, before: Option<Before>, amount: Minor) -> Settled {
    let price = listing.start_price;
    let by_bids = match before {
        None => Settled { leads: true, leader_max: amount, price, why: Why::FirstBid },
        Some(Before { price, own_raise: true, .. }) => {
            Settled { leads: true, leader_max: amount, price, why: Why::OwnRaise }
        }
        Some(before) => compete(listing, before, amount),
    };
    match listing.reserve_amount() {
        Some(reserve) if by_bids.leader_max >= reserve && by_bids.price < reserve => {
            Settled { price: reserve, why: Why::Reserve, ..by_bids }
        }
        _ => by_bids,
    }
}

/// The new maximum and the leader's are the two highest: every other bidder's live maximum is at
/// most the standing price.
fn compete(listing: &Listing, before: Before, amount: Minor) -> Settled {
    let leads = amount > before.leader_max;
    let (leader_max, beaten) =
        if leads { (amount, before.leader_max) } else { (before.leader_max, amount) };
    let step = listing.step_at(beaten);
    let stepped = beaten.plus(step);
    let (price, why) = if leader_max == beaten {
        (beaten, Why::Tie)
    } else if stepped <= leader_max {
        (stepped, Why::Step { beaten, step })
    } else {
        (leader_max, Why::Capped { beaten })
    };
    Settled { leads, leader_max, price: price.max(before.price), why }
}
