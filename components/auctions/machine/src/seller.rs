//! What only the seller does: change, cancel, take away, lower the reserve, block a bidder.

use kernel::{Context, Id, Minor, Money, kind, limits};

use crate::bidding;
use crate::contract::{Change, ReserveState};
use crate::event::{Event, HiddenAmount};
use crate::lot::{Lot, Phase};
use crate::public::alias;
use crate::refusal::{Code, Refusal};
use crate::terms::{self, Basis};

/// Other terms before the first bid, an addition to the description at any time.
pub(crate) fn change(
    lot: &Lot,
    context: &Context<'_>,
    change: &Change,
) -> Result<Vec<Event>, Refusal> {
    running(lot, context)?;
    seen(context, &change.head)?;
    let mut events = Vec::new();
    if let Some(patch) = &change.terms {
        if !lot.bids.is_empty() {
            let detail = "after the first bid only a description_addition is possible";
            return Err(Refusal::new(Code::FrozenAfterBid, detail));
        }
        let listing = terms::amended(lot, patch, &Basis::of_change(lot, context))?;
        if listing != lot.listing {
            events.push(Event::Changed(Box::new(listing)));
        }
    }
    if let Some(text) = &change.description_addition {
        terms::check_addition(lot, text)?;
        events.push(Event::DescriptionAdded(text.as_str().into()));
    }
    Ok(events)
}

/// Calls the auction off; bids lapse.
pub(crate) fn cancel(
    lot: &Lot,
    context: &Context<'_>,
    reason: &str,
) -> Result<Vec<Event>, Refusal> {
    running(lot, context)?;
    terms::check_reason(reason)?;
    Ok(vec![Event::Cancelled { reason: reason.into(), deleted: false }])
}

/// Takes the listing away while nobody has bid.
pub(crate) fn delete(lot: &Lot, context: &Context<'_>, head: &str) -> Result<Vec<Event>, Refusal> {
    owned(lot, context)?;
    seen(context, head)?;
    if !lot.bids.is_empty() {
        let detail = "an auction with bids is cancelled, not deleted";
        return Err(Refusal::new(Code::HasBids, detail));
    }
    running(lot, context)?;
    Ok(vec![Event::Cancelled { reason: "deleted".into(), deleted: true }])
}

/// Lowers the reserve; a leader who would become the buyer without acting is cut (B3.4).
pub(crate) fn lower_reserve(
    lot: &Lot,
    context: &Context<'_>,
    amount: Money,
) -> Result<Vec<Event>, Refusal> {
    running(lot, context)?;
    let listing = &lot.listing;
    let Some(reserve) = listing.reserve else {
        let detail = "a reserve cannot be added (B3.4)";
        return Err(Refusal::new(Code::ReserveNotLower, detail));
    };
    if lot.reserve_state() == ReserveState::Met {
        return Err(Refusal::new(Code::ReserveAlreadyMet, "the reserve is met already (B3.4)"));
    }
    if lot.ends_at.ms_since(context.now) < limits::RESERVE_LOWERING_LEFT_MS {
        let detail = "a reserve is lowered 12 h before the end or earlier (B3.4)";
        return Err(Refusal::new(Code::TooLate, detail));
    }
    if amount.currency != listing.currency {
        let detail = format!("this auction is in {}", listing.currency);
        return Err(Refusal::new(Code::CurrencyMismatch, detail));
    }
    let lower = amount.amount;
    if lower >= reserve.amount {
        let detail = "the new reserve must be lower than the old one (B3.4)";
        return Err(Refusal::new(Code::ReserveNotLower, detail));
    }
    let sealed = listing.format.rules().is_sealed();
    let least = match lot.price.filter(|_| !sealed) {
        None => Some(listing.start_price),
        Some(price) => Minor::new(price.get().saturating_add(listing.step_at(price).get())).ok(),
    };
    if least.is_none_or(|least| lower < least) {
        let least = listing.money(least.unwrap_or(Minor::MAX));
        let detail = format!("the reserve stays at {least} or above (B3.4)");
        return Err(Refusal::field("/amount/amount", "too_low", detail));
    }
    let seq = context.at.seq + 1;
    let to = HiddenAmount { amount: lower, salt: context.salt(seq) };
    let mut events = vec![Event::ReserveLowered(to)];
    let overtaken = lot.leading.zip(lot.leading_bid()).filter(|(_, bid)| bid.max() >= lower);
    if let Some((bid, _)) = overtaken {
        let below = lower.minus(listing.step_at(lower));
        let amount = lot.price.map_or(below, |price| price.max(below));
        let salt = context.salt(seq + 1);
        events.push(Event::MaxLowered { bid, to: HiddenAmount { amount, salt } });
    }
    Ok(events)
}

/// Keeps a bidder from bidding here. Its bids stand; cancelling them is another decision.
pub(crate) fn block(
    lot: &Lot,
    context: &Context<'_>,
    bidder: &str,
    blocked: bool,
) -> Result<Vec<Event>, Refusal> {
    running(lot, context)?;
    let by_alias = || {
        let index = (0..).zip(&lot.bidders).find(|(index, _)| alias(*index) == bidder);
        index.map(|(_, known)| known.user)
    };
    let user = by_alias().or_else(|| bidder.parse::<Id<kind::User>>().ok());
    let Some(user) = user.filter(|user| *user != lot.listing.seller) else {
        return Err(Refusal::new(Code::BidderNotFound, "there is no such bidder"));
    };
    if blocked == lot.is_blocked(user) {
        return Ok(Vec::new());
    }
    if blocked && lot.blocked.len() >= limits::BLOCKED_MAX {
        let detail = format!("at most {} bidders can be blocked", limits::BLOCKED_MAX);
        return Err(Refusal::field("", "too_many", detail));
    }
    Ok(vec![Event::Blocked { user, blocked }])
}

/// Is the caller the seller?
pub(crate) fn owned(lot: &Lot, context: &Context<'_>) -> Result<(), Refusal> {
    if bidding::user(context)? == lot.listing.seller {
        Ok(())
    } else {
        Err(Refusal::new(Code::Forbidden, "only the seller can do this"))
    }
}

/// Is the caller the seller of an auction that is not over?
pub(crate) fn running(lot: &Lot, context: &Context<'_>) -> Result<(), Refusal> {
    owned(lot, context)?;
    if context.now >= lot.ends_at || matches!(lot.phase, Phase::Closed(_)) {
        return Err(Refusal::new(Code::AuctionClosed, "the auction has ended"));
    }
    Ok(())
}

/// Does the log still stand where the caller saw it?
fn seen(context: &Context<'_>, head: &str) -> Result<(), Refusal> {
    if context.at.head.digest().to_hex() == head {
        Ok(())
    } else {
        Err(Refusal::new(Code::PreconditionFailed, "the auction has changed since you read it"))
    }
}

impl Basis<'_> {
    fn of_change<'a>(lot: &'a Lot, context: &Context<'_>) -> Basis<'a> {
        Basis {
            command: lot.listing.command,
            seller: lot.listing.seller,
            now: context.now,
            salt: context.salt(context.at.seq + 1),
            before: Some(lot),
        }
    }
}
