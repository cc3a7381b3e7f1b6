//! Bids that become void: retractions and cancelled bids with their refold (rules.md B5), and
//! sealed bids that are taken back (B8).

use kernel::{Context, Id, Timestamp, kind, limits};

use crate::bidding;
use crate::contract::{ReserveState, RetractionReason};
use crate::event::{Event, Retracted, Retraction};
use crate::lot::{Bid, Lot, Phase};
use crate::refusal::{Code, Refusal};

/// Retracts the caller's bids, or cancels a bidder's for the seller. No event when it was done
/// before.
pub(crate) fn retract(
    lot: &Lot,
    context: &Context<'_>,
    bid_id: Id<kind::Bid>,
    reason: RetractionReason,
) -> Result<Vec<Event>, Refusal> {
    let (index, bid) = find(lot, bid_id)?;
    let caller = bidding::user(context)?;
    let is_own = lot.bidder(bid.bidder).is_some_and(|bidder| bidder.user == caller);
    let is_sellers = reason == RetractionReason::CancelledBySeller;
    if (is_sellers && caller != lot.listing.seller) || (!is_sellers && !is_own) {
        return Err(Refusal::new(Code::Forbidden, "only its bidder can retract a bid"));
    }
    if bid.void == Some(reason) {
        return Ok(Vec::new());
    }
    if !lot.listing.format.has_retraction() {
        return Err(not_allowed("bids of this format are not retracted (B5, B8)"));
    }
    still_runs(lot, context.now)?;
    if bid.void.is_some() {
        return Err(not_allowed("the bid is void already"));
    }
    let all = || own_bids(lot, bid.bidder);
    let bids = match (is_sellers, lot.listing.retraction) {
        (true, _) => all(),
        (false, Retraction::None) => {
            return Err(not_allowed("bids of this auction bind (B5)"));
        }
        (false, Retraction::Until(hours)) => {
            let left = lot.ends_at.ms_since(context.now);
            if left < i64::from(hours) * 3_600_000 {
                let detail = format!("bids can be retracted until {hours} h before the end (B5)");
                return Err(not_allowed(detail));
            }
            all()
        }
        (false, Retraction::Ebay) if lot.ends_at.ms_since(context.now) >= EARLY_MS => all(),
        (false, Retraction::Ebay) => vec![late(lot, context.now, index, bid)?],
    };
    Ok(vec![Event::Retracted(without(lot, context.now, bid.bidder, bids, reason))])
}

/// Takes the caller's sealed bid back.
pub(crate) fn withdraw(
    lot: &Lot,
    context: &Context<'_>,
    bid_id: Id<kind::Bid>,
) -> Result<Vec<Event>, Refusal> {
    let (index, bid) = find(lot, bid_id)?;
    let caller = bidding::user(context)?;
    let bidder = lot.bidder(bid.bidder).filter(|bidder| bidder.user == caller);
    let Some(bidder) = bidder else {
        return Err(Refusal::new(Code::Forbidden, "only its bidder can withdraw a bid"));
    };
    if !lot.listing.format.rules().is_sealed() {
        return Err(not_allowed("only sealed bids are withdrawn; others may be retracted (B5)"));
    }
    if bid.void == Some(RetractionReason::Withdrawn) {
        return Ok(Vec::new());
    }
    still_runs(lot, context.now)?;
    if bidder.live != Some(index) {
        return Err(not_allowed("a later bid of yours has replaced this one"));
    }
    let reason = RetractionReason::Withdrawn;
    let bids = own_bids(lot, bid.bidder);
    Ok(vec![Event::Retracted(without(lot, context.now, bid.bidder, bids, reason))])
}

fn find(lot: &Lot, bid_id: Id<kind::Bid>) -> Result<(u32, &Bid), Refusal> {
    let missing = || Refusal::new(Code::BidNotFound, "there is no such bid here");
    lot.bid_by_id(bid_id).ok_or_else(missing)
}

fn still_runs(lot: &Lot, now: Timestamp) -> Result<(), Refusal> {
    if now >= lot.ends_at || matches!(lot.phase, Phase::Closed(_)) {
        return Err(Refusal::new(Code::AuctionClosed, "the auction has ended"));
    }
    Ok(())
}

fn own_bids(lot: &Lot, bidder: u32) -> Vec<u32> {
    let own = lot.standing_bids().filter(|(_, bid)| bid.bidder == bidder);
    own.map(|(index, _)| index).collect()
}

/// Less than twelve hours left: only the bidder's last bid, and only while it is fresh. That keeps
/// bid shielding from working.
fn late(lot: &Lot, now: Timestamp, index: u32, bid: &Bid) -> Result<u32, Refusal> {
    if lot.bidder(bid.bidder).is_none_or(|bidder| bidder.live != Some(index)) {
        return Err(not_allowed("with less than 12 h left only your last bid can go (B5)"));
    }
    if now.ms_since(bid.time) > limits::RETRACTION_AGE_MS {
        let detail = "with less than 12 h left only a bid of the last 60 minutes can go (B5)";
        return Err(not_allowed(detail));
    }
    Ok(index)
}

/// What stands when these bids had never been placed. The end does not move.
fn without(
    lot: &Lot,
    now: Timestamp,
    bidder: u32,
    bids: Vec<u32>,
    reason: RetractionReason,
) -> Retracted {
    let rules = lot.listing.format.rules();
    let survives = |index: u32| {
        lot.bid(index).is_some_and(|bid| bid.void.is_none()) && bids.binary_search(&index).is_err()
    };
    let folded = rules.refold(lot, &survives);
    let reserve = match lot.listing.reserve {
        None => ReserveState::None,
        Some(_) if folded.reserve_met => ReserveState::Met,
        Some(_) => ReserveState::NotMet,
    };
    Retracted {
        bidder,
        reason,
        price: folded.price,
        leading: folded.leading,
        next: rules.asks(lot, folded.price, now).bound(),
        reserve,
        bids,
    }
}

fn not_allowed(detail: impl Into<String>) -> Refusal {
    Refusal::new(Code::RetractionNotAllowed, detail)
}

const EARLY_MS: i64 = limits::RETRACTION_LEFT_MS;
