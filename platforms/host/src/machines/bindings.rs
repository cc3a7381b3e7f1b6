//! The WIT of machines, seen from the host.
#![allow(missing_docs, unreachable_pub, reason = "generated; the WIT carries the documentation")]
#![allow(clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit/machine",
    world: "machine-component",
    ownership: Borrowing { duplicate_if_necessary: true },
});
