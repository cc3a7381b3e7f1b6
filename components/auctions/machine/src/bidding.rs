//! What all formats share about a bid: who may bid and when, units, the confirmation, the end that
//! it moves (rules.md B4, B6). The price is the format's business.

use kernel::{Context, Id, Minor, Timestamp, kind, limits};

use crate::close::Closing;
use crate::contract::{Outcome, PlaceBid, ReserveState};
use crate::event::{Award, BidPlaced, Event, Shape};
use crate::formats::{Asked, Judged};
use crate::lot::{Lot, Phase};
use crate::refusal::{Code, Refusal};
use crate::why::Why;

/// The events of an accepted bid: the opening if it is due, the bid, the extension if it moves the
/// end, the close if it buys the last unit. Checks run in the order of this function, so one wrong
/// bid has exactly one answer.
pub(crate) fn place(
    lot: &Lot,
    context: &Context<'_>,
    bid: &PlaceBid,
) -> Result<Vec<Event>, Refusal> {
    let user = user(context)?;
    let opens = admissible(lot, context.now, user)?;
    let amount = offered(lot, bid)?;
    let asked = asked(lot, context.now, lot.bidder_index(user), amount, bid);
    let rules = lot.listing.format.rules();
    let judged = rules.judge(&asked)?;
    confirmed(lot, amount, bid.confirm)?;
    Ok(Placing { lot, context, user, opens }.events(amount, shape(bid), judged))
}

/// The events of an accepted Buy It Now (B4.3).
pub(crate) fn buy_now(lot: &Lot, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let user = user(context)?;
    let opens = admissible(lot, context.now, user)?;
    let Some(price) = lot.listing.buy_now.filter(|_| lot.buy_now_open) else {
        let detail = match lot.listing.buy_now {
            None => "this auction has no Buy It Now price",
            Some(_) => "the Buy It Now price was offered until the bidding passed it (B4.2)",
        };
        return Err(Refusal::new(Code::BuyNowUnavailable, detail));
    };
    let judged = Judged {
        outcome: Outcome::Won,
        price: Some(price),
        reserve: ReserveState::of(Some(price), lot.listing.reserve_amount()),
        why: Why::BoughtNow,
        hidden: false,
        moved: false,
        filled: 0,
        ends: true,
    };
    let shape = Shape { quantity: None, min_quantity: None, confirm: None };
    Ok(Placing { lot, context, user, opens }.events(price, shape, judged))
}

/// The bid as its format judges it.
pub(crate) fn asked<'a>(
    lot: &'a Lot,
    now: Timestamp,
    bidder: Option<u32>,
    amount: Minor,
    bid: &PlaceBid,
) -> Asked<'a> {
    let quantity = bid.quantity.unwrap_or(1);
    Asked { lot, now, bidder, amount, quantity, min_quantity: bid.min_quantity }
}

/// The user behind a command.
pub(crate) fn user(context: &Context<'_>) -> Result<Id<kind::User>, Refusal> {
    context
        .principal
        .and_then(|principal| principal.parse().ok())
        .ok_or_else(|| Refusal::new(Code::InvalidCommand, "only a user can do this"))
}

/// The members of a bid beside its amount.
pub(crate) fn shape(bid: &PlaceBid) -> Shape {
    Shape { quantity: bid.quantity, min_quantity: bid.min_quantity, confirm: bid.confirm }
}

/// May this user bid at this instant? True when the opening is due and has not happened.
pub(crate) fn admissible(lot: &Lot, now: Timestamp, user: Id<kind::User>) -> Result<bool, Refusal> {
    if lot.listing.seller == user {
        return Err(Refusal::new(Code::SellerCannotBid, "sellers do not bid on what they sell"));
    }
    if lot.is_blocked(user) {
        return Err(Refusal::new(Code::BidderBlocked, "the seller takes no bids from you here"));
    }
    if now >= lot.ends_at || matches!(lot.phase, Phase::Closed(_)) {
        return Err(Refusal::new(Code::AuctionClosed, "the auction has ended"));
    }
    let scheduled = lot.phase == Phase::Scheduled;
    if scheduled && now < lot.listing.starts_at {
        let detail = format!("the auction starts at {}", lot.listing.starts_at);
        return Err(Refusal::new(Code::AuctionNotStarted, detail));
    }
    Ok(scheduled)
}

/// The amount, if currency and units can be meant.
pub(crate) fn offered(lot: &Lot, bid: &PlaceBid) -> Result<Minor, Refusal> {
    let listing = &lot.listing;
    let currency = listing.currency;
    if bid.amount.currency != currency {
        let detail = format!("this auction is in {currency}");
        return Err(Refusal::new(Code::CurrencyMismatch, detail));
    }
    let units = 1..=listing.quantity;
    let (wanted, least) = (bid.quantity.unwrap_or(1), bid.min_quantity.unwrap_or(1));
    if !units.contains(&wanted) {
        let detail = match listing.quantity {
            1 => "this auction sells one unit".to_owned(),
            quantity => format!("a bid here is for 1 to {quantity} units"),
        };
        return Err(Refusal::new(Code::InvalidQuantity, detail));
    }
    if !(1..=wanted).contains(&least) {
        let detail = format!("min_quantity is 1 to the quantity of the bid, {wanted}");
        return Err(Refusal::new(Code::InvalidQuantity, detail));
    }
    Ok(bid.amount.amount)
}

/// A slip of the finger is asked for twice. The bound is wide: while maxima are hidden, an honest
/// one can lie far above a price that is still low.
fn confirmed(lot: &Lot, amount: Minor, confirm: Option<bool>) -> Result<(), Refusal> {
    let Some(usual) = lot.listing.format.rules().usual(lot) else { return Ok(()) };
    let times = limits::CONFIRM_TIMES;
    let scale = 10_i64.pow(lot.listing.currency.exponent());
    let small = limits::CONFIRM_FROM_MAJOR.saturating_mul(scale);
    if confirm == Some(true) || amount.get() < usual.get().saturating_mul(times).max(small) {
        return Ok(());
    }
    let detail = format!(
        "{} is {times} times the least bid of {} or more; send it again with \"confirm\": true \
         if you mean it",
        lot.listing.money(amount),
        lot.listing.money(usual)
    );
    Err(Refusal::new(Code::ConfirmationRequired, detail))
}

struct Placing<'a> {
    lot: &'a Lot,
    context: &'a Context<'a>,
    user: Id<kind::User>,
    opens: bool,
}

impl Placing<'_> {
    fn events(&self, amount: Minor, shape: Shape, judged: Judged) -> Vec<Event> {
        let (lot, context) = (self.lot, self.context);
        let mut events = Vec::with_capacity(2);
        if self.opens {
            events.push(Event::Opened(None));
        }
        let seq = context.at.seq + if self.opens { 2 } else { 1 };
        let old_end = lot.ends_at;
        let new_end = match lot.listing.soft_close {
            Some(soft_close) if judged.moved => soft_close.end_after(old_end, context.now),
            _ => old_end,
        };
        let next = lot.listing.format.rules().asks(lot, judged.price, context.now);
        events.push(Event::BidPlaced(BidPlaced {
            bid_id: Id::new(context.now, context.id_bytes()),
            bidder: self.user,
            amount,
            salt: judged.hidden.then(|| context.salt(seq)),
            command: context.command_key,
            shape,
            filled: judged.filled,
            price: judged.price,
            next: next.bound().filter(|_| !judged.ends),
            outcome: judged.outcome,
            reserve: judged.reserve,
            ends_at: new_end,
            why: judged.why,
        }));
        if judged.ends {
            events.push(self.sold_out(&judged));
        } else if new_end != old_end {
            events.push(Event::Extended { old_end, new_end, cause_seq: seq });
        }
        events
    }

    /// The close that comes with the bid that buys what is left.
    fn sold_out(&self, judged: &Judged) -> Event {
        let newcomer = || u32::try_from(self.lot.bidders.len()).unwrap_or(u32::MAX);
        let bidder = self.lot.bidder_index(self.user).unwrap_or_else(newcomer);
        let unit_price = judged.price.unwrap_or_default();
        if judged.why == Why::BoughtNow {
            let awards = vec![Award { bidder, quantity: 1, unit_price }];
            return Event::Closed { closing: Closing::BoughtNow, awards };
        }
        let mut awards = self.lot.listing.format.rules().awards(self.lot);
        awards.push(Award { bidder, quantity: judged.filled, unit_price });
        Event::Closed { closing: Closing::Sold, awards }
    }
}
