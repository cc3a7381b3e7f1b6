//! What the HTTP contract (api.md §1, §3) promises, asked of every platform.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod archives;
mod bodies;
mod closing;
mod conditional;
mod development;
mod idempotency;
mod identity;
mod letters;
mod lists;
mod live;
mod pages;
mod pictures;
mod probes;
mod proofs;
mod qr;
mod refusals;
mod scripts;
mod secrecy;
mod tokens;
mod walk;
