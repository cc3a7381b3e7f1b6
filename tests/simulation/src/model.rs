//! A naive english auction: keeps the accepted bids and recomputes everything from them, with
//! plain numbers and no code of the machine (rules.md B2, B3, B6).

/// Terms in plain numbers; instants are milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) start: i64,
    pub(crate) reserve: Option<i64>,
    pub(crate) starts_at: i64,
    pub(crate) ends_at: i64,
    pub(crate) soft_close: SoftClose,
}

/// How late bids move the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SoftClose {
    Off,
    Reset,
    Add,
}

#[derive(Debug, Clone)]
struct Bid {
    user: String,
    amount: i64,
    at: i64,
}

/// An auction as the model sees it.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    terms: Terms,
    bids: Vec<Bid>,
}

/// What stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) price: Option<i64>,
    pub(crate) leader: Option<String>,
    pub(crate) next: i64,
    pub(crate) ends_at: i64,
    /// Bidders in the order of their first bids.
    pub(crate) bidders: Vec<String>,
}

impl Model {
    pub(crate) fn new(terms: Terms) -> Self {
        Self { terms, bids: Vec::new() }
    }

    /// Why the bid would be refused, if it were asked at that instant.
    pub(crate) fn refusal(&self, user: &str, amount: i64, at: i64) -> Option<&'static str> {
        let stand = self.stand();
        if at >= stand.ends_at {
            return Some("auction_closed");
        }
        if at < self.terms.starts_at {
            return Some("auction_not_started");
        }
        if stand.leader.as_deref() == Some(user) {
            let own = self.bids.iter().rfind(|bid| bid.user == user).map_or(0, |bid| bid.amount);
            return (amount <= own).then_some("own_max_not_raised");
        }
        (amount < stand.next).then_some("bid_too_low")
    }

    pub(crate) fn accept(&mut self, user: &str, amount: i64, at: i64) {
        self.bids.push(Bid { user: user.to_owned(), amount, at });
    }

    pub(crate) fn count(&self) -> usize {
        self.bids.len()
    }

    /// Everything, from nothing.
    pub(crate) fn stand(&self) -> Stand {
        let mut stand = Stand {
            price: None,
            leader: None,
            next: self.terms.start,
            ends_at: self.terms.ends_at,
            bidders: Vec::new(),
        };
        let mut live: Vec<&Bid> = Vec::new();
        for bid in &self.bids {
            if !stand.bidders.contains(&bid.user) {
                stand.bidders.push(bid.user.clone());
            }
            let before = (stand.price, stand.leader.clone());
            live.retain(|other| other.user != bid.user);
            live.push(bid);
            // Stable: of equal maxima the earlier one stays ahead.
            live.sort_by_key(|bid| -bid.amount);
            let Some(best) = live.first() else { continue };
            let price = self.price(&before, bid, best, live.get(1).copied());
            stand.price = Some(price);
            stand.leader = Some(best.user.clone());
            stand.next = price + step(price);
            if (stand.price, stand.leader.clone()) != before {
                stand.ends_at = self.moved(stand.ends_at, bid.at);
            }
        }
        stand
    }

    /// How it ends: who pays how much.
    pub(crate) fn outcome(&self) -> Option<(String, i64)> {
        let stand = self.stand();
        let leader = stand.leader?;
        let max = self.bids.iter().rfind(|bid| bid.user == leader)?.amount;
        let met = self.terms.reserve.is_none_or(|reserve| max >= reserve);
        if met { Some((leader, stand.price?)) } else { None }
    }

    fn price(
        &self,
        before: &(Option<i64>, Option<String>),
        bid: &Bid,
        best: &Bid,
        second: Option<&Bid>,
    ) -> i64 {
        let own_raise = before.1.as_deref() == Some(&bid.user) && best.user == bid.user;
        let by_bids = match (before.0, second) {
            (None, _) => self.terms.start,
            (Some(old), None) => old,
            (Some(old), Some(_)) if own_raise => old,
            (Some(old), Some(second)) => {
                let over = if second.amount == best.amount { 0 } else { step(second.amount) };
                (second.amount + over).min(best.amount).max(old)
            }
        };
        match self.terms.reserve {
            Some(reserve) if best.amount >= reserve => by_bids.max(reserve),
            _ => by_bids,
        }
    }

    fn moved(&self, end: i64, at: i64) -> i64 {
        if self.terms.soft_close == SoftClose::Off || end - at > WINDOW_MS {
            return end;
        }
        match self.terms.soft_close {
            SoftClose::Add => end + EXTENSION_MS,
            _ => end.max(at + EXTENSION_MS),
        }
    }
}

/// The increment at a price.
fn step(price: i64) -> i64 {
    LADDER.iter().rfind(|(from, _)| price >= *from).map_or(0, |(_, step)| *step)
}

/// Bands of every simulated auction: from a price on, by how much.
pub(crate) const LADDER: [(i64, i64); 3] = [(1, 100), (3_000, 250), (20_000, 1_000)];
/// Bids this late move the end,
pub(crate) const WINDOW_MS: i64 = 10_000;
/// by this much.
pub(crate) const EXTENSION_MS: i64 = 15_000;
