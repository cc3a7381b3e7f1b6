//! What a seller may offer (api.md §3): checks every field, collects every fault, pins the rest.

mod faults;
mod format;

use kernel::machine::CommandKey;
use kernel::{Currency, Digest, Id, Minor, Money, Salt, Timestamp, canonical, kind, limits};

use crate::close::{Movement, SoftClose};
use crate::contract::{self, Band, Increments, SoftCloseMode, Terms};
use crate::event::{HiddenAmount, Listing, Retraction};
use crate::formats::Format;
use crate::ladder::{Ladder, LadderFault};
use crate::lot::{Lot, Phase};
use crate::refusal::{Code, Refusal};
use faults::Faults;

/// What the machine adds to the seller's terms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis<'a> {
    /// The command that lists it.
    pub(crate) command: CommandKey,
    /// Who sells.
    pub(crate) seller: Id<kind::User>,
    /// The instant of the decision.
    pub(crate) now: Timestamp,
    /// Salt for the reserve's commitment.
    pub(crate) salt: Salt,
    /// The auction whose terms are changed.
    pub(crate) before: Option<&'a Lot>,
}

/// SHA-256 of the canonical terms: equal for a retry, different for another body.
pub(crate) fn fingerprint(terms: &Terms) -> Digest {
    let json = canonical::to_vec(terms);
    Digest::of(&[&canonical::canonicalize(&json).unwrap_or(json)])
}

/// The listing that the terms lead to, or a refusal that names every wrong field.
pub(crate) fn accept(terms: &Terms, basis: &Basis<'_>) -> Result<Listing, Refusal> {
    let mut faults = Faults::default();
    let currency = terms.start_price.currency;
    let format = faults.format(terms, currency);
    faults.texts(terms);
    faults.prices(terms, currency, format);
    let ladder = faults.ladder(terms, currency, format);
    let starts_at = faults.start(terms, basis);
    let scheduled_end = faults.end(terms, format, starts_at, basis);
    let soft_close = match format {
        Some(format) if !format.extends() => Some(None),
        _ => faults.soft_close(&terms.soft_close, scheduled_end),
    };
    let retraction = Retraction::parse(&terms.retraction);
    if retraction.is_none() {
        let detail = "one of none, ebay, until(h) with h hours, at most 2160";
        faults.add("/retraction", "unknown_value", detail);
    }
    match (format, ladder, scheduled_end, soft_close, retraction) {
        (Some(format), Some(ladder), Some(scheduled_end), Some(soft_close), Some(retraction))
            if faults.is_empty() =>
        {
            Ok(Listing {
                command: basis.command,
                asked: basis.asked(terms),
                seller: basis.seller,
                title: terms.title.as_str().into(),
                description: terms.description.as_str().into(),
                category: terms.category.as_str().into(),
                format,
                currency,
                start_price: terms.start_price.amount,
                reserve: terms.reserve_price.map(|reserve| basis.reserve(reserve.amount)),
                buy_now: terms.buy_now_price.map(|price| price.amount),
                quantity: terms.quantity,
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

/// The listing with a merge patch (RFC 7396) over its terms.
pub(crate) fn amended(
    lot: &Lot,
    patch: &serde_json::Map<String, serde_json::Value>,
    basis: &Basis<'_>,
) -> Result<Listing, Refusal> {
    let mut terms = serde_json::to_value(of_listing(&lot.listing))
        .map_err(|error| Refusal::new(Code::InvalidCommand, error.to_string()))?;
    if let Some(terms) = terms.as_object_mut() {
        // One of the two says when it ends: the newer.
        if patch.contains_key("duration_seconds") && !patch.contains_key("ends_at") {
            terms.remove("ends_at");
        }
        for (name, value) in patch {
            if value.is_null() {
                terms.remove(name);
            } else {
                terms.insert(name.clone(), value.clone());
            }
        }
    }
    let terms = serde_json::from_value(terms)
        .map_err(|error| Refusal::field("", "invalid", error.to_string()))?;
    accept(&terms, basis)
}

/// The terms that lead to a listing.
fn of_listing(listing: &Listing) -> Terms {
    let money = |amount| listing.money(amount);
    let bands = |ladder: &Ladder| Increments::Bands(ladder.bands().to_vec());
    let (dutch, reverse, uniform_price) = crate::view::numbers(listing);
    Terms {
        title: listing.title.to_string(),
        description: listing.description.to_string(),
        category: listing.category.to_string(),
        format: listing.format.name().to_owned(),
        start_price: money(listing.start_price),
        reserve_price: listing.reserve_amount().map(money),
        buy_now_price: listing.buy_now.map(money),
        increments: listing.ladder.as_ref().map(bands),
        dutch,
        reverse,
        uniform_price,
        starts_at: Some(listing.starts_at),
        ends_at: (!matches!(listing.format, Format::Dutch(_))).then_some(listing.scheduled_end),
        duration_seconds: None,
        soft_close: crate::view::soft_close(listing),
        retraction: listing.retraction.to_string(),
        quantity: listing.quantity,
    }
}

/// May this be added to the description?
pub(crate) fn check_addition(lot: &Lot, text: &str) -> Result<(), Refusal> {
    let pointer = "/description_addition";
    if text.trim().is_empty() {
        return Err(Refusal::field(pointer, "required", "an addition has a text"));
    }
    if text.chars().nth(limits::ADDITION_MAX_CHARS).is_some() {
        let detail = format!("at most {} characters", limits::ADDITION_MAX_CHARS);
        return Err(Refusal::field(pointer, "too_long", detail));
    }
    if lot.additions.len() >= limits::ADDITIONS_MAX {
        let detail = format!("at most {} additions", limits::ADDITIONS_MAX);
        return Err(Refusal::field(pointer, "too_many", detail));
    }
    Ok(())
}

/// May a cancellation have this reason?
pub(crate) fn check_reason(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::field("/reason", "required", "bidders are told a reason"));
    }
    if reason.chars().nth(limits::REASON_MAX_CHARS).is_some() {
        let detail = format!("at most {} characters", limits::REASON_MAX_CHARS);
        return Err(Refusal::field("/reason", "too_long", detail));
    }
    Ok(())
}

impl Basis<'_> {
    /// The fingerprint stays that of the command that listed the auction.
    fn asked(&self, terms: &Terms) -> Digest {
        self.before.map_or_else(|| fingerprint(terms), |lot| lot.listing.asked)
    }

    /// An unchanged reserve keeps its salt, and so its commitment.
    fn reserve(&self, amount: Minor) -> HiddenAmount {
        let before = self.before.and_then(|lot| lot.listing.reserve);
        let same = before.filter(|before| before.amount == amount);
        same.unwrap_or(HiddenAmount { amount, salt: self.salt })
    }
}

impl Faults {
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

    fn prices(&mut self, terms: &Terms, currency: Currency, format: Option<Format>) {
        if terms.start_price.amount == Minor::ZERO {
            self.add("/start_price/amount", "too_low", "at least one minor unit");
        }
        let start = terms.start_price.amount;
        if let Some(reserve) = terms.reserve_price {
            if matches!(format, Some(Format::Dutch(_) | Format::Reverse(_))) {
                let detail = "this format has no reserve: its own limit says when nothing is sold";
                self.add("/reserve_price", "not_offered", detail);
            } else if self.has_currency("/reserve_price", reserve, currency)
                && reserve.amount < start
            {
                let detail = "a reserve is at least the start price";
                self.add("/reserve_price/amount", "below_start_price", detail);
            }
        }
        let Some(buy_now) = terms.buy_now_price else { return };
        if format.is_some_and(|format| !format.has_ladder()) {
            let detail = "Buy It Now goes with english and open_outcry";
            self.add("/buy_now_price", "not_offered", detail);
        } else if self.has_currency("/buy_now_price", buy_now, currency) {
            // B4.1: B ≥ 1.30 × S.
            let (tenfold, least) =
                (buy_now.amount.get().saturating_mul(10), start.get().saturating_mul(13));
            if tenfold < least {
                let detail = "a Buy It Now price is at least 1.3 times the start price (B4.1)";
                self.add("/buy_now_price/amount", "too_low", detail);
            }
            if terms.reserve_price.is_some_and(|reserve| buy_now.amount < reserve.amount) {
                let detail = "a Buy It Now price is at least the reserve (B4.1)";
                self.add("/buy_now_price/amount", "below_reserve", detail);
            }
        }
    }

    /// Has the amount the currency of the start price?
    fn has_currency(&mut self, pointer: &str, money: Money, currency: Currency) -> bool {
        if money.currency == currency {
            return true;
        }
        let detail = "all amounts have the currency of the start price";
        self.add_special(&format!("{pointer}/currency"), Code::CurrencyMismatch, detail);
        false
    }

    /// Outer None: wrong; inner None: the format has no ladder.
    fn ladder(
        &mut self,
        terms: &Terms,
        currency: Currency,
        format: Option<Format>,
    ) -> Option<Option<Ladder>> {
        match (&terms.increments, format.is_none_or(|format| format.has_ladder())) {
            (Some(Increments::Preset(name)), true) => self.preset(name, currency).map(Some),
            (Some(Increments::Bands(bands)), true) => self.bands(bands, terms).map(Some),
            (None, true) => {
                let detail = "bids of this format go up in steps: name a preset or give bands";
                self.add_special("/increments", Code::IncrementsRequired, detail);
                None
            }
            (_, false) => Some(None),
        }
    }

    fn bands(&mut self, bands: &[Band], terms: &Terms) -> Option<Ladder> {
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

    /// The start: at once or later; where the auction has started already, when it did.
    fn start(&mut self, terms: &Terms, basis: &Basis<'_>) -> Timestamp {
        let started = basis.before.filter(|lot| lot.phase == Phase::Open);
        if let Some(lot) = started {
            let since = lot.listing.starts_at;
            if terms.starts_at.is_some_and(|start| start != since) {
                self.add("/starts_at", "already_started", "the auction has started");
            }
            return since;
        }
        terms.starts_at.map_or(basis.now, |start| start.max(basis.now))
    }

    fn end(
        &mut self,
        terms: &Terms,
        format: Option<Format>,
        starts_at: Timestamp,
        basis: &Basis<'_>,
    ) -> Option<Timestamp> {
        let clock = match format {
            Some(Format::Dutch(clock)) => Some(clock),
            _ => None,
        };
        let (pointer, end) = match (clock, terms.ends_at, terms.duration_seconds) {
            (Some(clock), None, None) => {
                ("/dutch", starts_at.plus_ms(clock.run_ms(terms.start_price.amount)))
            }
            (Some(_), ends_at, _) => {
                let pointer = if ends_at.is_some() { "/ends_at" } else { "/duration_seconds" };
                self.add(pointer, "conflict", "the clock says when a dutch auction ends");
                return None;
            }
            (None, Some(end), None) => ("/ends_at", end),
            (None, None, Some(seconds)) => {
                ("/duration_seconds", starts_at.plus_ms(seconds.saturating_mul(1_000)))
            }
            (None, Some(_), Some(_)) => {
                self.add("/duration_seconds", "conflict", "ends_at or duration_seconds, not both");
                return None;
            }
            (None, None, None) => {
                self.add("/ends_at", "required", "ends_at or duration_seconds is needed");
                return None;
            }
        };
        let is_new = basis.before.is_none_or(|lot| lot.listing.scheduled_end != end);
        let left_ms = end.ms_since(starts_at.max(basis.now));
        if is_new && left_ms < limits::RUN_MIN_MS {
            self.add(pointer, "too_short", "an auction runs for at least 5 seconds");
        } else if end.ms_since(starts_at) > limits::RUN_MAX_MS {
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
