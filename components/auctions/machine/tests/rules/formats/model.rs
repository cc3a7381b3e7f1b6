//! Naive outcomes of the formats of rules.md B8: from the list of accepted bids and plain numbers,
//! everything again from nothing. Each can be told to follow a wrong rule.

/// Which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Outcry { ladder: Vec<(i64, i64)> },
    Clock { floor: i64, fall: i64, tick_ms: i64, dwell_ms: i64 },
    FirstPrice,
    Vickrey,
    ReverseFixed(i64),
    ReverseBps(i64),
    LowestAccepted,
    HighestRejected,
}

/// Terms in plain numbers.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    pub(crate) kind: Kind,
    pub(crate) start: i64,
    pub(crate) reserve: Option<i64>,
    pub(crate) units: u32,
    pub(crate) ends_ms: i64,
}

/// A wrong rule to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// An outcry's next bid is one unit above the price (fishauctions, B2.9).
    OneUnitAbove,
    /// The reserve of an outcry is met by reaching it from below only.
    ReserveExclusive,
    /// The clock falls a tick early, counting the one that runs.
    TickEarly,
    /// The clock falls below its floor.
    NoFloor,
    /// A buyer pays what it sent, not what the clock shows.
    PaysOwnLimit,
    /// The last units go in part to who wanted more.
    AlwaysPartial,
    /// A buyer of several units pays the last price of all.
    UniformClock,
    /// Sealed ties go to the later.
    TieToTheLater,
    /// A replaced bid keeps its priority.
    ReplacedKeepsPriority,
    /// A withdrawn bid still counts.
    WithdrawnCounts,
    /// The highest of all bids of a bidder counts, not the newest.
    HighestOfAllCounts,
    /// Vickrey without the reserve as a floor.
    SecondBelowReserve,
    /// Vickrey pays its own bid.
    PaysFirst,
    /// A decrement of basis points is rounded down.
    RoundsDown,
    /// The next ask needs only to be lower.
    AnyLowerAsk,
    /// Everybody pays its own unit price.
    PayAsBid,
    /// A least quantity is trimmed, not skipped.
    TrimsMinimum,
    /// What a least quantity skips counts as rejected.
    SkipsAreRejections,
    /// A rejected part of the marginal bid is none.
    PartsAreNotRejected,
}

#[derive(Debug, Clone)]
pub(crate) struct Bid {
    pub(crate) user: usize,
    pub(crate) amount: i64,
    pub(crate) units: u32,
    pub(crate) least: Option<u32>,
    pub(crate) ms: i64,
    pub(crate) void: bool,
    /// Bought at once: (units, unit price).
    pub(crate) got: Option<(u32, i64)>,
}

/// (user, units, unit price), best first.
pub(crate) type Winners = Vec<(usize, u32, i64)>;

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) numbers: Numbers,
    pub(crate) plant: Plant,
    pub(crate) bids: Vec<Bid>,
    pub(crate) over: bool,
}

impl Model {
    pub(crate) fn new(numbers: Numbers, plant: Plant) -> Self {
        Self { numbers, plant, bids: Vec::new(), over: false }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        use Kind::{FirstPrice, HighestRejected, LowestAccepted, Vickrey};
        matches!(self.numbers.kind, FirstPrice | Vickrey | LowestAccepted | HighestRejected)
    }

    pub(crate) fn is_clock(&self) -> bool {
        matches!(self.numbers.kind, Kind::Clock { .. })
    }

    /// The code of the refusal, or none and the bid is accepted.
    pub(crate) fn bid(&mut self, bid: Bid) -> Option<&'static str> {
        if self.over || bid.ms >= self.numbers.ends_ms {
            return Some("auction_closed");
        }
        let fits = (1..=self.numbers.units).contains(&bid.units);
        if !fits || bid.least.is_some_and(|least| !(1..=bid.units).contains(&least)) {
            return Some("invalid_quantity");
        }
        let mut bid = bid;
        match self.bound(bid.ms) {
            _ if bid.amount == 0 => return Some("bid_too_low"),
            (Some(least), _) if bid.amount < least => return Some("bid_too_low"),
            (_, Some(most)) if bid.amount > most => return Some("ask_too_high"),
            _ => {}
        }
        if self.is_clock() {
            let left = self.numbers.units - self.sold();
            let got = bid.units.min(left);
            if got < bid.least.unwrap_or(bid.units) && self.plant != Plant::AlwaysPartial {
                return Some("invalid_quantity");
            }
            let price = match self.plant {
                Plant::PaysOwnLimit => bid.amount,
                _ => self.clock(bid.ms),
            };
            bid.got = Some((got, price));
            self.over = got == left;
        }
        self.bids.push(bid);
        None
    }

    /// (least, most) of the next amount at that instant.
    pub(crate) fn bound(&self, ms: i64) -> (Option<i64>, Option<i64>) {
        let best = self.standing().last().map(|bid| bid.amount);
        match &self.numbers.kind {
            Kind::Outcry { ladder } => {
                let step = |price: i64| match self.plant {
                    Plant::OneUnitAbove => 1,
                    _ => ladder.iter().rfind(|(from, _)| price >= *from).unwrap_or(&ladder[0]).1,
                };
                (Some(best.map_or(self.numbers.start, |best| best + step(best))), None)
            }
            Kind::Clock { .. } => (Some(self.clock(ms)), None),
            Kind::ReverseFixed(step) => (None, Some(self.most(best, |_| *step))),
            Kind::ReverseBps(bps) => {
                let rounded = if self.plant == Plant::RoundsDown { 0 } else { 9_999 };
                (None, Some(self.most(best, |best| (best * bps + rounded) / 10_000)))
            }
            _ => (Some(self.numbers.start), None),
        }
    }

    fn most(&self, best: Option<i64>, step: impl Fn(i64) -> i64) -> i64 {
        let least = if self.plant == Plant::AnyLowerAsk { 1 } else { 0 };
        match best {
            None => self.numbers.start,
            Some(best) if least == 1 => best - 1,
            Some(best) => (best - step(best)).max(0),
        }
    }

    pub(crate) fn clock(&self, ms: i64) -> i64 {
        let Kind::Clock { floor, fall, tick_ms, .. } = self.numbers.kind else { return 0 };
        let ticks = ms / tick_ms + i64::from(self.plant == Plant::TickEarly);
        let price = self.numbers.start - fall * ticks;
        if self.plant == Plant::NoFloor { price.max(1) } else { price.max(floor) }
    }

    fn sold(&self) -> u32 {
        self.bids.iter().filter_map(|bid| bid.got).map(|(units, _)| units).sum()
    }

    pub(crate) fn standing(&self) -> impl DoubleEndedIterator<Item = &Bid> {
        self.bids.iter().filter(|bid| !bid.void || self.plant == Plant::WithdrawnCounts)
    }

    /// Each bidder's newest bid that stands, best first: by amount, then by arrival.
    fn ranking(&self) -> Vec<&Bid> {
        let mut live: Vec<(usize, &Bid)> = Vec::new();
        for (arrival, bid) in self.bids.iter().enumerate() {
            if bid.void && self.plant != Plant::WithdrawnCounts {
                continue;
            }
            let old = live.iter().position(|(_, known)| known.user == bid.user);
            match (old.map(|at| live.remove(at)), self.plant) {
                (Some(old), Plant::ReplacedKeepsPriority) => live.push((old.0, bid)),
                (Some(old), Plant::HighestOfAllCounts) if old.1.amount > bid.amount => {
                    live.push(old);
                }
                _ => live.push((arrival, bid)),
            }
        }
        live.sort_by_key(|(arrival, bid)| {
            let arrival = i64::try_from(*arrival).unwrap();
            (-bid.amount, if self.plant == Plant::TieToTheLater { -arrival } else { arrival })
        });
        live.into_iter().map(|(_, bid)| bid).collect()
    }

    /// Who gets what when it ends now.
    pub(crate) fn winners(&self) -> Winners {
        let floor = self.numbers.start.max(self.numbers.reserve.unwrap_or(0));
        let last = || self.standing().last().map(|bid| (bid.user, 1, bid.amount));
        match self.numbers.kind {
            Kind::Outcry { .. } => {
                let exclusive = i64::from(self.plant == Plant::ReserveExclusive);
                let reserve = self.numbers.reserve.map(|reserve| reserve + exclusive);
                let met = last().filter(|won| won.2 >= reserve.unwrap_or(0));
                met.into_iter().collect()
            }
            Kind::ReverseFixed(_) | Kind::ReverseBps(_) => last().into_iter().collect(),
            Kind::Clock { .. } => {
                let got = self.bids.iter().filter_map(|bid| Some((bid.user, bid.got?)));
                let mut winners: Winners =
                    got.map(|(user, (units, price))| (user, units, price)).collect();
                if self.plant == Plant::UniformClock {
                    let last = winners.last().map_or(0, |won| won.2);
                    winners.iter_mut().for_each(|won| won.2 = last);
                }
                winners
            }
            Kind::FirstPrice | Kind::Vickrey => self.single(floor),
            Kind::LowestAccepted | Kind::HighestRejected => self.many(floor),
        }
    }

    fn single(&self, floor: i64) -> Winners {
        let ranking = self.ranking();
        let Some(best) = ranking.first().filter(|best| best.amount >= floor) else {
            return Vec::new();
        };
        let second = ranking.get(1).map(|bid| bid.amount);
        let pays = match (&self.numbers.kind, self.plant) {
            (Kind::FirstPrice, _) | (_, Plant::PaysFirst) => best.amount,
            (_, Plant::SecondBelowReserve) => second.unwrap_or(self.numbers.start),
            _ => second.unwrap_or(floor).max(floor),
        };
        vec![(best.user, 1, pays)]
    }

    /// Unit by unit: the best bid that wants one more and may have it.
    fn many(&self, floor: i64) -> Winners {
        let mut left = self.numbers.units;
        let (mut winners, mut rejected): (Winners, Vec<i64>) = (Vec::new(), Vec::new());
        for bid in self.ranking().into_iter().filter(|bid| bid.amount >= floor) {
            let least = bid.least.unwrap_or(1);
            if left > 0 && left < least && self.plant != Plant::TrimsMinimum {
                if self.plant == Plant::SkipsAreRejections {
                    rejected.push(bid.amount);
                }
                continue;
            }
            let mut units = 0;
            while units < bid.units && left > 0 {
                (units, left) = (units + 1, left - 1);
            }
            if units > 0 {
                winners.push((bid.user, units, bid.amount));
            }
            let is_part = units > 0 && self.plant == Plant::PartsAreNotRejected;
            if units < bid.units && !is_part {
                rejected.push(bid.amount);
            }
        }
        let lowest = winners.iter().map(|won| won.2).min().unwrap_or(0);
        let price = match self.numbers.kind {
            Kind::HighestRejected => rejected.into_iter().max().unwrap_or(floor).min(lowest),
            _ => lowest,
        };
        if self.plant != Plant::PayAsBid {
            winners.iter_mut().for_each(|won| won.2 = price);
        }
        winners
    }
}
