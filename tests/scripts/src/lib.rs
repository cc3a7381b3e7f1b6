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
//! Members of the header: `start`, `ends` (a clock says it itself), and if wished `currency` (USD),
//! `increments` (ebay_us where bids go up in steps, or bands `0.01:0.05,1.00:0.25`), `reserve`,
//! `buy_now`, `quantity` (1), `retraction` (ebay), `starts`, `soft_close` (`off`, `reset/W/X`,
//! `add/W/X` in seconds; default reset/120/120), `hard_stop`, `seller` (sam), and the numbers of a
//! format: `dutch` (`floor/decrement/tick/dwell`, seconds), `reverse` (an amount, or `100bps`),
//! `pricing` (`lowest_accepted`, `highest_rejected`).
//!
//! Commands: `bid AMOUNT [quantity=] [min=] [currency=] [key=] [confirm]`, `buy_now [key=]`,
//! `retract [NAME] N REASON` and `withdraw [NAME] N` (the N-th accepted bid of NAME, else of the
//! actor), `lower AMOUNT [currency=]`, `cancel REASON`, `delete [stale]`, `change [stale] JSON` (a
//! merge patch of the terms, or a description_addition), `block NAME`, `unblock NAME`,
//! `offer NAME DAYS [key=]`, `accept [N]` and `decline [N]` (the N-th offer, else the newest),
//! `preview AMOUNT …`, `wake`, `look`, `own`.
//!
//! A step's expectation is words that must all be observed and `name=value` facts that must all be
//! equal; a runner reports what it observed with [`Observed`]. This crate runs nothing: `player`
//! drives a machine, alone or in a host, with virtual time; the conformance suite drives a server.

mod action;
mod observed;
mod parse;

pub use action::{Action, Bid, Nth};
pub use observed::{Observed, decimals, major, offset};
pub use parse::{ParseError, parse};

/// All scenarios of this folder's tables, with the names of their files.
///
/// # Errors
/// When a table cannot be read or understood.
pub fn all() -> Result<Vec<(String, Scenario)>, std::io::Error> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(env!("CARGO_MANIFEST_DIR"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "auction") {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parsed = parse(&std::fs::read_to_string(&path)?);
        let parsed = parsed.map_err(|error| std::io::Error::other(format!("{name}: {error}")))?;
        all.extend(parsed.into_iter().map(|scenario| (name.clone(), scenario)));
    }
    all.sort_by(|(a, first), (b, second)| (a, first.line).cmp(&(b, second.line)));
    Ok(all)
}

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
    /// Buy It Now price in minor units.
    pub buy_now: Option<i64>,
    /// Units.
    pub quantity: u32,
    /// Retraction policy.
    pub retraction: String,
    /// Ladder; none where bids do not go up in steps.
    pub increments: Option<Increments>,
    /// The falling clock of `dutch`.
    pub clock: Option<Clock>,
    /// The step of `reverse`.
    pub decrement: Option<Decrement>,
    /// The clearing price of `uniform_price`.
    pub pricing: Option<String>,
    /// Start; none: at once.
    pub starts_ms: Option<i64>,
    /// Scheduled end.
    pub ends_ms: i64,
    /// Soft close.
    pub soft_close: SoftClose,
    /// The end never moves beyond it.
    pub hard_stop_ms: Option<i64>,
}

/// A falling clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Minor units.
    pub floor: i64,
    /// Minor units.
    pub decrement: i64,
    /// Seconds.
    pub tick: u32,
    /// Seconds.
    pub dwell: u32,
}

/// By how much the next ask lies below the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decrement {
    /// Minor units.
    Fixed(i64),
    /// Basis points.
    Bps(u32),
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
