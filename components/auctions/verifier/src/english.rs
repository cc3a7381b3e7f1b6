//! Proxy bidding (rules.md B2, B3): leading maxima are hidden, and every price says something of
//! them.

use kernel::Minor;
use proof::Event;

use crate::bidding::{Judged, too_low};
use crate::book::{Bid, Book};
use crate::prices::Seen;
use crate::request::Opened;
use crate::said::{BidPlaced, MaxLowered, Reserve};
use crate::walk::said;

impl Book {
    pub(crate) fn english(&mut self, bid: &BidPlaced, placed: &mut Bid) -> Result<Judged, String> {
        let price = placed.price.ok_or("an accepted bid without a price")?;
        let own = self.leading_bid().is_some_and(|leading| leading.bidder == placed.bidder);
        let hides = match (placed.amount, bid.commitment) {
            (None, Some(_)) => true,
            (Some(_), None) => false,
            _ => return Err("an amount is hidden behind a commitment, or it is shown".to_owned()),
        };
        let seen = if hides {
            self.leads(bid, placed, own, price)?
        } else {
            self.is_outbid(bid, placed, own, price)?
        };
        if let Some(lifted) = seen.possible(&self.terms, self.least_possible(placed, hides))? {
            self.lifted(lifted)?;
        }
        let moved = self.price != Some(price) || (hides && !own);
        let (leads, next) = (hides, Some(self.terms.least(Some(price))));
        if hides {
            placed.seen.push(seen);
        } else {
            self.remember(seen)?;
        }
        Ok(Judged { leads, price: Some(price), next, moved, owed: None })
    }

    /// The least that the leading maximum can be, whoever leads after the bid.
    fn least_possible(&self, placed: &Bid, hides: bool) -> Minor {
        let beaten = self.leading_bid().filter(|_| hides).and_then(|leading| leading.amount);
        let above = beaten.map_or(Minor::ZERO, |beaten| beaten.plus(ONE));
        placed.amount.unwrap_or(Minor::ZERO).max(above)
    }

    /// The bid leads: what it beats is shown.
    fn leads(
        &mut self,
        bid: &BidPlaced,
        placed: &mut Bid,
        own: bool,
        price: Minor,
    ) -> Result<Seen, String> {
        let beaten = self.leading.filter(|_| !own);
        let hidden = beaten
            .filter(|index| self.bids.get(*index).is_some_and(|leading| leading.amount.is_none()));
        self.revealed(&bid.revealed, hidden)?;
        if !own {
            placed.least = Some(self.terms.least(self.price));
        }
        let beaten = beaten.and_then(|index| self.bids.get(index)).and_then(|bid| bid.amount);
        let floor = self.price.unwrap_or(self.terms.start_price.amount);
        let may_lift = self.reserve == Reserve::NotMet && bid.reserve == Reserve::Met;
        Ok(Seen { seq: placed.seq, floor, beaten, price, may_lift })
    }

    /// A hidden maximum beats the bid, whose amount is shown.
    fn is_outbid(
        &mut self,
        bid: &BidPlaced,
        placed: &Bid,
        own: bool,
        price: Minor,
    ) -> Result<Seen, String> {
        let amount = placed.amount.unwrap_or_default();
        if self.leading.is_none() || own {
            return Err("it is outbid by nobody else (B2.3)".to_owned());
        }
        let least = self.terms.least(self.price);
        if amount < least {
            return Err(too_low(amount, least));
        }
        if bid.reserve != self.reserve {
            return Err("a bid that does not lead meets the reserve".to_owned());
        }
        self.revealed(&bid.revealed, None)?;
        let floor = self.price.unwrap_or(self.terms.start_price.amount);
        Ok(Seen { seq: placed.seq, floor, beaten: Some(amount), price, may_lift: false })
    }

    /// A price that followed from the leading maximum, checked now or when that is shown.
    fn remember(&mut self, seen: Seen) -> Result<(), String> {
        let Some(leading) = self.leading.and_then(|index| self.bids.get_mut(index)) else {
            return Ok(());
        };
        leading.seen.push(seen);
        let Some(leading) = self.leading_bid() else { return Ok(()) };
        leading.consistent(&self.terms)?;
        leading.amount.map_or(Ok(()), |known| leading.explain(&self.terms, known).map(drop))
    }

    /// B3.4: the leader would have bought without acting, so its maximum is cut.
    pub(crate) fn max_lowered(
        &mut self,
        event: &Event,
        opened: Option<&&Opened>,
    ) -> Result<(), String> {
        self.runs(event)?;
        let MaxLowered { bid_id, bidder, commitment } = said(event)?;
        let bidder = self.known(&bidder)?;
        let opened = self.open_for_owner(Some(commitment), opened)?;
        let leading = self.leading;
        let bid = leading.and_then(|index| self.bids.get_mut(index));
        let bid = bid.filter(|bid| bid.id == bid_id && bid.bidder == bidder);
        let bid = bid.ok_or("a maximum is cut that does not lead (B3.4)")?;
        bid.commitment = Some(commitment);
        (bid.amount, bid.opened, bid.is_cut) = (None, opened, true);
        let had = std::mem::take(&mut bid.seen);
        if !had.is_empty() {
            self.doubt(event.seq, "what the maximum was before it was cut is never shown");
        }
        Ok(())
    }
}

const ONE: Minor = match Minor::new(1) {
    Ok(one) => one,
    Err(_) => Minor::ZERO,
};
