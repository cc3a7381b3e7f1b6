//! The files of the log as bytes, beside SQLite.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

/// A file as bytes. `flush` makes durable what was written.
pub trait Bytes: Read + Write + Seek {}

impl<T: Read + Write + Seek> Bytes for T {}

/// How files are opened beside SQLite.
#[derive(Clone)]
pub struct Files(Arc<Open>);

type Open = dyn Fn(&Path) -> io::Result<Box<dyn Bytes>> + Send + Sync;

/// A file of the system whose `flush` reaches the disk.
struct Synced(File);

impl Files {
    /// Opens files with a function, for reading and writing; it makes none.
    #[must_use]
    pub fn new(open: impl Fn(&Path) -> io::Result<Box<dyn Bytes>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    /// Opens a file; none when there is no such file.
    pub(crate) fn open(&self, path: &Path) -> io::Result<Option<Box<dyn Bytes>>> {
        match (self.0)(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Those of the system.
impl Default for Files {
    fn default() -> Self {
        Self::new(|path| {
            let file = File::options().read(true).write(true).open(path)?;
            Ok(Box::new(Synced(file)))
        })
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

/// Makes durable what the file reads as. A sync alone does not: pages whose sync has failed once
/// count as written, whatever the disk holds, so every byte is written again.
pub(crate) fn renew(file: &mut dyn Bytes) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let bytes = file.read(&mut chunk)?;
        let Some(read @ [_, ..]) = chunk.get(..bytes) else { break };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(read)?;
        at += bytes as u64;
    }
    file.flush()
}

impl Read for Synced {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

impl Seek for Synced {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

const CHUNK_BYTES: usize = 256 * 1024;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Counts what is written, and the flushes after it.
    struct Counted {
        inner: io::Cursor<Vec<u8>>,
        written: usize,
        unsynced: usize,
    }

    impl Read for Counted {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.inner.read(out)
        }
    }

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written += bytes.len();
            self.unsynced += bytes.len();
            self.inner.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.unsynced = 0;
            Ok(())
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.inner.seek(to)
        }
    }

    #[test]
    fn every_byte_is_written_again_and_synced() {
        for bytes in [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 7] {
            let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            let inner = io::Cursor::new(content.clone());
            let mut file = Counted { inner, written: 0, unsynced: 0 };
            renew(&mut file).unwrap();
            assert_eq!((file.written, file.unsynced), (bytes, 0));
            assert_eq!(file.inner.into_inner(), content);
        }
    }

    #[test]
    fn a_file_of_the_system_keeps_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert!(Files::default().open(&path).unwrap().is_none());
        assert!(!path.exists());
        std::fs::write(&path, [7; 1_000]).unwrap();
        renew(&mut *Files::default().open(&path).unwrap().unwrap()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [7; 1_000]);
    }
}
