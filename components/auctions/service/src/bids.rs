//! Bids: the hot path, the history and the caller's own bidding.

use auction_machine::contract::{
    Command, Commitment, History, Offer, Own, PastBid, Query, Refused,
};
use kernel::{Money, Timestamp};
use ports::{Ports, Sql};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use web::json::Object;
use web::page::Page;
use web::{Exchange, Problem, Response, idempotency, json};

use crate::{MACHINE, list, projection, read, receipts, refusal, view, wire};

/// The machine's reply to a bid. What the bidder is told passes through as it is: parsing and
/// writing it again would only cost time.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply<'a> {
    Bid {
        replayed: bool,
        #[serde(borrow)]
        bid: &'a RawValue,
        #[serde(borrow)]
        row: &'a RawValue,
        #[serde(default)]
        newcomer: bool,
        #[serde(default)]
        ended: bool,
    },
    Refused(Refused),
}

/// The caller's own view of an auction.
#[derive(Serialize)]
struct OwnPart<'a> {
    auction_id: &'a str,
    my_max: Option<Money>,
    leading: bool,
    alias: Option<&'a str>,
    status: &'static str,
    price: Option<Money>,
    next_minimum: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_maximum: Option<Money>,
    reserve: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserve_price: Option<Money>,
    bid_count: u64,
    ends_at: Timestamp,
    seq: u64,
    commitments: &'a [Commitment],
    offers: &'a [Offer],
    server_time: Timestamp,
}

/// `POST /v1/auctions/{id}/bids`. Idempotency lives in the auction itself: its command id is the
/// caller's key (api.md §1).
pub(crate) async fn place<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let bidder = exchange.signed_in()?.subject.as_str();
    let key = idempotency::key(exchange.request)?;
    let Object(bid) = json::body::<Object<wire::Bid>>(exchange.request)?;
    let command = serde_json::to_vec(&Command::PlaceBid(bid.command()));
    let command = command.map_err(|_| Problem::internal())?;
    told(ports, id, key, bidder, command).await
}

/// `POST /v1/auctions/{id}/buy-now`. It shares the bidder's space of keys with bids.
pub(crate) async fn buy_now<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let bidder = exchange.signed_in()?.subject.as_str();
    let key = idempotency::key(exchange.request)?;
    if !exchange.request.body.is_empty() {
        let Object(wire::Nothing {}) = json::body(exchange.request)?;
    }
    let command = serde_json::to_vec(&Command::BuyNow).map_err(|_| Problem::internal())?;
    told(ports, id, key, bidder, command).await
}

/// Sends a bid and tells the bidder what became of it.
async fn told<P: Ports>(
    ports: &P,
    id: &str,
    key: &str,
    bidder: &str,
    command: Vec<u8>,
) -> Result<Response, Problem> {
    let reply = ports.call(MACHINE, id, key, Some(bidder), command).await?;
    match serde_json::from_slice(&reply).map_err(|_| Problem::internal())? {
        Reply::Refused(refused) => Err(refusal::problem(refused, ports.now())),
        Reply::Bid { replayed, bid, row, newcomer, ended } => {
            if !replayed {
                if newcomer {
                    let known = projection::has_bid(id, bidder);
                    let _ = Sql::project(ports, &format!("{id}/{bidder}"), known).await;
                }
                show(ports, id, row, ended).await;
            }
            let signed = receipts::signed(ports, id, bid.get()).await?;
            let response = Response::json_bytes(201, signed);
            Ok(if replayed { idempotency::replayed(response) } else { response })
        }
    }
}

/// The bid stands whatever becomes of the row: the auction's own message repairs it.
async fn show<P: Ports>(ports: &P, id: &str, row: &RawValue, ended: bool) {
    if ended {
        // The result needs more than the row.
        let view = read::ask(ports, id, None, &Query::View).await.ok().flatten();
        if let Some(Ok(upsert)) = view.map(|view| projection::upsert(id, &view)) {
            let _ = Sql::project(ports, id, upsert).await;
        }
    } else {
        let _ = Sql::project(ports, id, projection::update(id, row)).await;
    }
}

/// `GET /v1/auctions/{id}/bids`. Cursors are bound to the order: it is one of the filters.
pub(crate) async fn history<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    let query = web::Query::parse(exchange.request.query(), &["sort", "limit", "cursor"])?;
    let page = Page::parse(exchange.request.path(), &query)?;
    let (seq, limit) = (page.position.as_deref().map(read::seq_of).transpose()?, page.limit);
    let question = match query.get("sort") {
        None | Some("oldest") => Query::History { after: seq.unwrap_or(0), limit },
        Some("newest") => Query::Newest { before: seq, limit },
        Some(_) => return Err(list::invalid("sort", "is oldest or newest")),
    };
    let history: History = read::asked(ports, id, None, &question).await?;
    let last = history.items.last().filter(|_| history.more);
    let next = last.map(|bid| bid.seq.to_be_bytes());
    let items = history.items.iter().map(json_of).collect::<Result<Vec<_>, _>>()?;
    Ok(exchange.revalidated(page.response(items, next.as_ref().map(<[u8; 8]>::as_slice))))
}

/// Orders of the history.
#[cfg(feature = "document")]
pub(crate) const SORTS: &[&str] = &["oldest", "newest"];

fn json_of(bid: &PastBid) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(bid).map_err(|_| Problem::internal())
}

/// `GET /v1/auctions/{id}/bidding`: 404 for somebody who neither bids nor sells here.
pub(crate) async fn own<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let viewer = exchange.signed_in()?.subject.as_str();
    let own: Own = read::asked(ports, id, Some(viewer), &Query::Own).await?;
    if !own.has_bid && !own.is_seller {
        return Err(Problem::not_found());
    }
    let part = OwnPart {
        auction_id: id,
        my_max: own.my_max,
        leading: own.leading,
        alias: own.alias.as_deref(),
        status: view::status(own.row.status),
        price: own.row.price,
        next_minimum: own.row.next_minimum,
        next_maximum: own.row.next_maximum,
        reserve: view::reserve(own.row.reserve),
        reserve_price: own.reserve_price,
        bid_count: own.row.bid_count,
        ends_at: own.row.ends_at,
        seq: own.row.seq,
        commitments: &own.commitments,
        offers: &own.offers,
        server_time: ports.now(),
    };
    Response::json(200, &part)
}
