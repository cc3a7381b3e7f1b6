//! What the service does over in-memory ports, with the real machine behind it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bidders;
mod flow;
mod house;
mod idempotency;
mod lists;
mod manners;
mod proofs;
mod seller;
mod views;
