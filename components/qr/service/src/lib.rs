//! QR codes of auctions, as PNG and SVG, of the address of the auction's page.
//!
//! Nobody asks for one: they are made when auctions open (`auction.opened.v1`), and whoever wants
//! to know hears of it (`qr.made.v1`). What a code looks like is in [`code`]; it is the same bytes
//! for the same address, on every platform.

mod code;
#[cfg(feature = "document")]
mod document;
mod make;
mod routes;
mod show;

use ports::{Delivery, Message, Ports};
use web::{Exchange, Request, Response};

pub use code::{png, svg};
#[cfg(feature = "document")]
pub use document::document;
pub use routes::{Operation, routes};

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    web::serve(
        ports,
        routes(),
        &request,
        async |exchange: &Exchange<'_>, operation| match operation {
            Operation::ReadPng => show::show(ports, exchange, make::PNG).await,
            Operation::ReadSvg => show::show(ports, exchange, make::SVG).await,
        },
    )
    .await
}

/// There are no tables. Without an address that codes can name there is no start.
pub async fn migrate<P: Ports>(ports: &P) -> Result<(), String> {
    make::base_url(ports).map(drop)
}

/// Handles messages of the topics `auction.opened.v1` and `auction.ended.v1`.
pub async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    make::consume(ports, &batch).await
}
