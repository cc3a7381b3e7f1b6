//! The ports over one SQLite store, where nothing runs between requests: what Spin gives.
//!
//! An [`Edge`] lives as long as an instance of a component. Everything that must outlive it is in
//! the store: events and snapshots of entities, the tables of capabilities, messages that wait for
//! their consumers, captured letters, rates. Every call is one transaction.

mod schema;
mod store;
#[cfg_attr(not(test), expect(dead_code, reason = "nothing asks it yet"))]
mod vault;
mod world;

pub use store::Store;
pub use world::{Connection, Rows, StoreError, World};
