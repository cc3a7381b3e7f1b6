//! What only our host has, asked of the running binary: its operator address and command line, its
//! data directory, archives, queues under faulty components, mail servers, the bounds of its
//! listener, its way to stop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod archive;
mod faulty;
mod letters;
mod limits;
mod operator;
mod passwords;
mod patience;
mod queues;
mod stop;
