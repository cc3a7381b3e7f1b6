//! Second-chance offers after the end (rules.md B7).

use kernel::{Context, Id, Minor, Timestamp, kind, limits};

use crate::bidding;
use crate::close::Closing;
use crate::contract::{self, OfferStatus};
use crate::event::{Event, OfferEnding, OfferMade};
use crate::lot::{Lot, Offered, Phase};
use crate::public::alias;
use crate::refusal::{Code, Refusal};
use crate::seller;
use crate::why::Why;

/// Offers a unit to a beaten bidder.
pub(crate) fn make(
    lot: &Lot,
    context: &Context<'_>,
    bidder: &str,
    days: u8,
) -> Result<Vec<Event>, Refusal> {
    seller::owned(lot, context)?;
    if !matches!(days, 1 | 3 | 5 | 7) {
        return Err(Refusal::field("/days", "unknown_value", "an offer is open 1, 3, 5 or 7 days"));
    }
    let ended_at = match lot.phase {
        Phase::Closed(Closing::Sold | Closing::BoughtNow | Closing::ReserveNotMet) => {
            closed_at(lot)
        }
        Phase::Closed(Closing::NoBids | Closing::Cancelled) => {
            return Err(unavailable("nobody was beaten in this auction (B7)"));
        }
        Phase::Scheduled | Phase::Open => {
            return Err(unavailable("an offer is made after the end (B7)"));
        }
    };
    if context.now.ms_since(ended_at) > limits::OFFER_WITHIN_MS {
        return Err(Refusal::new(Code::TooLate, "offers are made within 60 days (B7)"));
    }
    let index = (0..).zip(&lot.bidders).find(|(index, _)| alias(*index) == bidder);
    let Some((index, _)) = index else {
        return Err(Refusal::new(Code::BidderNotFound, "there is no such bidder"));
    };
    let price = price(lot, index)?;
    let taken = |offer: &&Offered| matches!(offer.ending, None | Some(OfferEnding::Accepted));
    let has_offer = |offer: &Offered| offer.made.bidder == index;
    if lot.offers.iter().filter(taken).any(has_offer) {
        return Err(unavailable("this bidder has an offer already"));
    }
    let units = usize::try_from(lot.listing.quantity).unwrap_or(usize::MAX);
    if lot.offers.iter().filter(taken).count() >= units || lot.offers.len() >= limits::OFFERS_MAX {
        let detail = "as many offers as units are open or accepted; wait for an answer (B7)";
        return Err(unavailable(detail));
    }
    Ok(vec![Event::OfferMade(OfferMade {
        id: Id::new(context.now, context.id_bytes()),
        command: context.command_key,
        bidder: index,
        price,
        days,
        expires_at: context.now.plus_ms(i64::from(days) * DAY_MS),
    })])
}

/// When it was over: at its end, or before it with the bid that bought what was left.
fn closed_at(lot: &Lot) -> Timestamp {
    let sold_out = lot.filled() == lot.listing.quantity;
    let last = lot.bids.last().filter(|last| last.why == Why::BoughtNow || sold_out);
    last.map_or(lot.ends_at, |last| last.time)
}

/// Accepts or declines. Answering again in the same way changes nothing.
pub(crate) fn answer(
    lot: &Lot,
    context: &Context<'_>,
    offer_id: Id<kind::Offer>,
    accept: bool,
) -> Result<Vec<Event>, Refusal> {
    let found = (0..).zip(&lot.offers).find(|(_, offer)| offer.made.id == offer_id);
    let Some((offer, offered)) = found else {
        return Err(Refusal::new(Code::OfferNotFound, "there is no such offer"));
    };
    let caller = bidding::user(context)?;
    if lot.bidder(offered.made.bidder).is_none_or(|bidder| bidder.user != caller) {
        return Err(Refusal::new(Code::Forbidden, "the offer is to somebody else"));
    }
    let ending = if accept { OfferEnding::Accepted } else { OfferEnding::Declined };
    match status(offered, context.now) {
        OfferStatus::Open => Ok(vec![Event::OfferEnded { offer, ending }]),
        OfferStatus::Accepted if accept => Ok(Vec::new()),
        OfferStatus::Declined if !accept => Ok(Vec::new()),
        OfferStatus::Accepted => Err(closed("the offer was accepted")),
        OfferStatus::Declined => Err(closed("the offer was declined")),
        OfferStatus::Expired => Err(closed("the offer has lapsed")),
    }
}

/// An offer as its parties see it.
pub(crate) fn shown(lot: &Lot, offer: &Offered, now: Timestamp) -> contract::Offer {
    contract::Offer {
        offer_id: offer.made.id,
        bidder: alias(offer.made.bidder),
        price: lot.listing.money(offer.made.price),
        expires_at: offer.made.expires_at,
        status: status(offer, now),
    }
}

/// A beaten bidder's own highest amount; the standing price for the leader of an unmet reserve.
/// Never the hidden remainder of a maximum.
fn price(lot: &Lot, bidder: u32) -> Result<Minor, Refusal> {
    if lot.awards.iter().any(|award| award.bidder == bidder) {
        return Err(unavailable("this bidder has bought already"));
    }
    let leads = lot.leading_bid().is_some_and(|leading| leading.bidder == bidder);
    let bid = lot.bidder(bidder).and_then(|bidder| lot.bid(bidder.live?));
    match (bid, lot.price) {
        (Some(_), Some(price)) if leads => Ok(price),
        (Some(bid), _) if bid.shown => Ok(bid.shown_amount()),
        _ => Err(unavailable("this bidder has no bid that could be offered at (B7)")),
    }
}

fn status(offer: &Offered, now: Timestamp) -> OfferStatus {
    match offer.ending {
        Some(OfferEnding::Accepted) => OfferStatus::Accepted,
        Some(OfferEnding::Declined) => OfferStatus::Declined,
        Some(OfferEnding::Expired) => OfferStatus::Expired,
        None if now >= offer.made.expires_at => OfferStatus::Expired,
        None => OfferStatus::Open,
    }
}

fn unavailable(detail: &str) -> Refusal {
    Refusal::new(Code::OfferUnavailable, detail)
}

fn closed(detail: &str) -> Refusal {
    Refusal::new(Code::OfferClosed, detail)
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
