//! What the service does over in-memory ports.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod delivery;
mod house;
mod letters;
mod order;
mod pages;
