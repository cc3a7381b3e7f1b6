//! The auction rules: pure decisions, no clock, no storage.

pub mod contract;
