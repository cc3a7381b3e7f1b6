//! The auctions capability over HTTP, generic over the ports.
//!
//! It knows JSON names, statuses and SQL; who may do what, and for how much, is the machine's
//! business (`auction-machine`). It names no platform.

mod bids;
mod create;
mod known;
mod list;
mod names;
mod projection;
mod read;
mod refusal;
mod reservation;
mod routes;
mod row;
mod schema;
mod view;
mod wire;

use ports::{Delivery, Message, Ports};
use web::{Exchange, Problem, Request, Response};

pub use routes::{Operation, routes};

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    web::serve(ports, routes(), &request, async |exchange: &Exchange<'_>, operation| {
        run(ports, exchange, operation).await
    })
    .await
}

/// Brings the tables up to date; called once before the first request of a deployment.
pub async fn migrate<P: Ports>(ports: &P) -> Result<(), String> {
    ports::migrate(ports, "auctions", schema::STEPS).await.map_err(|error| error.to_string())
}

/// Handles messages of the topics `auction.changed` and `auction.closed`: the public row of each
/// auction is brought up to its newest event, whatever the message says.
pub async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    projection::consume(ports, batch).await
}

async fn run<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    operation: Operation,
) -> Result<Response, Problem> {
    match operation {
        Operation::CreateAuction => create::create(ports, exchange).await,
        Operation::ListAuctions => list::list(ports, exchange).await,
        Operation::ReadAuction => read::auction(ports, exchange).await,
        Operation::PlaceBid => bids::place(ports, exchange).await,
        Operation::ListBids => bids::history(ports, exchange).await,
        Operation::ReadBidding => bids::own(ports, exchange).await,
        Operation::ListEvents => read::events(ports, exchange).await,
    }
}

/// Name of the machine in the manifest.
const MACHINE: &str = "auction";
