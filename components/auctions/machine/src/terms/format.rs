//! The format and its own numbers.

use kernel::{Currency, Minor, limits};

use super::Faults;
use crate::contract::{Clock, Decrement, Terms};
use crate::formats::{self, Format};
use crate::refusal::Code;

impl Faults {
    /// The format with its numbers; none when something is wrong with them.
    pub(super) fn format(&mut self, terms: &Terms, currency: Currency) -> Option<Format> {
        let format = match terms.format.as_str() {
            "english" => Some(Format::English),
            "open_outcry" => Some(Format::OpenOutcry),
            "dutch" => self.clock(terms, currency).map(Format::Dutch),
            "sealed_first_price" => Some(Format::SealedFirstPrice),
            "vickrey" => Some(Format::Vickrey),
            "reverse" => self.decrement(terms, currency).map(Format::Reverse),
            "uniform_price" => {
                let uniform = terms.uniform_price;
                if uniform.is_none() {
                    self.add("/uniform_price", "required", "this format needs its pricing");
                }
                uniform.map(|uniform| Format::UniformPrice(uniform.pricing))
            }
            other => {
                self.unknown(other);
                return None;
            }
        };
        for (given, name) in [
            (terms.dutch.is_some(), "dutch"),
            (terms.reverse.is_some(), "reverse"),
            (terms.uniform_price.is_some(), "uniform_price"),
        ] {
            if given && name != terms.format {
                let detail = format!("these are numbers of the format {name}");
                self.add(&format!("/{name}"), "conflict", detail);
            }
        }
        self.quantity(terms);
        format
    }

    fn unknown(&mut self, format: &str) {
        let offered = Format::NAMES.join(", ");
        let detail = match format {
            "penny" | "pay_per_bid" | "bid_fee" => {
                format!("pay-per-bid auctions are refused by design; offered are {offered}")
            }
            _ => format!("this format is not offered; offered are {offered}"),
        };
        self.add_special("/format", Code::FormatNotAllowed, &detail);
    }

    fn quantity(&mut self, terms: &Terms) {
        let (least, most, detail) = match terms.format.as_str() {
            "uniform_price" => (2, limits::QUANTITY_MAX, "this format sells 2 units or more"),
            "dutch" => (1, limits::QUANTITY_MAX, "a clock sells at least one unit"),
            _ => (1, 1, "this format sells one unit"),
        };
        if !(least..=most).contains(&terms.quantity) {
            let detail = if terms.quantity > most && most > 1 {
                format!("at most {most} units")
            } else {
                detail.to_owned()
            };
            self.add_special("/quantity", Code::InvalidQuantity, &detail);
        }
    }

    fn clock(&mut self, terms: &Terms, currency: Currency) -> Option<formats::Clock> {
        let Some(clock) = terms.dutch else {
            self.add("/dutch", "required", "this format needs its clock");
            return None;
        };
        let Clock { floor_price, decrement, tick_seconds, dwell_seconds } = clock;
        let mut fits = self.has_currency("/dutch/floor_price", floor_price, currency);
        fits &= self.has_currency("/dutch/decrement", decrement, currency);
        let mut wrong = |is_wrong: bool, pointer: &str, code: &str, detail: &str| {
            if is_wrong {
                self.add(pointer, code, detail);
                fits = false;
            }
        };
        let floor = floor_price.amount;
        wrong(floor == Minor::ZERO, "/dutch/floor_price/amount", "too_low", ONE_UNIT);
        let above = floor >= terms.start_price.amount;
        let detail = "the floor lies below the start price";
        wrong(above, "/dutch/floor_price/amount", "above_start_price", detail);
        wrong(decrement.amount == Minor::ZERO, "/dutch/decrement/amount", "too_low", ONE_UNIT);
        let seconds = 1..=limits::CLOCK_MAX_SECONDS;
        let detail = "1 to 86400 seconds";
        wrong(!seconds.contains(&tick_seconds), "/dutch/tick_seconds", "out_of_range", detail);
        let detail = "0 to 86400 seconds";
        let dwells = dwell_seconds <= limits::CLOCK_MAX_SECONDS;
        wrong(!dwells, "/dutch/dwell_seconds", "out_of_range", detail);
        let clock =
            formats::Clock { floor, decrement: decrement.amount, tick_seconds, dwell_seconds };
        fits.then_some(clock)
    }

    fn decrement(&mut self, terms: &Terms, currency: Currency) -> Option<formats::Decrement> {
        let Some(Decrement { decrement, decrement_bps }) = terms.reverse else {
            self.add("/reverse", "required", "this format needs its decrement");
            return None;
        };
        match (decrement, decrement_bps) {
            (Some(step), None) => {
                if !self.has_currency("/reverse/decrement", step, currency) {
                    return None;
                }
                if step.amount == Minor::ZERO {
                    self.add("/reverse/decrement/amount", "too_low", ONE_UNIT);
                    return None;
                }
                Some(formats::Decrement::Fixed(step.amount))
            }
            (None, Some(bps)) if (1..=BPS_MAX).contains(&bps) => Some(formats::Decrement::Bps(bps)),
            (None, Some(_)) => {
                let detail = "1 to 9999 basis points";
                self.add("/reverse/decrement_bps", "out_of_range", detail);
                None
            }
            _ => {
                let detail = "one of decrement and decrement_bps is needed";
                self.add("/reverse", "required", detail);
                None
            }
        }
    }
}

const ONE_UNIT: &str = "at least one minor unit";
/// Below the whole: an ask of nothing is no ask.
const BPS_MAX: u32 = 9_999;
