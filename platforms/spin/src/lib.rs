//! The ports over one SQLite store, where nothing runs between requests: what Spin gives.
//!
//! An [`Edge`] lives as long as an instance of a component. Everything that must outlive it is in
//! the store: events and snapshots of entities, the tables of capabilities, messages that wait for
//! their consumers, captured letters, rates. Every call is one transaction.
#![allow(dead_code, reason = "an edge will call messages, jobs and letters")]

#[cfg(test)]
mod bench;
mod cells;
mod dead;
mod due;
mod jobs;
mod mail;
mod moment;
mod outbox;
mod queue;
mod schema;
mod store;
mod work;
mod world;

pub use dead::{DeadLetter, Which};
pub use moment::Moment;
pub use store::Store;
pub use work::{Lease, Task};
pub use world::{Connection, Rows, StoreError, World};
