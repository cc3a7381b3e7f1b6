//! What the API document says of the routes: one arm for each operation, so that a route without
//! words does not compile. What follows from a route by itself is not repeated here
//! (`web::document`).

mod auctions;
mod bids;
mod bodies;
mod parameters;
mod views;

use web::document::{Description, Section};

use crate::Operation;

/// The operations of the service.
pub fn document() -> Section {
    Section::new(TAGS, crate::routes(), |operation| Some(describe(operation)))
}

fn describe(operation: Operation) -> Description {
    match operation {
        Operation::CreateAuction => auctions::create(),
        Operation::ListAuctions => auctions::list(),
        Operation::ReadAuction => auctions::read(),
        Operation::ListEvents => auctions::events(),
        Operation::PlaceBid => bids::place(),
        Operation::ListBids => bids::list(),
        Operation::ReadBidding => bids::own(),
    }
}

const TAGS: &[(&str, &str)] = &[
    (auctions::TAG, "What is on sale, until when, and everything that happened to it."),
    (bids::TAG, "Offers, and what became of them."),
];
