//! The ports over one SQLite store, where nothing runs between requests: what Spin gives.
//!
//! An [`Edge`] lives as long as an instance of a component. Everything that must outlive it is in
//! the store: events and snapshots of entities, the tables of capabilities, messages that wait for
//! their consumers, captured letters, rates. Every call is one transaction.

mod cache;
mod edge;
mod entities;
mod guard;
mod limits;
mod log;
mod machines;
mod outbox;
mod schema;
mod store;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
mod testing;
#[cfg_attr(not(test), expect(dead_code, reason = "nothing asks it yet"))]
mod vault;
mod world;

pub use edge::{Edge, Grants};
pub use machines::Machines;
pub use store::Store;
pub use world::{Connection, Rows, StoreError, World};
