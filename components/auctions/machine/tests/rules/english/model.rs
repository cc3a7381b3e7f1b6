//! A naive auction: keeps the accepted maxima and recomputes everything from them, with plain
//! numbers and no shared code. It can follow a wrong rule.

use std::collections::BTreeSet;

/// Terms in plain numbers; instants are milliseconds after the listing.
#[derive(Debug, Clone)]
pub(crate) struct ModelTerms {
    pub(crate) start: i64,
    pub(crate) reserve: Option<i64>,
    pub(crate) buy_now: Option<i64>,
    pub(crate) ladder: Vec<(i64, i64)>,
    pub(crate) starts_ms: i64,
    pub(crate) ends_ms: i64,
    /// (adds, window, extension), in ms.
    pub(crate) soft_close: Option<(bool, i64, i64)>,
    pub(crate) hard_stop_ms: Option<i64>,
    pub(crate) retraction: Policy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    None,
    Ebay,
    Until(i64),
}

/// A wrong rule to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// The step is read at the old price (WeBid, rules.md B2.9).
    StepAtOldPrice,
    /// Equal maxima go to the later bid.
    TieToTheLater,
    /// The price is one step above, even beyond the leader's maximum.
    NoCap,
    /// The leader's own raise moves the price one step.
    OwnRaiseMovesPrice,
    /// The reserve does not lift the price.
    NoReserveLift,
    /// A bid at the end is in time.
    InclusiveEnd,
    /// Own raises that move nothing extend.
    OwnRaiseExtends,
    /// The window's edge is outside.
    ExclusiveWindow,
    /// The hard stop is forgotten.
    NoHardStop,
    /// A beaten maximum stays hidden.
    NeverReveals,
    /// A retraction leaves the price where it was.
    RetractionKeepsPrice,
    /// A late retraction voids all bids.
    LateRetractionTakesAll,
    /// A late retraction may take a bid of any age.
    NoSixtyMinutes,
    /// With exactly twelve hours left it is late.
    TwelveHoursExclusive,
    /// A retraction moves the end back to the planned one.
    RetractionMovesEndBack,
    /// Buy It Now comes back when a retraction empties the auction.
    BuyNowComesBack,
    /// Buy It Now goes with the first bid even below the reserve.
    FirstBidEndsBuyNow,
    /// A lowered reserve leaves the leader's maximum.
    NoCut,
    /// A refold takes the maximum before the cut.
    RefoldForgetsCut,
    /// The maximum is cut to the lowered reserve itself.
    CutToReserve,
    /// A reserve can be lowered at any time.
    LowersLate,
}

#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) user: usize,
    pub(crate) amount: i64,
    pub(crate) ms: i64,
    pub(crate) void: Option<&'static str>,
}

/// A lowered reserve: how many bids were there, R, and which bid was cut to what.
type Lowered = (usize, i64, Option<(usize, i64)>);

/// What the surviving bids lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) price: Option<i64>,
    /// (user, arrival, live maximum), best first.
    pub(crate) ranking: Vec<(usize, usize, i64)>,
    pub(crate) reserve: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Time,
    Bought(usize),
    Cancelled,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) terms: ModelTerms,
    pub(crate) plant: Plant,
    pub(crate) bids: Vec<Accepted>,
    pub(crate) lowered: Vec<Lowered>,
    pub(crate) ends_ms: i64,
    pub(crate) buy_now_open: bool,
    pub(crate) over: Option<Over>,
    /// Users in order of their first accepted bid.
    pub(crate) bidders: Vec<usize>,
    /// Amounts of bids that everyone may know.
    pub(crate) public: BTreeSet<i64>,
    /// The price that a wrong rule keeps.
    pub(crate) kept: Option<i64>,
}

impl Stand {
    pub(crate) fn leader(&self) -> Option<usize> {
        self.ranking.first().map(|(user, ..)| *user)
    }

    pub(crate) fn leader_max(&self) -> Option<i64> {
        self.ranking.first().map(|(.., max)| *max)
    }

    pub(crate) fn reserve_met(&self) -> Option<bool> {
        self.reserve.map(|reserve| self.leader_max().is_some_and(|max| max >= reserve))
    }

    fn arrival(&self) -> Option<usize> {
        self.ranking.first().map(|live| live.1)
    }
}

impl Model {
    pub(crate) fn new(terms: ModelTerms, plant: Plant) -> Self {
        Self {
            ends_ms: terms.ends_ms,
            buy_now_open: terms.buy_now.is_some(),
            terms,
            plant,
            bids: Vec::new(),
            lowered: Vec::new(),
            over: None,
            bidders: Vec::new(),
            public: BTreeSet::new(),
            kept: None,
        }
    }

    /// Everything, from nothing: surviving bids in order, lowered reserves where they happened.
    pub(crate) fn stand(&self) -> Stand {
        let mut stand = Stand { reserve: self.terms.reserve, ..Stand::default() };
        let mut lowered = self.lowered.iter().peekable();
        for count in 0..=self.bids.len() {
            while let Some((_, reserve, cut)) = lowered.next_if(|(at, ..)| *at == count) {
                stand.reserve = Some(*reserve);
                let mut cuts = cut.iter().filter(|_| self.plant != Plant::RefoldForgetsCut);
                if let Some((bid, to)) = cuts.next()
                    && let Some(live) = stand.ranking.iter_mut().find(|live| live.1 == *bid)
                {
                    live.2 = *to;
                }
                self.sort(&mut stand.ranking);
            }
            let Some(bid) = self.bids.get(count).filter(|bid| bid.void.is_none()) else { continue };
            let led = stand.leader();
            stand.ranking.retain(|(user, ..)| *user != bid.user);
            stand.ranking.push((bid.user, count, bid.amount));
            self.sort(&mut stand.ranking);
            stand.price = Some(self.price(&stand, led, bid.user));
        }
        if self.kept.is_some() {
            stand.price = stand.price.max(self.kept);
        }
        stand
    }

    fn sort(&self, ranking: &mut [(usize, usize, i64)]) {
        ranking.sort_by_key(|(_, arrival, max)| {
            let arrival = i64::try_from(*arrival).unwrap();
            (-max, if self.plant == Plant::TieToTheLater { -arrival } else { arrival })
        });
    }

    fn price(&self, stand: &Stand, led: Option<usize>, bidder: usize) -> i64 {
        let (leader, _, m1) = stand.ranking[0];
        let by_bids = match (stand.price, stand.ranking.get(1)) {
            (None, _) => self.terms.start,
            (Some(old), _) if led == Some(bidder) && leader == bidder => {
                let step = if self.plant == Plant::OwnRaiseMovesPrice { self.step(old) } else { 0 };
                old + step
            }
            (Some(old), None) => old,
            (Some(old), Some((_, _, m2))) => {
                let at = if self.plant == Plant::StepAtOldPrice { old } else { *m2 };
                let stepped = m2 + self.step(at);
                let f = match (m1 == *m2, self.plant) {
                    (true, _) => *m2,
                    (false, Plant::NoCap) => stepped,
                    (false, _) => stepped.min(m1),
                };
                f.max(old)
            }
        };
        match stand.reserve {
            Some(reserve)
                if m1 >= reserve && by_bids < reserve && self.plant != Plant::NoReserveLift =>
            {
                reserve
            }
            _ => by_bids,
        }
    }

    pub(crate) fn next(&self, stand: &Stand) -> i64 {
        stand.price.map_or(self.terms.start, |price| price + self.step(price))
    }

    /// The code of the refusal, or none and the bid is accepted.
    pub(crate) fn bid(&mut self, user: usize, amount: i64, ms: i64) -> Option<&'static str> {
        if let Some(code) = self.shut(ms) {
            return Some(code);
        }
        let before = self.stand();
        if before.leader() == Some(user) {
            if amount <= before.leader_max().unwrap() {
                return Some("own_max_not_raised");
            }
        } else if amount < self.next(&before) {
            return Some("bid_too_low");
        }
        self.bids.push(Accepted { user, amount, ms, void: None });
        self.admit(user);
        let after = self.stand();
        if after.leader() != Some(user) {
            self.public.insert(amount);
        }
        if after.leader() != before.leader() && self.plant != Plant::NeverReveals {
            self.public.extend(before.leader_max());
        }
        let moved = after.price != before.price || after.leader() != before.leader();
        if moved || self.plant == Plant::OwnRaiseExtends {
            self.ends_ms = self.extended(ms);
        }
        let kept = after.reserve_met() == Some(false) && self.plant != Plant::FirstBidEndsBuyNow;
        self.buy_now_open &= kept;
        None
    }

    pub(crate) fn buy_now(&mut self, user: usize, ms: i64) -> Option<&'static str> {
        if let Some(code) = self.shut(ms) {
            return Some(code);
        }
        if !self.buy_now_open {
            return Some("buy_now_unavailable");
        }
        self.admit(user);
        self.over = Some(Over::Bought(user));
        self.buy_now_open = false;
        None
    }

    /// Voids bids. The reason says whether bidder or seller does it.
    pub(crate) fn retract(
        &mut self,
        bid: usize,
        reason: &'static str,
        ms: i64,
    ) -> Option<&'static str> {
        let Accepted { user, ms: placed, void, .. } = self.bids[bid];
        if void == Some(reason) {
            return None;
        }
        if self.over.is_some() || ms >= self.ends_ms {
            return Some("auction_closed");
        }
        if void.is_some() {
            return Some("retraction_not_allowed");
        }
        let left = self.ends_ms - ms;
        let early = match self.plant {
            Plant::TwelveHoursExclusive => left > 12 * HOUR,
            _ => left >= 12 * HOUR,
        };
        let last = self.bids.iter().rposition(|bid| bid.user == user && bid.void.is_none());
        let fresh = ms - placed <= HOUR || self.plant == Plant::NoSixtyMinutes;
        let all = match (reason, self.terms.retraction) {
            ("cancelled_by_seller", _) => true,
            (_, Policy::None) => return Some("retraction_not_allowed"),
            (_, Policy::Until(hours)) if left < hours * HOUR => {
                return Some("retraction_not_allowed");
            }
            (_, Policy::Ebay) if !early && (last != Some(bid) || !fresh) => {
                return Some("retraction_not_allowed");
            }
            (_, Policy::Ebay) => early || self.plant == Plant::LateRetractionTakesAll,
            (_, Policy::Until(_)) => true,
        };
        let before = self.stand();
        for (index, own) in self.bids.iter_mut().enumerate() {
            if own.user == user && own.void.is_none() && (all || index == bid) {
                own.void = Some(reason);
            }
        }
        let after = self.stand();
        let live = after.ranking.iter().find(|live| live.0 == user);
        self.public.extend(live.filter(|live| after.arrival() != Some(live.1)).map(|live| live.2));
        if self.plant == Plant::RetractionKeepsPrice && after.price.is_some() {
            self.kept = before.price;
        }
        if self.plant == Plant::RetractionMovesEndBack {
            self.ends_ms = self.terms.ends_ms;
        }
        if self.plant == Plant::BuyNowComesBack && after.price.is_none() {
            self.buy_now_open = self.terms.buy_now.is_some();
        }
        None
    }

    pub(crate) fn lower(&mut self, amount: i64, ms: i64) -> Option<&'static str> {
        if self.over.is_some() || ms >= self.ends_ms {
            return Some("auction_closed");
        }
        let stand = self.stand();
        let Some(reserve) = stand.reserve else { return Some("reserve_not_lower") };
        if stand.reserve_met() == Some(true) {
            return Some("reserve_already_met");
        }
        if self.ends_ms - ms < 12 * HOUR && self.plant != Plant::LowersLate {
            return Some("too_late");
        }
        if amount >= reserve {
            return Some("reserve_not_lower");
        }
        if amount < self.next(&stand) {
            return Some("validation_failed");
        }
        let to = match self.plant {
            Plant::CutToReserve => amount,
            _ => stand.price.unwrap_or(0).max(amount - self.step(amount)),
        };
        let over = stand.ranking.first().filter(|(.., max)| *max >= amount);
        let cut = over.filter(|_| self.plant != Plant::NoCut).map(|(_, bid, _)| (*bid, to));
        self.lowered.push((self.bids.len(), amount, cut));
        None
    }

    pub(crate) fn cancel(&mut self, ms: i64) -> Option<&'static str> {
        if self.over.is_some() || ms >= self.ends_ms {
            return Some("auction_closed");
        }
        self.over = Some(Over::Cancelled);
        None
    }

    fn shut(&self, ms: i64) -> Option<&'static str> {
        let inclusive = self.plant == Plant::InclusiveEnd;
        let late = if inclusive { ms > self.ends_ms } else { ms >= self.ends_ms };
        if self.over.is_some() || late {
            return Some("auction_closed");
        }
        (ms < self.terms.starts_ms).then_some("auction_not_started")
    }

    fn admit(&mut self, user: usize) {
        if !self.bidders.contains(&user) {
            self.bidders.push(user);
        }
    }

    fn extended(&self, ms: i64) -> i64 {
        let end = self.ends_ms;
        let Some((adds, window, extension)) = self.terms.soft_close else { return end };
        let left = end - ms;
        if left > window || (left == window && self.plant == Plant::ExclusiveWindow) {
            return end;
        }
        let moved = if adds { end + extension } else { end.max(ms + extension) };
        match self.terms.hard_stop_ms {
            Some(stop) if self.plant != Plant::NoHardStop => moved.min(stop),
            _ => moved,
        }
    }

    pub(crate) fn step(&self, price: i64) -> i64 {
        let mut step = self.terms.ladder[0].1;
        for (from, its) in &self.terms.ladder {
            if price >= *from {
                step = *its;
            }
        }
        step
    }
}

const HOUR: i64 = 3_600_000;
