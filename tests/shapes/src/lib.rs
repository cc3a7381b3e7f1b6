//! One trivial machine and service through the shapes of two platforms: resident in our host, and
//! composed for Spin. What works here is what the real capabilities rely on.

pub mod artefacts;
pub mod client;
pub mod process;
