//! What everyone may see of an event (api.md §4, "Events"). Fields stand in byte order: these
//! bytes enter the hash chain as they are.

use kernel::{Digest, Id, Minor, Misfit, Money, Salt, Timestamp, canonical, kind};
use serde::Serialize;

use crate::close::{Closing, Movement};
use crate::contract::{Band, ReserveState, Status};
use crate::event::{BidPlaced, Event, Listing};
use crate::lot::{Bid, Lot, Phase};

/// Appends the canonical body of an event that follows the state.
pub fn describe(
    lot: Option<&Lot>,
    seq: u64,
    time: Timestamp,
    event: &Event,
    body: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let phase = lot.map(|lot| lot.phase);
    match (event, lot, phase) {
        (Event::Scheduled(listing), None, _) => {
            canonical::write_event(&terms(listing), "auction_scheduled", seq, time, body);
        }
        (Event::Opened(Some(listing)), None, _) => {
            canonical::write_event(&terms(listing), "auction_opened", seq, time, body);
        }
        (Event::Opened(None), Some(lot), Some(Phase::Scheduled)) => {
            canonical::write_event(&terms(&lot.listing), "auction_opened", seq, time, body);
        }
        (Event::BidPlaced(placed), Some(lot), Some(Phase::Open)) => {
            canonical::write_event(&bid_placed(lot, placed), "bid_placed", seq, time, body);
        }
        (Event::Extended { old_end, new_end, cause_seq }, Some(_), Some(Phase::Open)) => {
            let (cause_seq, new_end, old_end) = (*cause_seq, *new_end, *old_end);
            let data = Extended { cause_seq, new_end, old_end };
            canonical::write_event(&data, "auction_extended", seq, time, body);
        }
        (Event::Closed(closing), Some(lot), Some(Phase::Open)) => {
            let data = Closed { result: result(lot, *closing) };
            canonical::write_event(&data, "auction_closed", seq, time, body);
        }
        _ => return Err(Misfit("the event cannot follow this state of the auction")),
    }
    Ok(())
}

/// `bidder-1`, `bidder-2`, … in order of first accepted bid.
pub fn alias(bidder: u32) -> String {
    format!("bidder-{}", u64::from(bidder) + 1)
}

#[derive(Serialize)]
struct PublicTerms<'a> {
    buy_now_price: Option<Money>,
    category: &'a str,
    description: &'a str,
    ends_at: Timestamp,
    format: &'static str,
    increments: &'a [Band],
    quantity: u32,
    reserve: ReserveState,
    reserve_commitment: Option<Digest>,
    retraction: String,
    seller: Id<kind::User>,
    soft_close: PublicSoftClose,
    start_price: Money,
    starts_at: Timestamp,
    title: &'a str,
}

#[derive(Serialize)]
struct PublicSoftClose {
    extension_seconds: Option<u32>,
    hard_stop_at: Option<Timestamp>,
    mode: &'static str,
    window_seconds: Option<u32>,
}

#[derive(Serialize)]
struct PublicBid {
    amount: Option<Money>,
    bid_count: usize,
    bid_id: Id<kind::Bid>,
    bidder: String,
    commitment: Option<Digest>,
    ends_at: Timestamp,
    leader: Option<String>,
    next_minimum: Money,
    price: Money,
    reserve: ReserveState,
    revealed: Vec<Revealed>,
}

#[derive(Serialize)]
struct Revealed {
    amount: Money,
    bid_id: Id<kind::Bid>,
    salt: Option<Salt>,
}

#[derive(Serialize)]
struct Extended {
    cause_seq: u64,
    new_end: Timestamp,
    old_end: Timestamp,
}

#[derive(Serialize)]
struct Closed {
    result: PublicResult,
}

#[derive(Serialize)]
struct PublicResult {
    hammer_price: Option<Money>,
    outcome: Status,
    quantity: usize,
    reason: Option<&'static str>,
    winner: Option<Named>,
    winners: Vec<PublicWinner>,
}

#[derive(Serialize)]
struct Named {
    bidder: String,
}

#[derive(Serialize)]
struct PublicWinner {
    bidder: String,
    quantity: u32,
    unit_price: Money,
}

fn terms(listing: &Listing) -> PublicTerms<'_> {
    let soft_close = listing.soft_close;
    PublicTerms {
        buy_now_price: None,
        category: &listing.category,
        description: &listing.description,
        ends_at: listing.scheduled_end,
        format: "english",
        increments: listing.ladder.bands(),
        quantity: 1,
        reserve: ReserveState::of(None, listing.reserve_amount()),
        reserve_commitment: listing.reserve.map(|hidden| hidden.commitment(listing.currency)),
        retraction: listing.retraction.to_string(),
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
    }
}

fn bid_placed(lot: &Lot, placed: &BidPlaced) -> PublicBid {
    let money = |amount: Minor| lot.listing.money(amount);
    let newcomer = || u32::try_from(lot.bidders.len()).unwrap_or(u32::MAX);
    let bidder = lot.bidder_index(placed.bidder).unwrap_or_else(newcomer);
    let before = lot.leading_bid();
    let beaten = before.filter(|leading| placed.leading && leading.bidder != bidder);
    let leader = if placed.leading { Some(bidder) } else { before.map(|leading| leading.bidder) };
    PublicBid {
        amount: (!placed.leading).then(|| money(placed.amount)),
        bid_count: lot.bids.len() + 1,
        bid_id: placed.bid_id,
        bidder: alias(bidder),
        commitment: placed.salt.map(|salt| salt.commit(&money(placed.amount))),
        ends_at: placed.ends_at,
        leader: leader.map(alias),
        next_minimum: money(placed.next_minimum),
        price: money(placed.price),
        reserve: placed.reserve,
        revealed: beaten.map(|bid| revealed(lot, bid)).into_iter().collect(),
    }
}

fn revealed(lot: &Lot, bid: &Bid) -> Revealed {
    Revealed { amount: lot.listing.money(bid.amount), bid_id: bid.id, salt: bid.salt }
}

fn result(lot: &Lot, closing: Closing) -> PublicResult {
    let sold = lot.leading_bid().zip(lot.price).filter(|_| closing == Closing::Sold);
    let winner = sold.map(|(leading, price)| (alias(leading.bidder), lot.listing.money(price)));
    let (named, winners) = match &winner {
        Some((bidder, unit_price)) => (
            Some(Named { bidder: bidder.clone() }),
            vec![PublicWinner { bidder: bidder.clone(), quantity: 1, unit_price: *unit_price }],
        ),
        None => (None, Vec::new()),
    };
    PublicResult {
        hammer_price: winner.map(|(_, price)| price),
        outcome: closing.status(),
        quantity: winners.len(),
        reason: closing.reason(),
        winner: named,
        winners,
    }
}
