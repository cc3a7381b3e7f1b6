//! Accepted bids, and how they move the end.

use kernel::{Minor, Money};
use proof::Event;

use crate::book::{Bid, Book, Owed, Phase, alias};
use crate::request::Opened;
use crate::said::{BidPlaced, Extended, Reserve};
use crate::terms::Format;
use crate::walk::said;

/// What a format makes of a bid.
pub(crate) struct Judged {
    pub(crate) leads: bool,
    pub(crate) price: Option<Minor>,
    /// What the next bid must be, as the event must say it.
    pub(crate) next: Option<Minor>,
    /// Leader or price changed.
    pub(crate) moved: bool,
    pub(crate) owed: Option<Owed>,
}

impl Book {
    pub(crate) fn bid_placed(
        &mut self,
        event: &Event,
        next: Option<&Event>,
        opened: Option<&&Opened>,
    ) -> Result<(), String> {
        if self.phase == Phase::Scheduled {
            return Err("a bid before the opening".to_owned());
        }
        self.runs(event)?;
        let bid: BidPlaced = said(event)?;
        let bidder = self.bidding(&bid.bidder)?;
        if self.blocked.contains(&bidder) {
            return Err(format!("{} was blocked", bid.bidder));
        }
        if self.by_id(&bid.bid_id).is_some() {
            return Err(format!("the bid {} was placed before", bid.bid_id));
        }
        if bid.bid_count != self.bid_count + 1 {
            return Err(format!("bid_count is {} after {}", bid.bid_count, self.bid_count));
        }
        let mut placed = self.placed(event, &bid, bidder)?;
        placed.opened = self.open_for_owner(bid.commitment, opened)?;
        let reserve_before = self.reserve;
        let judged = if next.is_some_and(is_bought_now) {
            self.bought_now(&bid, &placed)?
        } else {
            match self.format {
                Format::English => self.english(&bid, &mut placed)?,
                Format::OpenOutcry => self.outcry(&bid, &placed)?,
                Format::Reverse => self.reverse(&bid, &placed)?,
                Format::Dutch => self.dutch(event, &bid, &placed)?,
                Format::FirstPrice | Format::Vickrey | Format::Uniform => {
                    self.sealed(&bid, &mut placed)?
                }
            }
        };
        if self.terms.reserve == Reserve::None && bid.reserve != Reserve::None {
            return Err("a reserve that the terms do not have".to_owned());
        }
        if reserve_before == Reserve::Met && bid.reserve != Reserve::Met {
            return Err("a bid makes a reserve unmet that was met".to_owned());
        }
        self.take(event, bid, placed, judged)
    }

    fn placed(&self, event: &Event, bid: &BidPlaced, bidder: u32) -> Result<Bid, String> {
        let amount = bid.amount.map(|amount| self.terms.amount(amount)).transpose()?;
        Ok(Bid {
            id: bid.bid_id.clone(),
            bidder,
            seq: event.seq,
            time: event.time,
            commitment: bid.commitment,
            amount,
            opened: None,
            least: None,
            quantity: bid.quantity.unwrap_or(1),
            min_quantity: 1,
            price: bid.price.map(|price| self.terms.amount(price)).transpose()?,
            is_void: false,
            is_cut: false,
            seen: Vec::new(),
        })
    }

    /// What the event says of the auction after the bid must be so; then it is.
    fn take(
        &mut self,
        event: &Event,
        bid: BidPlaced,
        placed: Bid,
        judged: Judged,
    ) -> Result<(), String> {
        let Judged { leads, price, next, moved, owed } = judged;
        let leader =
            if leads { Some(placed.bidder) } else { self.leading_bid().map(|it| it.bidder) };
        if bid.leader != leader.map(alias) {
            return Err(format!("the leader is {:?}, not {:?}", leader.map(alias), bid.leader));
        }
        if placed.price != price {
            return Err(format!("the price is {:?}, not {:?}", shown(price), shown(placed.price)));
        }
        let says = if self.format == Format::Reverse { bid.next_maximum } else { bid.next_minimum };
        if says != next.map(|next| Money::new(next, self.terms.currency())) {
            return Err(format!("the next bound is {}, and it says another one", shown(next)));
        }
        let end = if moved { self.terms.end_after(self.ends_at, event.time) } else { self.ends_at };
        if bid.ends_at != end {
            return Err(format!("the end is {end} after this bid, not {} (B6)", bid.ends_at));
        }
        self.owed = owed.or((end != self.ends_at).then_some(Owed::Extension {
            old_end: self.ends_at,
            new_end: end,
            cause_seq: event.seq,
        }));
        self.bidders = self.bidders.max(placed.bidder);
        self.bid_count += 1;
        if !self.format.is_sealed() {
            self.price = price;
        }
        self.reserve = bid.reserve;
        self.buy_now_open &= bid.reserve == Reserve::NotMet;
        if leads {
            self.leading = Some(self.bids.len());
        }
        self.bids.push(placed);
        Ok(())
    }

    /// B4.3: the auction ends at the Buy It Now price; maxima that compete lapse unseen.
    fn bought_now(&mut self, bid: &BidPlaced, placed: &Bid) -> Result<Judged, String> {
        let price = self.terms.buy_now_price.map(|price| price.amount);
        let price = price.filter(|_| self.buy_now_open);
        let price = price.ok_or("bought at a price that is not offered (any more) (B4.2)")?;
        if placed.amount != Some(price) || bid.commitment.is_some() {
            return Err(format!("bought at another amount than {} (B4.3)", price.get()));
        }
        self.revealed(&bid.revealed, None)?;
        let owed = Some(Owed::Sale { bidder: placed.bidder, price, at_once: true });
        Ok(Judged { leads: true, price: Some(price), next: None, moved: false, owed })
    }

    fn outcry(&mut self, bid: &BidPlaced, placed: &Bid) -> Result<Judged, String> {
        let amount = visible(bid, placed)?;
        let least = self.terms.least(self.price);
        if amount < least {
            return Err(too_low(amount, least));
        }
        self.revealed(&bid.revealed, None)?;
        self.reserve_by(amount, bid.reserve)?;
        let next = Some(self.terms.least(Some(amount)));
        Ok(Judged { leads: true, price: Some(amount), next, moved: true, owed: None })
    }

    fn reverse(&mut self, bid: &BidPlaced, placed: &Bid) -> Result<Judged, String> {
        let amount = visible(bid, placed)?;
        let most = self.terms.most(self.price).ok_or("no lower ask was possible (B8)")?;
        if amount > most || amount == Minor::ZERO {
            let (amount, most) = (amount.get(), most.get());
            return Err(format!("an ask of {amount}; 1 to {most} was due (B8)"));
        }
        self.revealed(&bid.revealed, None)?;
        let next = self.terms.most(Some(amount));
        Ok(Judged { leads: true, price: Some(amount), next, moved: true, owed: None })
    }

    fn dutch(&mut self, event: &Event, bid: &BidPlaced, placed: &Bid) -> Result<Judged, String> {
        let amount = visible(bid, placed)?;
        let clock = self.terms.clock_price(event.time).ok_or("there is no clock")?;
        if amount != clock {
            let (amount, clock) = (amount.get(), clock.get());
            return Err(format!("accepted at {amount}; the clock stood at {clock} (B8)"));
        }
        self.revealed(&bid.revealed, None)?;
        let sold = self.units_sold.saturating_add(placed.quantity);
        if placed.quantity == 0 || sold > self.terms.quantity {
            return Err(format!("{sold} units sold of {}", self.terms.quantity));
        }
        self.units_sold = sold;
        let is_last = sold == self.terms.quantity;
        let owed = Owed::Sale { bidder: placed.bidder, price: clock, at_once: false };
        let (owed, next) = (is_last.then_some(owed), (!is_last).then_some(clock));
        Ok(Judged { leads: true, price: Some(clock), next, moved: false, owed })
    }

    fn sealed(&mut self, bid: &BidPlaced, placed: &mut Bid) -> Result<Judged, String> {
        if placed.amount.is_some() || bid.commitment.is_none() {
            return Err("a sealed bid shows its amount, or commits to none".to_owned());
        }
        if bid.reserve != self.terms.reserve {
            return Err("a sealed bid tells of the reserve".to_owned());
        }
        self.revealed(&bid.revealed, None)?;
        placed.least = Some(self.terms.start_price.amount);
        Ok(Judged { leads: false, price: None, next: None, moved: false, owed: None })
    }

    /// The reserve is met by a visible amount, or it is not.
    pub(crate) fn reserve_by(&mut self, amount: Minor, said: Reserve) -> Result<(), String> {
        match said {
            Reserve::None if self.terms.reserve == Reserve::None => Ok(()),
            Reserve::None => Err("the reserve is gone".to_owned()),
            Reserve::Met => self.bound_reserve(amount, true),
            Reserve::NotMet => self.bound_reserve(amount, false),
        }
    }

    pub(crate) fn extended(&mut self, event: &Event, owed: Owed) -> Result<(), String> {
        let Extended { cause_seq, new_end, old_end } = said(event)?;
        if owed != (Owed::Extension { old_end, new_end, cause_seq }) {
            return Err("the extension is not that of the bid before it (B6)".to_owned());
        }
        self.ends_at = new_end;
        Ok(())
    }
}

/// Ends that event an auction because somebody took the Buy It Now price?
fn is_bought_now(event: &Event) -> bool {
    let reason = event.data.get("result").and_then(|result| result.get("reason"));
    event.name == "auction_closed" && reason.is_some_and(|reason| reason == "bought_now")
}

/// The amount of a bid that hides nothing.
fn visible(bid: &BidPlaced, placed: &Bid) -> Result<Minor, String> {
    if bid.commitment.is_some() {
        return Err("an amount is hidden that this format shows".to_owned());
    }
    placed.amount.ok_or_else(|| "an amount lacks that this format shows".to_owned())
}

/// An amount, or that there is none.
pub(crate) fn shown(amount: Option<Minor>) -> String {
    amount.map_or_else(|| "none".to_owned(), |amount| amount.get().to_string())
}

/// A bid that should have been refused.
pub(crate) fn too_low(amount: Minor, least: Minor) -> String {
    format!("a bid of {}; at least {} was due (B2.1, B8)", amount.get(), least.get())
}
