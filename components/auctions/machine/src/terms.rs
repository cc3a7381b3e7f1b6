//! What a seller may offer (api.md §3): checks every field, collects every fault, pins the rest.

use kernel::{Currency, Digest, Id, Minor, Money, Salt, Timestamp, canonical, kind, limits};

use crate::close::{Movement, SoftClose};
use crate::contract::{self, FieldError, Increments, SoftCloseMode, Terms};
use crate::event::{HiddenAmount, Listing, Retraction};
use crate::ladder::{Ladder, LadderFault};
use crate::refusal::{Code, Refusal};
use kernel::machine::CommandKey;

/// What the machine adds to the seller's terms.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// The command that lists it.
    pub command: CommandKey,
    /// Who sells.
    pub seller: Id<kind::User>,
    /// The instant of the decision.
    pub now: Timestamp,
    /// Salt for the reserve's commitment.
    pub salt: Salt,
}

/// SHA-256 of the canonical terms: equal for a retry, different for another body.
pub fn fingerprint(terms: &Terms) -> Digest {
    let json = canonical::to_vec(terms);
    Digest::of(&[&canonical::canonicalize(&json).unwrap_or(json)])
}

/// The listing that the terms lead to, or a refusal that names every wrong field.
pub fn accept(terms: &Terms, offer: &Offer) -> Result<Listing, Refusal> {
    let mut faults = Faults::default();
    faults.format(terms);
    faults.texts(terms);
    let currency = terms.start_price.currency;
    faults.prices(terms, currency);
    let ladder = faults.ladder(terms, currency);
    let starts_at = terms.starts_at.map_or(offer.now, |start| start.max(offer.now));
    let scheduled_end = faults.end(terms, starts_at);
    let soft_close = faults.soft_close(&terms.soft_close, scheduled_end);
    let retraction = Retraction::parse(&terms.retraction);
    if retraction.is_none() {
        let detail = "one of none, ebay, until(h) with h hours, at most 2160";
        faults.add("/retraction", "unknown_value", detail);
    }
    match (ladder, scheduled_end, soft_close, retraction) {
        (Some(ladder), Some(scheduled_end), Some(soft_close), Some(retraction))
            if faults.found.is_empty() =>
        {
            Ok(Listing {
                command: offer.command,
                asked: fingerprint(terms),
                seller: offer.seller,
                title: terms.title.as_str().into(),
                description: terms.description.as_str().into(),
                category: terms.category.as_str().into(),
                currency,
                start_price: terms.start_price.amount,
                reserve: terms
                    .reserve_price
                    .map(|reserve| HiddenAmount { amount: reserve.amount, salt: offer.salt }),
                ladder,
                soft_close,
                retraction,
                starts_at,
                scheduled_end,
            })
        }
        _ => Err(faults.into_refusal()),
    }
}

/// Collects wrong fields. `special` is the first fault with a code of its own.
#[derive(Default)]
struct Faults {
    found: Vec<FieldError>,
    special: Option<(Code, String)>,
}

impl Faults {
    fn add(&mut self, pointer: &str, code: &str, detail: impl Into<String>) {
        self.found.push(FieldError {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
        });
    }

    fn add_special(&mut self, pointer: &str, code: Code, detail: &str) {
        self.add(pointer, code.as_str(), detail);
        self.special.get_or_insert_with(|| (code, detail.to_owned()));
    }

    fn into_refusal(self) -> Refusal {
        let (code, detail) = self.special.unwrap_or_else(|| {
            let detail = match self.found.as_slice() {
                [only] => format!("{}: {}", only.pointer, only.detail),
                all => format!("{} fields are wrong", all.len()),
            };
            (Code::ValidationFailed, detail)
        });
        Refusal { code, detail, errors: self.found }
    }

    fn format(&mut self, terms: &Terms) {
        if terms.format == "english" {
            if terms.quantity != 1 {
                let detail = "an english auction sells one unit";
                self.add_special("/quantity", Code::InvalidQuantity, detail);
            }
            return;
        }
        let detail = match terms.format.as_str() {
            "penny" | "pay_per_bid" | "bid_fee" => {
                "pay-per-bid auctions are refused by design; offered is: english"
            }
            _ => "this format is not offered; offered is: english",
        };
        self.add_special("/format", Code::FormatNotAllowed, detail);
    }

    fn texts(&mut self, terms: &Terms) {
        if terms.title.trim().is_empty() {
            self.add("/title", "required", "a title is needed");
        }
        let bounded = [
            ("/title", &terms.title, limits::TITLE_MAX_CHARS),
            ("/description", &terms.description, limits::DESCRIPTION_MAX_CHARS),
            ("/category", &terms.category, limits::CATEGORY_MAX_CHARS),
        ];
        for (pointer, text, max) in bounded {
            if text.chars().nth(max).is_some() {
                self.add(pointer, "too_long", format!("at most {max} characters"));
            }
        }
    }

    fn prices(&mut self, terms: &Terms, currency: Currency) {
        if terms.start_price.amount == Minor::ZERO {
            self.add("/start_price/amount", "too_low", "at least one minor unit");
        }
        if let Some(Money { amount, currency: other }) = terms.reserve_price {
            if other != currency {
                let detail = "the reserve has the currency of the start price";
                self.add_special("/reserve_price/currency", Code::CurrencyMismatch, detail);
            } else if amount < terms.start_price.amount {
                let detail = "a reserve is at least the start price";
                self.add("/reserve_price/amount", "below_start_price", detail);
            }
        }
        if terms.buy_now_price.is_some() {
            self.add("/buy_now_price", "not_offered", "Buy It Now is not offered yet; leave null");
        }
    }

    fn ladder(&mut self, terms: &Terms, currency: Currency) -> Option<Ladder> {
        let bands = match &terms.increments {
            Increments::Preset(name) => return self.preset(name, currency),
            Increments::Bands(bands) => bands,
        };
        if bands.first().is_some_and(|first| first.from > terms.start_price.amount) {
            let detail = "the first band starts at or below the start price";
            self.add("/increments/0/from", "above_start_price", detail);
        }
        match Ladder::from_bands(bands) {
            Ok(ladder) => Some(ladder),
            Err(fault) => {
                let (pointer, code) = match fault {
                    LadderFault::BandCount => ("/increments".to_owned(), "wrong_length"),
                    LadderFault::NotAscending { band } => {
                        (format!("/increments/{band}/from"), "not_ascending")
                    }
                    LadderFault::NoStep { band } => (format!("/increments/{band}/step"), "too_low"),
                };
                self.add(&pointer, code, fault.to_string());
                None
            }
        }
    }

    fn preset(&mut self, name: &str, currency: Currency) -> Option<Ladder> {
        let preset = Ladder::preset(name);
        if preset.is_none() {
            let names: Vec<_> = Ladder::preset_names().collect();
            let detail = format!("a preset ({}) or bands of your own", names.join(", "));
            self.add("/increments", "unknown_value", detail);
        } else if currency.exponent() != 2 {
            let detail = "presets are for currencies with two decimals; give bands of your own";
            self.add_special("/increments", Code::IncrementsRequired, detail);
        }
        preset
    }

    fn end(&mut self, terms: &Terms, starts_at: Timestamp) -> Option<Timestamp> {
        let (pointer, end) = match (terms.ends_at, terms.duration_seconds) {
            (Some(end), None) => ("/ends_at", end),
            (None, Some(seconds)) => {
                ("/duration_seconds", starts_at.plus_ms(seconds.saturating_mul(1_000)))
            }
            (Some(_), Some(_)) => {
                self.add("/duration_seconds", "conflict", "ends_at or duration_seconds, not both");
                return None;
            }
            (None, None) => {
                self.add("/ends_at", "required", "ends_at or duration_seconds is needed");
                return None;
            }
        };
        let run_ms = end.ms_since(starts_at);
        if run_ms < limits::RUN_MIN_MS {
            self.add(pointer, "too_short", "an auction runs for at least 5 seconds");
        } else if run_ms > limits::RUN_MAX_MS {
            self.add(pointer, "too_long", "an auction runs for at most 90 days");
        }
        Some(end)
    }

    /// Outer None: wrong; inner None: the end never moves. Defaults: rules.md B6.
    fn soft_close(
        &mut self,
        asked: &contract::SoftClose,
        end: Option<Timestamp>,
    ) -> Option<Option<SoftClose>> {
        let mode = match asked.mode {
            SoftCloseMode::Off => return Some(None),
            SoftCloseMode::Reset => Movement::Reset,
            SoftCloseMode::Add => Movement::Add,
        };
        if let (Some(stop), Some(end)) = (asked.hard_stop_at, end)
            && stop < end
        {
            let detail = "the hard stop is not before the end";
            self.add("/soft_close/hard_stop_at", "before_end", detail);
        }
        let window_seconds = self.seconds("/soft_close/window_seconds", asked.window_seconds);
        let extension_seconds =
            self.seconds("/soft_close/extension_seconds", asked.extension_seconds);
        Some(Some(SoftClose {
            mode,
            window_seconds: window_seconds?,
            extension_seconds: extension_seconds?,
            hard_stop_at: asked.hard_stop_at,
        }))
    }

    fn seconds(&mut self, pointer: &str, asked: Option<i64>) -> Option<u32> {
        let seconds = asked.unwrap_or(SOFT_CLOSE_DEFAULT_SECONDS);
        let allowed = 1..=limits::SOFT_CLOSE_MAX_SECONDS;
        if !allowed.contains(&seconds) {
            let detail = format!("1 to {} seconds", limits::SOFT_CLOSE_MAX_SECONDS);
            self.add(pointer, "out_of_range", detail);
            return None;
        }
        u32::try_from(seconds).ok()
    }
}

const SOFT_CLOSE_DEFAULT_SECONDS: i64 = 120;
