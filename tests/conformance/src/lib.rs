//! One suite over the network, for every platform: what it starts, asks and checks with.
//!
//! A [`Platform`] runs on a scratch state directory: the one that `CONFORMANCE_PLATFORM` names. A
//! [`Client`] speaks HTTP to it, a [`User`] bids and sells. What only our host has is [`Host`]'s: a
//! test of every platform cannot name it. [`chain`] judges an auction by its log alone, [`record`]
//! sets the log against what was told, [`siege`] kills the platform while it is bid on. Every
//! answer is held to the API [`document`], every frame of a [`socket`] to [`frames`].
//! [`subscribers`] follow auctions through kills and through a [`meddler`]. Nothing here links a
//! part of the product but the kernel's instants: what is checked is what went over the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    reason = "a test harness: to panic is to report"
)]

pub mod archives;
pub mod chain;
mod client;
pub mod document;
pub mod frames;
mod host;
pub mod jwt;
pub mod letters;
mod market;
pub mod meddler;
pub mod people;
pub mod pictures;
mod platform;
pub mod proofs;
pub mod provider;
pub mod record;
mod setup;
pub mod siege;
pub mod smtp;
pub mod socket;
pub mod stream;
pub mod subscribers;
mod waiting;
pub mod wire;

pub use client::{Call, Client, Heard, Lost, Reply, Tape};
pub use host::{Host, HostSetup};
pub use market::{User, amount_of, id_of, ms_of, now_ms, rfc3339, usd};
pub use platform::Platform;
pub use platform::kind::Kind;
pub use setup::Setup;
pub use waiting::{closed, eventually};
