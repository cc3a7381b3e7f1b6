//! Listing things and looking after them, on ports in memory: the API is a table of answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../sign/browser.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod browser;
mod kept;
mod listing;
mod looking;
mod managing;
mod pictures;
mod refused;
mod stall;
