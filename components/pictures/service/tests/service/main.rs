//! The service over ports in memory, with the real machine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod gallery;
mod keeping;
mod manners;
