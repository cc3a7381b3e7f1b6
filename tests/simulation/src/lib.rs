//! The host in one process and on one thread: entities, journal, wakes and messages on a disk that
//! forgets, under a clock that jumps, with crashes between any two steps (README.md).
//!
//! A seed decides everything, so the same seed gives the same bytes, and a seed that failed once
//! fails again.

mod auction;
mod chance;
mod house;
mod invariant;
mod ledger;
mod model;
mod people;
mod plants;
mod rules;
mod run;
mod settle;
mod theatre;

use std::path::Path;

use powercut::Disk;
use tempfile::TempDir;

pub use invariant::{Invariant, Violation};
pub use plants::Plant;
pub use run::{Report, run};
pub use theatre::{Between, Theatre};

/// Where runs take place, one after the other: a disk in memory, and a folder for its locks.
pub struct Place {
    disk: Disk,
    dir: TempDir,
}

impl Place {
    /// A new place.
    ///
    /// # Errors
    /// When there is no folder for temporary files.
    pub fn new() -> std::io::Result<Self> {
        // Locks and shared memory are real files: in memory, where there is such a folder.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Ok(Self { disk: Disk::register(), dir: dir? })
    }
}

/// Says that an auction changed; only the newest of an auction matters.
const TOPIC_CHANGED: &str = "auction.changed.v1";
/// What auctions tell, and whether the newest message of an auction stands for all.
const TOPICS: &[(&str, bool)] = &[
    (TOPIC_CHANGED, true),
    ("auction.closed.v1", false),
    ("auction.opened.v1", false),
    ("auction.amended.v1", false),
    ("auction.outbid.v1", false),
    ("auction.extended.v1", false),
    ("auction.ended.v1", false),
];
