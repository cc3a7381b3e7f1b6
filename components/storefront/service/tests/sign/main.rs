//! Coming, going and the account, on ports in memory: the API is a table of answers, a browser
//! keeps cookies and sends the forms that it was given.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod account;
mod browser;
mod coming;
mod cookies;
mod forms;
mod providers;
