//! Sealed bids: opened at the close, and who gets what by them (rules.md B8).

use kernel::Minor;
use proof::Event;

use crate::book::{Book, Owed, Phase};
use crate::commitments::opens;
use crate::said::BidsRevealed;
use crate::terms::Format;
use crate::walk::said;

/// What somebody gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Award {
    pub(crate) bidder: u32,
    pub(crate) quantity: u32,
    pub(crate) unit_price: Minor,
}

/// A live bid whose amount is known.
struct Live {
    bidder: u32,
    seq: u64,
    amount: Minor,
    quantity: u32,
    min_quantity: u32,
}

impl Book {
    pub(crate) fn bids_revealed(&mut self, event: &Event) -> Result<(), String> {
        if !self.format.is_sealed() || self.phase != Phase::Open || event.time < self.ends_at {
            return Err("bids are opened that are not sealed, or before the end".to_owned());
        }
        let BidsRevealed { bids } = said(event)?;
        let mut live = self.live();
        for shown in bids {
            let index = self.by_id(&shown.bid_id).ok_or("a bid is opened that was not placed")?;
            let at = live.iter().position(|live| *live == index);
            live.remove(at.ok_or("a bid is opened that does not count, or twice")?);
            let bidder = self.known(&shown.bidder)?;
            let amount = self.terms.amount(shown.amount)?;
            let Some(bid) = self.bids.get_mut(index) else { continue };
            if bid.bidder != bidder {
                return Err(format!("the bid {} is another one's", shown.bid_id));
            }
            let commitment = bid.commitment.ok_or("a sealed bid without commitment")?;
            opens(commitment, shown.salt.ok_or("an opened bid lacks its salt")?, shown.amount)?;
            if shown.quantity.is_some_and(|quantity| quantity != bid.quantity) {
                return Err("a bid is opened for another number of units".to_owned());
            }
            bid.min_quantity = shown.min_quantity.unwrap_or(1);
            self.reveal(index, amount)?;
        }
        if !live.is_empty() {
            return Err("bids that count are not opened".to_owned());
        }
        self.owed = Some(Owed::Close);
        Ok(())
    }

    /// Who gets what by the opened bids; an error where that cannot be so. A reserve that nobody
    /// opened may be anything: then there must be one that leads to this result.
    pub(crate) fn sealed_awards(&mut self, seq: u64, shown: &[Award]) -> Result<(), String> {
        let start = self.terms.start_price.amount;
        let floor = match (self.terms.reserve_commitment, self.reserve_amount) {
            (None, _) => Some(start),
            (Some(_), reserve) => reserve.map(|reserve| reserve.max(start)),
        };
        let wrong = || Err("the result does not follow from the opened bids (B8)".to_owned());
        if let Some(floor) = floor {
            return if self.awards(floor) == shown { Ok(()) } else { wrong() };
        }
        // Results change where the floor passes an amount, or is the price itself.
        let amounts = self.bids.iter().filter_map(|bid| bid.amount);
        let above = self.bids.iter().filter_map(|bid| Some(bid.amount?.plus(ONE)));
        let paid = shown.iter().map(|award| award.unit_price);
        let floors = amounts.chain(above).chain(paid).chain([start]);
        let floors: Vec<_> = floors.filter(|floor| *floor >= start).collect();
        if !floors.into_iter().any(|floor| self.awards(floor) == shown) {
            return wrong();
        }
        self.doubt(seq, "the reserve is hidden: it is not told which of the possible ones it is");
        Ok(())
    }

    fn awards(&self, floor: Minor) -> Vec<Award> {
        let mut live: Vec<_> = self
            .live()
            .into_iter()
            .filter_map(|index| {
                let bid = self.bids.get(index)?;
                let (quantity, min_quantity) = (bid.quantity, bid.min_quantity);
                Some(Live {
                    bidder: bid.bidder,
                    seq: bid.seq,
                    amount: bid.amount?,
                    quantity,
                    min_quantity,
                })
            })
            .collect();
        live.sort_by(|one, other| other.amount.cmp(&one.amount).then(one.seq.cmp(&other.seq)));
        match self.format {
            Format::Uniform => self.uniform(&live, floor),
            format => {
                let Some(best) = live.first().filter(|best| best.amount >= floor) else {
                    return Vec::new();
                };
                let second = live.get(1).map_or(floor, |second| second.amount.max(floor));
                let unit_price = if format == Format::Vickrey { second } else { best.amount };
                vec![Award { bidder: best.bidder, quantity: 1, unit_price }]
            }
        }
    }

    /// Units go to the highest prices first; a least quantity that is not left is passed over.
    fn uniform(&self, live: &[Live], floor: Minor) -> Vec<Award> {
        let (mut left, mut filled, mut rejected) = (self.terms.quantity, Vec::new(), None);
        for bid in live.iter().filter(|bid| bid.amount >= floor) {
            let units = bid.quantity.min(left);
            if left > 0 && units < bid.min_quantity {
                continue;
            }
            if units > 0 {
                filled.push((bid.bidder, units, bid.amount));
            }
            if units < bid.quantity && rejected.is_none() {
                rejected = Some(bid.amount);
            }
            left -= units;
        }
        let Some(lowest) = filled.iter().map(|(_, _, amount)| *amount).min() else {
            return Vec::new();
        };
        let pricing = self.terms.uniform_price.as_ref().map(|uniform| uniform.pricing.as_str());
        let unit_price = match pricing {
            Some("highest_rejected") => rejected.unwrap_or(floor).min(lowest),
            _ => lowest,
        };
        let award = |(bidder, quantity, _)| Award { bidder, quantity, unit_price };
        filled.into_iter().map(award).collect()
    }
}

const ONE: Minor = match Minor::new(1) {
    Ok(one) => one,
    Err(_) => Minor::ZERO,
};
