//! The auction rules: pure decisions, no clock, no storage.
//!
//! `contract.rs` is what the service says and hears. A command goes through [`Auction`] to what all
//! formats share (`bidding`, `retraction`, `seller`, `offers`, [`close`]); that asks the auction's
//! format ([`formats`]) for prices and winners, and leads to [`event`]s. [`public`] says what
//! everyone may see of them; `tell`, of whom
//! the world hears; [`view`] answers questions. HTTP, storage, names of people and
//! signatures are elsewhere.
//!
//! ```
//! use auction_machine::Auction;
//! use kernel::{Entity, Envelope, Timestamp};
//! let mut auction = Entity::<Auction>::new("auc_01jd0000000000000000000000");
//! let decision = auction.handle(&Envelope {
//!     command_id: "1",
//!     principal: Some("usr_01jd0000000000000000000000"),
//!     now: Timestamp::from_ms(1_700_000_000_000),
//!     seed: &[7; 32],
//!     body: br#"{"create":{"title":"A watch","format":"english","increments":"ebay_us",
//!         "start_price":{"amount":1000,"currency":"USD"},"duration_seconds":60}}"#,
//! });
//! assert_eq!(decision.events.len(), 1);
//! assert_eq!(decision.wake.unwrap().reason, "close");
//! ```

mod auction;
mod bidding;
pub mod close;
pub mod contract;
pub mod event;
mod explain;
pub mod formats;
pub mod ladder;
pub mod lot;
mod offers;
mod outages;
pub mod pictures;
mod plain;
mod preview;
pub mod public;
pub mod refusal;
mod retraction;
mod seller;
mod tell;
mod terms;
pub mod view;
pub mod why;

pub use auction::{Answer, Auction};
