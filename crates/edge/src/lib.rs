//! The ports over one SQLite store, where nothing runs between requests: what Spin gives, and a
//! durable object.
//!
//! An [`Edge`] lives as long as an instance of a component. Everything that must outlive it is in
//! the store: events and snapshots of entities, the tables of capabilities, messages that wait for
//! their consumers, captured letters, rates. Every call is one transaction.

mod attend;
#[cfg(test)]
mod bench;
mod cache;
mod cells;
mod commits;
mod dead;
mod due;
mod edge;
mod entities;
#[cfg(feature = "tables")]
mod guard;
mod jobs;
mod limits;
mod log;
mod machines;
mod mail;
mod moment;
mod objects;
mod operate;
mod outbox;
mod queue;
mod schema;
mod station;
mod store;
#[cfg(feature = "tables")]
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
mod testing;
mod vault;
mod work;
mod world;

pub use attend::Call;
pub use commits::replay;
pub use edge::{Decided, Edge};
pub use machines::Machines;
pub use operate::Refusal;
pub use store::Store;
#[cfg(feature = "tables")]
pub use tables::Outgoing;
pub use vault::Vault;
pub use work::{Lease, Task};
pub use world::{Begin, Connection, Rows, StoreError, World};
