//! A naive auction: keeps the list of accepted maxima and recomputes everything from it, with
//! plain numbers and no shared code. It can be told to follow a wrong rule.

/// Terms in plain numbers; instants are milliseconds after the listing.
#[derive(Debug, Clone)]
pub(crate) struct ModelTerms {
    pub(crate) start: i64,
    pub(crate) reserve: Option<i64>,
    pub(crate) ladder: Vec<(i64, i64)>,
    pub(crate) starts_ms: i64,
    pub(crate) ends_ms: i64,
    /// (adds, window, extension), in ms.
    pub(crate) soft_close: Option<(bool, i64, i64)>,
    pub(crate) hard_stop_ms: Option<i64>,
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
}

#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) user: usize,
    pub(crate) amount: i64,
    pub(crate) ms: i64,
}

/// What stands after the accepted bids so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) price: Option<i64>,
    pub(crate) leader: Option<usize>,
    pub(crate) next: i64,
    pub(crate) reserve_met: Option<bool>,
    pub(crate) ends_ms: i64,
    pub(crate) bidders: Vec<usize>,
    /// Which bids everyone may see.
    pub(crate) shown: Vec<bool>,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) terms: ModelTerms,
    pub(crate) plant: Plant,
    pub(crate) bids: Vec<Accepted>,
}

impl Model {
    pub(crate) fn new(terms: ModelTerms, plant: Plant) -> Self {
        Self { terms, plant, bids: Vec::new() }
    }

    /// The code of the refusal, or none and the bid is accepted.
    pub(crate) fn bid(&mut self, user: usize, amount: i64, ms: i64) -> Option<&'static str> {
        let stand = self.stand();
        let late = if self.plant == Plant::InclusiveEnd {
            ms > stand.ends_ms
        } else {
            ms >= stand.ends_ms
        };
        if late {
            return Some("auction_closed");
        }
        if ms < self.terms.starts_ms {
            return Some("auction_not_started");
        }
        if stand.leader == Some(user) {
            let own = self.bids.iter().rfind(|bid| bid.user == user).unwrap().amount;
            if amount <= own {
                return Some("own_max_not_raised");
            }
        } else if amount < stand.next {
            return Some("bid_too_low");
        }
        self.bids.push(Accepted { user, amount, ms });
        None
    }

    /// Everything, from nothing.
    pub(crate) fn stand(&self) -> Stand {
        let mut stand = Stand {
            price: None,
            leader: None,
            next: self.terms.start,
            reserve_met: self.terms.reserve.map(|_| false),
            ends_ms: self.terms.ends_ms,
            bidders: Vec::new(),
            shown: Vec::new(),
        };
        for count in 1..=self.bids.len() {
            let bid = &self.bids[count - 1];
            if !stand.bidders.contains(&bid.user) {
                stand.bidders.push(bid.user);
            }
            let ranking = self.ranking(count);
            let (leader, _, max) = ranking[0];
            let price = self.price(&stand, bid, &ranking);
            let moved = stand.price != Some(price) || stand.leader != Some(leader);
            stand.shown.push(leader != bid.user);
            if let Some(old) = stand.leader.filter(|old| *old != leader)
                && self.plant != Plant::NeverReveals
            {
                let live = self.bids[..count].iter().rposition(|bid| bid.user == old);
                stand.shown[live.unwrap()] = true;
            }
            if moved || self.plant == Plant::OwnRaiseExtends {
                stand.ends_ms = self.extended(stand.ends_ms, bid.ms);
            }
            stand.price = Some(price);
            stand.leader = Some(leader);
            stand.reserve_met = self.terms.reserve.map(|reserve| max >= reserve);
            stand.next = price + self.step(price);
        }
        stand
    }

    /// The live maximum of the leader.
    pub(crate) fn leader_max(&self) -> Option<i64> {
        self.bids.last()?;
        Some(self.ranking(self.bids.len())[0].2)
    }

    /// How it ends: (status, reason).
    pub(crate) fn outcome(&self) -> (&'static str, Option<&'static str>) {
        match (self.leader_max(), self.terms.reserve) {
            (None, _) => ("unsold", Some("no_bids")),
            (Some(max), Some(reserve)) if max < reserve => ("unsold", Some("reserve_not_met")),
            _ => ("sold", None),
        }
    }

    /// (user, arrival, live maximum) among the first `count` bids, best first.
    fn ranking(&self, count: usize) -> Vec<(usize, usize, i64)> {
        let mut live: Vec<(usize, usize, i64)> = Vec::new();
        for (arrival, bid) in self.bids[..count].iter().enumerate() {
            live.retain(|(user, ..)| *user != bid.user);
            live.push((bid.user, arrival, bid.amount));
        }
        live.sort_by_key(|(_, arrival, max)| {
            let arrival = i64::try_from(*arrival).unwrap();
            (-max, if self.plant == Plant::TieToTheLater { -arrival } else { arrival })
        });
        live
    }

    fn price(&self, before: &Stand, bid: &Accepted, ranking: &[(usize, usize, i64)]) -> i64 {
        let (leader, _, m1) = ranking[0];
        let by_bids = match (before.price, ranking.get(1)) {
            (None, _) => self.terms.start,
            (Some(old), _) if before.leader == Some(bid.user) && leader == bid.user => {
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
        match self.terms.reserve {
            Some(reserve)
                if m1 >= reserve && by_bids < reserve && self.plant != Plant::NoReserveLift =>
            {
                reserve
            }
            _ => by_bids,
        }
    }

    fn extended(&self, end: i64, ms: i64) -> i64 {
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

    fn step(&self, price: i64) -> i64 {
        let mut step = self.terms.ladder[0].1;
        for (from, its) in &self.terms.ladder {
            if price >= *from {
                step = *its;
            }
        }
        step
    }
}
