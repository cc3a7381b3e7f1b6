//! Who gets what at the end (rules.md B3.3, B4.3, B8), by plain numbers from the [`Book`].

use auction_machine::close::Closing;
use auction_machine::contract::Pricing;
use auction_machine::event::Award;
use auction_machine::formats::Format;
use auction_machine::lot::Lot;
use kernel::{Id, kind};

use super::book::{Book, Noted};

/// (user, units, unit price).
type Won = (Id<kind::User>, u32, i64);

/// Judges a close; `lot` is the state behind it.
pub(super) fn judge(book: &Book, lot: &Lot, closing: Closing, awards: &[Award]) {
    let user = |award: &Award| lot.bidder(award.bidder).unwrap().user;
    let won: Vec<Won> =
        awards.iter().map(|award| (user(award), award.quantity, award.unit_price.get())).collect();
    let units: u32 = won.iter().map(|won| won.1).sum();
    assert!(units <= book.listing.quantity, "{units} units sold");
    if closing == Closing::BoughtNow {
        let last = book.bids.last().unwrap();
        assert_eq!(won, [(last.user, 1, last.amount)], "Buy It Now");
        return;
    }
    assert_eq!(won, winners(book), "who gets what");
    let stands = book.bids.iter().any(|bid| !bid.void);
    let expected = match (won.is_empty(), stands) {
        (false, _) => Closing::Sold,
        (true, true) => Closing::ReserveNotMet,
        (true, false) => Closing::NoBids,
    };
    assert_eq!(closing, expected);
}

fn winners(book: &Book) -> Vec<Won> {
    let stand = book.stand();
    let best = stand.live.first();
    match book.listing.format {
        Format::English | Format::OpenOutcry | Format::Reverse(_) => {
            let met = best.filter(|_| book.is_met());
            met.map(|(user, ..)| (*user, 1, stand.price.unwrap())).into_iter().collect()
        }
        Format::Dutch(_) => {
            let bought = book.bids.iter().filter_map(|bid| Some((bid.user, bid.bought?)));
            bought.map(|(user, (units, price))| (user, units, price)).collect()
        }
        Format::SealedFirstPrice => single(book, |first, _| first),
        Format::Vickrey => single(book, |_, second| second),
        Format::UniformPrice(pricing) => many(book, pricing),
    }
}

/// The highest bid at or above the floor; what it pays is chosen of its own and the second price.
fn single(book: &Book, pays: fn(i64, i64) -> i64) -> Vec<Won> {
    let (live, floor) = (&book.stand().live, floor(book));
    let best = live.first().filter(|best| best.2 >= floor);
    let second = live.get(1).map_or(floor, |second| second.2.max(floor));
    best.map(|(user, _, first)| (*user, 1, pays(*first, second))).into_iter().collect()
}

/// Unit by unit to the best bid that wants one more and may have it.
fn many(book: &Book, pricing: Pricing) -> Vec<Won> {
    let floor = floor(book);
    let mut left = book.listing.quantity;
    let (mut winners, mut rejected): (Vec<Won>, Option<i64>) = (Vec::new(), None);
    for (user, index, price) in book.stand().live.iter().filter(|live| live.2 >= floor) {
        let Noted { units: wanted, least, .. } = book.bids[*index];
        if (1..least.unwrap_or(1)).contains(&left) {
            continue;
        }
        let units = wanted.min(left);
        left -= units;
        if units > 0 {
            winners.push((*user, units, *price));
        }
        if units < wanted {
            rejected = rejected.or(Some(*price));
        }
    }
    let lowest = winners.iter().map(|won| won.2).min().unwrap_or(0);
    let price = match pricing {
        Pricing::LowestAccepted => lowest,
        Pricing::HighestRejected => rejected.unwrap_or(floor).min(lowest),
    };
    winners.iter().map(|(user, units, _)| (*user, *units, price)).collect()
}

/// No unit is sold below the start price and the reserve.
fn floor(book: &Book) -> i64 {
    book.stand().reserve.unwrap_or(0).max(book.listing.start_price.get())
}
