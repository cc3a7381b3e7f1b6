//! Deciding a bid in an english auction with proxy bidding (rules.md B2, B3.1, B3.2, B6).

use kernel::{Context, Id, Minor, kind};

use crate::contract::{PlaceBid, ReserveState};
use crate::event::{BidPlaced, Event, Shape};
use crate::explain;
use crate::lot::{Lot, Phase};
use crate::proxy::{self, Before, Settled};
use crate::refusal::{Code, Refusal};

/// The events of an accepted bid: the opening if it is due, the bid, the extension if it moves the
/// end. Checks run in the order of this function, so one wrong bid has exactly one answer.
pub fn place(lot: &Lot, context: &Context<'_>, bid: &PlaceBid) -> Result<Vec<Event>, Refusal> {
    let bidder = user(context)?;
    let opens = admissible(lot, context, bidder)?;
    let amount = offered(lot, bid)?;
    let standing = lot.leading_bid().zip(lot.price).map(|(leading, price)| Before {
        price,
        leader_max: leading.amount,
        own_raise: lot.bidder(leading.bidder).is_some_and(|leader| leader.user == bidder),
    });
    sufficient(lot, standing, amount)?;
    let listing = &lot.listing;
    let settled = proxy::settle(
        &listing.ladder,
        listing.start_price,
        listing.reserve_amount(),
        standing,
        amount,
    );
    let mut events = Vec::with_capacity(2);
    if opens {
        events.push(Event::Opened(None));
    }
    let seq = context.at.seq + if opens { 2 } else { 1 };
    let moved = standing
        .is_none_or(|before| before.price != settled.price || (settled.leads && !before.own_raise));
    let old_end = lot.ends_at;
    let new_end = match listing.soft_close {
        Some(soft_close) if moved => soft_close.end_after(old_end, context.now),
        _ => old_end,
    };
    let placed = Placing { lot, context, bidder, amount, seq, settled, new_end };
    events.push(Event::BidPlaced(placed.event(bid)));
    if new_end != old_end {
        events.push(Event::Extended { old_end, new_end, cause_seq: seq });
    }
    Ok(events)
}

/// The user behind a command.
pub fn user(context: &Context<'_>) -> Result<Id<kind::User>, Refusal> {
    context
        .principal
        .and_then(|principal| principal.parse().ok())
        .ok_or_else(|| Refusal::new(Code::InvalidCommand, "only a user can do this"))
}

/// The members of a bid beside its amount.
pub fn shape(bid: &PlaceBid) -> Shape {
    Shape {
        quantity: bid.quantity.is_some(),
        min_quantity: bid.min_quantity.is_some(),
        confirm: bid.confirm,
    }
}

struct Placing<'a> {
    lot: &'a Lot,
    context: &'a Context<'a>,
    bidder: Id<kind::User>,
    amount: Minor,
    seq: u64,
    settled: Settled,
    new_end: kernel::Timestamp,
}

impl Placing<'_> {
    fn event(&self, bid: &PlaceBid) -> BidPlaced {
        let (listing, settled) = (&self.lot.listing, &self.settled);
        let least = proxy::minimum(&listing.ladder, listing.start_price, Some(settled.price));
        BidPlaced {
            bid_id: Id::new(self.context.now, self.context.id_bytes()),
            bidder: self.bidder,
            amount: self.amount,
            salt: settled.leads.then(|| self.context.salt(self.seq)),
            command: self.context.command_key,
            shape: shape(bid),
            price: settled.price,
            next_minimum: Minor::new(least).unwrap_or(Minor::MAX),
            leading: settled.leads,
            reserve: ReserveState::of(Some(settled.leader_max), listing.reserve_amount()),
            ends_at: self.new_end,
            why: settled.why,
        }
    }
}

/// May this user bid at this instant? True when the opening is due and has not happened.
fn admissible(lot: &Lot, context: &Context<'_>, bidder: Id<kind::User>) -> Result<bool, Refusal> {
    if lot.listing.seller == bidder {
        return Err(Refusal::new(Code::SellerCannotBid, "sellers do not bid on what they sell"));
    }
    if context.now >= lot.ends_at || matches!(lot.phase, Phase::Closed(_)) {
        return Err(Refusal::new(Code::AuctionClosed, "the auction has ended"));
    }
    let scheduled = lot.phase == Phase::Scheduled;
    if scheduled && context.now < lot.listing.starts_at {
        let detail = format!("the auction starts at {}", lot.listing.starts_at);
        return Err(Refusal::new(Code::AuctionNotStarted, detail));
    }
    Ok(scheduled)
}

fn offered(lot: &Lot, bid: &PlaceBid) -> Result<Minor, Refusal> {
    let currency = lot.listing.currency;
    if bid.amount.currency != currency {
        let detail = format!("this auction is in {currency}");
        return Err(Refusal::new(Code::CurrencyMismatch, detail));
    }
    if [bid.quantity, bid.min_quantity].iter().flatten().any(|units| *units != 1) {
        let detail = "an english auction sells one unit";
        return Err(Refusal::new(Code::InvalidQuantity, detail));
    }
    Ok(bid.amount.amount)
}

/// Rules.md B2.1.
fn sufficient(lot: &Lot, standing: Option<Before>, amount: Minor) -> Result<(), Refusal> {
    if let Some(Before { leader_max, own_raise: true, .. }) = standing {
        if amount > leader_max {
            return Ok(());
        }
        let detail = format!(
            "you lead with a maximum of {}; a new one must be higher (B2.1)",
            lot.listing.money(leader_max)
        );
        return Err(Refusal::new(Code::OwnMaxNotRaised, detail));
    }
    let least = proxy::minimum(&lot.listing.ladder, lot.listing.start_price, lot.price);
    if amount.get() >= least {
        return Ok(());
    }
    Err(Refusal::new(Code::BidTooLow, explain::too_low(lot, least)))
}
