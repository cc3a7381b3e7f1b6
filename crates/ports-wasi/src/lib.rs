//! The ports over WIT imports, linked by wasm crates only.
