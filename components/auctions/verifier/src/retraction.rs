//! Bids that become void (rules.md B5), and what stands without them.

use std::collections::BTreeMap;

use kernel::{Minor, Money, limits};
use proof::Event;

use crate::book::{Book, alias};
use crate::said::{BidRetracted, Reserve};
use crate::terms::Format;
use crate::walk::said;

impl Book {
    pub(crate) fn bid_retracted(&mut self, event: &Event) -> Result<(), String> {
        self.runs(event)?;
        let retracted: BidRetracted = said(event)?;
        let bidder = self.known(&retracted.bidder)?;
        let bids = retracted.bid_ids.iter().map(|id| self.by_id(id));
        let bids = bids.collect::<Option<Vec<_>>>().ok_or("a bid goes that was never placed")?;
        let own = self.standing(bidder);
        if bids.is_empty() || !bids.iter().all(|index| own.contains(index)) {
            return Err("bids go that are another one's, or void already".to_owned());
        }
        self.may_go(event, &retracted.reason, &own, &bids)?;
        for index in &bids {
            if let Some(bid) = self.bids.get_mut(*index) {
                bid.is_void = true;
            }
        }
        self.bid_count = self.bid_count.saturating_sub(bids.len() as u64);
        if retracted.bid_count != self.bid_count {
            return Err(format!("{} bids stand, not {}", self.bid_count, retracted.bid_count));
        }
        self.stands(event, &retracted, bidder)
    }

    /// Who may take what back, and until when.
    fn may_go(
        &self,
        event: &Event,
        reason: &str,
        own: &[usize],
        bids: &[usize],
    ) -> Result<(), String> {
        let left = self.ends_at.ms_since(event.time);
        let all = bids.len() == own.len();
        let wrong = |what: &str| Err(format!("{what} (B5)"));
        let is_withdrawal = reason == "withdrawn";
        if is_withdrawal != self.format.is_sealed() || self.format == Format::Dutch {
            return wrong("sealed bids are withdrawn, others retracted");
        }
        let hours = self.terms.retraction.strip_prefix("until(");
        let hours = hours.and_then(|rest| rest.strip_suffix(')')?.parse::<i64>().ok());
        match (reason, self.terms.retraction.as_str(), hours) {
            ("withdrawn" | "cancelled_by_seller", ..) if all => Ok(()),
            ("withdrawn" | "cancelled_by_seller", ..) => wrong("all bids of the bidder go"),
            (_, "none", _) => wrong("bids of this auction bind"),
            (_, _, Some(hours)) if left < hours * 3_600_000 => wrong("it is too late"),
            (_, _, Some(_)) if all => Ok(()),
            (_, "ebay", _) if left >= limits::RETRACTION_LEFT_MS && all => Ok(()),
            (_, "ebay", _) if left < limits::RETRACTION_LEFT_MS => {
                let last = own.last().and_then(|index| Some((*index, self.bids.get(*index)?)));
                let fresh = last
                    .filter(|(_, bid)| event.time.ms_since(bid.time) <= limits::RETRACTION_AGE_MS);
                let is_last = fresh.is_some_and(|(index, _)| *bids == [index]);
                if is_last { Ok(()) } else { wrong("only a fresh last bid goes so late") }
            }
            _ => wrong("all bids of the bidder go"),
        }
    }

    /// Takes what the event says of the rest, as far as it can be so.
    fn stands(
        &mut self,
        event: &Event,
        retracted: &BidRetracted,
        bidder: u32,
    ) -> Result<(), String> {
        let price = retracted.price.map(|price| self.terms.amount(price)).transpose()?;
        let leader = retracted.leader.as_deref().map(|leader| self.known(leader)).transpose()?;
        let newest = leader
            .map(|leader| self.standing(leader).pop().ok_or("the leader has no bid that stands"));
        self.leading = newest.transpose()?;
        // A maximum of the bidder that counts again and does not lead is shown (B2.7).
        let again = self.standing(bidder).pop().filter(|index| self.leading != Some(*index));
        let hidden =
            again.filter(|index| self.bids.get(*index).is_some_and(|bid| bid.amount.is_none()));
        self.revealed(&retracted.revealed, hidden.filter(|_| !self.format.is_sealed()))?;
        let next = match self.format {
            Format::English | Format::OpenOutcry => Some(self.terms.least(price)),
            Format::Reverse => self.terms.most(price),
            _ => None,
        };
        let reverse = self.format == Format::Reverse;
        let says = if reverse { retracted.next_maximum } else { retracted.next_minimum };
        if says != next.map(|next| Money::new(next, self.terms.currency())) {
            return Err("the next bound does not follow from the price".to_owned());
        }
        match self.format {
            Format::English => self.refold(event, retracted, price)?,
            Format::OpenOutcry | Format::Reverse => self.newest_leads(retracted, price)?,
            _ if price.is_some() || leader.is_some() => {
                return Err("a price or a leader while bids are sealed".to_owned());
            }
            _ => {}
        }
        if (retracted.reserve == Reserve::None) != (self.terms.reserve == Reserve::None) {
            return Err("a reserve came or went".to_owned());
        }
        (self.price, self.reserve) = (price, retracted.reserve);
        Ok(())
    }

    /// Where each bid beats the one before, the newest that stands leads at its own amount.
    fn newest_leads(
        &mut self,
        retracted: &BidRetracted,
        price: Option<Minor>,
    ) -> Result<(), String> {
        let newest = self.bids.iter().rev().find(|bid| !bid.is_void);
        let amount = newest.and_then(|bid| bid.amount);
        if retracted.leader != newest.map(|bid| alias(bid.bidder)) || price != amount {
            return Err("the newest bid that stands leads at its amount (B5)".to_owned());
        }
        match amount {
            Some(amount) if self.format == Format::OpenOutcry => {
                self.reserve_by(amount, retracted.reserve)
            }
            _ => Ok(()),
        }
    }

    /// The surviving bids in their order under B2. Without a reserve, and where all amounts are
    /// known, that is exact; a hidden maximum leaves it open.
    fn refold(
        &mut self,
        event: &Event,
        retracted: &BidRetracted,
        price: Option<Minor>,
    ) -> Result<(), String> {
        let standing: Vec<_> = self.bids.iter().filter(|bid| !bid.is_void).collect();
        if standing.is_empty() != price.is_none() || price.is_none() != retracted.leader.is_none() {
            return Err("there is a price and a leader exactly while a bid stands".to_owned());
        }
        let amounts: Option<Vec<_>> =
            standing.iter().map(|bid| Some((bid.bidder, bid.amount?))).collect();
        let has_cut = standing.iter().any(|bid| bid.is_cut);
        let exact = amounts.filter(|_| self.terms.reserve == Reserve::None && !has_cut);
        let Some(amounts) = exact else {
            self.doubt(event.seq, "hidden amounts decide the price after this retraction (B5)");
            return Ok(());
        };
        let folded = self.folded(&amounts);
        let leader = folded.map(|(_, leader)| alias(leader));
        if (price, &retracted.leader) != (folded.map(|(price, _)| price), &leader) {
            return Err("price and leader are not those of the bids that stand (B5)".to_owned());
        }
        Ok(())
    }

    /// Price and leader of bids in their order, minimums not validated again.
    fn folded(&self, bids: &[(u32, Minor)]) -> Option<(Minor, u32)> {
        let mut live: BTreeMap<u32, (Minor, usize)> = BTreeMap::new();
        let mut state: Option<(Minor, u32)> = None;
        for (at, (bidder, amount)) in bids.iter().enumerate() {
            live.insert(*bidder, (*amount, at));
            let best = live
                .iter()
                .max_by(|(_, one), (_, other)| one.0.cmp(&other.0).then(other.1.cmp(&one.1)));
            let Some((leader, (maximum, _))) = best.map(|(leader, best)| (*leader, *best)) else {
                continue;
            };
            let others = live.iter().filter(|(other, _)| **other != leader);
            let second = others.map(|(_, (amount, _))| *amount).max();
            let price = match (state, second) {
                (None, _) => self.terms.start_price.amount,
                (Some((price, led)), _) if led == leader && *bidder == led => price,
                (Some((price, _)), None) => price,
                (Some((price, _)), Some(second)) => {
                    price.max(second.plus(self.terms.increment(second)).min(maximum))
                }
            };
            state = Some((price, leader));
        }
        state
    }
}
