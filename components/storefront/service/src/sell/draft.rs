//! A listing as it was typed: read field by field, and all that is wrong with it told at once. What
//! only the rules can say is left to the API.

use std::str::FromStr;

use kernel::{Currency, Minor, Money, Timestamp};
use serde_json::{Map, Value, json};

use super::faults::{Faults, Field};
use super::ladders::{self, Ladder};
use crate::api::{Clock, OnePrice, Refusal, Underbid};
use crate::form::{self, Form};
use crate::show;

/// A listing that can be sent.
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) category: String,
    pub(super) format: &'static str,
    pub(super) start_price: Money,
    pub(super) reserve_price: Option<Money>,
    pub(super) buy_now_price: Option<Money>,
    pub(super) quantity: Option<u32>,
    pub(super) starts_at: Option<Timestamp>,
    /// None where a clock says when it ends.
    pub(super) duration_seconds: Option<u32>,
    pub(super) ladder: Option<Ladder>,
    pub(super) late: Option<Late>,
    pub(super) retraction: Option<String>,
    pub(super) numbers: Numbers,
}

/// How late bids move the end.
pub(super) struct Late {
    /// `reset`, `add` or `off`.
    pub(super) mode: String,
    pub(super) window_seconds: Option<u32>,
    pub(super) extension_seconds: Option<u32>,
}

/// What a format has of its own.
pub(super) enum Numbers {
    None,
    Clock(Clock),
    Underbid(Underbid),
    OnePrice(OnePrice),
}

impl Draft {
    /// Reads a form. What belongs to other formats is passed over where it stands there by itself;
    /// a reserve, a Buy It Now price and a quantity somebody typed, so the API says that they do
    /// not fit.
    pub(super) fn read(form: &Form) -> Result<Self, Faults> {
        let Ok(currency) = form.get("currency").parse() else {
            return Err(Faults::one("currency", "This is no currency that we know."));
        };
        let mut read = Reader { form, currency, faults: Faults::default() };
        let format = read.format();
        let fits = |formats: &str| is_of(formats, format.unwrap_or_default());
        let draft = Self {
            title: read.title(),
            description: form.raw("description").replace("\r\n", "\n").trim().to_owned(),
            category: form.get("category").to_owned(),
            format: format.unwrap_or_default(),
            start_price: read.needed("start_price"),
            reserve_price: read.money("reserve_price"),
            buy_now_price: read.money("buy_now_price"),
            quantity: read.number("quantity"),
            starts_at: read.instant("starts_at"),
            duration_seconds: if fits(ENDED) { read.duration() } else { None },
            ladder: if fits(RISING) { read.ladder() } else { None },
            late: fits(MOVING).then(|| read.late()),
            retraction: fits(MOVING).then(|| read.retraction()),
            numbers: read.numbers(format.unwrap_or_default()),
        };
        if read.faults.is_empty() { Ok(draft) } else { Err(read.faults) }
    }

    /// The body of `POST /v1/auctions`. What was left empty is left out.
    pub(super) fn body(&self) -> Value {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                body.insert(name.to_owned(), value);
            }
        };
        set("title", json!(self.title));
        set("description", json!(self.description));
        set("category", json!(self.category));
        set("format", json!(self.format));
        set("start_price", json!(self.start_price));
        set("reserve_price", json!(self.reserve_price));
        set("buy_now_price", json!(self.buy_now_price));
        set("quantity", json!(self.quantity));
        set("starts_at", json!(self.starts_at));
        set("duration_seconds", json!(self.duration_seconds));
        if let Some(ladder) = &self.ladder {
            set("increments", ladder.json(self.start_price.currency));
        }
        if let Some(late) = &self.late {
            set("soft_close", late.json());
        }
        set("retraction", json!(self.retraction));
        match &self.numbers {
            Numbers::None => {}
            Numbers::Clock(clock) => set("dutch", json!(clock)),
            Numbers::Underbid(underbid) => set("reverse", json!(underbid)),
            Numbers::OnePrice(price) => set("uniform_price", json!(price)),
        }
        Value::Object(body)
    }
}

impl Late {
    fn json(&self) -> Value {
        if self.mode == "off" {
            return json!({ "mode": "off" });
        }
        let mut body = json!({ "mode": self.mode });
        if let Some(members) = body.as_object_mut() {
            for (name, seconds) in [
                ("window_seconds", self.window_seconds),
                ("extension_seconds", self.extension_seconds),
            ] {
                members.extend(seconds.map(|seconds| (name.to_owned(), json!(seconds))));
            }
        }
        body
    }
}

/// Reads fields and keeps what is wrong with them.
struct Reader<'f> {
    form: &'f Form,
    currency: Currency,
    faults: Faults,
}

impl Reader<'_> {
    fn format(&mut self) -> Option<&'static str> {
        let asked = self.form.get("format");
        let found = show::FORMATS.iter().find(|(code, ..)| *code == asked).map(|(code, ..)| *code);
        if found.is_none() {
            self.faults.add("format", "Choose one of these.");
        }
        found
    }

    fn title(&mut self) -> String {
        let title = self.form.get("title").to_owned();
        if title.is_empty() {
            self.faults.add("title", "Say what it is.");
        }
        title
    }

    fn money(&mut self, field: &'static str) -> Option<Money> {
        match self.form.money(field, self.currency) {
            // It was made here: it can be read.
            Ok(value) => value.and_then(|value| serde_json::from_value(value).ok()),
            Err(why) => {
                self.faults.add(field, why);
                None
            }
        }
    }

    /// An amount that has to be there; nothing, where something is wrong with it.
    fn needed(&mut self, field: &'static str) -> Money {
        if !self.form.has(field) {
            self.faults.add(field, "Say an amount.");
        }
        self.money(field).unwrap_or(Money { amount: Minor::ZERO, currency: self.currency })
    }

    fn number<T: FromStr>(&mut self, field: &'static str) -> Option<T> {
        let text = self.form.get(field);
        let number = text.parse().ok();
        if number.is_none() && !text.is_empty() {
            self.faults.add(field, format!("{text:?} is no whole number that fits here."));
        }
        number
    }

    fn needed_number<T: FromStr + Default>(&mut self, field: &'static str) -> T {
        if !self.form.has(field) {
            self.faults.add(field, "Say a number.");
        }
        self.number(field).unwrap_or_default()
    }

    /// What `datetime-local` gives, as UTC.
    fn instant(&mut self, field: &'static str) -> Option<Timestamp> {
        let text = self.form.get(field);
        if text.is_empty() {
            return None;
        }
        let seconds = if text.len() == MINUTE.len() { ":00" } else { "" };
        let instant = format!("{text}{seconds}Z").parse().ok();
        if instant.is_none() {
            self.faults.add(field, format!("Write day and time like {MINUTE}, in UTC."));
        }
        instant
    }

    /// Seconds of one's own go before the choice.
    fn duration(&mut self) -> Option<u32> {
        let own = self.form.has("duration_seconds");
        let field = if own { "duration_seconds" } else { "duration" };
        Some(self.needed_number(field))
    }

    fn ladder(&mut self) -> Option<Ladder> {
        let ladder = self.form.get("increments");
        if ladder == OWN {
            return match ladders::own(self.form.raw("bands"), self.currency) {
                Ok(bands) => Some(Ladder::Own(bands)),
                Err(why) => {
                    self.faults.add("bands", why);
                    None
                }
            };
        }
        let preset = ladders::preset(ladder);
        if preset.is_none() {
            self.faults.add("increments", "Choose one of these.");
        }
        preset.map(Ladder::Preset)
    }

    fn late(&mut self) -> Late {
        let mode = self.form.get("soft_close").to_owned();
        if !matches!(mode.as_str(), "reset" | "add" | "off") {
            self.faults.add("soft_close", "Choose one of these.");
        }
        if mode == "off" {
            return Late { mode, window_seconds: None, extension_seconds: None };
        }
        let window_seconds = self.number("soft_close_window");
        Late { mode, window_seconds, extension_seconds: self.number("soft_close_extension") }
    }

    fn retraction(&mut self) -> String {
        match self.form.get("retraction") {
            "until" => {
                let hours: u32 = self.needed_number("retraction_hours");
                format!("until({hours})")
            }
            known @ ("ebay" | "none") => known.to_owned(),
            _ => {
                self.faults.add("retraction", "Choose one of these.");
                String::new()
            }
        }
    }

    fn numbers(&mut self, format: &str) -> Numbers {
        match format {
            "dutch" => Numbers::Clock(Clock {
                floor_price: self.needed("dutch_floor_price"),
                decrement: self.needed("dutch_decrement"),
                tick_seconds: self.needed_number("dutch_tick_seconds"),
                dwell_seconds: self.needed_number("dutch_dwell_seconds"),
            }),
            "reverse" => Numbers::Underbid(self.underbid()),
            "uniform_price" => {
                let pricing = self.form.get("pricing").to_owned();
                if !matches!(pricing.as_str(), "lowest_accepted" | "highest_rejected") {
                    self.faults.add("pricing", "Choose one of these.");
                }
                Numbers::OnePrice(OnePrice { pricing })
            }
            _ => Numbers::None,
        }
    }

    /// An amount goes before the percentage, which stands there from the start.
    fn underbid(&mut self) -> Underbid {
        if self.form.has("reverse_decrement") {
            return Underbid { decrement: self.money("reverse_decrement"), decrement_bps: None };
        }
        let percent = self.form.get("reverse_percent");
        // A percentage with two decimals is a count of basis points.
        let bps = form::minor(percent, 2).and_then(|bps| u32::try_from(bps).ok());
        if bps.is_none() {
            self.faults.add("reverse_percent", "Say an amount, or a percentage like 1 or 0.25.");
        }
        Underbid { decrement: None, decrement_bps: bps }
    }
}

/// What the API refused, by the fields that were typed into.
pub(super) fn refused(refusal: &Refusal, form: &Form) -> Faults {
    let faults = Faults::refused(refusal, FIELDS).at(|field| match field {
        "increments" if form.get("increments") == OWN => "bands",
        "duration" if form.has("duration_seconds") => "duration_seconds",
        "retraction" if form.get("retraction") == "until" => "retraction_hours",
        field => field,
    });
    // Where the numbers of a format are wrong the machine also misses what other formats have.
    let is_for = |formats| is_of(formats, form.get("format"));
    faults.but(|field| match field {
        "increments" => !is_for(RISING),
        "duration" => !is_for(ENDED),
        _ => false,
    })
}

/// Is a format one of these?
pub(super) fn is_of(formats: &str, format: &str) -> bool {
    formats.split(' ').any(|known| known == format)
}

/// Bids go up in steps, and one can buy it now.
pub(super) const RISING: &str = "english open_outcry";
/// Late bids move the end, and bids can be taken back.
pub(super) const MOVING: &str = "english open_outcry reverse";
/// A reserve can be hidden.
pub(super) const RESERVED: &str = "english open_outcry sealed_first_price vickrey uniform_price";
/// There can be several units.
pub(super) const UNITS: &str = "dutch uniform_price";
/// They end when the seller says: all but the clock.
pub(super) const ENDED: &str =
    "english open_outcry sealed_first_price vickrey reverse uniform_price";
/// A ladder of one's own.
pub(super) const OWN: &str = "own";
const MINUTE: &str = "2026-11-24T12:00";

/// Pointers of the API, fields of the form, and what people call them, in the order of the form.
/// The longer of two pointers goes first; no pointer begins with a dash.
pub(super) const FIELDS: &[Field] = &[
    ("/title", "title", "Title"),
    ("/description", "description", "Description"),
    ("/category", "category", "Category"),
    ("/format", "format", "Format"),
    ("/start_price/currency", "currency", "Currency"),
    ("/start_price", "start_price", "Start price"),
    ("/reserve_price", "reserve_price", "Reserve"),
    ("/buy_now_price", "buy_now_price", "Buy It Now"),
    ("/quantity", "quantity", "Units"),
    ("/starts_at", "starts_at", "Begin"),
    ("/ends_at", "duration", "Duration"),
    ("/duration_seconds", "duration", "Duration"),
    ("-", "duration_seconds", "Seconds"),
    ("/increments", "increments", "Steps"),
    ("-", "bands", "Steps of your own"),
    ("/soft_close/window_seconds", "soft_close_window", "Window"),
    ("/soft_close/extension_seconds", "soft_close_extension", "Extension"),
    ("/soft_close", "soft_close", "Late bids"),
    ("/retraction", "retraction", "Taking back"),
    ("-", "retraction_hours", "Hours"),
    ("/dutch/decrement", "dutch_decrement", "Fall at a tick"),
    ("/dutch/tick_seconds", "dutch_tick_seconds", "Seconds of a tick"),
    ("/dutch/dwell_seconds", "dutch_dwell_seconds", "Seconds at the floor"),
    ("/dutch", "dutch_floor_price", "Floor"),
    ("/reverse/decrement_bps", "reverse_percent", "Percentage"),
    ("/reverse", "reverse_decrement", "Amount below the best"),
    ("/uniform_price", "pricing", "Price of all"),
];

#[cfg(test)]
mod tests;
