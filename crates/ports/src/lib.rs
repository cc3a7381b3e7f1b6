//! What a capability asks of its platform.
//!
//! Each trait mirrors an interface of `wit/edge/edge.wit` (or a WASI one) with Rust types; a
//! platform implements each once. Functions that can wait are `async` without `Send`: wasm guests
//! are single-threaded, and a platform that needs `Send` wraps at its own edge. Capabilities are
//! generic over [`Ports`] and name no platform.
#![allow(async_fn_in_trait, reason = "guests are single-threaded; no port future needs Send")]

#[cfg(feature = "contract")]
pub mod contract;
mod entities;
mod limits;
pub mod live;
mod mail;
#[cfg(feature = "memory")]
pub mod memory;
mod messages;
mod migrate;
mod objects;
mod outbound;
mod ready;
mod sql;
mod sweep;
mod vault;

pub use entities::{Engine, Entities, EntityError, PublicEvent};
pub use limits::{Limits, Policy};
pub use mail::{Captured, Letter, Mail, MailError};
pub use messages::{Delivery, Message, Outgoing};
pub use migrate::migrate;
pub use objects::{Object, ObjectError, Objects};
pub use outbound::{HttpRequest, HttpResponse, Outbound, OutboundError, neighbour};
pub use ready::ready;
pub use sql::{Outcome, Sql, SqlError, Statement, Value};
pub use sweep::{SWEEP_MAX_ROWS, sweep};
pub use vault::{Claims, Comparison, PasswordError, ProofSignature, Vault};

use kernel::Timestamp;

/// The wall clock.
pub trait Clock {
    /// Milliseconds, UTC.
    fn now(&self) -> Timestamp;
}

/// Unpredictable bytes.
pub trait Random {
    /// Ten bytes, the random part of an id.
    fn id_bytes(&self) -> [u8; 10];

    /// 32 bytes that nobody can guess: a token, a nonce.
    fn secret_bytes(&self) -> [u8; 32];
}

/// Settings from the manifest and the deployer.
pub trait Variables {
    /// The value, or none when the variable is not set.
    fn variable(&self, name: &str) -> Option<String>;
}

/// Everything a service may use.
pub trait Ports:
    Entities + Sql + Vault + Mail + Limits + Outbound + Objects + Clock + Random + Variables
{
}

impl<P> Ports for P where
    P: Entities + Sql + Vault + Mail + Limits + Outbound + Objects + Clock + Random + Variables
{
}
