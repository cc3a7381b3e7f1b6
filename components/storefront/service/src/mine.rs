//! What the visitor sells, bids on and watches.

use std::collections::BTreeSet;

use ports::Ports;
use web::{Exchange, Problem, Response};

use crate::api::{Auction, Items};
use crate::browse::{self, List};
use crate::page::{self, Frame};
use crate::visit::Visit;

/// `GET /my/auctions`.
pub(crate) async fn auctions<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    list(ports, exchange, "auctions", "What you sell", "You sell nothing yet.").await
}

/// `GET /my/bids`.
pub(crate) async fn bids<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    list(ports, exchange, "bids", "Where you bid", "You bid on nothing yet.").await
}

/// `GET /my/watches`.
pub(crate) async fn watches<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    list(ports, exchange, "watches", "What you watch", "You watch nothing yet.").await
}

async fn list<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    name: &str,
    title: &str,
    nothing: &'static str,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    if visit.person.is_none() {
        return Ok(page::to_sign_in(&visit, &format!("/my/{name}")));
    }
    let cursor = browse::cursor(&page::parameter(exchange.request, "cursor"));
    let target = format!("/v1/me/{name}?limit=12{cursor}");
    let found: Items<Auction> = visit.api(ports, exchange.request).read(&target).await?;
    let list = List {
        frame: Frame::of(&visit, title).after(exchange.request.query()),
        filters: None,
        categories: BTreeSet::new(),
        next: found.next_cursor.map(|cursor| {
            format!("/my/{name}?{}", browse::cursor(&cursor).trim_start_matches('&'))
        }),
        items: found.items,
        nothing,
        wrong: String::new(),
    };
    page::page(200, &visit, &list)
}
