//! The auction room as it is made, on ports in memory: the API is a table of answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bids;
#[path = "../sign/browser.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod browser;
#[path = "../sell/stall.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod stall;
mod watching;
