//! What everyone may see of an event (api.md §4, "Events"). Fields stand in byte order: these
//! bytes enter the hash chain as they are.

mod shapes;

use kernel::{Minor, Misfit, Timestamp, canonical};
use serde::Serialize;

use crate::close::{Closing, Movement};
use crate::contract::{Outcome, ReserveState};
use crate::event::{Award, BidPlaced, Event, HiddenAmount, Listing, OfferEnding, Retracted};
use crate::formats::Format;
use crate::lot::{Bid, Lot, Phase};
use crate::outages::Outage;
use crate::view;
use crate::why::Why;
use shapes::{
    Cancelled, Closed, DescriptionAdded, Extended, MaxLowered, Named, OfferEnded, Offered,
    OutageDeclared, PicturesChanged, PublicBid, PublicResult, PublicRetraction, PublicSoftClose,
    PublicTerms, PublicWinner, ReserveLowered, Revealed, Unsealed, UnsealedBid,
};

/// Appends the canonical body of an event that follows the state.
pub fn describe(
    lot: Option<&Lot>,
    seq: u64,
    time: Timestamp,
    event: &Event,
    body: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let misfit = Misfit("the event cannot follow this state of the auction");
    let mut write = Writing { seq, time, body };
    match (event, lot) {
        (Event::Scheduled(listing), None) => write.event("auction_scheduled", &terms(listing)),
        (Event::Opened(Some(listing)), None) => write.event("auction_opened", &terms(listing)),
        (event, Some(lot)) => match (event, lot.phase) {
            (Event::Opened(None), Phase::Scheduled) => {
                write.event("auction_opened", &terms(&lot.listing));
            }
            (event, Phase::Closed(closing)) => afterwards(&mut write, lot, closing, event)?,
            (event, Phase::Open) => bidding(&mut write, lot, event)?,
            (event, Phase::Scheduled) => selling(&mut write, lot, event)?,
        },
        _ => return Err(misfit),
    }
    Ok(())
}

/// `bidder-1`, `bidder-2`, … in order of first accepted bid.
pub fn alias(bidder: u32) -> String {
    format!("bidder-{}", u64::from(bidder) + 1)
}

struct Writing<'a> {
    seq: u64,
    time: Timestamp,
    body: &'a mut Vec<u8>,
}

impl Writing<'_> {
    fn event(&mut self, name: &str, data: &impl Serialize) {
        canonical::write_event(data, name, self.seq, self.time, self.body);
    }
}

/// Events of an open auction.
fn bidding(write: &mut Writing<'_>, lot: &Lot, event: &Event) -> Result<(), Misfit> {
    match event {
        Event::BidPlaced(placed) => write.event("bid_placed", &bid_placed(lot, placed)),
        Event::Extended { old_end, new_end, cause_seq } => {
            let (cause_seq, new_end, old_end) = (*cause_seq, *new_end, *old_end);
            write.event("auction_extended", &Extended { cause_seq, new_end, old_end });
        }
        Event::OutageDeclared(outage) => {
            let Outage { from, until, grace_seconds } = *outage;
            write.event("outage_declared", &OutageDeclared { from, grace_seconds, until });
        }
        Event::Retracted(retracted) => {
            write.event("bid_retracted", &bid_retracted(lot, retracted)?);
        }
        Event::MaxLowered { bid, to } => {
            write.event("max_lowered", &max_lowered(lot, *bid, *to)?);
        }
        Event::Revealed => {
            let bids = lot.live_bids().map(|bid| unsealed(lot, bid)).collect();
            write.event("bids_revealed", &Unsealed { bids });
        }
        Event::Closed { closing, awards } => {
            let result = result(&lot.listing, *closing, awards);
            write.event("auction_closed", &Closed { result });
        }
        event => selling(write, lot, event)?,
    }
    Ok(())
}

/// Events of an auction that is not over, whether it takes bids already or not.
fn selling(write: &mut Writing<'_>, lot: &Lot, event: &Event) -> Result<(), Misfit> {
    match event {
        Event::Changed(listing) if lot.bids.is_empty() => {
            write.event("auction_changed", &terms(listing));
        }
        Event::DescriptionAdded(text) => {
            write.event("description_added", &DescriptionAdded { text });
        }
        Event::ReserveLowered(reserve) if lot.listing.reserve.is_some() => {
            let commitment = reserve.commitment(lot.listing.currency);
            write.event("reserve_lowered", &ReserveLowered { reserve_commitment: commitment });
        }
        Event::Cancelled { reason, deleted: _ } => {
            let result = result(&lot.listing, Closing::Cancelled, &[]);
            write.event("auction_cancelled", &Cancelled { reason, result });
        }
        Event::Blocked { user, blocked } => {
            // Who has not bid has no alias, and identities never enter the log.
            let bidder = lot.bidder_index(*user).map(alias);
            let name = if *blocked { "bidder_blocked" } else { "bidder_unblocked" };
            write.event(name, &Named { bidder });
        }
        Event::PicturesChanged(pictures) => {
            let pictures = pictures.iter().map(Into::into).collect();
            write.event("pictures_changed", &PicturesChanged { pictures });
        }
        _ => return Err(Misfit("the event cannot follow this state of the auction")),
    }
    Ok(())
}

/// Events after the end.
fn afterwards(
    write: &mut Writing<'_>,
    lot: &Lot,
    closing: Closing,
    event: &Event,
) -> Result<(), Misfit> {
    match event {
        Event::OfferMade(made) if closing != Closing::Cancelled => {
            let data = Offered {
                bidder: alias(made.bidder),
                expires_at: made.expires_at,
                offer_id: made.id,
                price: lot.listing.money(made.price),
            };
            write.event("second_chance_offered", &data);
        }
        Event::OfferEnded { offer, ending } => {
            let offer = usize::try_from(*offer).ok().and_then(|at| lot.offers.get(at));
            let offer = offer.ok_or(Misfit("an offer ends that was never made"))?;
            let name = match ending {
                OfferEnding::Accepted => "second_chance_accepted",
                OfferEnding::Declined => "second_chance_declined",
                OfferEnding::Expired => "second_chance_expired",
            };
            let data = OfferEnded { bidder: alias(offer.made.bidder), offer_id: offer.made.id };
            write.event(name, &data);
        }
        _ => return Err(Misfit("the auction is over")),
    }
    Ok(())
}

fn terms(listing: &Listing) -> PublicTerms<'_> {
    let soft_close = listing.soft_close;
    let (dutch, reverse, uniform_price) = view::numbers(listing);
    PublicTerms {
        buy_now_price: listing.buy_now.map(|price| listing.money(price)),
        category: &listing.category,
        description: &listing.description,
        dutch: dutch.map(Into::into),
        ends_at: listing.scheduled_end,
        format: listing.format.name(),
        increments: listing.ladder.as_ref().map_or(&[], |ladder| ladder.bands()),
        quantity: listing.quantity,
        reserve: ReserveState::of(None, listing.reserve_amount()),
        reserve_commitment: listing.reserve.map(|hidden| hidden.commitment(listing.currency)),
        retraction: listing.retraction.to_string(),
        reverse,
        seller: listing.seller,
        soft_close: PublicSoftClose {
            extension_seconds: soft_close.map(|rule| rule.extension_seconds),
            hard_stop_at: soft_close.and_then(|rule| rule.hard_stop_at),
            mode: match soft_close.map(|rule| rule.mode) {
                None => "off",
                Some(Movement::Reset) => "reset",
                Some(Movement::Add) => "add",
            },
            window_seconds: soft_close.map(|rule| rule.window_seconds),
        },
        start_price: listing.money(listing.start_price),
        starts_at: listing.starts_at,
        title: &listing.title,
        uniform_price,
    }
}

fn bid_placed(lot: &Lot, placed: &BidPlaced) -> PublicBid {
    let listing = &lot.listing;
    let money = |amount: Minor| listing.money(amount);
    let newcomer = || u32::try_from(lot.bidders.len()).unwrap_or(u32::MAX);
    let bidder = lot.bidder_index(placed.bidder).unwrap_or_else(newcomer);
    let before = lot.leading_bid();
    let leads = matches!(placed.outcome, Outcome::Leading | Outcome::Won);
    let beaten = before.filter(|leading| {
        placed.outcome == Outcome::Leading && leading.bidder != bidder && !leading.shown
    });
    let leader = if leads { Some(bidder) } else { before.map(|leading| leading.bidder) };
    let is_reverse = matches!(listing.format, Format::Reverse(_));
    let next = placed.next.map(money);
    let open_amount = if placed.why == Why::Clock { placed.price } else { Some(placed.amount) };
    let quantity = listing.format.is_multi_unit().then(|| match placed.filled {
        0 => placed.shape.quantity.unwrap_or(1),
        filled => filled,
    });
    PublicBid {
        amount: open_amount.filter(|_| placed.salt.is_none()).map(money),
        bid_count: lot.bid_count() + 1,
        bid_id: placed.bid_id,
        bidder: alias(bidder),
        commitment: placed.salt.map(|salt| salt.commit(&money(placed.amount))),
        ends_at: placed.ends_at,
        leader: leader.map(alias),
        next_maximum: next.filter(|_| is_reverse),
        next_minimum: next.filter(|_| !is_reverse),
        price: placed.price.map(money),
        quantity,
        reserve: placed.reserve,
        revealed: beaten.map(|bid| revealed(lot, bid)).into_iter().collect(),
    }
}

fn bid_retracted(lot: &Lot, retracted: &Retracted) -> Result<PublicRetraction, Misfit> {
    let listing = &lot.listing;
    let bids = retracted.bids.iter().map(|index| Some(lot.bid(*index)?.id));
    let bid_ids: Option<Vec<_>> = bids.collect();
    let bid_ids = bid_ids.ok_or(Misfit("a bid is retracted that was never placed"))?;
    let is_reverse = matches!(listing.format, Format::Reverse(_));
    let next = retracted.next.map(|next| listing.money(next));
    let leader = retracted.leading.and_then(|index| lot.bid(index));
    let goes = |index: &u32| retracted.bids.binary_search(index).is_ok();
    let mut own = lot
        .standing_bids()
        .rev()
        .filter(|(index, bid)| bid.bidder == retracted.bidder && !goes(index));
    let live = own.next().filter(|(index, bid)| retracted.leading != Some(*index) && !bid.shown);
    Ok(PublicRetraction {
        bid_count: lot.bid_count().saturating_sub(retracted.bids.len()),
        bid_ids,
        bidder: alias(retracted.bidder),
        leader: leader.map(|bid| alias(bid.bidder)),
        next_maximum: next.filter(|_| is_reverse),
        next_minimum: next.filter(|_| !is_reverse),
        price: retracted.price.map(|price| listing.money(price)),
        reason: retracted.reason,
        reserve: retracted.reserve,
        revealed: live.map(|(_, bid)| revealed(lot, bid)).into_iter().collect(),
    })
}

fn max_lowered(lot: &Lot, bid: u32, to: HiddenAmount) -> Result<MaxLowered, Misfit> {
    let bid = lot.bid(bid).ok_or(Misfit("a maximum is lowered that was never placed"))?;
    Ok(MaxLowered {
        bid_id: bid.id,
        bidder: alias(bid.bidder),
        commitment: to.commitment(lot.listing.currency),
    })
}

fn revealed(lot: &Lot, bid: &Bid) -> Revealed {
    let salt = bid.cut.as_ref().map_or(bid.salt, |cut| Some(cut.to.salt));
    Revealed { amount: lot.listing.money(bid.max()), bid_id: bid.id, salt }
}

fn unsealed(lot: &Lot, bid: &Bid) -> UnsealedBid {
    let quantity = lot.listing.format.is_multi_unit().then(|| bid.shape.quantity.unwrap_or(1));
    UnsealedBid {
        amount: lot.listing.money(bid.amount),
        bid_id: bid.id,
        bidder: alias(bid.bidder),
        min_quantity: bid.shape.min_quantity,
        quantity,
        salt: bid.salt,
    }
}

fn result(listing: &Listing, closing: Closing, awards: &[Award]) -> PublicResult {
    let winner = |award: &Award| PublicWinner {
        bidder: alias(award.bidder),
        quantity: award.quantity,
        unit_price: listing.money(award.unit_price),
    };
    let named = awards.first().filter(|_| listing.quantity == 1);
    PublicResult {
        hammer_price: awards.last().map(|award| listing.money(award.unit_price)),
        outcome: closing.status(),
        quantity: awards.iter().map(|award| award.quantity).sum(),
        reason: closing.reason(),
        winner: named.map(|award| Named { bidder: Some(alias(award.bidder)) }),
        winners: awards.iter().map(winner).collect(),
    }
}
