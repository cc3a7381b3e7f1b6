//! Scenario scripts of auctions: tables of time, actor, command and expected outcome.
//!
//! ```text
//! # A comment. Amounts are major units, instants count from the listing.
//! auction near-tie english start=10.00 ends=+1000s soft_close=reset/60/60 reserve=100.00
//! +5s   ana  bid 50.00            -> leading price=10.00 next=10.50
//! +6s   ben  bid 49.99 key=again  -> outbid price=50.00 leader=ana
//! +6s   ben  bid 49.99 key=again  -> outbid replayed seq=3
//! +7s   eve  bid 50.50            -> refused bid_too_low next=51.00
//! +9s   eve  look                 -> open count=2
//! +1000s clock wake               -> unsold reason=reserve_not_met
//! ```
//!
//! Members of the header: `start`, `ends` (or `runs`), and if wished `currency` (USD),
//! `increments` (ebay_us, or bands `0.01:0.05,1.00:0.25`), `reserve`, `starts`, `soft_close`
//! (`off`, `reset/W/X`, `add/W/X` in seconds; default reset/120/120), `hard_stop`, `seller` (sam).
//! A step's expectation is words that must all be observed and `name=value` facts that must all be
//! equal; a runner reports what it observed with [`Observed`]. This crate runs nothing: one runner
//! drives the machine with virtual time, others can drive a server.

mod parse;

pub use parse::{ParseError, parse};

use core::fmt;

/// One auction and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// What the scenario shows.
    pub name: String,
    /// Line of the header.
    pub line: usize,
    /// The seller's terms.
    pub terms: Terms,
    /// In order of time.
    pub steps: Vec<Step>,
}

/// Terms of an auction; instants are milliseconds after the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Format.
    pub format: String,
    /// Who sells.
    pub seller: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Start price in minor units.
    pub start: i64,
    /// Reserve in minor units.
    pub reserve: Option<i64>,
    /// Ladder.
    pub increments: Increments,
    /// Start; none: at once.
    pub starts_ms: Option<i64>,
    /// Scheduled end.
    pub ends_ms: i64,
    /// Soft close.
    pub soft_close: SoftClose,
    /// The end never moves beyond it.
    pub hard_stop_ms: Option<i64>,
}

/// A ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Increments {
    /// Name of a preset.
    Preset(String),
    /// (from, step) in minor units.
    Bands(Vec<(i64, i64)>),
}

/// How late bids move the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoftClose {
    /// Not at all.
    Off,
    /// To the bid's time plus the extension.
    Reset {
        /// W.
        window_seconds: i64,
        /// X.
        extension_seconds: i64,
    },
    /// By the extension.
    Add {
        /// W.
        window_seconds: i64,
        /// X.
        extension_seconds: i64,
    },
}

/// One line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Line in the file.
    pub line: usize,
    /// Milliseconds after the listing.
    pub at_ms: i64,
    /// Who acts; `clock` is the platform.
    pub actor: String,
    /// What is done.
    pub action: Action,
    /// What must be observed.
    pub expected: Observed,
}

/// What an actor does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Bids up to a maximum.
    Bid {
        /// Minor units.
        amount: i64,
        /// Another currency than the auction's.
        currency: Option<String>,
        /// Units.
        quantity: Option<u32>,
        /// Idempotency key; a fresh one when none.
        key: Option<String>,
    },
    /// The platform calls.
    Wake,
    /// Reads the public view.
    Look,
    /// Reads the actor's own bidding.
    Own,
}

/// Words and facts: expected by a step, or observed by a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Outcome words, for example `refused bid_too_low`.
    pub words: Vec<String>,
    /// Named values as a script writes them.
    pub facts: Vec<(String, String)>,
}

impl Observed {
    /// An observation with these words.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self { words: words.into_iter().map(str::to_owned).collect(), facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// What `self`, an expectation, asks for and `seen` does not show.
    pub fn missing_in(&self, seen: &Self) -> Vec<String> {
        let words = self.words.iter().filter(|word| !seen.words.contains(word)).cloned();
        let facts = self.facts.iter().filter(|fact| !seen.facts.contains(fact));
        words.chain(facts.map(|(name, value)| format!("{name}={value}"))).collect()
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))?;
        self.facts.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Minor units as a script writes them, with that many decimals: `1000` is `10.00`.
pub fn major(minor: i64, decimals: u32) -> String {
    let scale = 10_i64.pow(decimals);
    if decimals == 0 {
        return minor.to_string();
    }
    format!("{}.{:0width$}", minor / scale, minor % scale, width = decimals as usize)
}

/// An instant as a script writes it: `+1.5s`.
pub fn offset(ms: i64) -> String {
    let text = major(ms, 3);
    format!("+{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Decimals of a currency's minor unit, for the currencies that scripts use.
pub fn decimals(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" => 0,
        "KWD" | "BHD" => 3,
        _ => 2,
    }
}
