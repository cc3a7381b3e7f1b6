//! One auction and its public log.

use auction_machine::contract::Query;
use kernel::{Id, kind};
use ports::{Entities, Ports, PublicEvent};
use serde::de::DeserializeOwned;
use web::page::{Page, invalid_cursor};
use web::{Exchange, Problem, Response, not_modified};

use crate::view::{Beside, Seen};
use crate::{MACHINE, known, names, qr};

/// `GET /v1/auctions/{id}`.
pub(crate) async fn auction<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = id(exchange)?;
    exchange.no_parameters()?;
    let caller = exchange.caller.as_ref().map(|caller| caller.subject.as_str());
    let known = known::recall(id, caller, exchange.now);
    let question = match &known {
        Some(known) => Query::ViewUnless { head: known.head.clone() },
        None => Query::View,
    };
    let answer = ask(ports, id, None, &question).await?.ok_or_else(Problem::not_found)?;
    if let Some(known) = known.filter(|_| answer == SAME) {
        if let Some(response) = not_modified(exchange, &known.etag) {
            return Ok(response);
        }
        let response = Response::json_bytes(200, known.body(ports.now()));
        return Ok(exchange.revalidated(response.with("etag", known.etag.clone())));
    }
    let seen = Seen::parse(&answer)?;
    let viewer = seen.viewer(caller);
    let now = ports.now();
    let has_qr = seen.has_opened() && qr::is_made(ports, id, now).await?;
    let etag = seen.etag(viewer, has_qr);
    if let Some(response) = not_modified(exchange, &etag) {
        return Ok(response);
    }
    let name = names::display_name(ports, seen.fixed.seller, now).await?;
    let beside = Beside { seller_name: &name, has_qr };
    let rendered = seen.render(id, viewer, beside, now)?;
    known::remember(id, &seen, viewer, beside, &rendered);
    let response = Response::json_bytes(200, rendered.into_body());
    Ok(exchange.revalidated(response.with("etag", etag)))
}

/// The machine's answer when a log still stands where it stood.
pub(crate) const SAME: &[u8] = b"\"same\"";

/// `GET /v1/auctions/{id}/events?after=SEQ`: the raw bytes of the log with their place in the
/// chain.
pub(crate) async fn events<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    if exchange.request.wants_stream() {
        return crate::live::stream(ports, exchange).await;
    }
    let id = id(exchange)?;
    let query = web::Query::parse(exchange.request.query(), &["after", "limit", "cursor"])?;
    let page = Page::parse(exchange.request.path(), &query)?;
    let after = match &page.position {
        Some(position) => seq_of(position)?,
        None => query.parsed("after", "is the seq of an event, or 0")?.unwrap_or(0),
    };
    let mut events = ports.events(MACHINE, id, after, page.limit + 1).await?;
    // Every auction has a first event: only an empty page leaves open whether there is one.
    if events.is_empty() && ask(ports, id, None, &Query::View).await?.is_none() {
        return Err(Problem::not_found());
    }
    let more = events.len() > page.limit as usize;
    events.truncate(page.limit as usize);
    let next = events.last().filter(|_| more).map(|event| event.seq.to_be_bytes());
    let items = events.iter().map(with_place).collect::<Result<Vec<_>, _>>()?;
    Ok(exchange.revalidated(page.response(items, next.as_ref().map(<[u8; 8]>::as_slice))))
}

/// The answer to a question, JSON; none when there is no such auction.
pub(crate) async fn ask<P: Ports>(
    ports: &P,
    id: &str,
    principal: Option<&str>,
    query: &Query,
) -> Result<Option<Vec<u8>>, Problem> {
    let question = serde_json::to_vec(query).map_err(|_| Problem::internal())?;
    let answer = Entities::query(ports, MACHINE, id, principal, question).await?;
    Ok((answer != b"null").then_some(answer))
}

/// The answer to a question as a `T`; 404 when there is no such auction.
pub(crate) async fn asked<P: Ports, T: DeserializeOwned>(
    ports: &P,
    id: &str,
    principal: Option<&str>,
    query: &Query,
) -> Result<T, Problem> {
    let answer = ask(ports, id, principal, query).await?.ok_or_else(Problem::not_found)?;
    serde_json::from_slice(&answer).map_err(|_| Problem::internal())
}

/// The id in the path: 404 when it cannot be one.
pub(crate) fn id<'r>(exchange: &Exchange<'r>) -> Result<&'r str, Problem> {
    id_in(exchange, "id")
}

/// The id of an auction in a parameter of the path.
pub(crate) fn id_in<'r>(exchange: &Exchange<'r>, name: &str) -> Result<&'r str, Problem> {
    let id = exchange.parameter(name);
    id.parse::<Id<kind::Auction>>().map(|_| id).map_err(|_| Problem::not_found())
}

/// The position in a cursor over `seq`.
pub(crate) fn seq_of(position: &[u8]) -> Result<u64, Problem> {
    position.try_into().map(u64::from_be_bytes).map_err(|_| invalid_cursor())
}

/// An event as an item of the log.
pub(crate) fn with_place(event: &PublicEvent) -> Result<Vec<u8>, Problem> {
    let body = event.public.strip_suffix(b"}").ok_or_else(Problem::internal)?;
    let mut item = Vec::with_capacity(body.len() + 160);
    item.extend_from_slice(body);
    item.extend_from_slice(b",\"prev\":\"");
    push_hex(&mut item, &event.prev);
    item.extend_from_slice(b"\",\"hash\":\"");
    push_hex(&mut item, &event.head);
    item.extend_from_slice(b"\"}");
    Ok(item)
}

fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}
