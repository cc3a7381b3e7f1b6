//! The smallest machine and service there can be, as libraries that know no platform. Three shapes
//! carry them: resident in our host, composed for Spin, linked into a Worker.

pub mod machine;
pub mod service;
