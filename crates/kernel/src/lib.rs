//! Nouns that every capability shares.
//!
//! Money, time, ids and limits, and what a machine is: a pure function from state and command to
//! events. The kernel knows no HTTP, no storage, no async, no clock and no randomness: time and
//! seeds come in as arguments, so that a decision can be repeated anywhere, years later.

pub mod canonical;
mod digest;
mod entity;
mod id;
pub mod limits;
pub mod machine;
mod money;
mod time;

pub use digest::{ChainHead, Digest, Salt};
pub use entity::{Decision, Entity, LoadError, Recorded};
pub use id::{Id, IdError, IdKind, kind};
pub use machine::{Context, Effect, Envelope, Machine, Message, Misfit, Place, Position, Wake};
pub use money::{Currency, CurrencyError, Minor, Money, MoneyError};
pub use time::{Timestamp, TimestampError};
