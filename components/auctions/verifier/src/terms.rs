//! The terms of an auction, as its first event says them, and what follows from them alone.

use kernel::{Currency, Digest, Minor, Money, Timestamp};
use serde::Deserialize;

use crate::said::Reserve;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Terms {
    pub(crate) buy_now_price: Option<Money>,
    #[serde(default)]
    pub(crate) dutch: Option<Clock>,
    pub(crate) ends_at: Timestamp,
    pub(crate) format: String,
    pub(crate) increments: Vec<Band>,
    pub(crate) quantity: u32,
    pub(crate) reserve: Reserve,
    pub(crate) reserve_commitment: Option<Digest>,
    pub(crate) retraction: String,
    #[serde(default)]
    pub(crate) reverse: Option<Step>,
    pub(crate) soft_close: SoftClose,
    pub(crate) start_price: Money,
    pub(crate) starts_at: Timestamp,
    #[serde(default)]
    pub(crate) uniform_price: Option<Uniform>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Band {
    pub(crate) from: Minor,
    pub(crate) step: Minor,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Clock {
    pub(crate) decrement: Money,
    pub(crate) dwell_seconds: u32,
    pub(crate) floor_price: Money,
    pub(crate) tick_seconds: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Step {
    #[serde(default)]
    pub(crate) decrement: Option<Money>,
    #[serde(default)]
    pub(crate) decrement_bps: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SoftClose {
    pub(crate) extension_seconds: Option<u32>,
    pub(crate) hard_stop_at: Option<Timestamp>,
    pub(crate) mode: String,
    pub(crate) window_seconds: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Uniform {
    pub(crate) pricing: String,
}

/// The kinds of auctions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    English,
    OpenOutcry,
    Reverse,
    Dutch,
    FirstPrice,
    Vickrey,
    Uniform,
}

impl Format {
    pub(crate) fn is_sealed(self) -> bool {
        matches!(self, Self::FirstPrice | Self::Vickrey | Self::Uniform)
    }
}

impl Terms {
    /// Terms that could be meant, and their format.
    pub(crate) fn check(&self) -> Result<Format, String> {
        let format = match self.format.as_str() {
            "english" => Format::English,
            "open_outcry" => Format::OpenOutcry,
            "reverse" if self.reverse.is_some() => Format::Reverse,
            "dutch" if self.dutch.is_some() => Format::Dutch,
            "sealed_first_price" => Format::FirstPrice,
            "vickrey" => Format::Vickrey,
            "uniform_price" if self.uniform_price.is_some() => Format::Uniform,
            other => return Err(format!("there is no format {other} with such terms")),
        };
        if self.ends_at <= self.starts_at {
            return Err("it ends before it starts".to_owned());
        }
        if (self.reserve == Reserve::None) != self.reserve_commitment.is_none() {
            return Err("a reserve has a commitment, and nothing else has one".to_owned());
        }
        let has_steps = matches!(format, Format::English | Format::OpenOutcry);
        let ascend = self.increments.windows(2).all(|pair| match pair {
            [one, two] => one.from < two.from,
            _ => true,
        });
        if has_steps && (self.increments.is_empty() || !ascend) {
            return Err("its increments are no ladder".to_owned());
        }
        if self.increments.iter().any(|band| band.step == Minor::ZERO) {
            return Err("an increment is nothing".to_owned());
        }
        let amounts = [self.buy_now_price].into_iter().flatten();
        let amounts =
            amounts.chain(self.dutch.iter().flat_map(|it| [it.decrement, it.floor_price]));
        if amounts.chain(self.reverse.iter().filter_map(|it| it.decrement)).any(|it| !self.has(it))
        {
            return Err("its amounts are in several currencies".to_owned());
        }
        if let Some(clock) = &self.dutch
            && self.ends_at.ms_since(self.starts_at) != clock.run_ms(self.start_price.amount)
        {
            return Err("its end is not that of its clock (B8)".to_owned());
        }
        Ok(format)
    }

    pub(crate) fn currency(&self) -> Currency {
        self.start_price.currency
    }

    pub(crate) fn has(&self, money: Money) -> bool {
        money.currency == self.currency()
    }

    /// An amount in the auction's currency.
    pub(crate) fn amount(&self, money: Money) -> Result<Minor, String> {
        if self.has(money) {
            Ok(money.amount)
        } else {
            Err(format!("an amount is in {}, the auction in {}", money.currency, self.currency()))
        }
    }

    /// inc(p) (B1): half-open bands, the first one below itself, too.
    pub(crate) fn increment(&self, price: Minor) -> Minor {
        let band = self.increments.iter().rev().find(|band| band.from <= price);
        band.or(self.increments.first()).map_or(Minor::MAX, |band| band.step)
    }

    /// The least that a bidder who does not lead must offer (B2.1).
    pub(crate) fn least(&self, price: Option<Minor>) -> Minor {
        price.map_or(self.start_price.amount, |price| price.plus(self.increment(price)))
    }

    /// The highest ask below a best one (B8); none when there is no lower amount.
    pub(crate) fn most(&self, best: Option<Minor>) -> Option<Minor> {
        let Some(best) = best else { return Some(self.start_price.amount) };
        let step = self.reverse.as_ref()?;
        let step = match (step.decrement, step.decrement_bps) {
            (Some(fixed), None) => i128::from(fixed.amount.get()),
            (None, Some(bps)) => (i128::from(best.get()) * i128::from(bps) + 9_999) / 10_000,
            _ => return None,
        };
        let most = i64::try_from(i128::from(best.get()) - step).ok().filter(|most| *most > 0)?;
        Minor::new(most).ok()
    }

    /// P(t) of a falling clock (B8).
    pub(crate) fn clock_price(&self, now: Timestamp) -> Option<Minor> {
        let clock = self.dutch.as_ref()?;
        let tick_ms = i64::from(clock.tick_seconds.max(1)) * 1_000;
        let ticks = (now.ms_since(self.starts_at) / tick_ms).max(0);
        let fallen = i128::from(clock.decrement.amount.get()) * i128::from(ticks);
        let price = i128::from(self.start_price.amount.get()) - fallen;
        let price = i64::try_from(price.max(i128::from(clock.floor_price.amount.get()))).ok()?;
        Minor::new(price).ok()
    }

    /// The end after an accepted bid at `now` that changed leader or price (B6).
    pub(crate) fn end_after(&self, end: Timestamp, now: Timestamp) -> Timestamp {
        let SoftClose { extension_seconds, hard_stop_at, mode, window_seconds } = &self.soft_close;
        let (Some(window), Some(extension)) = (window_seconds, extension_seconds) else {
            return end;
        };
        let (window, extension) = (i64::from(*window) * 1_000, i64::from(*extension) * 1_000);
        if end.ms_since(now) > window {
            return end;
        }
        let moved = match mode.as_str() {
            "reset" => now.plus_ms(extension).max(end),
            "add" => end.plus_ms(extension),
            _ => end,
        };
        hard_stop_at.map_or(moved, |stop| moved.min(stop)).max(end)
    }
}

impl Clock {
    /// From the start to the end: the way to the floor, and the dwell there.
    fn run_ms(&self, start: Minor) -> i64 {
        let way = start.get().saturating_sub(self.floor_price.amount.get()).max(0);
        let step = self.decrement.amount.get().max(1);
        let ticks = way / step + i64::from(way % step != 0);
        let seconds = ticks.saturating_mul(i64::from(self.tick_seconds));
        seconds.saturating_add(i64::from(self.dwell_seconds)).saturating_mul(1_000)
    }
}
