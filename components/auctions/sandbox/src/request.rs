//! What is to be played, within bounds.

use auction_machine::contract::{FieldError, Refused, Terms};
use kernel::{Minor, limits};
use serde::{Deserialize, Serialize};

/// An auction to play.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) terms: Terms,
    pub(crate) bidders: Vec<Asked>,
}

/// A bidder to play.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) strategy: Strategy,
    /// The most it would pay.
    #[serde(default)]
    pub(crate) limit: Option<Minor>,
    /// When; none: by chance.
    #[serde(default)]
    pub(crate) at_ms: Option<i64>,
}

/// How somebody bids.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strategy {
    /// The most it would pay, at the very start.
    Early,
    /// The most it would pay, once.
    Proxy,
    /// The least that is taken, whenever it does not lead.
    Step,
    /// The most it would pay, in the last seconds.
    Sniper,
    /// The Buy It Now price.
    BuyNow,
}

/// Why there is nothing to tell.
#[derive(Debug, Serialize)]
pub(crate) struct Unplayable {
    code: String,
    detail: String,
    /// Wrong terms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// Reads a request.
pub(crate) fn read(json: &[u8]) -> Result<Request, Unplayable> {
    if json.len() > REQUEST_MAX_BYTES {
        let detail = format!("a request has at most {REQUEST_MAX_BYTES} bytes");
        return Err(Unplayable::new("too_large", detail));
    }
    let request: Request =
        serde_json::from_slice(json).map_err(|error| invalid(error.to_string()))?;
    let Terms { format, starts_at, .. } = &request.terms;
    if !FORMATS.contains(&format.as_str()) {
        let detail = format!("{format:?} is not played here; played are {}", FORMATS.join(", "));
        return Err(Unplayable::new("format_not_allowed", detail));
    }
    if starts_at.is_some() {
        return Err(invalid("here every auction begins at once: leave starts_at out".to_owned()));
    }
    if request.bidders.len() > BIDDERS_MAX {
        let detail = format!("at most {BIDDERS_MAX} bidders are played");
        return Err(Unplayable::new("too_many_bidders", detail));
    }
    match request.bidders.iter().find_map(Asked::wrong) {
        Some(wrong) => Err(invalid(wrong)),
        None => Ok(request),
    }
}

fn invalid(detail: String) -> Unplayable {
    Unplayable::new("invalid_request", detail)
}

impl Asked {
    fn wrong(&self) -> Option<String> {
        let Self { name, strategy, limit, at_ms } = self;
        if name.trim().is_empty() || name.chars().nth(NAME_MAX_CHARS).is_some() {
            return Some(format!("a bidder's name has 1 to {NAME_MAX_CHARS} characters"));
        }
        if at_ms.is_some_and(|at| !(0..=limits::RUN_MAX_MS).contains(&at)) {
            return Some(format!("{name}: at_ms is 0 to {}", limits::RUN_MAX_MS));
        }
        let is_missing = limit.is_none() && *strategy != Strategy::BuyNow;
        is_missing.then(|| format!("{name} bids, so it has a limit"))
    }
}

impl Unplayable {
    pub(crate) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), errors: Vec::new() }
    }

    /// What the machine does not list.
    pub(crate) fn unlisted(refused: Refused) -> Self {
        let Refused { code, detail, errors, .. } = refused;
        Self { code, detail, errors }
    }
}

const FORMATS: [&str; 5] = ["english", "open_outcry", "dutch", "sealed_first_price", "vickrey"];
const REQUEST_MAX_BYTES: usize = 64 << 10;
const BIDDERS_MAX: usize = 20;
const NAME_MAX_CHARS: usize = 40;
