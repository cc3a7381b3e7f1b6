//! The caller's own dashboards: where it bids, what it sells, what it watches.

use auction_machine::contract::{Own, Query};
use kernel::{Money, Timestamp};
use ports::{Outgoing, Ports, Sql, Statement, Value};
use serde::Serialize;
use web::page::{Page, invalid_cursor};
use web::{Exchange, Problem, Response, not_modified};

use crate::read;
use crate::row::{self, Shown};
use crate::view::{join, write};

/// What the list of the caller's bids adds to an auction.
#[derive(Serialize)]
struct BiddingPart {
    my_max: Option<Money>,
    leading: bool,
}

/// Body of `auction.watched.v1`.
#[derive(Serialize)]
struct Watched<'a> {
    user_id: &'a str,
    auction_id: &'a str,
    watching: bool,
}

/// That the caller watches an auction.
#[derive(Serialize)]
struct WatchPart<'a> {
    auction_id: &'a str,
    /// Since when.
    created_at: Timestamp,
}

/// Which auctions a dashboard lists: a table, and in it the user and the auction.
enum List {
    Bids,
    Auctions,
    Watches,
}

/// `GET /v1/me/bids`: auctions with a bid of the caller, newest first, each with `my_max` and
/// `leading`.
pub(crate) async fn bids<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    list(ports, exchange, &List::Bids).await
}

/// `GET /v1/me/auctions`: what the caller sells, newest first.
pub(crate) async fn auctions<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    list(ports, exchange, &List::Auctions).await
}

/// `GET /v1/me/watches`: what the caller watches, newest auction first.
pub(crate) async fn watches<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    list(ports, exchange, &List::Watches).await
}

/// `GET /v1/me/watches/{auction_id}`: 404 when it is not watched.
pub(crate) async fn watched<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id_in(exchange, "auction_id")?;
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?.subject.as_str();
    let sql = "SELECT created_at FROM auctions_watches WHERE user_id = ?1 AND auction_id = ?2";
    let rows = Sql::query(ports, Statement::new(sql, [caller.into(), id.into()])).await?.rows;
    let row = rows.first().ok_or_else(Problem::not_found)?;
    let created_at = row.first().and_then(Value::as_integer).ok_or_else(Problem::internal)?;
    let etag = format!("\"{created_at}\"");
    if let Some(response) = not_modified(exchange, &etag) {
        return Ok(response);
    }
    let part = WatchPart { auction_id: id, created_at: Timestamp::from_ms(created_at) };
    Ok(exchange.revalidated(Response::json(200, &part)?).with("etag", etag))
}

/// `PUT /v1/me/watches/{auction_id}`.
pub(crate) async fn watch<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id_in(exchange, "auction_id")?;
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?;
    if read::ask(ports, id, None, &Query::View).await?.is_none() {
        return Err(Problem::not_found());
    }
    let count = "SELECT count(*) FROM auctions_watches WHERE user_id = ?1 AND auction_id <> ?2";
    let count = Statement::new(count, [caller.subject.as_str().into(), id.into()]);
    let count = Sql::query(ports, count).await?.rows;
    let count = count.first().and_then(|row| row.first()).and_then(Value::as_integer).unwrap_or(0);
    if count >= WATCHES_MAX {
        let detail = format!("At most {WATCHES_MAX} auctions can be watched.");
        return Err(Problem::new(409, "too_many_watches", detail));
    }
    let sql = "INSERT INTO auctions_watches (user_id, auction_id, created_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (user_id, auction_id) DO NOTHING";
    let values = [caller.subject.as_str().into(), id.into(), exchange.now.as_ms().into()];
    let told = vec![told(&caller.subject, id, true)?];
    Sql::batch_and_send(ports, vec![Statement::new(sql, values)], told).await?;
    Ok(Response::empty(204))
}

/// `DELETE /v1/me/watches/{auction_id}`; also when it was not watched.
pub(crate) async fn unwatch<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id_in(exchange, "auction_id")?;
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?;
    let sql = "DELETE FROM auctions_watches WHERE user_id = ?1 AND auction_id = ?2";
    let values = [caller.subject.as_str().into(), id.into()];
    let told = vec![told(&caller.subject, id, false)?];
    Sql::batch_and_send(ports, vec![Statement::new(sql, values)], told).await?;
    Ok(Response::empty(204))
}

/// Tells who sends letters; in order for each user.
fn told(user_id: &str, auction_id: &str, watching: bool) -> Result<Outgoing, Problem> {
    let body = serde_json::to_vec(&Watched { user_id, auction_id, watching });
    let body = body.map_err(|_| Problem::internal())?;
    Ok(Outgoing { topic: "auction.watched.v1", key: user_id.to_owned(), body })
}

async fn list<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    list: &List,
) -> Result<Response, Problem> {
    let caller = exchange.signed_in()?.subject.as_str();
    let query = web::Query::parse(exchange.request.query(), &["limit", "cursor"])?;
    let page = Page::parse(exchange.request.path(), &query)?;
    let statement = list.statement(caller, &page)?;
    let rows = Sql::query(ports, statement).await?.rows;
    let rows = rows.iter().map(|row| Shown::read(row, exchange.now).ok_or_else(Problem::internal));
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > page.limit as usize;
    rows.truncate(page.limit as usize);
    let next = rows.last().filter(|_| more).map(|last| last.id().as_bytes().to_vec());
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut item = row.render()?;
        if matches!(list, List::Bids) {
            let own: Own = read::asked(ports, row.id(), Some(caller), &Query::Own).await?;
            let part = BiddingPart { my_max: own.my_max, leading: own.leading };
            join(&mut item, |item| write(item, &part))?;
        }
        items.push(item);
    }
    Ok(exchange.revalidated(page.response(items, next.as_deref())))
}

impl List {
    fn statement(&self, caller: &str, page: &Page<'_, '_>) -> Result<Statement, Problem> {
        let (table, condition) = match self {
            Self::Bids => (
                "auctions_bidders m JOIN auctions_public a ON a.id = m.auction_id",
                "m.user_id = ?1",
            ),
            Self::Watches => (
                "auctions_watches m JOIN auctions_public a ON a.id = m.auction_id",
                "m.user_id = ?1",
            ),
            Self::Auctions => ("auctions_public a", "a.seller = ?1"),
        };
        let limit = i64::from(page.limit.saturating_add(1));
        let mut values: Vec<Value> = vec![caller.into(), limit.into()];
        let mut beyond = "";
        if let Some(position) = &page.position {
            let id = core::str::from_utf8(position).map_err(|_| invalid_cursor())?;
            values.push(id.into());
            beyond = "AND a.id < ?3";
        }
        let sql = format!(
            "SELECT 0, {} FROM {table} LEFT JOIN auctions_sellers s ON s.user_id = a.seller
             WHERE {condition} {beyond} ORDER BY a.id DESC LIMIT ?2",
            row::COLUMNS
        );
        Ok(Statement::new(sql, values))
    }
}

/// Most auctions that one user watches.
const WATCHES_MAX: i64 = 10_000;
