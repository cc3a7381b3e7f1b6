//! How events change the state. Nothing is decided here: what was decided is recorded.

use kernel::{Id, Place, kind};

use super::{Addition, Bid, Bidder, Cut, Lot, Lowering, Offered, Overtaken, Phase};
use crate::close::Closing;
use crate::contract::{Outcome, ReserveState};
use crate::event::{Award, BidPlaced, Event, HiddenAmount, Listing, Retracted};

impl Lot {
    /// Records an event that follows.
    pub fn evolve(&mut self, place: &Place, event: &Event) {
        push_exact(&mut self.heads, place.head);
        match event {
            Event::Opened(None) => self.phase = Phase::Open,
            Event::BidPlaced(placed) => self.record_bid(place, placed),
            Event::Extended { new_end, .. } => self.ends_at = *new_end,
            Event::Closed { closing, awards } => self.close(*closing, awards),
            Event::Changed(listing) => self.change(place, listing),
            Event::DescriptionAdded(text) => {
                self.additions.push(Addition { time: place.time, text: text.clone() });
            }
            Event::Retracted(retracted) => self.retract(retracted),
            Event::ReserveLowered(reserve) => self.lower_reserve(place, *reserve),
            Event::MaxLowered { bid, to } => self.cut(place, *bid, *to),
            Event::Revealed => self.reveal(),
            Event::Cancelled { deleted, .. } => {
                self.deleted = *deleted;
                self.close(Closing::Cancelled, &[]);
            }
            Event::Blocked { user, blocked } => self.block(*user, *blocked),
            Event::OfferMade(made) => self.offers.push(Offered { made: *made, ending: None }),
            Event::OfferEnded { offer, ending } => {
                let offer = usize::try_from(*offer).ok().and_then(|at| self.offers.get_mut(at));
                if let Some(offer) = offer {
                    offer.ending = Some(*ending);
                }
            }
            Event::PicturesChanged(pictures) => self.pictures.clone_from(pictures),
            Event::OutageDeclared(outage) => self.outages.push(*outage),
            // Only the first event of an auction carries a listing.
            Event::Scheduled(_) | Event::Opened(Some(_)) => {}
        }
    }

    fn record_bid(&mut self, place: &Place, placed: &BidPlaced) {
        let Ok(index) = u32::try_from(self.bids.len()) else { return };
        let bidder = self.admit(placed.bidder, index);
        self.overtaken = Overtaken(self.leader_beside(bidder, placed.outcome));
        if matches!(placed.outcome, Outcome::Leading | Outcome::Won) {
            // A sale ends what competed before it: lapsed maxima stay hidden.
            if placed.outcome == Outcome::Leading {
                self.show_beaten(bidder);
            }
            self.leading = Some(index);
        }
        self.price = placed.price;
        self.ends_at = placed.ends_at;
        // B4.2: offered until the first bid or, with a reserve, until it is met.
        self.buy_now_open &= placed.reserve == ReserveState::NotMet;
        self.by_command.insert((bidder, placed.command), index);
        let bid = Bid {
            id: placed.bid_id,
            amount: placed.amount,
            seq: place.seq,
            time: place.time,
            price: placed.price,
            next: placed.next,
            filled: placed.filled,
            ends_at: placed.ends_at,
            why: placed.why,
            salt: placed.salt,
            command: placed.command,
            bidder,
            shape: placed.shape,
            outcome: placed.outcome,
            reserve: placed.reserve,
            shown: placed.salt.is_none(),
            cut: None,
            void: None,
        };
        push_exact(&mut self.bids, bid);
    }

    /// The leading bid, if it is another bidder's and the new one leads in its place.
    fn leader_beside(&self, bidder: u32, outcome: Outcome) -> Option<u32> {
        let leads = |index: &u32| self.bid(*index).is_some_and(|bid| bid.bidder != bidder);
        self.leading.filter(|_| outcome == Outcome::Leading).filter(leads)
    }

    /// The bidder's index, a new one for a first bid; the new bid becomes its live maximum.
    fn admit(&mut self, user: Id<kind::User>, bid: u32) -> u32 {
        if let Some(index) = self.bidder_index(user) {
            if let Some(bidder) =
                usize::try_from(index).ok().and_then(|index| self.bidders.get_mut(index))
            {
                bidder.live = Some(bid);
            }
            return index;
        }
        let index = u32::try_from(self.bidders.len()).unwrap_or(u32::MAX);
        let at = self.by_user.partition_point(|known| self.user(*known) < Some(user));
        self.by_user.insert(at, index);
        self.bidders.push(Bidder { user, live: Some(bid) });
        index
    }

    /// A maximum that another bidder beats becomes visible (rules.md B2.7).
    fn show_beaten(&mut self, by: u32) {
        let leading = self.leading.and_then(|index| usize::try_from(index).ok());
        if let Some(bid) = leading.and_then(|index| self.bids.get_mut(index))
            && bid.bidder != by
        {
            bid.shown = true;
        }
    }

    fn close(&mut self, closing: Closing, awards: &[Award]) {
        self.phase = Phase::Closed(closing);
        self.buy_now_open = false;
        self.awards = awards.to_vec();
        if let Some(award) = awards.last() {
            self.price = Some(award.unit_price);
        }
    }

    /// Before the first bid. The reserve is that of the new terms, whatever it was lowered to.
    fn change(&mut self, place: &Place, listing: &Listing) {
        self.lowerings.clear();
        self.ends_at = listing.scheduled_end;
        self.buy_now_open = listing.buy_now.is_some();
        self.reserve_seq = place.seq;
        self.listing = listing.clone();
    }

    fn retract(&mut self, retracted: &Retracted) {
        for index in &retracted.bids {
            let bid = usize::try_from(*index).ok().and_then(|index| self.bids.get_mut(index));
            if let Some(bid) = bid.filter(|bid| bid.void.is_none()) {
                bid.void = Some(retracted.reason);
                self.void_bids = self.void_bids.saturating_add(1);
            }
        }
        let newest = self.standing_bids().rev().find(|(_, bid)| bid.bidder == retracted.bidder);
        let live = newest.map(|(index, _)| index);
        let bidder = usize::try_from(retracted.bidder).ok();
        if let Some(bidder) = bidder.and_then(|index| self.bidders.get_mut(index)) {
            bidder.live = live;
        }
        self.price = retracted.price;
        self.leading = retracted.leading;
        // An earlier maximum that is live again and does not lead is a beaten one (B2.7).
        let live = live.filter(|live| self.leading != Some(*live));
        let live = live.and_then(|index| usize::try_from(index).ok());
        if let Some(bid) = live.and_then(|index| self.bids.get_mut(index)) {
            bid.shown = true;
        }
    }

    fn lower_reserve(&mut self, place: &Place, reserve: HiddenAmount) {
        let Some(before) = self.listing.reserve.replace(reserve) else { return };
        self.reserve_seq = place.seq;
        self.lowerings.push(Lowering {
            seq: place.seq,
            reserve_before: before.amount,
            reserve: reserve.amount,
            cut: None,
        });
    }

    fn cut(&mut self, place: &Place, index: u32, to: HiddenAmount) {
        let bid = usize::try_from(index).ok().and_then(|index| self.bids.get_mut(index));
        if let Some(bid) = bid {
            bid.cut = Some(Box::new(Cut { seq: place.seq, to }));
            // A new maximum is as hidden as any that leads, even if the old one was seen.
            bid.shown = false;
            if let Some(lowering) = self.lowerings.last_mut() {
                lowering.cut = Some((index, to.amount));
            }
        }
    }

    /// Live sealed bids become visible; replaced and withdrawn ones stay hidden.
    fn reveal(&mut self) {
        for bidder in &self.bidders {
            let live = bidder.live.and_then(|index| usize::try_from(index).ok());
            if let Some(bid) = live.and_then(|index| self.bids.get_mut(index)) {
                bid.shown = true;
            }
        }
    }

    fn block(&mut self, user: Id<kind::User>, blocked: bool) {
        match (self.blocked.binary_search(&user), blocked) {
            (Err(at), true) => self.blocked.insert(at, user),
            (Ok(at), false) => {
                self.blocked.remove(at);
            }
            (Ok(_), true) | (Err(_), false) => {}
        }
    }
}

/// Grows by half: doubling would leave much of the room of many small auctions empty.
fn push_exact<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 2).max(ROOM_MIN));
    }
    list.push(item);
}

const ROOM_MIN: usize = 4;
