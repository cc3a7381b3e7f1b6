//! The verifier over logs that the machine wrote: every script that there is, and every way to
//! change what such a log says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod bench;
mod forged;
mod scripts;
