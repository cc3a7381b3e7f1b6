//! identity.wasm: the service over the WIT ports.
