//! How an auction ends, and what may still happen then.

use proof::Event;

use crate::book::{Book, Owed, Phase, alias};
use crate::said::{Ended, OfferEnded, Offered, Outcome, Reserve};
use crate::sealed::Award;
use crate::terms::Format;
use crate::walk::said;

impl Book {
    /// The regular end.
    pub(crate) fn closes(&mut self, event: &Event) -> Result<(), String> {
        if self.phase != Phase::Open {
            return Err("it closes without being open".to_owned());
        }
        if event.time < self.ends_at {
            return Err(format!("it closes before its end, {}", self.ends_at));
        }
        if self.format.is_sealed() && self.bid_count > 0 {
            return Err("it closes, and sealed bids were not opened".to_owned());
        }
        self.result(event, None)
    }

    /// An end that another event led to at once.
    pub(crate) fn closed(&mut self, event: &Event, owed: Owed) -> Result<(), String> {
        self.result(event, Some(owed))
    }

    fn result(&mut self, event: &Event, owed: Option<Owed>) -> Result<(), String> {
        let Ended { result } = said(event)?;
        let awards = self.shown(&result)?;
        let bought = matches!(owed, Some(Owed::Sale { at_once: true, .. }));
        if self.format.is_sealed() && !bought {
            self.sealed_awards(event.seq, &awards)?;
        } else if awards != self.due(owed) {
            return Err("the winners, or what they pay, are not those of the bids".to_owned());
        }
        let reason = match (awards.is_empty(), self.bid_count) {
            (false, _) if bought => Some("bought_now"),
            (false, _) => None,
            (true, 0) => Some("no_bids"),
            (true, _) => Some("reserve_not_met"),
        };
        let outcome = if awards.is_empty() { "unsold" } else { "sold" };
        if result.outcome != outcome || result.reason.as_deref() != reason {
            return Err(format!(
                "the outcome is {outcome}, {reason:?}: {} is shown",
                result.outcome
            ));
        }
        self.phase = Phase::Ended;
        Ok(())
    }

    /// The awards of a result that says the same thing in all its members.
    fn shown(&self, result: &Outcome) -> Result<Vec<Award>, String> {
        let mut awards = Vec::new();
        for winner in &result.winners {
            let bidder = self.known(&winner.bidder)?;
            let unit_price = self.terms.amount(winner.unit_price)?;
            awards.push(Award { bidder, quantity: winner.quantity, unit_price });
        }
        let hammer = result.hammer_price.map(|price| self.terms.amount(price)).transpose()?;
        let quantity: u32 = awards.iter().map(|award| award.quantity).sum();
        let first = awards.first().filter(|_| self.terms.quantity == 1);
        let winner = result.winner.as_ref().map(|winner| winner.bidder.clone());
        let same = hammer == awards.last().map(|award| award.unit_price)
            && result.quantity == quantity
            && winner == first.map(|award| Some(alias(award.bidder)));
        if same { Ok(awards) } else { Err("the result contradicts itself".to_owned()) }
    }

    /// Who must get what, where no amount is sealed.
    fn due(&self, owed: Option<Owed>) -> Vec<Award> {
        if let Some(Owed::Sale { bidder, price, at_once: true }) = owed {
            return vec![Award { bidder, quantity: 1, unit_price: price }];
        }
        if self.format == Format::Dutch {
            let sales = self.bids.iter().filter(|bid| !bid.is_void);
            let award = |bid: &crate::book::Bid| {
                let (bidder, quantity) = (bid.bidder, bid.quantity);
                Some(Award { bidder, quantity, unit_price: bid.price? })
            };
            return sales.filter_map(award).collect();
        }
        let leader = self.leading_bid().zip(self.price);
        let sold = leader.filter(|_| self.reserve != Reserve::NotMet);
        let award = |(bid, unit_price): (&crate::book::Bid, _)| Award {
            bidder: bid.bidder,
            quantity: 1,
            unit_price,
        };
        sold.map(award).into_iter().collect()
    }

    pub(crate) fn cancelled(&mut self, event: &Event) -> Result<(), String> {
        self.runs(event)?;
        let Ended { result } = said(event)?;
        let reason = result.reason.as_deref();
        let awards = self.shown(&result)?;
        if result.outcome != "cancelled" || reason != Some("cancelled_by_seller") {
            return Err("a cancelled auction with another outcome".to_owned());
        }
        if !awards.is_empty() {
            return Err("a cancelled auction has a winner".to_owned());
        }
        self.phase = Phase::Cancelled;
        Ok(())
    }

    /// B7: after the end a beaten bidder may be offered a unit.
    pub(crate) fn offered(&mut self, event: &Event) -> Result<(), String> {
        if self.phase != Phase::Ended {
            return Err("an offer before the end, or of a cancelled auction (B7)".to_owned());
        }
        let Offered { bidder, offer_id, price } = said(event)?;
        let bidder = self.known(&bidder)?;
        let price = self.terms.amount(price)?;
        let leads = self.leading_bid().is_some_and(|leading| leading.bidder == bidder);
        let newest = self.standing(bidder).pop().and_then(|index| self.bids.get(index));
        let due = match newest.and_then(|bid| bid.amount) {
            _ if leads => self.price,
            Some(amount) => Some(amount),
            None => None,
        };
        match due {
            Some(due) if due != price => {
                let (price, due) = (price.get(), due.get());
                return Err(format!("an offer at {price}; the bidder's own is {due} (B7)"));
            }
            Some(_) => {}
            None => self.doubt(event.seq, "the amount that the offer is made at was never shown"),
        }
        if !self.offers.insert(offer_id) {
            return Err("an offer is made twice".to_owned());
        }
        Ok(())
    }

    pub(crate) fn offer_ended(&mut self, event: &Event) -> Result<(), String> {
        let OfferEnded { bidder, offer_id } = said(event)?;
        self.known(&bidder)?;
        if self.offers.remove(&offer_id) { Ok(()) } else { Err("no such offer is open".to_owned()) }
    }
}
