//! Reverse auctions (rules.md B8): the lowest ask wins and is paid.

use kernel::{Minor, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Asked, Asks, Folded, FormatRules, Judged, open_outcry, rule};
use crate::contract::{Outcome, ReserveState, Rule};
use crate::event::{Award, Listing};
use crate::lot::Lot;
use crate::refusal::{Code, Refusal};
use crate::why::Why;

/// How far the next ask must lie below the best one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decrement {
    /// That much.
    Fixed(Minor),
    /// Basis points of the best ask, rounded up to a minor unit.
    Bps(u32),
}

impl Decrement {
    /// The highest ask below that best one; none when no amount is left.
    pub fn below(self, best: Minor) -> Option<Minor> {
        let step = match self {
            Self::Fixed(step) => step.get(),
            Self::Bps(bps) => {
                let exact = i128::from(best.get()) * i128::from(bps);
                i64::try_from((exact + 9_999) / 10_000).unwrap_or(i64::MAX)
            }
        };
        best.get().checked_sub(step).filter(|most| *most > 0).and_then(|most| Minor::new(most).ok())
    }

    fn most(self, listing: &Listing, best: Option<Minor>) -> Option<Minor> {
        best.map_or(Some(listing.start_price), |best| self.below(best))
    }
}

impl FormatRules for Decrement {
    fn judge(&self, bid: &Asked<'_>) -> Result<Judged, Refusal> {
        let listing = &bid.lot.listing;
        let most = self.most(listing, bid.lot.price);
        if bid.amount == Minor::ZERO {
            return Err(Refusal::new(Code::BidTooLow, "an ask is at least one minor unit"));
        }
        if most.is_none_or(|most| bid.amount > most) {
            let detail = match (most, bid.lot.price) {
                (None, _) => "the best ask is so low that no ask can be lower (B8)".to_owned(),
                (Some(most), None) => format!("the first ask is at most {}", listing.money(most)),
                (Some(most), Some(best)) => format!(
                    "the next ask is at most {}: the best ask of {} less the decrement (B8)",
                    listing.money(most),
                    listing.money(best)
                ),
            };
            return Err(Refusal::new(Code::AskTooHigh, detail));
        }
        Ok(Judged {
            outcome: Outcome::Leading,
            price: Some(bid.amount),
            reserve: ReserveState::None,
            why: Why::Ask,
            hidden: false,
            moved: true,
            filled: 0,
            ends: false,
        })
    }

    fn awards(&self, lot: &Lot) -> Vec<Award> {
        let best = lot.leading_bid().zip(lot.price);
        let award =
            best.map(|(bid, unit_price)| Award { bidder: bid.bidder, quantity: 1, unit_price });
        award.into_iter().collect()
    }

    fn asks(&self, lot: &Lot, price: Option<Minor>, _: Timestamp) -> Asks {
        self.most(&lot.listing, price).map_or(Asks::Nothing, Asks::AtMost)
    }

    fn refold(&self, lot: &Lot, survives: &dyn Fn(u32) -> bool) -> Folded {
        open_outcry::newest(lot, survives)
    }

    fn usual(&self, _: &Lot) -> Option<Minor> {
        None
    }

    fn explain(&self, listing: &Listing) -> Vec<Rule> {
        let ceiling = listing.money(listing.start_price);
        let step = match *self {
            Self::Fixed(step) => listing.money(step).to_string(),
            Self::Bps(bps) => {
                format!("{}.{:02} percent of it, rounded up to a minor unit", bps / 100, bps % 100)
            }
        };
        let text = format!(
            "The buyer asks for offers and the lowest ask wins and is paid. The first ask is at \
             most {ceiling}; each later one lies below the best ask by at least {step}."
        );
        vec![rule("B8", "Asking", text)]
    }
}
