//! A simulated disk for SQLite: what was not synced is forgotten when the power is cut.
//!
//! A [`Disk`] registers an SQLite VFS of its own, to be named when a connection is opened. File
//! contents live in memory; a write is pending until the file is synced. Locks and shared memory
//! are those of the system's VFS, on empty files of the same names. For tests only.
//!
//! Not simulated: loss of directory entries, and errors when reading.

mod contents;
mod disk;
mod file;
mod vfs;

pub use contents::Survival;
pub use disk::Disk;
pub use file::SimulatedFile;
