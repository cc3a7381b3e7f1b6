//! English auctions with proxy bidding (rules.md B2, B3.1, B3.2).

use std::collections::BTreeMap;

use kernel::{Minor, Timestamp};

use super::proxy::{self, Before};
use super::{Asked, Asks, Folded, FormatRules, Judged, rule};
use crate::contract::{Outcome, ReserveState, Rule};
use crate::event::{Award, Listing};
use crate::explain;
use crate::lot::Lot;
use crate::refusal::{Code, Refusal};

/// The format.
pub(super) struct English;

impl FormatRules for English {
    fn judge(&self, bid: &Asked<'_>) -> Result<Judged, Refusal> {
        let (lot, amount) = (bid.lot, bid.amount);
        let before = lot.leading_bid().zip(lot.price).map(|(leading, price)| Before {
            price,
            leader_max: leading.max(),
            own_raise: Some(leading.bidder) == bid.bidder,
        });
        sufficient(lot, before, amount)?;
        let listing = &lot.listing;
        let settled = proxy::settle(listing, before, amount);
        let moved = before.is_none_or(|before| {
            before.price != settled.price || (settled.leads && !before.own_raise)
        });
        Ok(Judged {
            outcome: if settled.leads { Outcome::Leading } else { Outcome::Outbid },
            price: Some(settled.price),
            reserve: ReserveState::of(Some(settled.leader_max), listing.reserve_amount()),
            why: settled.why,
            hidden: settled.leads,
            moved,
            filled: 0,
            ends: false,
        })
    }

    fn awards(&self, lot: &Lot) -> Vec<Award> {
        leader_pays_the_price(lot)
    }

    fn asks(&self, lot: &Lot, price: Option<Minor>, _: Timestamp) -> Asks {
        Asks::AtLeast(proxy::minimum(&lot.listing, price))
    }

    fn refold(&self, lot: &Lot, survives: &dyn Fn(u32) -> bool) -> Folded {
        Fold::new(lot).run(survives)
    }

    fn usual(&self, lot: &Lot) -> Option<Minor> {
        Minor::new(proxy::minimum(&lot.listing, lot.price)).ok()
    }

    fn explain(&self, listing: &Listing) -> Vec<Rule> {
        let mut rules = vec![
            rule(
                "B2.1",
                "Bidding",
                format!(
                    "You bid the most that you would pay. The first bid is at least {}; later ones \
                     at least one increment above the price. Whoever leads may raise its own \
                     maximum by any amount.",
                    listing.money(listing.start_price)
                ),
            ),
            rule(
                "B2.4",
                "Price",
                "The highest maximum leads. The price is one increment above the highest beaten \
                 maximum, and never above the leader's own.",
            ),
            rule("B2.3", "Ties", "Of equal maxima the earlier one leads."),
            rule(
                "B2.7",
                "Secrecy",
                "A leading maximum is shown to nobody. A beaten one is shown as that bidder's bid.",
            ),
        ];
        if listing.reserve.is_some() {
            rules.push(rule(
                "B3.2",
                "Reserve",
                "There is a hidden reserve. Once the leading maximum meets it, the price is at \
                 least the reserve; unless it is met, nothing is sold.",
            ));
        }
        rules
    }
}

/// B3.3: the leader buys at the price unless the reserve stands above its maximum.
pub(super) fn leader_pays_the_price(lot: &Lot) -> Vec<Award> {
    let Some((leading, unit_price)) = lot.leading_bid().zip(lot.price) else { return Vec::new() };
    let is_met = lot.listing.reserve_amount().is_none_or(|reserve| leading.max() >= reserve);
    let award = Award { bidder: leading.bidder, quantity: 1, unit_price };
    is_met.then_some(award).into_iter().collect()
}

/// Rules.md B2.1.
fn sufficient(lot: &Lot, before: Option<Before>, amount: Minor) -> Result<(), Refusal> {
    if let Some(Before { leader_max, own_raise: true, .. }) = before {
        if amount > leader_max {
            return Ok(());
        }
        let detail = format!(
            "you lead with a maximum of {}; a new one must be higher (B2.1)",
            lot.listing.money(leader_max)
        );
        return Err(Refusal::new(Code::OwnMaxNotRaised, detail));
    }
    let least = proxy::minimum(&lot.listing, lot.price);
    if amount.get() >= least {
        return Ok(());
    }
    Err(Refusal::new(Code::BidTooLow, explain::too_low(lot, least)))
}

/// B5: the surviving bids in order of seq under B2 and B3, minimums not validated again. A lowered
/// reserve and a cut maximum (B3.4) take effect where they happened.
struct Fold<'a> {
    lot: &'a Lot,
    reserve: Option<Minor>,
    /// Live maximum and bid of each bidder.
    live: BTreeMap<u32, (Minor, u32)>,
    leading: Option<(Minor, u32)>,
    price: Option<Minor>,
}

impl<'a> Fold<'a> {
    fn new(lot: &'a Lot) -> Self {
        let first = lot.lowerings.first().map(|lowering| lowering.reserve_before);
        let reserve = first.or_else(|| lot.listing.reserve_amount());
        Self { lot, reserve, live: BTreeMap::new(), leading: None, price: None }
    }

    fn run(mut self, survives: &dyn Fn(u32) -> bool) -> Folded {
        let mut lowerings = self.lot.lowerings.iter().peekable();
        for (bid, index) in self.lot.bids.iter().zip(0..) {
            while let Some(lowering) = lowerings.next_if(|lowering| lowering.seq < bid.seq) {
                self.lower(lowering, survives);
            }
            if survives(index) {
                self.place(bid.bidder, bid.amount, index);
            }
        }
        for lowering in lowerings {
            self.lower(lowering, survives);
        }
        let reserve_met =
            self.reserve.is_some_and(|reserve| self.leading.is_some_and(|(max, _)| max >= reserve));
        let leading = self.leading.map(|(_, index)| index);
        Folded { price: self.price, leading, reserve_met }
    }

    fn lower(&mut self, lowering: &crate::lot::Lowering, survives: &dyn Fn(u32) -> bool) {
        self.reserve = Some(lowering.reserve);
        let Some((bid, to)) = lowering.cut.filter(|(bid, _)| survives(*bid)) else { return };
        if let Some(live) = self.live.values_mut().find(|(_, index)| *index == bid) {
            live.0 = to;
        }
        self.leading = self.leader();
    }

    /// The highest live maximum; of equal ones the earlier.
    fn leader(&self) -> Option<(Minor, u32)> {
        self.live.values().copied().max_by(|(a, at_a), (b, at_b)| a.cmp(b).then(at_b.cmp(at_a)))
    }

    fn place(&mut self, bidder: u32, amount: Minor, index: u32) {
        let led = self.leading.and_then(|(_, index)| self.lot.bid(index)).map(|bid| bid.bidder);
        self.live.insert(bidder, (amount, index));
        self.leading = self.leader();
        let Some((max, leading)) = self.leading else { return };
        let listing = &self.lot.listing;
        let leader = self.lot.bid(leading).map(|bid| bid.bidder);
        let others = self.live.iter().filter(|(bidder, _)| Some(**bidder) != leader);
        let beaten = others.map(|(_, (max, _))| *max).max();
        let by_bids = match (self.price, beaten) {
            (None, _) => listing.start_price,
            // B2.5: the leader's own raise.
            (Some(price), _) if led == Some(bidder) && leader == led => price,
            (Some(price), None) => price,
            (Some(price), Some(beaten)) => price.max(max.min(beaten.plus(listing.step_at(beaten)))),
        };
        self.price = Some(match self.reserve {
            Some(reserve) if max >= reserve => by_bids.max(reserve),
            _ => by_bids,
        });
    }
}
