//! What the rules make of the accepted commands, by plain numbers and no code of the machine:
//! who leads at what price, what the next bid must be, when it ends.
//!
//! The book follows event by event. A retraction makes it start over with the bids that survive, as
//! it does at the end of a script: refold and fold are the same (rules.md B5).

use std::collections::BTreeSet;

use auction_machine::close::Movement;
use auction_machine::contract::{ReserveState, RetractionReason};
use auction_machine::event::{BidPlaced, Event, Listing, Retracted, Retraction};
use auction_machine::formats::{Decrement, Format};
use auction_machine::lot::Lot;
use auction_machine::why::Why;
use kernel::{Id, Minor, Timestamp, kind};

type User = Id<kind::User>;

/// The auction by the rules.
#[derive(Clone)]
pub(super) struct Book {
    pub(super) listing: Listing,
    pub(super) bids: Vec<Noted>,
    lowered: Vec<Lowered>,
    stand: Stand,
    /// Bids whose amount the log has told: beaten once, or opened.
    known: BTreeSet<usize>,
    ends_at: Timestamp,
    buy_now_open: bool,
    blocked: Vec<User>,
    /// Somebody took the Buy It Now price: what stood before has lapsed.
    is_bought: bool,
    /// Declared times at which the platform was away.
    outages: Vec<(Timestamp, Timestamp)>,
    /// By how much the next event moves the end because of one.
    owed_ms: i64,
}

/// An accepted bid.
#[derive(Clone)]
pub(super) struct Noted {
    pub(super) user: User,
    pub(super) amount: i64,
    pub(super) units: u32,
    pub(super) least: Option<u32>,
    /// What it bought at once: units and price.
    pub(super) bought: Option<(u32, i64)>,
    pub(super) void: bool,
    time: Timestamp,
}

/// A lowered reserve: after how many bids, to what, and which bid was cut to what.
type Lowered = (usize, i64, Option<(usize, i64)>);

/// What the bids lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) price: Option<i64>,
    pub(super) reserve: Option<i64>,
    /// Each bidder's newest bid: (user, index, maximum), best first.
    pub(super) live: Vec<(User, usize, i64)>,
}

impl Book {
    pub(super) fn open(listing: &Listing) -> Self {
        Self {
            bids: Vec::new(),
            lowered: Vec::new(),
            known: BTreeSet::new(),
            stand: Stand { reserve: reserve(listing), ..Stand::default() },
            ends_at: listing.scheduled_end,
            buy_now_open: listing.buy_now.is_some(),
            blocked: Vec::new(),
            is_bought: false,
            outages: Vec::new(),
            owed_ms: 0,
            listing: listing.clone(),
        }
    }

    /// The time of an outage that was not given before, piece by piece.
    fn lost_ms(&self, from: Timestamp, until: Timestamp) -> i64 {
        let from = from.max(self.listing.starts_at);
        let mut edges = vec![from, until];
        edges.extend(self.outages.iter().flat_map(|(from, until)| [*from, *until]));
        edges.retain(|edge| (from..=until).contains(edge));
        edges.sort_unstable();
        let is_given =
            |at: &Timestamp| self.outages.iter().any(|(from, until)| (*from..*until).contains(at));
        let pieces = edges.windows(2).filter(|piece| !is_given(&piece[0]));
        pieces.map(|piece| piece[1].ms_since(piece[0])).sum()
    }

    /// Notes an event; panics when the rules say otherwise.
    pub(super) fn follow(&mut self, time: Timestamp, event: &Event) {
        match event {
            Event::BidPlaced(placed) => self.bid(time, placed),
            Event::Changed(listing) => {
                assert!(self.bids.is_empty(), "other terms after a bid");
                let blocked = core::mem::take(&mut self.blocked);
                let outages = core::mem::take(&mut self.outages);
                *self = Self { blocked, outages, ..Self::open(listing) };
            }
            Event::Extended { old_end, new_end, .. } => {
                self.ends_at = self.ends_at.plus_ms(core::mem::take(&mut self.owed_ms));
                assert!(old_end < new_end && *new_end == self.ends_at, "moved to {new_end}");
            }
            Event::OutageDeclared(outage) => {
                let lost_ms = self.lost_ms(outage.from, outage.until);
                assert!(lost_ms > 0 && self.ends_at > outage.from, "nothing was lost");
                self.owed_ms = lost_ms + i64::from(outage.grace_seconds) * 1_000;
                self.outages.push((outage.from, outage.until));
            }
            Event::Retracted(retracted) => self.take_back(time, retracted),
            Event::ReserveLowered(to) => self.lower(time, to.amount.get()),
            Event::MaxLowered { bid, to } => {
                let (bid, to) = (*bid as usize, to.amount.get());
                let reserve = self.stand.reserve.unwrap();
                let below = reserve - self.step(reserve);
                assert_eq!(to, below.max(self.stand.price.unwrap()), "cut by B3.4");
                self.lowered.last_mut().unwrap().2 = Some((bid, to));
                self.stand.cut((bid, to));
                self.known.remove(&bid);
            }
            Event::Revealed => self.known.extend(self.stand.live.iter().map(|live| live.1)),
            Event::Blocked { user, blocked } => {
                self.blocked.retain(|known| known != user);
                self.blocked.extend(blocked.then_some(*user));
            }
            _ => {}
        }
        if matches!(self.listing.format, Format::English) {
            self.known.extend(self.stand.live.iter().skip(1).map(|live| live.1));
        }
    }

    /// May everyone know the bid's maximum (rules.md B2.7, B8)?
    pub(super) fn is_known(&self, index: usize) -> bool {
        match self.listing.format {
            Format::OpenOutcry | Format::Reverse(_) => true,
            _ => self.known.contains(&index),
        }
    }

    /// Is the state what the rules make of the events?
    pub(super) fn judge(&self, lot: &Lot) {
        assert_eq!(lot.ends_at, self.ends_at, "the end");
        if self.is_bought {
            return;
        }
        let fresh = self.lowered.last().is_some_and(|lowered| lowered.0 == self.bids.len());
        assert!(!fresh || self.is_hidden() || !self.is_met(), "a buyer who did not act (B3.4)");
        if lot.awards.is_empty() && !self.is_hidden() {
            assert_eq!(lot.price.map(Minor::get), self.stand.price, "the price");
            let leader = lot.leading.and_then(|index| lot.bid(index)).map(|bid| bid.bidder);
            let leader = leader.and_then(|bidder| lot.bidder(bidder)).map(|bidder| bidder.user);
            assert_eq!(leader, self.leader(), "the leader");
        }
        for bidder in &lot.bidders {
            let own = self.stand.live.iter().find(|(user, ..)| *user == bidder.user);
            let live = bidder.live.map(|index| (index as usize, lot.bid(index).unwrap().max()));
            assert_eq!(live.map(|(index, max)| (index, max.get())), own.map(|own| (own.1, own.2)));
        }
    }

    /// Fold and refold are the same.
    pub(super) fn judge_refold(&self) {
        assert!(self.is_bought || self.stand == self.refolded(), "refold and fold differ");
    }

    pub(super) fn stand(&self) -> &Stand {
        &self.stand
    }

    pub(super) fn is_met(&self) -> bool {
        let top = self.stand.live.first().map(|live| live.2);
        self.stand.reserve.is_none_or(|reserve| top.is_some_and(|top| top >= reserve))
    }

    pub(super) fn leader(&self) -> Option<User> {
        match self.listing.format {
            // Nobody is ahead of others where amounts are sealed, and a clock's buyer has won.
            Format::Dutch(_) => self.bids.last().map(|bid| bid.user),
            _ => self.stand.live.first().map(|live| live.0),
        }
    }

    /// May the bid be accepted, as far as its amount goes?
    pub(super) fn takes(&self, user: Option<User>, amount: i64, now: Timestamp) -> bool {
        let (stand, start) = (&self.stand, self.listing.start_price.get());
        match (self.listing.format, stand.price) {
            (Format::English, Some(_)) if user.is_some() && self.leader() == user => {
                amount > stand.live[0].2
            }
            (Format::English | Format::OpenOutcry, price) => {
                amount >= price.map_or(start, |price| price + self.step(price))
            }
            (Format::Dutch(_), _) => amount >= self.clock(now),
            (Format::Reverse(_), price) => {
                amount > 0 && price.map_or(amount <= start, |best| amount <= self.below(best))
            }
            _ => amount >= start,
        }
    }

    /// B5 and, for sealed bids, B8: which bids are void now.
    fn take_back(&mut self, time: Timestamp, retracted: &Retracted) {
        let indexes: Vec<usize> = retracted.bids.iter().map(|index| *index as usize).collect();
        let user = self.bids[indexes[0]].user;
        let standing = |(_, bid): &(usize, &Noted)| bid.user == user && !bid.void;
        let own: Vec<usize> =
            self.bids.iter().enumerate().filter(standing).map(|(index, _)| index).collect();
        let left = self.ends_at.ms_since(time);
        let is_free = matches!(
            retracted.reason,
            RetractionReason::CancelledBySeller | RetractionReason::Withdrawn
        );
        match self.listing.retraction {
            _ if is_free => assert_eq!(indexes, own),
            Retraction::None => panic!("bids bind, and one is retracted"),
            Retraction::Until(hours) => {
                assert!(left >= i64::from(hours) * HOUR_MS, "retracted {left} ms before the end");
                assert_eq!(indexes, own);
            }
            Retraction::Ebay if left >= 12 * HOUR_MS => assert_eq!(indexes, own),
            Retraction::Ebay => {
                assert_eq!(indexes, own[own.len() - 1..], "late, and not the last bid alone");
                let age = time.ms_since(self.bids[indexes[0]].time);
                assert!(age <= HOUR_MS, "late, and {age} ms after the bid");
            }
        }
        for index in indexes {
            self.bids[index].void = true;
        }
        self.stand = self.refolded();
        assert_eq!(retracted.price.map(Minor::get), self.stand.price, "the price without them");
        self.judge_reserve(retracted.reserve);
    }

    /// Says the event of a reserve what the bids make of it?
    fn judge_reserve(&self, told: ReserveState) {
        let expected = match (self.stand.reserve, self.is_met() && !self.is_hidden()) {
            (None, _) => ReserveState::None,
            (Some(_), true) => ReserveState::Met,
            (Some(_), false) => ReserveState::NotMet,
        };
        assert_eq!(told, expected, "the reserve");
    }

    /// B3.4.
    fn lower(&mut self, time: Timestamp, to: i64) {
        let from = self.stand.reserve.unwrap();
        assert!(to < from, "lowered from {from} to {to}");
        assert!(self.is_hidden() || !self.is_met(), "lowered when it was met");
        let left = self.ends_at.ms_since(time);
        assert!(left >= 12 * HOUR_MS, "lowered {left} ms before the end");
        let price = self.stand.price.filter(|_| !self.is_hidden());
        let start = self.listing.start_price.get();
        assert!(to >= price.map_or(start, |price| price + self.step(price)), "lowered to {to}");
        self.lowered.push((self.bids.len(), to, None));
        self.stand.reserve = Some(to);
    }

    fn bid(&mut self, time: Timestamp, placed: &BidPlaced) {
        let (user, amount) = (placed.bidder, placed.amount.get());
        assert!(user != self.listing.seller, "the seller bids");
        assert!(!self.blocked.contains(&user), "who is blocked bids");
        self.is_bought = placed.why == Why::BoughtNow;
        let mut bought = (placed.filled > 0).then(|| (placed.filled, placed.price.unwrap().get()));
        if self.is_bought {
            assert!(self.buy_now_open, "bought now, and it was not offered any more");
            assert_eq!(Some(placed.amount), self.listing.buy_now);
            bought = Some((1, amount));
        } else {
            assert!(self.takes(Some(user), amount, time), "{amount} is not what B2.1 and B8 ask");
        }
        if let (Format::Dutch(_), Some((_, price))) = (self.listing.format, bought) {
            assert_eq!(price, self.clock(time), "the clock");
        }
        let (units, least) = (placed.shape.quantity.unwrap_or(1), placed.shape.min_quantity);
        self.bids.push(Noted { user, amount, units, least, bought, void: false, time });
        if self.is_bought {
            return;
        }
        let before = (self.stand.price, self.leader());
        let (mut stand, index) = (core::mem::take(&mut self.stand), self.bids.len() - 1);
        self.place(&mut stand, index);
        self.stand = stand;
        let moved = match self.listing.format {
            Format::English => before != (self.stand.price, self.leader()),
            Format::OpenOutcry | Format::Reverse(_) => true,
            _ => false,
        };
        if moved {
            self.ends_at = self.end_after(time);
        }
        assert_eq!(placed.ends_at, self.ends_at, "the end that the bid tells");
        self.judge_reserve(placed.reserve);
        self.buy_now_open &= self.stand.reserve.is_some() && !self.is_met();
    }

    /// Everything again, from the first bid.
    fn refolded(&self) -> Stand {
        let first = self.listing.reserve.map(|reserve| reserve.amount.get());
        let mut stand = Stand { reserve: first, ..Stand::default() };
        let mut lowered = self.lowered.iter().peekable();
        for count in 0..=self.bids.len() {
            while let Some((_, to, cut)) = lowered.next_if(|lowered| lowered.0 == count) {
                stand.reserve = Some(*to);
                if let Some(cut) = cut {
                    stand.cut(*cut);
                }
            }
            if self.bids.get(count).is_some_and(|bid| !bid.void) {
                self.place(&mut stand, count);
            }
        }
        stand
    }

    fn place(&self, stand: &mut Stand, index: usize) {
        let Noted { user, amount, .. } = self.bids[index];
        let led = stand.live.first().map(|live| live.0);
        stand.live.retain(|live| live.0 != user);
        stand.live.push((user, index, amount));
        match self.listing.format {
            Format::English => {
                stand.sort();
                stand.price = Some(self.price(stand, led, user));
            }
            Format::OpenOutcry | Format::Reverse(_) => {
                stand.live.sort_by_key(|live| core::cmp::Reverse(live.1));
                stand.price = Some(amount);
            }
            Format::Dutch(_) => stand.price = self.bids[index].bought.map(|bought| bought.1),
            _ => stand.sort(),
        }
    }

    /// B2.4, B2.5 and B3.2.
    fn price(&self, stand: &Stand, led: Option<User>, bidder: User) -> i64 {
        let top = stand.live[0];
        let by_bids = match (stand.price, stand.live.get(1)) {
            (None, _) => self.listing.start_price.get(),
            (Some(old), _) if led == Some(bidder) && top.0 == bidder => old,
            (Some(old), None) => old,
            (Some(old), Some((.., second))) => top.2.min(second + self.step(*second)).max(old),
        };
        match stand.reserve {
            Some(reserve) if top.2 >= reserve => by_bids.max(reserve),
            _ => by_bids,
        }
    }

    fn step(&self, price: i64) -> i64 {
        let bands = self.listing.ladder.as_ref().map_or(&[][..], |ladder| ladder.bands());
        let band = bands.iter().rfind(|band| band.from.get() <= price).or(bands.first());
        band.map_or(1 << 53, |band| band.step.get())
    }

    /// The highest ask below that best one.
    fn below(&self, best: i64) -> i64 {
        let step = match self.listing.format {
            Format::Reverse(Decrement::Fixed(step)) => step.get(),
            Format::Reverse(Decrement::Bps(bps)) => {
                let exact = i128::from(best) * i128::from(bps);
                i64::try_from(exact / 10_000 + i128::from(exact % 10_000 > 0)).unwrap()
            }
            _ => panic!("this format has no decrement"),
        };
        best - step
    }

    fn clock(&self, now: Timestamp) -> i64 {
        let Format::Dutch(clock) = self.listing.format else { return 0 };
        let ms = now.as_ms() - self.listing.starts_at.as_ms();
        let ticks = ms / (i64::from(clock.tick_seconds) * 1_000);
        (self.listing.start_price.get() - clock.decrement.get() * ticks).max(clock.floor.get())
    }

    /// B6.
    fn end_after(&self, time: Timestamp) -> Timestamp {
        let Some(rule) = self.listing.soft_close else { return self.ends_at };
        let (end, now) = (self.ends_at.as_ms(), time.as_ms());
        if end - now > i64::from(rule.window_seconds) * 1_000 {
            return self.ends_at;
        }
        let by = i64::from(rule.extension_seconds) * 1_000;
        let moved = match rule.mode {
            Movement::Reset => end.max(now + by),
            Movement::Add => end + by,
        };
        let stop = rule.hard_stop_at.map_or(i64::MAX, Timestamp::as_ms);
        Timestamp::from_ms(moved.min(stop))
    }

    /// Are amounts sealed until the close?
    pub(super) fn is_hidden(&self) -> bool {
        let format = self.listing.format;
        matches!(format, Format::SealedFirstPrice | Format::Vickrey | Format::UniformPrice(_))
    }
}

impl Stand {
    /// The highest first; of equal ones the earlier.
    fn sort(&mut self) {
        self.live.sort_by_key(|(_, index, max)| (-max, *index));
    }

    fn cut(&mut self, (bid, to): (usize, i64)) {
        if let Some(live) = self.live.iter_mut().find(|live| live.1 == bid) {
            live.2 = to;
        }
        self.sort();
    }
}

fn reserve(listing: &Listing) -> Option<i64> {
    listing.reserve.map(|reserve| reserve.amount.get())
}

const HOUR_MS: i64 = 3_600_000;
