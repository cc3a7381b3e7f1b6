//! What a hidden maximum must have been, by the prices that followed from it (rules.md B2.4, B3.2).

use kernel::Minor;

use crate::book::{Bid, Book};
use crate::terms::Terms;

/// A price that the maximum of a leading bid led to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Seq of the bid that set it.
    pub(crate) seq: u64,
    /// The price before, or the start price.
    pub(crate) floor: Minor,
    /// The amount that lost; none for a first bid and for the leader's own.
    pub(crate) beaten: Option<Minor>,
    /// The price after.
    pub(crate) price: Minor,
    /// The reserve was met with this bid: it may have lifted the price (B3.2).
    pub(crate) may_lift: bool,
}

impl Seen {
    /// The price by the bids alone, for a leading maximum.
    fn by_bids(&self, terms: &Terms, maximum: Minor) -> Minor {
        match self.beaten {
            None => self.floor,
            Some(beaten) => {
                let stepped = beaten.plus(terms.increment(beaten)).min(maximum);
                stepped.max(self.floor)
            }
        }
    }

    /// Is there a maximum of at least `least` that leads to this price? The lifted price, if only
    /// that explains it.
    pub(crate) fn possible(&self, terms: &Terms, least: Minor) -> Result<Option<Minor>, String> {
        let lowest = self.by_bids(terms, least);
        let highest = self.by_bids(terms, Minor::MAX);
        match self.price {
            price if price < lowest => {
                let (price, lowest) = (price.get(), lowest.get());
                Err(format!("the price {price} is below {lowest}, which B2.4 gives"))
            }
            price if price > highest && self.may_lift => Ok(Some(price)),
            price if price > highest => {
                let (price, highest) = (price.get(), highest.get());
                Err(format!("the price {price} is above {highest}, which B2.4 gives"))
            }
            _ => Ok(None),
        }
    }

    /// The price that a known maximum leads to. The lifted price, if the reserve set it.
    fn exact(&self, terms: &Terms, maximum: Minor) -> Result<Option<Minor>, String> {
        let expected = self.by_bids(terms, maximum);
        if self.price == expected {
            return Ok(None);
        }
        let lifted = self.may_lift && self.price > expected && self.price <= maximum;
        if lifted {
            return Ok(Some(self.price));
        }
        let (seq, price) = (self.seq, self.price.get());
        let (maximum, expected) = (maximum.get(), expected.get());
        Err(format!("the price after seq {seq} is {price}; its maximum {maximum} gives {expected}"))
    }
}

impl Bid {
    /// A price that neither the step nor the floor gives is the maximum itself (B2.4); what else
    /// followed from that maximum must fit.
    pub(crate) fn consistent(&self, terms: &Terms) -> Result<(), String> {
        let capped = self.seen.iter().find(|seen| seen.price < seen.by_bids(terms, Minor::MAX));
        capped.map_or(Ok(()), |capped| self.explain(terms, capped.price).map(drop))
    }

    /// Everything that followed from an amount that is known now. Prices that the reserve set.
    pub(crate) fn explain(&self, terms: &Terms, amount: Minor) -> Result<Vec<Minor>, String> {
        if let Some(least) = self.least.filter(|least| amount < *least && !self.is_cut) {
            let (seq, amount, least) = (self.seq, amount.get(), least.get());
            return Err(format!("the bid of seq {seq} was {amount}, at least {least} was due"));
        }
        let mut lifts = Vec::new();
        for seen in &self.seen {
            lifts.extend(seen.exact(terms, amount)?);
        }
        Ok(lifts)
    }
}

impl Book {
    /// The reserve lifted the price: it is that price.
    pub(crate) fn lifted(&mut self, price: Minor) -> Result<(), String> {
        if let Some(known) = self.reserve_amount.filter(|known| *known != price) {
            let (price, known) = (price.get(), known.get());
            return Err(format!("the price was lifted to {price}, the reserve is {known} (B3.2)"));
        }
        self.reserve_amount = Some(price);
        self.bound_reserve(price, true)
    }

    /// The amount of a bid is shown.
    pub(crate) fn reveal(&mut self, index: usize, amount: Minor) -> Result<(), String> {
        let Some(bid) = self.bids.get_mut(index) else { return Ok(()) };
        bid.amount = Some(amount);
        let Some(bid) = self.bids.get(index) else { return Ok(()) };
        let lifts = bid.explain(&self.terms, amount)?;
        lifts.into_iter().try_for_each(|price| self.lifted(price))
    }
}
