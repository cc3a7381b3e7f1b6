//! What only the seller does: change, take away, cancel, lower the reserve, block a bidder.

use auction_machine::contract::{Blocked, Change, Command, Query, Refused};
use ports::{Ports, Sql};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use web::json::Object;
use web::{Exchange, Problem, Response, json, precondition};

use crate::view::{Seen, Viewer};
use crate::{command, projection, read, refusal, wire};

/// `PATCH /v1/auctions/{id}`.
pub(crate) async fn change<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let Object(asked) = json::body::<Object<wire::ChangeAuction>>(exchange.request)?;
    let mut terms: Map<String, Value> =
        serde_json::from_slice(&exchange.request.body).map_err(|_| Problem::internal())?;
    terms.remove("description_addition");
    let change = Change {
        head: head_as_seen(ports, exchange, id).await?,
        terms: (!terms.is_empty()).then_some(terms),
        description_addition: asked.description_addition,
    };
    command::changed(ports, exchange, id, &Command::Change(change)).await
}

/// `DELETE /v1/auctions/{id}`.
pub(crate) async fn delete<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let head = head_as_seen(ports, exchange, id).await?;
    command::send(ports, exchange, id, &Command::Delete { head }).await?;
    Sql::batch(ports, vec![projection::remove(id)]).await?;
    Ok(Response::empty(204))
}

/// `POST /v1/auctions/{id}/cancellation`.
pub(crate) async fn cancel<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let Object(asked) = json::body::<Object<wire::Cancellation>>(exchange.request)?;
    command::changed(ports, exchange, id, &Command::Cancel { reason: asked.reason }).await
}

/// `PATCH /v1/auctions/{id}/reserve`.
pub(crate) async fn lower_reserve<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let Object(asked) = json::body::<Object<wire::LowerReserve>>(exchange.request)?;
    let lower = Command::LowerReserve { amount: asked.amount.0 };
    command::changed(ports, exchange, id, &lower).await
}

/// `PUT` and `DELETE /v1/auctions/{id}/blocked-bidders/{bidder}`.
pub(crate) async fn block<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    blocked: bool,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let bidder = exchange.parameter("bidder").to_owned();
    command::send(ports, exchange, id, &Command::Block { bidder, blocked }).await?;
    Ok(Response::empty(204))
}

/// `GET /v1/auctions/{id}/blocked-bidders`: all of them, they are bounded.
pub(crate) async fn blocked<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Answer {
        Blocked(Blocked),
        Refused(Refused),
    }
    #[derive(Serialize)]
    struct Item<'a> {
        bidder: &'a str,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        items: Vec<Item<'a>>,
    }
    let id = read::id(exchange)?;
    exchange.no_parameters()?;
    let caller = exchange.signed_in()?.subject.as_str();
    match read::asked(ports, id, Some(caller), &Query::Blocked).await? {
        Answer::Blocked(Blocked { bidders }) => {
            let items = bidders.iter().map(|bidder| Item { bidder }).collect();
            Response::json(200, &Body { items })
        }
        Answer::Refused(refused) => Err(refusal::problem(refused, ports.now())),
    }
}

/// The head of the log that the seller's `If-Match` names: 403 for others, 428 without the header,
/// 412 when the auction has changed since. The machine asks once more, when nothing can come
/// between.
async fn head_as_seen<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    id: &str,
) -> Result<String, Problem> {
    let answer = read::ask(ports, id, None, &Query::View).await?.ok_or_else(Problem::not_found)?;
    let seen = Seen::parse(&answer)?;
    let caller = exchange.signed_in()?;
    if seen.viewer(Some(&caller.subject)) != Viewer::Seller {
        return Err(Problem::new(403, "forbidden", "Only the seller can do this."));
    }
    let names = |tag: &str| seen.is_named_by(tag, Viewer::Seller);
    precondition::if_match(exchange.request, names)?;
    Ok(seen.head.to_owned())
}
