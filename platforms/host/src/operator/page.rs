//! The operator's page: how the host is doing, and what to do about dead letters. No script,
//! nothing from elsewhere, one column on a telephone (docs/adr/0051).

mod entities;
mod errors;
mod graphs;
mod health;
mod journal;
mod queues;
mod timers;
mod words;

use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, StatusCode, header};
use kernel::Timestamp;
use sha2::{Digest as _, Sha256};

use super::text_response;
use crate::http::Body;
use crate::telemetry::{Kept, Sample};

pub(super) use entities::Population;
pub(super) use health::Condition;
pub(super) use queues::Mailbox;
pub(super) use timers::Plans;

/// What the page is made of.
pub(super) struct Seen<'a> {
    /// The instant, milliseconds since the epoch.
    pub(super) now: i64,
    /// The process and its surroundings.
    pub(super) condition: Condition<'a>,
    /// Every queue with its oldest dead letters; none when the queues do not answer.
    pub(super) queues: Option<Vec<Mailbox>>,
    /// Wakes.
    pub(super) plans: Plans,
    /// Entities.
    pub(super) population: Population,
    /// The journal's own numbers.
    pub(super) journal: ::journal::Stats,
    /// Warnings and errors.
    pub(super) log: Kept,
    /// The last hour.
    pub(super) samples: Vec<Sample>,
}

/// What a form did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// So many dead letters went back.
    Redriven(u64),
    /// So many dead letters are gone.
    Purged(u64),
}

impl Outcome {
    /// What the query of the page says, if it says that.
    pub(super) fn of(query: &str) -> Option<Self> {
        let (name, number) = query.split_once('=')?;
        let number = number.parse().ok()?;
        match name {
            "redriven" => Some(Self::Redriven(number)),
            "purged" => Some(Self::Purged(number)),
            _ => None,
        }
    }

    /// Where the page says it.
    pub(super) fn place(self) -> String {
        match self {
            Self::Redriven(number) => format!("/?redriven={number}"),
            Self::Purged(number) => format!("/?purged={number}"),
        }
    }

    fn told(self) -> String {
        match self {
            Self::Redriven(0) | Self::Purged(0) => "Nothing was left to do.".to_owned(),
            Self::Redriven(1) => "One dead letter went back into its queue.".to_owned(),
            Self::Redriven(number) => format!("{number} dead letters went back into their queue."),
            Self::Purged(1) => "One dead letter was deleted.".to_owned(),
            Self::Purged(number) => format!("{number} dead letters were deleted."),
        }
    }
}

/// A line of a list: what, and how much.
struct Row {
    name: String,
    value: String,
}

impl Row {
    fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

#[derive(Template)]
#[template(path = "operator.html")]
struct Page<'a> {
    style: &'static str,
    token: &'a str,
    at: Timestamp,
    outcome: Option<String>,
    is_ready: bool,
    readiness: &'static str,
    health: Vec<Row>,
    letters_told: String,
    queues: Option<Vec<queues::Shown<'a>>>,
    timers: timers::Shown<'a>,
    entities: entities::Shown<'a>,
    journal: Vec<Row>,
    errors: errors::Shown<'a>,
    graphs_told: String,
    graphs: Vec<graphs::Graph>,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    style: &'static str,
    status: u16,
    title: &'a str,
    code: &'a str,
    detail: &'a str,
}

/// The page; its forms carry the token.
pub(super) fn page(
    seen: &Seen<'_>,
    token: &str,
    outcome: Option<Outcome>,
) -> Result<String, askama::Error> {
    let Seen { now, condition, queues, plans, population, journal, log, samples } = seen;
    let page = Page {
        style: STYLE,
        token,
        at: Timestamp::from_ms(*now),
        outcome: outcome.map(Outcome::told),
        is_ready: condition.is_ready(),
        readiness: condition.told(),
        health: condition.rows(*now),
        letters_told: queues::told(queues.as_deref()),
        queues: queues.as_deref().map(|queues| queues::shown(queues, *now)),
        timers: timers::shown(plans, *now),
        entities: entities::shown(population, *now),
        journal: journal::rows(journal, condition.room.journal),
        errors: errors::shown(log),
        graphs_told: graphs::told(samples),
        graphs: graphs::graphs(samples),
    };
    page.render()
}

/// What who pressed a button is told that did nothing.
pub(super) fn refused(status: StatusCode, code: &str, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Error");
    let refused = Refused { style: STYLE, status: status.as_u16(), title, code, detail };
    // Where the page fails its status still says it.
    response(status, refused.render().unwrap_or_default())
}

/// A page with what browsers have to know about it.
pub(super) fn response(status: StatusCode, html: String) -> Response<Body> {
    let mut response = text_response(status, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer` browsers send forms from the origin `null`, which could be anybody.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// What the page may load and where its forms may lead: its own style, this host.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy);
    policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
});

const STYLE: &str = include_str!("../../templates/operator.css");

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
