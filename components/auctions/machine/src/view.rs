//! Answers to questions and the shapes of replies (`contract.rs`). The reserve and a hidden
//! maximum leave through [`own`] only, to their owner.

use kernel::{ChainHead, Context, Id, Money, Timestamp, kind, limits};

use crate::close::Movement;
use crate::contract::{
    AuctionResult, BidReply, Bidders, Blocked, Clock, Commitment, Decrement, Fixed, History,
    Outcome, Own, PastBid, Receipt, Row, SoftClose, SoftCloseMode, Standing, Status, Uniform, View,
    Winner,
};
use crate::event::{Award, Listing};
use crate::formats::{self, Format};
use crate::lot::{Bid, Lot, Phase};
use crate::public::alias;
use crate::{explain, offers};

/// The public view.
pub fn view(lot: &Lot, context: &Context<'_>) -> View {
    let head = context.at.head.digest().to_hex();
    let now = context.now;
    View { fixed: fixed(lot), row: row(lot, context.at.seq, now), head, tick: tick(lot, now) }
}

/// The tick of a clock that runs: the price changes with it and not with the log.
pub fn tick(lot: &Lot, now: Timestamp) -> Option<u64> {
    let Format::Dutch(clock) = lot.listing.format else { return None };
    let ticks = clock.ticks(lot.listing.starts_at, now);
    (lot.phase == Phase::Open).then(|| u64::try_from(ticks).unwrap_or(0))
}

/// The part of the view that bidding changes.
pub fn row(lot: &Lot, seq: u64, now: Timestamp) -> Row {
    let listing = &lot.listing;
    let money = |amount| listing.money(amount);
    let asks = lot.asks(now);
    Row {
        status: match lot.phase {
            Phase::Scheduled => Status::Scheduled,
            Phase::Open => Status::Open,
            Phase::Closed(closing) => closing.status(),
        },
        price: lot.shown_price(now).map(money),
        next_minimum: asks.minimum().map(money),
        next_maximum: asks.maximum().map(money),
        buy_now_price: listing.buy_now.filter(|_| lot.buy_now_open).map(money),
        bid_count: count(lot.bid_count()),
        bidder_count: count(lot.bidder_count()),
        leader: leader(lot),
        reserve: lot.reserve_state(),
        ends_at: lot.ends_at,
        seq,
        result: result(lot),
    }
}

/// Public facts for a refusal.
pub fn standing(lot: &Lot, seq: u64, now: Timestamp) -> Standing {
    let asks = lot.asks(now);
    let money = |amount| lot.listing.money(amount);
    Standing {
        price: lot.shown_price(now).map(money),
        next_minimum: asks.minimum().map(money),
        next_maximum: asks.maximum().map(money),
        ends_at: lot.ends_at,
        seq,
    }
}

/// What the bidder is told about an accepted bid, now and whenever it asks again.
pub fn bid_reply(lot: &Lot, bid: &Bid) -> BidReply {
    let heads = lot.heads_around(bid.seq);
    let hex = |head: &ChainHead| head.digest().to_hex();
    let money = |amount| lot.listing.money(amount);
    let is_reverse = matches!(lot.listing.format, Format::Reverse(_));
    let filled = bid.filled > 0;
    BidReply {
        bid_id: bid.id,
        seq: bid.seq,
        outcome: bid.outcome,
        price: bid.price.map(money),
        next_minimum: bid.next.filter(|_| !is_reverse).map(money),
        next_maximum: bid.next.filter(|_| is_reverse).map(money),
        quantity: lot.listing.format.is_multi_unit().then_some(bid.filled).filter(|_| filled),
        leading: matches!(bid.outcome, Outcome::Leading | Outcome::Won),
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
pub fn own(lot: &Lot, context: &Context<'_>, viewer: Option<Id<kind::User>>) -> Own {
    let bidder = viewer.and_then(|viewer| lot.bidder_index(viewer));
    let live = bidder.and_then(|bidder| lot.bid(lot.bidder(bidder)?.live?));
    let is_seller = viewer == Some(lot.listing.seller);
    let offers = lot.offers.iter();
    let offers = offers.filter(|offer| is_seller || Some(offer.made.bidder) == bidder);
    let money = |amount| lot.listing.money(amount);
    let reserve = lot.listing.reserve.filter(|_| is_seller);
    Own {
        my_max: live.map(|bid| money(bid.max())),
        has_bid: bidder.is_some(),
        is_seller,
        leading: bidder.is_some() && bidder == lot.leading_bid().map(|leading| leading.bidder),
        alias: bidder.map(alias),
        reserve_price: reserve.map(|hidden| money(hidden.amount)),
        commitments: commitments(lot, bidder, is_seller),
        offers: offers.map(|offer| offers::shown(lot, offer, context.now)).collect(),
        row: row(lot, context.at.seq, context.now),
    }
}

/// What the viewer can open: its own maxima, the seller the reserve.
fn commitments(lot: &Lot, bidder: Option<u32>, is_seller: bool) -> Vec<Commitment> {
    let opened = |seq, amount, salt: kernel::Salt| Commitment {
        seq,
        salt: salt.digest().to_hex(),
        amount: lot.listing.money(amount),
    };
    let mut all = Vec::new();
    if let Some(hidden) = lot.listing.reserve.filter(|_| is_seller) {
        all.push(opened(lot.reserve_seq, hidden.amount, hidden.salt));
    }
    for bid in bidder.map(|bidder| lot.bids_of(bidder)).unwrap_or_default() {
        all.extend(bid.salt.map(|salt| opened(bid.seq, bid.amount, salt)));
        all.extend(bid.cut.as_ref().map(|cut| opened(cut.seq, cut.to.amount, cut.to.salt)));
    }
    all
}

/// Bids after a seq, oldest first.
pub fn history(lot: &Lot, after: u64, limit: u32) -> History {
    let first = lot.bids.partition_point(|bid| bid.seq <= after);
    let rest = lot.bids.iter().enumerate().skip(first);
    let items: Vec<_> = rest.take(page(limit)).map(|(at, bid)| past_bid(lot, at, bid)).collect();
    History { more: first + items.len() < lot.bids.len(), items }
}

/// Bids before a seq, newest first. It costs what it shows, however many there are.
pub fn newest(lot: &Lot, before: Option<u64>, limit: u32) -> History {
    let all = lot.bids.len();
    let end = before.map_or(all, |before| lot.bids.partition_point(|bid| bid.seq < before));
    let rest = lot.bids.iter().enumerate().take(end).rev();
    let items: Vec<_> = rest.take(page(limit)).map(|(at, bid)| past_bid(lot, at, bid)).collect();
    History { more: items.len() < end, items }
}

fn page(limit: u32) -> usize {
    usize::try_from(limit.clamp(1, limits::PAGE_MAX_ITEMS)).unwrap_or(1)
}

fn past_bid(lot: &Lot, at: usize, bid: &Bid) -> PastBid {
    // A beaten maximum that leads again after a retraction is hidden again.
    let leading = lot.leading.and_then(|index| usize::try_from(index).ok());
    let leads = lot.listing.format == Format::English && leading == Some(at);
    let is_shown = bid.shown && (!leads || bid.salt.is_none());
    let money = |amount| lot.listing.money(amount);
    let units = || if bid.filled > 0 { bid.filled } else { bid.shape.quantity.unwrap_or(1) };
    PastBid {
        bid_id: bid.id,
        bidder: alias(bid.bidder),
        amount: is_shown.then(|| money(bid.shown_amount())),
        quantity: lot.listing.format.is_multi_unit().then(units),
        price: bid.price.map(money),
        time: bid.time,
        seq: bid.seq,
        retracted: bid.void.is_some(),
        reason: bid.void,
    }
}

/// Users with a bid, behind those that the asker knows.
pub fn bidders(lot: &Lot, seq: u64, after: u32) -> Bidders {
    let known = usize::try_from(after).unwrap_or(usize::MAX);
    Bidders { users: lot.bidders.iter().skip(known).map(|bidder| bidder.user).collect(), seq }
}

/// Who may not bid. Aliases do not stand in the order of ids: it would tell whose account is older.
pub fn blocked(lot: &Lot) -> Blocked {
    let index = |user: &Id<kind::User>| lot.bidder_index(*user);
    let mut aliases: Vec<u32> = lot.blocked.iter().filter_map(index).collect();
    aliases.sort_unstable();
    let strangers = lot.blocked.iter().filter(|user| index(user).is_none());
    let bidders = aliases.into_iter().map(alias).chain(strangers.map(ToString::to_string));
    Blocked { bidders: bidders.collect() }
}

fn fixed(lot: &Lot) -> Fixed {
    let listing = &lot.listing;
    let (dutch, reverse, uniform_price) = numbers(listing);
    Fixed {
        title: listing.title.to_string(),
        description: description(lot),
        category: listing.category.to_string(),
        format: listing.format.name().to_owned(),
        seller: listing.seller,
        start_price: listing.money(listing.start_price),
        increments: listing.ladder.as_ref().map_or_else(Vec::new, |l| l.bands().to_vec()),
        dutch,
        reverse,
        uniform_price,
        soft_close: soft_close(listing),
        retraction: listing.retraction.to_string(),
        quantity: listing.quantity,
        starts_at: listing.starts_at,
        scheduled_end: listing.scheduled_end,
        pictures: lot.pictures.iter().map(Into::into).collect(),
    }
}

/// The description with what was added to it.
fn description(lot: &Lot) -> String {
    let mut text = lot.listing.description.to_string();
    for addition in &lot.additions {
        text.push_str(&format!("\n\nAdded {}: {}", addition.time, addition.text));
    }
    text
}

/// Soft close as the contract says it.
pub fn soft_close(listing: &Listing) -> SoftClose {
    let rule = listing.soft_close;
    SoftClose {
        mode: match rule.map(|rule| rule.mode) {
            None => SoftCloseMode::Off,
            Some(Movement::Reset) => SoftCloseMode::Reset,
            Some(Movement::Add) => SoftCloseMode::Add,
        },
        window_seconds: rule.map(|rule| i64::from(rule.window_seconds)),
        extension_seconds: rule.map(|rule| i64::from(rule.extension_seconds)),
        hard_stop_at: rule.and_then(|rule| rule.hard_stop_at),
    }
}

/// A format's own numbers as the contract says them.
pub fn numbers(listing: &Listing) -> (Option<Clock>, Option<Decrement>, Option<Uniform>) {
    let money = |amount| -> Money { listing.money(amount) };
    match listing.format {
        Format::Dutch(clock) => {
            let clock = Clock {
                floor_price: money(clock.floor),
                decrement: money(clock.decrement),
                tick_seconds: clock.tick_seconds,
                dwell_seconds: clock.dwell_seconds,
            };
            (Some(clock), None, None)
        }
        Format::Reverse(formats::Decrement::Fixed(step)) => {
            (None, Some(Decrement { decrement: Some(money(step)), decrement_bps: None }), None)
        }
        Format::Reverse(formats::Decrement::Bps(bps)) => {
            (None, Some(Decrement { decrement: None, decrement_bps: Some(bps) }), None)
        }
        Format::UniformPrice(pricing) => (None, None, Some(Uniform { pricing })),
        Format::English | Format::OpenOutcry | Format::SealedFirstPrice | Format::Vickrey => {
            (None, None, None)
        }
    }
}

fn leader(lot: &Lot) -> Option<String> {
    let won = lot.awards.first().filter(|_| lot.listing.quantity == 1);
    let leads = || lot.leading_bid().filter(|_| lot.listing.quantity == 1);
    won.map(|award| award.bidder).or_else(|| leads().map(|bid| bid.bidder)).map(alias)
}

fn result(lot: &Lot) -> Option<AuctionResult> {
    let Phase::Closed(closing) = lot.phase else { return None };
    let winner = |award: &Award| {
        Some(Winner {
            bidder: alias(award.bidder),
            user_id: lot.bidder(award.bidder)?.user,
            quantity: award.quantity,
            unit_price: lot.listing.money(award.unit_price),
        })
    };
    let winners: Vec<_> = lot.awards.iter().filter_map(winner).collect();
    Some(AuctionResult {
        outcome: closing.status(),
        reason: closing.reason().map(str::to_owned),
        hammer_price: winners.last().map(|winner| winner.unit_price),
        quantity: winners.iter().map(|winner| winner.quantity).sum(),
        winner: winners.first().filter(|_| lot.listing.quantity == 1).cloned(),
        winners,
    })
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
