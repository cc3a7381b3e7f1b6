//! Why a price is what it is, in words and with the number of the rule.

use kernel::Minor;

use crate::contract::{Explanation, ReserveState};
use crate::lot::{Bid, Lot};
use crate::why::Why;

/// The rule behind the price after a bid, for its bidder. It names no number that the public log
/// does not show.
pub(crate) fn price(lot: &Lot, bid: &Bid) -> Explanation {
    let money = |amount: Minor| lot.listing.money(amount);
    let now = money(bid.price.unwrap_or(bid.amount));
    let (rule, mut text) = match bid.why {
        Why::FirstBid => ("B2.4", format!("The first bid stands at the start price of {now}.")),
        Why::Step { beaten, step } => (
            "B2.4",
            format!(
                "The price is one step of {} above the beaten maximum of {}: {now}.",
                money(step),
                money(beaten)
            ),
        ),
        Why::Capped { beaten } => (
            "B2.4",
            format!(
                "The leader's maximum is less than one step above the beaten maximum of {}, so \
                 the price stops there: {now}.",
                money(beaten)
            ),
        ),
        Why::Tie => ("B2.3", format!("Two maxima are equal at {now}; the earlier one leads.")),
        Why::OwnRaise => ("B2.5", format!("Raising your own maximum leaves the price at {now}.")),
        Why::Reserve => {
            ("B3.2", format!("The highest maximum meets the reserve, so the price is {now}."))
        }
        Why::BoughtNow => ("B4.3", format!("You took the Buy It Now price of {now}.")),
        Why::Called => ("B8", format!("Your amount is the price: {now}.")),
        Why::Clock => ("B8", format!("The clock stood at {now} when your bid arrived.")),
        Why::Sealed => ("B8", "Your bid is sealed until the close.".to_owned()),
        Why::Ask => ("B8", format!("Your ask is the best: {now}.")),
    };
    if bid.reserve == ReserveState::NotMet && bid.why != Why::Sealed {
        text.push_str(" The reserve is not met (B3.1).");
    }
    Explanation { rule: rule.to_owned(), text }
}

/// Why a bid below `least` minor units is too low (rules.md B2.1, B2.10).
pub(crate) fn too_low(lot: &Lot, least: i64) -> String {
    let listing = &lot.listing;
    let Some(price) = lot.price else {
        return format!("the first bid is at least {} (B2.1)", listing.money(listing.start_price));
    };
    let Ok(least) = Minor::new(least) else {
        return "the price is so high that no bid can be higher".to_owned();
    };
    let mut text = format!(
        "the next bid is at least {}: the price of {} and one step of {} (B2.1)",
        listing.money(least),
        listing.money(price),
        listing.money(listing.step_at(price))
    );
    let near_tie = |bid: &&Bid| matches!(bid.why, Why::Capped { .. } | Why::Tie);
    let moved = lot.bids.iter().rev().find(|bid| bid.why != Why::OwnRaise);
    if moved.filter(near_tie).is_some() {
        text.push_str(
            ". After a near tie the price stands at the leader's maximum, so a slightly higher \
             bid can fall short of the next minimum (B2.10)",
        );
    }
    text
}
