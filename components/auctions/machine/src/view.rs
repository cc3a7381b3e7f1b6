//! Answers to questions and the shapes of replies (`contract.rs`). The reserve and a hidden
//! maximum leave through [`own`] only, to their owner.

use kernel::{ChainHead, Id, Position, kind, limits};

use crate::close::Movement;
use crate::contract::{
    AuctionResult, BidReply, Commitment, Fixed, History, Own, PastBid, Receipt, Row, SoftClose,
    SoftCloseMode, Standing, Status, View, Winner,
};
use crate::explain;
use crate::lot::{Bid, Lot, Phase};
use crate::public::alias;

/// The public view.
pub fn view(lot: &Lot, at: &Position) -> View {
    View { fixed: fixed(lot), row: row(lot, at.seq), head: at.head.digest().to_hex() }
}

/// The part of the view that bidding changes.
pub fn row(lot: &Lot, seq: u64) -> Row {
    let listing = &lot.listing;
    Row {
        status: match lot.phase {
            Phase::Scheduled => Status::Scheduled,
            Phase::Open => Status::Open,
            Phase::Closed(closing) => closing.status(),
        },
        price: lot.price.map(|price| listing.money(price)),
        next_minimum: biddable(lot).then(|| listing.money(lot.next_minimum())),
        bid_count: count(lot.bids.len()),
        bidder_count: count(lot.bidders.len()),
        leader: lot.leading_bid().map(|leading| alias(leading.bidder)),
        reserve: lot.reserve_state(),
        ends_at: lot.ends_at,
        seq,
        result: result(lot),
    }
}

/// Public facts for a refusal.
pub fn standing(lot: &Lot, seq: u64) -> Standing {
    Standing {
        price: lot.price.map(|price| lot.listing.money(price)),
        next_minimum: biddable(lot).then(|| lot.listing.money(lot.next_minimum())),
        ends_at: lot.ends_at,
        seq,
    }
}

/// What the bidder is told about an accepted bid, now and whenever it asks again.
pub fn bid_reply(lot: &Lot, bid: &Bid) -> BidReply {
    let heads = lot.heads_around(bid.seq);
    let hex = |head: &ChainHead| head.digest().to_hex();
    BidReply {
        bid_id: bid.id,
        seq: bid.seq,
        outcome: if bid.leading { "leading" } else { "outbid" }.to_owned(),
        price: lot.listing.money(bid.price),
        next_minimum: lot.listing.money(bid.next_minimum),
        leading: bid.leading,
        reserve: bid.reserve,
        ends_at: bid.ends_at,
        server_time: bid.time,
        explanation: explain::price(lot, bid),
        receipt: Receipt {
            seq: bid.seq,
            prev: heads.map(|(prev, _)| hex(prev)).unwrap_or_default(),
            head: heads.map(|(_, head)| hex(head)).unwrap_or_default(),
            server_time: bid.time,
        },
    }
}

/// The viewer's own bidding.
pub fn own(lot: &Lot, seq: u64, viewer: Option<Id<kind::User>>) -> Own {
    let bidder = viewer.and_then(|viewer| lot.bidder_index(viewer));
    let live = bidder.and_then(|bidder| lot.bid(lot.bidder(bidder)?.live));
    let is_seller = viewer == Some(lot.listing.seller);
    let reserve = lot.listing.reserve.filter(|_| is_seller);
    let of_reserve = reserve.map(|hidden| Commitment {
        seq: RESERVE_SEQ,
        salt: hidden.salt.digest().to_hex(),
        amount: lot.listing.money(hidden.amount),
    });
    let bids = bidder.map(|bidder| lot.bids_of(bidder)).unwrap_or_default();
    let of_bids = bids.into_iter().filter_map(|bid| {
        let salt = bid.salt?.digest().to_hex();
        Some(Commitment { seq: bid.seq, salt, amount: lot.listing.money(bid.amount) })
    });
    Own {
        my_max: live.map(|bid| lot.listing.money(bid.amount)),
        has_bid: bidder.is_some(),
        is_seller,
        leading: bidder.is_some() && bidder == lot.leading_bid().map(|leading| leading.bidder),
        alias: bidder.map(alias),
        reserve_price: reserve.map(|hidden| lot.listing.money(hidden.amount)),
        commitments: of_reserve.into_iter().chain(of_bids).collect(),
        row: row(lot, seq),
    }
}

/// Bids after a seq, oldest first.
pub fn history(lot: &Lot, after: u64, limit: u32) -> History {
    let first = lot.bids.partition_point(|bid| bid.seq <= after);
    let rest = lot.bids.get(first..).unwrap_or_default();
    let limit = usize::try_from(limit.clamp(1, limits::PAGE_MAX_ITEMS)).unwrap_or(1);
    let items: Vec<_> = rest.iter().take(limit).map(|bid| past_bid(lot, bid)).collect();
    History { more: items.len() < rest.len(), items }
}

fn past_bid(lot: &Lot, bid: &Bid) -> PastBid {
    PastBid {
        bid_id: bid.id,
        bidder: alias(bid.bidder),
        amount: bid.shown.then(|| lot.listing.money(bid.amount)),
        price: lot.listing.money(bid.price),
        time: bid.time,
        seq: bid.seq,
        retracted: false,
    }
}

fn fixed(lot: &Lot) -> Fixed {
    let listing = &lot.listing;
    let rule = listing.soft_close;
    Fixed {
        title: listing.title.to_string(),
        description: listing.description.to_string(),
        category: listing.category.to_string(),
        format: "english".to_owned(),
        seller: listing.seller,
        start_price: listing.money(listing.start_price),
        buy_now_price: None,
        increments: listing.ladder.bands().to_vec(),
        soft_close: SoftClose {
            mode: match rule.map(|rule| rule.mode) {
                None => SoftCloseMode::Off,
                Some(Movement::Reset) => SoftCloseMode::Reset,
                Some(Movement::Add) => SoftCloseMode::Add,
            },
            window_seconds: rule.map(|rule| i64::from(rule.window_seconds)),
            extension_seconds: rule.map(|rule| i64::from(rule.extension_seconds)),
            hard_stop_at: rule.and_then(|rule| rule.hard_stop_at),
        },
        retraction: listing.retraction.to_string(),
        quantity: 1,
        starts_at: listing.starts_at,
        scheduled_end: listing.scheduled_end,
    }
}

fn result(lot: &Lot) -> Option<AuctionResult> {
    let Phase::Closed(closing) = lot.phase else { return None };
    let sold = lot.leading_bid().zip(lot.price).filter(|_| closing.reason().is_none());
    let winner = sold.and_then(|(leading, price)| {
        Some(Winner {
            bidder: alias(leading.bidder),
            user_id: lot.bidder(leading.bidder)?.user,
            quantity: 1,
            unit_price: lot.listing.money(price),
        })
    });
    Some(AuctionResult {
        outcome: closing.status(),
        reason: closing.reason().map(str::to_owned),
        hammer_price: winner.as_ref().map(|winner| winner.unit_price),
        quantity: winner.as_ref().map_or(0, |winner| winner.quantity),
        winners: winner.iter().cloned().collect(),
        winner,
    })
}

fn biddable(lot: &Lot) -> bool {
    !matches!(lot.phase, Phase::Closed(_))
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// The first event of an auction carries the reserve's commitment.
const RESERVE_SEQ: u64 = 1;
