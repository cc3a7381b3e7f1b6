//! Fuzz targets: what must hold for every input, whoever makes it up.
//!
//! A [`Target`] is a plain function of bytes that panics when a law is broken. `cargo xtask fuzz`
//! feeds it through libFuzzer (`libfuzzer.rs`); `tests/corpus.rs` replays the kept corpus without
//! one. A new target is a function and one line in [`TARGETS`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test harness: to panic is to report"
)]

pub mod commands;
mod cursors;
mod ids;
mod instants;
mod money;
mod snapshots;

/// One thing that is fuzzed.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line; its corpus is `corpus/NAME`.
    pub name: &'static str,
    /// Panics when the input breaks a law.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "commands", run: commands::run },
    Target { name: "snapshots", run: snapshots::run },
    Target { name: "money", run: money::run },
    Target { name: "ids", run: ids::run },
    Target { name: "instants", run: instants::run },
    Target { name: "cursors", run: cursors::run },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
