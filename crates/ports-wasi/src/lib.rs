//! The ports over WIT imports, and the exports that make a service a component.
//!
//! Only the cdylibs under `components/*/wasm` link this crate. It knows no capability: conversion
//! in, conversion out. Imports are synchronous to the guest, the host parks the instance while it
//! waits; so every port future is ready at its first poll.

#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    reason = "generated from wit/edge, where every item is documented"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-clocks",
            "../../wit/deps/wasi-random",
            "../../wit/deps/wasi-cli",
            "../../wit/deps/wasi-http",
            "../../wit/edge",
        ],
        world: "ecomauction:edge/service",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_bindings",
        default_bindings_module: "ports_wasi::bindings",
    });
}

mod attend;
mod export;
mod imports;
mod pump;
mod streaming;

#[doc(hidden)]
pub use export::{
    answered, delivered, heard, message, no_jobs, no_messages, no_time, nothing_told, opened, said,
    sent, told,
};
pub use imports::WasiPorts;
#[doc(hidden)]
pub use imports::{now, public_event};
#[doc(hidden)]
pub use kernel::Timestamp;
#[doc(hidden)]
pub use ports::ready;
#[doc(hidden)]
pub use streaming::{Service, streamed};
#[doc(hidden)]
pub use web;
