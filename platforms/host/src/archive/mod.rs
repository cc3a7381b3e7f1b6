//! Archives: one entity's whole log in a file of JSON lines, and the proof that a machine decides
//! it so.
//!
//! The first line says what the file is, then a line follows per commit, and the last line counts
//! and hashes those before it: a cut, changed or shuffled file is found. What the events mean is
//! for the machine to say, here they are bytes.

mod export;
mod format;
mod lines;
mod replay;
mod show;
mod walk;

pub(crate) use export::run as export;
pub(crate) use replay::run as replay;
