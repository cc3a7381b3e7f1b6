//! Bidders and their habits. They know what everybody sees, and the most that they would pay.

use core::ops::RangeInclusive;

use auction_machine::contract::{Explanation, Row, Status};
use kernel::{Id, Minor, Money, Timestamp, kind};

use crate::chance::Chance;
use crate::request::{Asked, Strategy, Unplayable};
use crate::stage::{START, Stage, user};

/// Somebody who bids.
pub(crate) struct Bidder {
    pub(crate) name: String,
    pub(crate) user: Id<kind::User>,
    /// When it is its turn; none: not before something happens.
    pub(crate) due: Option<Timestamp>,
    strategy: Strategy,
    limit: Minor,
    /// How long before the end a sniper strikes.
    lead_ms: i64,
    /// On a falling clock: does it ever come down to the limit?
    clock: Option<Clock>,
    /// Will it bid again when it is outbid?
    stays: bool,
}

/// What a falling clock means for a bidder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    ComesDown,
    StaysAbove,
}

/// What a bidder does when it is its turn.
pub(crate) enum Turn {
    Bid(Minor),
    BuyNow,
    /// It could have bid, but would not.
    Pass(Explanation),
    Nothing,
}

impl Bidder {
    pub(crate) fn of(asked: Asked, stage: &mut Stage) -> Result<Self, Unplayable> {
        let Asked { name, strategy, limit, at_ms } = asked;
        let ends_at = stage.row(START)?.ends_at;
        let at_ms = at_ms.unwrap_or_else(|| match strategy {
            Strategy::Early => 0,
            Strategy::Sniper => stage.chance.within(SNIPE_MS),
            // Nobody who comes by chance comes in the last quarter: that is for snipers.
            Strategy::Proxy | Strategy::Step | Strategy::BuyNow => {
                stage.chance.within(0..=ends_at.ms_since(START) / 4 * 3)
            }
        });
        let limit = limit.unwrap_or_default();
        let mut bidder = Self {
            user: user(&name),
            name: name.trim().to_owned(),
            due: Some(START.plus_ms(at_ms)),
            strategy,
            limit,
            lead_ms: at_ms,
            clock: None,
            stays: strategy == Strategy::Step,
        };
        match strategy {
            Strategy::Sniper => bidder.strikes_before(ends_at, START),
            Strategy::BuyNow => {}
            Strategy::Early | Strategy::Proxy | Strategy::Step => {
                if let Some(ticks) = stage.ticks() {
                    bidder.waits_for_the_clock(stage.reached(limit, &ticks));
                }
            }
        }
        Ok(bidder)
    }

    fn waits_for_the_clock(&mut self, reached: Option<Timestamp>) {
        self.stays = false;
        self.clock = Some(reached.map_or(Clock::StaysAbove, |_| Clock::ComesDown));
        self.due = self.due.max(reached);
    }

    fn strikes_before(&mut self, end: Timestamp, now: Timestamp) {
        self.due = Some(end.plus_ms(-self.lead_ms).max(now));
    }

    /// What it does now.
    pub(crate) fn turn(&mut self, row: &Row, leads: bool) -> Turn {
        self.due = None;
        // Only who came at an instant of its own learns that it is too late.
        let watches = self.strategy == Strategy::Step
            || self.strategy == Strategy::Sniper
            || self.clock.is_some();
        if watches && row.status != Status::Open {
            return Turn::Nothing;
        }
        match (self.strategy, self.clock, row.next_minimum) {
            (Strategy::BuyNow, ..) => Turn::BuyNow,
            (_, Some(Clock::StaysAbove), Some(now)) => {
                let limit = Money::new(self.limit, now.currency);
                Turn::Pass(says("B8", format!("The clock never comes down to {limit}.")))
            }
            (Strategy::Step, None, Some(_)) if leads => Turn::Nothing,
            (Strategy::Step, None, Some(next)) if next.amount > self.limit => {
                self.stays = false;
                let limit = Money::new(self.limit, next.currency);
                let text = format!(
                    "The next bid is at least {next}, more than the {limit} that it \
                    would pay."
                );
                Turn::Pass(says("B2.1", text))
            }
            (Strategy::Step, None, Some(next)) => Turn::Bid(next.amount),
            _ => {
                self.stays = false;
                Turn::Bid(self.limit)
            }
        }
    }

    /// It was refused: that will not change by trying again.
    pub(crate) fn gives_up(&mut self) {
        self.stays = false;
    }

    /// Something happened.
    pub(crate) fn notices(&mut self, row: &Row, leads: bool, now: Timestamp, chance: &mut Chance) {
        if row.status != Status::Open {
            self.stays = false;
        } else if self.strategy == Strategy::Sniper && self.due.is_some() {
            self.strikes_before(row.ends_at, now);
        } else if self.stays && self.due.is_none() && !leads {
            self.due = Some(now.plus_ms(chance.within(REACTION_MS)));
        }
    }
}

fn says(rule: &str, text: String) -> Explanation {
    Explanation { rule: rule.to_owned(), text }
}

const SNIPE_MS: RangeInclusive<i64> = 1_000..=5_000;
/// People look, think and type.
const REACTION_MS: RangeInclusive<i64> = 1_000..=5_000;
