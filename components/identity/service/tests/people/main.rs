//! The service on ports in memory: people sign up, in and out, and others try to be them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod accounts;
mod devices;
mod enumeration;
mod house;
mod letters;
mod limits;
mod me;
mod oauth;
mod passwords;
mod provider;
mod refresh;
mod sessions;
mod suspension;
mod sweep;
mod token;
mod totp;
mod watched;
