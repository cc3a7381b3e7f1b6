//! The data directory: who owns it, what lies where.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// A data directory that this process alone uses.
pub(crate) struct DataDirectory {
    root: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes it when missing, for its owner only, and locks it.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .with_context(|| format!("cannot create the data directory {}", root.display()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join("lock"))
            .with_context(|| format!("cannot write to {}", root.display()))?;
        if lock.try_lock().is_err() {
            bail!("{} is in use by another ecomauction process", root.display());
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// Key files.
    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Compiled components.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.root.join("compiled")
    }

    /// The journal.
    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Snapshots.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state.db")
    }

    /// The book of letters.
    pub(crate) fn mail(&self) -> PathBuf {
        self.root.join("mail.db")
    }

    /// Messages in their queues.
    pub(crate) fn queues(&self) -> PathBuf {
        self.root.join("queues.db")
    }

    /// Tables of a capability; makes the folder.
    pub(crate) fn tables(&self, component: &str) -> anyhow::Result<PathBuf> {
        let folder = self.root.join("tables");
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{component}.db")))
    }
}

/// Writes a new file that only its owner can read, durably.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}
