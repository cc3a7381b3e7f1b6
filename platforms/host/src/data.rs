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

/// Makes a folder when it is missing, for its owner only.
pub(crate) fn private_folder(path: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot create {}", path.display()))
}

impl DataDirectory {
    /// Makes it when missing, for its owner only, and locks it.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        private_folder(root)?;
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

    /// Objects of all components.
    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// Messages in their queues.
    pub(crate) fn queues(&self) -> PathBuf {
        self.root.join("queues.db")
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Tables of a capability; makes the folder.
    pub(crate) fn tables(&self, component: &str) -> anyhow::Result<PathBuf> {
        let folder = self.root.join("tables");
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{component}.db")))
    }
}

/// How much room a data directory takes; none where that cannot be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes of the journal.
    pub(crate) journal: Option<u64>,
    /// Bytes of tables, queues, letters and snapshots.
    pub(crate) rest: Option<u64>,
    /// Bytes that its disk has left.
    pub(crate) free: Option<u64>,
}

impl Room {
    /// Looks at a data directory. Objects are not counted: each is a file, and there are many.
    pub(crate) fn of(root: &Path) -> Self {
        let rest = [root.to_owned(), root.join("tables")].map(|folder| files_bytes(&folder));
        let disk = rustix::fs::statvfs(root).ok();
        Self {
            journal: files_bytes(&root.join("journal")),
            rest: rest.into_iter().sum(),
            free: disk.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        }
    }
}

/// Bytes of the files in a folder, without those in folders below it.
fn files_bytes(folder: &Path) -> Option<u64> {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(folder).ok()? {
        // A file may have left meanwhile.
        let Some(about) = entry.ok().and_then(|entry| entry.metadata().ok()) else { continue };
        bytes = bytes.saturating_add(if about.is_file() { about.len() } else { 0 });
    }
    Some(bytes)
}

/// Writes a new file that only its owner can read, durably: under its name it is whole or absent,
/// whatever happens meanwhile.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let begun = begun(path);
    let written = write_begun(&begun, bytes).and_then(|()| {
        std::fs::rename(&begun, path)?;
        // The name is as durable as the bytes.
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    });
    written.with_context(|| format!("cannot create {}", path.display()))
}

/// Removes what writes left behind that did not come to their end.
pub(crate) fn remove_begun(folder: &Path) -> anyhow::Result<()> {
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == BEGUN) {
            let why = || format!("cannot remove {}", path.display());
            std::fs::remove_file(&path).with_context(why)?;
        }
    }
    Ok(())
}

fn write_begun(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Where a file is written before it gets its name.
fn begun(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(BEGUN);
    name.into()
}

const BEGUN: &str = "new";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn room_is_told_of_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![0; bytes]).unwrap();
        };
        let room = || Room { free: None, ..Room::of(folder.path()) };
        write("state.db", 10);
        assert_eq!(room(), Room::default(), "no journal, no tables");
        write("journal/log.db", 100);
        write("tables/auctions.db", 1_000);
        write("objects/one/two", 10_000);
        assert_eq!(room(), Room { journal: Some(100), rest: Some(1_010), free: None });
        assert!(Room::of(folder.path()).free.is_some());
    }

    #[test]
    fn a_private_file_is_whole_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let (path, left) = (folder.path().join("mac.key"), folder.path().join("mac.key.new"));
        let names = || {
            let files = std::fs::read_dir(folder.path()).unwrap();
            files.map(|file| file.unwrap().file_name()).collect::<Vec<_>>()
        };
        // A life ended while it wrote.
        std::fs::write(&left, b"ha").unwrap();
        write_private(&path, b"whole").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(), ["mac.key"]);
        std::fs::write(&left, b"ha").unwrap();
        remove_begun(folder.path()).unwrap();
        assert_eq!(names(), ["mac.key"]);
    }
}
