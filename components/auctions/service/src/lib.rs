//! The auctions capability over HTTP, generic over the ports.
//!
//! It knows JSON names, statuses and SQL; who may do what, and for how much, is the machine's
//! business (`auction-machine`). It names no platform.

mod bids;
mod command;
mod create;
#[cfg(feature = "document")]
mod document;
mod known;
mod list;
mod live;
mod me;
mod names;
mod offers;
mod projection;
mod proving;
mod qr;
mod read;
mod receipts;
mod refusal;
mod reservation;
mod routes;
mod row;
mod rules;
mod schema;
mod seller;
mod taking_back;
mod view;
mod wire;

use ports::{Delivery, Message, Ports};
use web::{Exchange, Problem, Request, Response};

#[cfg(feature = "document")]
pub use document::{conversation, document};
pub use live::{message, open, tell, time};
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

/// Handles messages of the topics `auction.changed.v1` and `auction.closed.v1`: the public row of
/// each auction is brought up to its newest event, whatever the message says. `qr.made.v1`: the
/// auction has a code. A batch is of one topic.
pub async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    match batch.first() {
        Some(message) if message.topic == qr::MADE => qr::consume(ports, &batch).await,
        _ => projection::consume(ports, batch).await,
    }
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
        Operation::BuyNow => bids::buy_now(ports, exchange).await,
        Operation::PreviewBid => rules::preview(ports, exchange).await,
        Operation::ReadRules => rules::show(ports, exchange).await,
        Operation::ChangeAuction => seller::change(ports, exchange).await,
        Operation::DeleteAuction => seller::delete(ports, exchange).await,
        Operation::CancelAuction => seller::cancel(ports, exchange).await,
        Operation::LowerReserve => seller::lower_reserve(ports, exchange).await,
        Operation::BlockBidder => seller::block(ports, exchange, true).await,
        Operation::UnblockBidder => seller::block(ports, exchange, false).await,
        Operation::ListBlockedBidders => seller::blocked(ports, exchange).await,
        Operation::RetractBid => taking_back::retract(ports, exchange).await,
        Operation::WithdrawBid => taking_back::withdraw(ports, exchange).await,
        Operation::OfferSecondChance => offers::make(ports, exchange).await,
        Operation::AcceptOffer => offers::answer(ports, exchange, true).await,
        Operation::DeclineOffer => offers::answer(ports, exchange, false).await,
        Operation::ListMyBids => me::bids(ports, exchange).await,
        Operation::ListMyAuctions => me::auctions(ports, exchange).await,
        Operation::ListMyWatches => me::watches(ports, exchange).await,
        Operation::ReadWatch => me::watched(ports, exchange).await,
        Operation::Watch => me::watch(ports, exchange).await,
        Operation::Unwatch => me::unwatch(ports, exchange).await,
        Operation::WatchLive => live::without_socket(ports, exchange).await,
        Operation::IssueTicket => live::issue(ports, exchange).await,
        Operation::ReadProof => proving::proof(ports, exchange).await,
    }
}

/// Name of the machine in the manifest.
const MACHINE: &str = "auction";
