//! Pictures of auctions: a seller sends one, it is made anew in a few sizes, and everyone sees it.
//!
//! Bytes are objects of the platform; which picture stands where is part of the auction and its
//! log, and so the machine's to decide. Objects come before the machine is asked, and those that it
//! does not take are deleted ([`keep`]). What pixels are is in [`image`], which knows no auction.

mod auction;
#[cfg(feature = "document")]
mod document;
mod image;
mod keep;
mod routes;
mod schema;
mod show;
mod upload;

use kernel::Timestamp;
use ports::{Delivery, Message, Ports};
use web::{Exchange, Request, Response};

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
            Operation::SetPicture => upload::set(ports, exchange).await,
            Operation::RemovePicture => upload::remove(ports, exchange).await,
            Operation::ReadPicture => show::largest(ports, exchange).await,
            Operation::ReadPictureInSize => show::in_size(ports, exchange).await,
        },
    )
    .await
}

/// Brings the tables up to date; called once before the first request of a deployment.
pub async fn migrate<P: Ports>(ports: &P) -> Result<(), String> {
    ports::migrate(ports, "pictures", schema::STEPS).await.map_err(|error| error.to_string())
}

/// Handles messages of the topic `auction.ended.v1`: pictures of a listing that was taken away go.
pub async fn consume<P: Ports>(ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    keep::consume(ports, &batch).await
}

/// Runs a job: `pictures.sweep`, now and then.
pub async fn run<P: Ports>(ports: &P, job: &str, _slot: Timestamp) -> Result<(), String> {
    match job {
        "pictures.sweep" => keep::sweep(ports).await,
        other => Err(format!("there is no job {other}")),
    }
}

/// Name of the machine in the manifest.
const MACHINE: &str = "auction";
