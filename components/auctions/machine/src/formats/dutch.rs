//! Dutch clocks (rules.md B8): the price falls until somebody accepts it.

use kernel::{Minor, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Asked, Asks, FormatRules, Judged, rule};
use crate::contract::{Outcome, ReserveState, Rule};
use crate::event::{Award, Listing};
use crate::lot::{Lot, Phase};
use crate::refusal::{Code, Refusal};
use crate::why::Why;

/// A falling clock: P(t) = max(F, S − d × floor((t − t0) / τ)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// F.
    pub floor: Minor,
    /// d.
    pub decrement: Minor,
    /// τ.
    pub tick_seconds: u32,
    /// How long the floor holds.
    pub dwell_seconds: u32,
}

impl Clock {
    /// Whole ticks since the start.
    pub fn ticks(&self, starts_at: Timestamp, now: Timestamp) -> i64 {
        let tick_ms = i64::from(self.tick_seconds.max(1)) * 1_000;
        (now.ms_since(starts_at) / tick_ms).max(0)
    }

    /// P(t).
    pub fn price_at(&self, start: Minor, starts_at: Timestamp, now: Timestamp) -> Minor {
        let fallen = self.decrement.get().saturating_mul(self.ticks(starts_at, now));
        let fallen = Minor::new(fallen).unwrap_or(Minor::MAX);
        start.minus(fallen).max(self.floor)
    }

    /// From the start to the end: the way to the floor and the dwell there.
    pub fn run_ms(&self, start: Minor) -> i64 {
        let (way, step) = (start.minus(self.floor).get(), self.decrement.get().max(1));
        let ticks = way / step + i64::from(way % step != 0);
        let seconds = ticks.saturating_mul(i64::from(self.tick_seconds));
        seconds.saturating_add(i64::from(self.dwell_seconds)).saturating_mul(1_000)
    }

    fn price(&self, listing: &Listing, now: Timestamp) -> Minor {
        self.price_at(listing.start_price, listing.starts_at, now)
    }
}

impl FormatRules for Clock {
    fn judge(&self, bid: &Asked<'_>) -> Result<Judged, Refusal> {
        let listing = &bid.lot.listing;
        let price = self.price(listing, bid.now);
        if bid.amount < price {
            let detail = format!("the clock stands at {} (B8)", listing.money(price));
            return Err(Refusal::new(Code::BidTooLow, detail));
        }
        let left = listing.quantity.saturating_sub(bid.lot.filled());
        let filled = bid.quantity.min(left);
        // A part is sold only to who asked for it.
        if filled < bid.min_quantity.unwrap_or(bid.quantity) {
            let detail =
                format!("{left} units are left; a min_quantity of at most that takes them");
            return Err(Refusal::new(Code::InvalidQuantity, detail));
        }
        Ok(Judged {
            outcome: Outcome::Won,
            price: Some(price),
            reserve: ReserveState::None,
            why: Why::Clock,
            hidden: false,
            moved: false,
            filled,
            ends: filled == left,
        })
    }

    fn awards(&self, lot: &Lot) -> Vec<Award> {
        let award = |bid: &crate::lot::Bid| {
            let unit_price = bid.price?;
            Some(Award { bidder: bid.bidder, quantity: bid.filled, unit_price })
        };
        lot.standing_bids().filter_map(|(_, bid)| award(bid)).collect()
    }

    fn asks(&self, lot: &Lot, _: Option<Minor>, now: Timestamp) -> Asks {
        Asks::AtLeast(self.price(&lot.listing, now).get())
    }

    fn shown_price(&self, lot: &Lot, now: Timestamp) -> Option<Minor> {
        (lot.phase == Phase::Open).then(|| self.price(&lot.listing, now))
    }

    fn usual(&self, _: &Lot) -> Option<Minor> {
        None
    }

    fn explain(&self, listing: &Listing) -> Vec<Rule> {
        let money = |amount| listing.money(amount);
        let text = format!(
            "The price starts at {} and falls by {} every {} s, down to {}, where it holds for \
             {} s. The first who accepts buys at the price of the clock at that instant; you send \
             the highest price that you accept.",
            money(listing.start_price),
            money(self.decrement),
            self.tick_seconds,
            money(self.floor),
            self.dwell_seconds
        );
        let mut rules = vec![rule("B8", "Clock", text)];
        if listing.quantity > 1 {
            let text = format!(
                "There are {} units. Each acceptance takes its units at its own clock price until \
                 none are left; you get fewer than you asked for only if you allow it.",
                listing.quantity
            );
            rules.push(rule("B8", "Units", text));
        }
        rules
    }
}
