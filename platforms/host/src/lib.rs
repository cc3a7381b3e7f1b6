//! The embedded default: one process, one data directory, wasmtime.
//!
//! `spin.toml` names the components; this crate gives them HTTP, entities, tables, keys, timers and
//! messages. It knows no auction: every sentence about bids is in a component.

mod archive;
mod background;
mod bus;
mod chain;
mod cli;
mod clock;
mod cron;
mod data;
mod delivery;
mod doctor;
mod engine;
mod http;
mod live;
mod machines;
mod mail;
mod manifest;
mod objects;
mod operator;
mod outage;
mod outbound;
mod outbox;
mod precompiled;
mod priority;
mod queues;
mod queues_alone;
mod rates;
mod remote;
mod services;
pub mod spin_shape;
mod sql;
mod state;
pub mod stepped;
mod telemetry;
mod timers;
mod up;
mod vault;
mod verify;

pub use cli::run;
