//! Bids that are taken back: retraction (rules.md B5) and withdrawal of sealed bids (B8).

use auction_machine::contract::Command;
use kernel::{Id, kind};
use ports::Ports;
use web::json::Object;
use web::{Exchange, Problem, Response, json};

use crate::{command, read, wire};

/// `POST /v1/auctions/{id}/bids/{bid_id}/retraction`; the seller cancels a bidder's bids with it.
pub(crate) async fn retract<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    let bid_id = bid_id(exchange)?;
    exchange.no_parameters()?;
    let Object(asked) = json::body::<Object<wire::Retraction>>(exchange.request)?;
    let retract = Command::Retract { bid_id, reason: asked.reason() };
    command::changed(ports, exchange, id, &retract).await
}

/// `DELETE /v1/auctions/{id}/bids/{bid_id}`.
pub(crate) async fn withdraw<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = read::id(exchange)?;
    let bid_id = bid_id(exchange)?;
    exchange.no_parameters()?;
    command::changed(ports, exchange, id, &Command::Withdraw { bid_id }).await?;
    Ok(Response::empty(204))
}

fn bid_id(exchange: &Exchange<'_>) -> Result<Id<kind::Bid>, Problem> {
    exchange.parameter("bid_id").parse().map_err(|_| Problem::not_found())
}
