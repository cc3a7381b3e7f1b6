//! The rules, seen through the contract of the machine: commands and time in, replies and events
//! out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod bench;
mod commands;
mod english;
mod formats;
mod golden;
mod log;
mod outages;
mod pictures;
mod questions;
mod scripts;
mod terms;
mod told;
