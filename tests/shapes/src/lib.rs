//! One trivial machine and service through the three platform shapes: resident in our host,
//! composed for Spin, linked into a Worker. What works here is what the real capabilities rely on.

pub mod artefacts;
pub mod client;
pub mod process;
pub mod worker;
