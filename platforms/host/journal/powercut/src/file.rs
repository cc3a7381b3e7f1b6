//! An open file, for SQLite or without it.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::disk::{Platter, Trouble};

pub(crate) struct Handle {
    platter: Arc<Platter>,
    name: Vec<u8>,
    generation: u64,
    /// How many failed syncs of the file this handle has been told of.
    told: AtomicU64,
}

/// A file of a simulated disk, opened without SQLite. Its `flush` syncs it.
pub struct SimulatedFile {
    handle: Handle,
    at: usize,
}

impl Handle {
    pub(crate) fn open(platter: &Arc<Platter>, name: Vec<u8>) -> Result<Self, Trouble> {
        let (generation, failed) = platter.open(&name)?;
        let (platter, told) = (Arc::clone(platter), AtomicU64::new(failed));
        Ok(Self { platter, name, generation, told })
    }

    /// Reads what is there and returns how much that is.
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> Result<usize, Trouble> {
        self.platter.read(&self.name, self.generation, offset, out)
    }

    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Trouble> {
        self.platter.write(&self.name, self.generation, offset, bytes)
    }

    pub(crate) fn truncate(&self, bytes: usize) -> Result<(), Trouble> {
        self.platter.truncate(&self.name, self.generation, bytes)
    }

    pub(crate) fn sync(&self) -> Result<(), Trouble> {
        self.platter.sync(&self.name, self.generation, &self.told)
    }

    pub(crate) fn size(&self) -> Result<usize, Trouble> {
        self.platter.size(&self.name, self.generation)
    }
}

impl SimulatedFile {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle, at: 0 }
    }
}

impl Read for SimulatedFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.handle.read(self.at, out)?;
        self.at += bytes;
        Ok(bytes)
    }
}

impl Write for SimulatedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.handle.write(self.at, bytes)?;
        self.at += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.handle.sync()?)
    }
}

impl Seek for SimulatedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (0, at as i64),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.handle.size()?, by),
        };
        let at = (from as i64).checked_add(by).and_then(|at| usize::try_from(at).ok());
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at as u64)
    }
}
