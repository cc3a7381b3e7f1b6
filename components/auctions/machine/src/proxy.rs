//! Proxy bidding (rules.md B2) and the reserve's lift of the price (B3.1, B3.2): from what stood
//! before and a new maximum to who leads and at what price.

use kernel::Minor;
use serde::{Deserialize, Serialize};

use crate::ladder::Ladder;

/// What stood before a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// P, the standing price.
    pub price: Minor,
    /// m1, the leader's live maximum.
    pub leader_max: Minor,
    /// Is the new bid the leader's own?
    pub own_raise: bool,
}

/// What stands after a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Does the new bid lead?
    pub leads: bool,
    /// m1 now.
    pub leader_max: Minor,
    /// P now.
    pub price: Minor,
    /// The rule that set the price.
    pub why: Why,
}

/// The rule that set a price, with the numbers that it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// B2.4: the first bid stands at the start price.
    FirstBid,
    /// B2.4: one step above the beaten maximum.
    Step {
        /// m2.
        beaten: Minor,
        /// inc(m2).
        step: Minor,
    },
    /// B2.4: the leader's maximum, which is less than a step above the beaten one.
    Capped {
        /// m2.
        beaten: Minor,
    },
    /// B2.3: equal maxima, the earlier leads.
    Tie,
    /// B2.5: the leader's own raise moves nothing.
    OwnRaise,
    /// B3.2: the leader's maximum meets the reserve.
    Reserve,
}

/// B2.1: the least that a bidder who does not lead must offer, in minor units. It can lie above
/// every possible amount; then nobody can outbid.
pub fn minimum(ladder: &Ladder, start: Minor, price: Option<Minor>) -> i64 {
    price.map_or(start.get(), |price| price.get().saturating_add(ladder.step_at(price).get()))
}

/// B2.3 to B2.5, then B3.2. The bid has passed [`minimum`] or is the leader's higher maximum.
pub fn settle(
    ladder: &Ladder,
    start: Minor,
    reserve: Option<Minor>,
    before: Option<Before>,
    amount: Minor,
) -> Settled {
    let by_bids = match before {
        None => Settled { leads: true, leader_max: amount, price: start, why: Why::FirstBid },
        Some(Before { price, own_raise: true, .. }) => {
            Settled { leads: true, leader_max: amount, price, why: Why::OwnRaise }
        }
        Some(before) => compete(ladder, before, amount),
    };
    match reserve {
        Some(reserve) if by_bids.leader_max >= reserve && by_bids.price < reserve => {
            Settled { price: reserve, why: Why::Reserve, ..by_bids }
        }
        _ => by_bids,
    }
}

/// The new maximum and the leader's are the two highest: every other bidder's live maximum is at
/// most the standing price.
fn compete(ladder: &Ladder, before: Before, amount: Minor) -> Settled {
    let leads = amount > before.leader_max;
    let (leader_max, beaten) =
        if leads { (amount, before.leader_max) } else { (before.leader_max, amount) };
    let step = ladder.step_at(beaten);
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
