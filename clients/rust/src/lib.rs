//! The reference client of the live protocol: an auction as it happens, without a gap.
//!
//! A [`Live`] connects, signs in, follows the events of one auction and bids. When the connection
//! breaks it comes back by itself and goes on after the last event that it saw; a number that does
//! not fit is told as [`Update::Lost`], never passed over. A bid has an id of its own and is sent
//! again with it until its one reply came. What it does is written down for people in
//! docs/guide/live.md; plain HTTP is elsewhere, any client does.
//!
//! ```no_run
//! use ecomauction_client::{Bid, Live, Settings, SignIn, Update};
//!
//! # async fn watch(token: String) {
//! let settings = Settings::signed_in("ws://127.0.0.1:8080", "auc_…", move || {
//!     let token = token.clone();
//!     async move { SignIn::Token(token) }
//! });
//! let mut live = Live::open(settings);
//! let id = live.bid(Bid::of(2_500, "USD"));
//! while let Some(update) = live.next().await {
//!     match update {
//!         Update::Event(event) => println!("{} {}", event.seq, event.event),
//!         Update::Reply(reply) if reply.command_id == id => println!("{}", reply.body),
//!         Update::Ended(why) => println!("over: {why}"),
//!         _ => {}
//!     }
//! }
//! # }
//! ```
#![allow(clippy::float_arithmetic, reason = "clocks; no money is computed here")]

mod backoff;
mod clock;
mod commands;
mod connection;
mod frame;
mod live;
mod order;

pub use backoff::Backoff;
pub use clock::{Clock, Sample};
pub use connection::{Parting, SignIn};
pub use frame::{Bid, Complaint, Event, Frame, Hello, Money, Outbid, Reply, Time};
pub use live::{Live, Settings, SignsIn, Update};
pub use order::{Gap, Order, Position, Step};
