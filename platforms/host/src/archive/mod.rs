//! `export` and `replay`: one entity's whole log in a file, and the proof that a machine decides it
//! so.

mod export;
mod platform;
mod prove;
mod record;
mod replay;
mod show;
mod walk;

pub(crate) use export::run as export;
pub(crate) use prove::{Unproven, prove};
pub(crate) use replay::run as replay;
