//! The queues, for operators: how they do, and what becomes of dead letters (docs/guide/queues.md).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use kernel::Timestamp;
use kernel::limits::{PAGE_DEFAULT_ITEMS, PAGE_MAX_ITEMS};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::json_response;
use crate::http::{Body, problem};
use crate::queues::{DeadLetter, Event, QueueError, Queues, Stats, Which};

/// The path of all queues; of one, `/<component>/<topic>` follows.
pub(super) const PATH: &str = "/v1/admin/queues";

/// A request for the queues.
pub(super) struct Asked<'a> {
    /// Method.
    pub(super) method: &'a Method,
    /// Path.
    pub(super) path: &'a str,
    /// Query, without its question mark.
    pub(super) query: &'a str,
    /// Header fields.
    pub(super) headers: &'a HeaderMap,
    /// Body.
    pub(super) body: Bytes,
}

/// What is wrong with a request: status, code, detail.
pub(super) type Refusal = (StatusCode, &'static str, String);

#[derive(Serialize)]
struct QueueShown<'a> {
    queue: &'a str,
    consumed: bool,
    messages: u64,
    in_flight: u64,
    oldest_at: Option<Timestamp>,
    dead_letters: u64,
    totals: Totals,
}

#[derive(Serialize)]
struct Totals {
    delivered: u64,
    retried: u64,
    died: u64,
    redriven: u64,
    purged: u64,
}

#[derive(Serialize)]
struct LetterShown<'a> {
    event: &'a Event,
    receives: u32,
    redrives: u32,
    first_received_at: Option<Timestamp>,
    last_received_at: Option<Timestamp>,
    last_error: Option<&'a str>,
    dead_at: Timestamp,
}

#[derive(Serialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    ids: Option<Vec<String>>,
}

/// Answers a request whose path begins with [`PATH`].
pub(super) async fn answer(queues: &Arc<Queues>, asked: Asked<'_>) -> Response<Body> {
    let rest = asked.path.strip_prefix(PATH).unwrap_or_default();
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    let answered = match segments.as_slice() {
        [] => match *asked.method {
            Method::GET | Method::HEAD => list(queues).await,
            _ => return not_allowed(asked.path, "GET, HEAD"),
        },
        [component, topic, "dead-letters"] => {
            let name = format!("{component}/{topic}");
            match *asked.method {
                Method::GET | Method::HEAD => letters(queues, &name, asked.query).await,
                Method::DELETE => purge(queues, &name, asked.query).await,
                _ => return not_allowed(asked.path, "GET, HEAD, DELETE"),
            }
        }
        [component, topic, "redrive"] => match *asked.method {
            Method::POST => redrive(queues, &format!("{component}/{topic}"), &asked).await,
            _ => return not_allowed(asked.path, "POST"),
        },
        _ => Err(not_found()),
    };
    answered.unwrap_or_else(|(status, code, detail)| problem(status, code, &detail, asked.path, ""))
}

async fn list(queues: &Queues) -> Result<Response<Body>, Refusal> {
    let stats = queues.stats().await.map_err(unavailable)?;
    let items = stats.iter().map(queue_shown).collect();
    Ok(json_response(&Page { items, next_cursor: None }))
}

async fn letters(queues: &Queues, name: &str, query: &str) -> Result<Response<Body>, Refusal> {
    let query = read_query(query, &["limit", "cursor"])?;
    let limit = match query.get("limit").map(|values| values.as_slice()) {
        None => PAGE_DEFAULT_ITEMS,
        Some([text]) => match text.parse() {
            Ok(limit) if (1..=PAGE_MAX_ITEMS).contains(&limit) => limit,
            _ => {
                let (status, code) = (StatusCode::BAD_REQUEST, "invalid_limit");
                return Err((status, code, format!("limit is 1 to {PAGE_MAX_ITEMS}.")));
            }
        },
        Some(_) => return Err(invalid("limit is given twice.")),
    };
    let after = match query.get("cursor").map(|values| values.as_slice()) {
        None => 0,
        Some([text]) => text.parse().map_err(|_| {
            let (status, code) = (StatusCode::BAD_REQUEST, "invalid_cursor");
            (status, code, "The cursor is none that was given out here.".to_owned())
        })?,
        Some(_) => return Err(invalid("cursor is given twice.")),
    };
    // One more than asked for tells whether there is another page.
    let found = queues.dead_letters(name, after, limit + 1).await.map_err(unavailable)?;
    let mut letters = found.ok_or_else(not_found)?;
    let is_last = letters.len() <= limit as usize;
    letters.truncate(limit as usize);
    let last = letters.last().filter(|_| !is_last).map(|letter| letter.seq.to_string());
    let items = letters.iter().map(letter_shown).collect();
    Ok(json_response(&Page { items, next_cursor: last }))
}

async fn redrive(
    queues: &Queues,
    name: &str,
    asked: &Asked<'_>,
) -> Result<Response<Body>, Refusal> {
    let content_type = asked.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    // A page of somebody else can make a browser post, but not this type.
    if content_type.is_none_or(|content_type| !content_type.starts_with(b"application/json")) {
        let (status, code) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
        return Err((status, code, "Send application/json: {} or {\"ids\": […]}.".to_owned()));
    }
    let chosen: Chosen = serde_json::from_slice(&asked.body).map_err(|error| {
        (
            StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("Send {{}} or {{\"ids\": […]}}: {error}."),
        )
    })?;
    let which = chosen.ids.map_or(Which::All, Which::Ids);
    Ok(json_response(&json!({"redriven": redriven(queues, name, which).await?})))
}

/// Returns dead letters to their queue; how many.
pub(super) async fn redriven(queues: &Queues, name: &str, which: Which) -> Result<u64, Refusal> {
    let moved = queues.redrive(name, which).await.map_err(unavailable)?;
    let redriven = moved.ok_or_else(not_found)?;
    tracing::info!(queue = name, redriven, "dead letters redriven");
    Ok(redriven)
}

async fn purge(queues: &Queues, name: &str, query: &str) -> Result<Response<Body>, Refusal> {
    let query = read_query(query, &["id"])?;
    let ids = query.get("id").map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
    let which = ids.map_or(Which::All, Which::Ids);
    Ok(json_response(&json!({"purged": purged(queues, name, which).await?})))
}

/// Deletes dead letters; how many.
pub(super) async fn purged(queues: &Queues, name: &str, which: Which) -> Result<u64, Refusal> {
    let deleted = queues.purge(name, which).await.map_err(unavailable)?;
    let purged = deleted.ok_or_else(not_found)?;
    tracing::info!(queue = name, purged, "dead letters purged");
    Ok(purged)
}

fn queue_shown(stats: &Stats) -> QueueShown<'_> {
    let Stats { name, consumed, depth, in_flight, oldest_at, dead, .. } = stats;
    QueueShown {
        queue: name,
        consumed: *consumed,
        messages: *depth,
        in_flight: *in_flight,
        oldest_at: oldest_at.map(Timestamp::from_ms),
        dead_letters: *dead,
        totals: Totals {
            delivered: stats.delivered,
            retried: stats.retried,
            died: stats.died,
            redriven: stats.redriven,
            purged: stats.purged,
        },
    }
}

fn letter_shown(letter: &DeadLetter) -> LetterShown<'_> {
    LetterShown {
        event: &letter.event,
        receives: letter.receives,
        redrives: letter.redrives,
        first_received_at: letter.first_at.map(Timestamp::from_ms),
        last_received_at: letter.last_at.map(Timestamp::from_ms),
        last_error: letter.error.as_deref(),
        dead_at: Timestamp::from_ms(letter.dead_at),
    }
}

/// The values of a query by name. Ids, numbers and cursors need no escapes.
fn read_query<'q>(
    query: &'q str,
    known: &[&str],
) -> Result<BTreeMap<&'q str, Vec<&'q str>>, Refusal> {
    let mut read: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !known.contains(&name) {
            return Err(invalid(&format!("The query takes {}.", known.join(" and "))));
        }
        read.entry(name).or_default().push(value);
    }
    Ok(read)
}

fn not_allowed(path: &str, allowed: &'static str) -> Response<Body> {
    let detail = format!("Use {allowed}.");
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = problem(status, "method_not_allowed", &detail, path, "");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

pub(super) fn not_found() -> Refusal {
    let detail = "There is no such queue. GET /v1/admin/queues names them all.";
    (StatusCode::NOT_FOUND, "not_found", detail.to_owned())
}

fn invalid(detail: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, "invalid_request", detail.to_owned())
}

#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn unavailable(error: QueueError) -> Refusal {
    tracing::error!(%error, "the queues do not answer");
    let detail = "The queues cannot be read or written now. Try again in a moment.";
    (StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail.to_owned())
}
