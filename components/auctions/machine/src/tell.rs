//! What the world is told of a decision: which auction changed, for tables that follow it, and
//! facts for people, one message each. A fact holds what everyone may see and who is concerned,
//! never a hidden amount. Who reads these messages, and what becomes of them, is elsewhere.

use kernel::{Effect, Id, Message, Money, Timestamp, canonical, kind};
use serde::Serialize;

use crate::close::Closing;
use crate::contract::Status;
use crate::event::{Award, BidPlaced, Event, Listing};
use crate::formats::Format;
use crate::lot::Lot;

/// The messages of a batch of events that ends at `seq`; the lot is as it stands after them.
pub(crate) fn effects(lot: &Lot, key: &str, seq: u64, events: &[Event]) -> Vec<Effect> {
    let mut telling = Telling { key, effects: Vec::with_capacity(1) };
    telling.send("auction.changed.v1", &Changed { seq });
    let ends = |event: &Event| matches!(event, Event::Closed { .. } | Event::Cancelled { .. });
    if events.iter().any(ends) {
        telling.send("auction.closed.v1", &Changed { seq });
    }
    let before = seq.saturating_sub(u64::try_from(events.len()).unwrap_or(0));
    for (seq, event) in (before + 1..).zip(events) {
        telling.fact(lot, seq, event);
    }
    telling.effects
}

struct Telling<'a> {
    key: &'a str,
    effects: Vec<Effect>,
}

#[derive(Serialize)]
struct Changed {
    seq: u64,
}

/// `auction.opened.v1`: it takes bids from now on. `auction.amended.v1`: its terms are others.
#[derive(Serialize)]
struct Terms<'a> {
    ends_at: Timestamp,
    format: &'static str,
    quantity: u32,
    seller: Id<kind::User>,
    seq: u64,
    start_price: Money,
    starts_at: Timestamp,
    title: &'a str,
}

/// `auction.outbid.v1`: somebody lost the lead to another bid.
#[derive(Serialize)]
struct Outbid<'a> {
    ends_at: Timestamp,
    format: &'static str,
    next_maximum: Option<Money>,
    next_minimum: Option<Money>,
    price: Option<Money>,
    seq: u64,
    title: &'a str,
    user_id: Id<kind::User>,
}

/// `auction.extended.v1`: a late bid moved the end.
#[derive(Serialize)]
struct Extended<'a> {
    ends_at: Timestamp,
    old_end: Timestamp,
    price: Option<Money>,
    seq: u64,
    title: &'a str,
}

/// `auction.ended.v1`: it is over, and so.
#[derive(Serialize)]
struct Ended<'a> {
    /// The listing is gone, not only over.
    deleted: bool,
    format: &'static str,
    /// What the seller told bidders of a cancellation.
    note: Option<&'a str>,
    outcome: Status,
    reason: Option<&'static str>,
    seller: Id<kind::User>,
    seq: u64,
    title: &'a str,
    winners: Vec<Winner>,
}

#[derive(Serialize)]
struct Winner {
    quantity: u32,
    unit_price: Money,
    user_id: Id<kind::User>,
}

impl Telling<'_> {
    fn send(&mut self, topic: &'static str, body: &impl Serialize) {
        let (key, body) = (self.key.to_owned(), canonical::to_vec(body));
        self.effects.push(Effect::Send(Message { topic, key, body }));
    }

    fn fact(&mut self, lot: &Lot, seq: u64, event: &Event) {
        match event {
            Event::Opened(_) => self.send("auction.opened.v1", &terms(&lot.listing, seq)),
            Event::Changed(listing) => self.send("auction.amended.v1", &terms(listing, seq)),
            Event::BidPlaced(placed) => {
                if let Some(outbid) = outbid(lot, seq, placed) {
                    self.send("auction.outbid.v1", &outbid);
                }
            }
            Event::Extended { old_end, new_end, .. } => {
                let price = lot.price.map(|price| lot.listing.money(price));
                let (title, old_end, ends_at) = (&*lot.listing.title, *old_end, *new_end);
                let extended = Extended { seq, title, price, old_end, ends_at };
                self.send("auction.extended.v1", &extended);
            }
            Event::Closed { closing, awards } => {
                self.send("auction.ended.v1", &ended(lot, seq, *closing, awards));
            }
            Event::Cancelled { reason, deleted } => {
                let note = Some(&**reason).filter(|_| !deleted);
                let ended =
                    Ended { note, deleted: *deleted, ..ended(lot, seq, Closing::Cancelled, &[]) };
                self.send("auction.ended.v1", &ended);
            }
            // What concerns nobody but the one who did it, or the log.
            Event::Scheduled(_)
            | Event::DescriptionAdded(_)
            | Event::Retracted(_)
            | Event::ReserveLowered(_)
            | Event::MaxLowered { .. }
            | Event::Revealed
            | Event::Blocked { .. }
            | Event::OfferMade(_)
            | Event::OfferEnded { .. }
            | Event::PicturesChanged(_)
            | Event::OutageDeclared(_) => {}
        }
    }
}

fn terms(listing: &Listing, seq: u64) -> Terms<'_> {
    Terms {
        seq,
        title: &listing.title,
        seller: listing.seller,
        format: listing.format.name(),
        quantity: listing.quantity,
        start_price: listing.money(listing.start_price),
        starts_at: listing.starts_at,
        ends_at: listing.scheduled_end,
    }
}

/// A bid that takes the lead from somebody else. One that does not lead was beaten by a hidden
/// maximum, which its reply has told; one that buys ends the auction, which everyone is told.
fn outbid<'a>(lot: &'a Lot, seq: u64, placed: &BidPlaced) -> Option<Outbid<'a>> {
    let beaten = lot.bidder(lot.bid(lot.overtaken()?)?.bidder)?;
    let money = |amount| lot.listing.money(amount);
    let is_reverse = matches!(lot.listing.format, Format::Reverse(_));
    Some(Outbid {
        seq,
        title: &lot.listing.title,
        format: lot.listing.format.name(),
        user_id: beaten.user,
        price: placed.price.map(money),
        next_minimum: placed.next.filter(|_| !is_reverse).map(money),
        next_maximum: placed.next.filter(|_| is_reverse).map(money),
        ends_at: placed.ends_at,
    })
}

fn ended<'a>(lot: &'a Lot, seq: u64, closing: Closing, awards: &[Award]) -> Ended<'a> {
    let winner = |award: &Award| {
        let user_id = lot.bidder(award.bidder)?.user;
        let unit_price = lot.listing.money(award.unit_price);
        Some(Winner { user_id, quantity: award.quantity, unit_price })
    };
    Ended {
        seq,
        title: &lot.listing.title,
        format: lot.listing.format.name(),
        seller: lot.listing.seller,
        outcome: closing.status(),
        reason: closing.reason(),
        note: None,
        deleted: false,
        winners: awards.iter().filter_map(winner).collect(),
    }
}
