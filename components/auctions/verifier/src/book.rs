//! Where an auction stands, as everybody can know it.

use std::collections::BTreeSet;

use kernel::{Digest, Minor, Timestamp};

use crate::prices::Seen;
use crate::report::Undecided;
use crate::said::{Outage, Picture, Reserve};
use crate::terms::{Format, Terms};

/// An auction on its way.
pub(crate) struct Book {
    pub(crate) terms: Terms,
    pub(crate) format: Format,
    pub(crate) phase: Phase,
    pub(crate) ends_at: Timestamp,
    pub(crate) bids: Vec<Bid>,
    /// How many have bid: aliases are numbers.
    pub(crate) bidders: u32,
    pub(crate) blocked: BTreeSet<u32>,
    /// Bids that stand.
    pub(crate) bid_count: u64,
    pub(crate) price: Option<Minor>,
    /// Index of the leading bid.
    pub(crate) leading: Option<usize>,
    pub(crate) reserve: Reserve,
    /// R, where a price showed it or its owner opened it.
    pub(crate) reserve_amount: Option<Minor>,
    pub(crate) reserve_bounds: ReserveBounds,
    pub(crate) buy_now_open: bool,
    pub(crate) units_sold: u32,
    /// What the next event must be.
    pub(crate) owed: Option<Owed>,
    pub(crate) offers: BTreeSet<String>,
    pub(crate) undecided: Vec<Undecided>,
    pub(crate) pictures: Vec<Picture>,
    /// Declared times at which the platform was away.
    pub(crate) outages: Vec<Outage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Scheduled,
    Open,
    Ended,
    Cancelled,
}

/// What an event leads to at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owed {
    /// `auction_extended`.
    Extension { old_end: Timestamp, new_end: Timestamp, cause_seq: u64 },
    /// `auction_closed`, because somebody bought what was left.
    Sale { bidder: u32, price: Minor, at_once: bool },
    /// `auction_closed`, because sealed bids were opened.
    Close,
}

/// Amounts between which the reserve must lie: what was below it, what met it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReserveBounds {
    pub(crate) above: Option<Minor>,
    pub(crate) at_most: Option<Minor>,
}

pub(crate) struct Bid {
    pub(crate) id: String,
    pub(crate) bidder: u32,
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) commitment: Option<Digest>,
    /// The amount, where the log shows it by now.
    pub(crate) amount: Option<Minor>,
    /// The amount, where its owner opened it for the verifier.
    pub(crate) opened: Option<Minor>,
    /// The least that it had to be.
    pub(crate) least: Option<Minor>,
    pub(crate) quantity: u32,
    pub(crate) min_quantity: u32,
    pub(crate) price: Option<Minor>,
    pub(crate) is_void: bool,
    pub(crate) is_cut: bool,
    /// Prices that followed from its amount while it led.
    pub(crate) seen: Vec<Seen>,
}

impl Book {
    pub(crate) fn open(terms: Terms, format: Format, phase: Phase) -> Self {
        Self {
            ends_at: terms.ends_at,
            reserve: terms.reserve,
            buy_now_open: terms.buy_now_price.is_some(),
            terms,
            format,
            phase,
            bids: Vec::new(),
            bidders: 0,
            blocked: BTreeSet::new(),
            bid_count: 0,
            price: None,
            leading: None,
            reserve_amount: None,
            reserve_bounds: ReserveBounds::default(),
            units_sold: 0,
            owed: None,
            offers: BTreeSet::new(),
            undecided: Vec::new(),
            pictures: Vec::new(),
            outages: Vec::new(),
        }
    }

    /// A bidder who is known, by the alias.
    pub(crate) fn known(&self, alias: &str) -> Result<u32, String> {
        let number = number(alias).filter(|number| *number <= self.bidders);
        number.ok_or_else(|| format!("{alias} has not bid"))
    }

    /// The bidder of a new bid; newcomers are numbered in the order of their first bids.
    pub(crate) fn bidding(&self, alias: &str) -> Result<u32, String> {
        let number = number(alias).filter(|number| *number <= self.bidders + 1);
        number.ok_or_else(|| format!("{alias} is not the next alias after {}", self.bidders))
    }

    pub(crate) fn leading_bid(&self) -> Option<&Bid> {
        self.bids.get(self.leading?)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<usize> {
        self.bids.iter().position(|bid| bid.id == id)
    }

    /// Indexes of a bidder's bids that stand, oldest first.
    pub(crate) fn standing(&self, bidder: u32) -> Vec<usize> {
        let bids = (0..).zip(&self.bids);
        let own = bids.filter(|(_, bid)| bid.bidder == bidder && !bid.is_void);
        own.map(|(index, _)| index).collect()
    }

    /// Index of the bid that counts of each bidder: its newest that stands.
    pub(crate) fn live(&self) -> Vec<usize> {
        (1..=self.bidders).filter_map(|bidder| self.standing(bidder).pop()).collect()
    }

    pub(crate) fn doubt(&mut self, seq: u64, what: impl Into<String>) {
        self.undecided.push(Undecided { seq: Some(seq), what: what.into() });
    }

    /// The reserve is above that amount, or at most it.
    pub(crate) fn bound_reserve(&mut self, amount: Minor, met: bool) -> Result<(), String> {
        let bounds = &mut self.reserve_bounds;
        if met {
            bounds.at_most = Some(bounds.at_most.map_or(amount, |known| known.min(amount)));
        } else {
            bounds.above = Some(bounds.above.map_or(amount, |known| known.max(amount)));
        }
        let ReserveBounds { above, at_most } = *bounds;
        let contradict = above.zip(at_most).is_some_and(|(above, at_most)| above >= at_most);
        let known = self.reserve_amount;
        let wrong = known.is_some_and(|reserve| {
            above.is_some_and(|above| reserve <= above)
                || at_most.is_some_and(|at_most| reserve > at_most)
        });
        if contradict || wrong {
            return Err(
                "no reserve is met by what met it and unmet by what did not (B3)".to_owned()
            );
        }
        Ok(())
    }
}

/// `bidder-3` is 3.
fn number(alias: &str) -> Option<u32> {
    let digits = alias.strip_prefix("bidder-")?;
    digits.parse().ok().filter(|number: &u32| *number > 0 && number.to_string() == digits)
}

/// The alias of a bidder.
pub(crate) fn alias(bidder: u32) -> String {
    format!("bidder-{bidder}")
}
