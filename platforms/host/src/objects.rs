//! Objects as files below the data directory, one for each.
//!
//! A file begins with four lines: what it is, the object's name, its media type, the SHA-256 of its
//! bytes. Files are called by the digest of the name, so that no name is a path. One is written
//! beside its place, synced and renamed: under its name it is whole, whatever happens meanwhile.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

pub(crate) use ports::{Object, ObjectError};

use crate::data::{private_folder, remove_begun};
use crate::engine::hex;

/// All objects of a data directory.
pub(crate) struct ObjectStore {
    files: Arc<Files>,
}

struct Files {
    root: PathBuf,
    /// Names of files that are being written.
    begun: AtomicU64,
}

impl ObjectStore {
    /// Opens it; what an earlier life did not finish goes.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        private_folder(root)?;
        for component in fs::read_dir(root)? {
            for folder in fs::read_dir(component?.path())? {
                remove_begun(&folder?.path())?;
            }
        }
        let files = Files { root: root.to_owned(), begun: AtomicU64::new(0) };
        Ok(Self { files: Arc::new(files) })
    }

    /// Puts an object; durable when this returns.
    pub(crate) async fn put(
        &self,
        component: &str,
        key: String,
        content_type: String,
        bytes: Vec<u8>,
    ) -> Result<(), ObjectError> {
        ObjectError::check(&key, &content_type, bytes.len())?;
        let component = component.to_owned();
        self.at_files(move |files| files.put(&component, &key, &content_type, &bytes)).await
    }

    /// The object, whole.
    pub(crate) async fn get(
        &self,
        component: &str,
        key: String,
    ) -> Result<Option<Object>, ObjectError> {
        ObjectError::check_key(&key)?;
        let component = component.to_owned();
        self.at_files(move |files| files.get(&component, &key)).await
    }

    /// Deletes the object, if there is one.
    pub(crate) async fn delete(&self, component: &str, key: String) -> Result<(), ObjectError> {
        ObjectError::check_key(&key)?;
        let component = component.to_owned();
        self.at_files(move |files| files.delete(&component, &key)).await
    }

    async fn at_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, ObjectError> + Send + 'static,
    ) -> Result<T, ObjectError> {
        let files = Arc::clone(&self.files);
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        done.map_err(|error| ObjectError::Unavailable(error.to_string()))?
    }
}

impl Files {
    fn put(
        &self,
        component: &str,
        key: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Result<(), ObjectError> {
        let (folder, name) = self.place(component, key);
        self.make(component, &folder).map_err(unavailable)?;
        let count = self.begun.fetch_add(1, Ordering::Relaxed);
        let begun = folder.join(format!("{name}.{count}.new"));
        let digest = hex(&Sha256::digest(bytes));
        let head = format!("{MAGIC}\n{key}\n{content_type}\n{digest}\n");
        let written = write(&begun, head.as_bytes(), bytes)
            .and_then(|()| fs::rename(&begun, folder.join(&name)))
            // The name is as durable as the bytes.
            .and_then(|()| sync(&folder));
        written.map_err(|error| {
            let _ = fs::remove_file(&begun);
            unavailable(error)
        })
    }

    fn get(&self, component: &str, key: &str) -> Result<Option<Object>, ObjectError> {
        let (folder, name) = self.place(component, key);
        let path = folder.join(name);
        let file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        let object = parse(key, file).ok_or_else(|| {
            tracing::error!(path = %path.display(), "an object is damaged");
            ObjectError::Unavailable("the object is damaged".to_owned())
        })?;
        Ok(Some(object))
    }

    fn delete(&self, component: &str, key: &str) -> Result<(), ObjectError> {
        let (folder, name) = self.place(component, key);
        match fs::remove_file(folder.join(name)) {
            Ok(()) => sync(&folder).map_err(unavailable),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The folder and the name of an object's file.
    fn place(&self, component: &str, key: &str) -> (PathBuf, String) {
        let name = hex(&Sha256::digest(key));
        let some = name.get(..2).unwrap_or_default().to_owned();
        (self.root.join(component).join(some), name)
    }

    /// Makes the folder; a new one's name is as durable as what is put into it.
    fn make(&self, component: &str, folder: &Path) -> std::io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        private_folder(folder).map_err(std::io::Error::other)?;
        sync(&self.root.join(component))?;
        sync(&self.root)
    }
}

fn write(path: &Path, head: &[u8], bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(head)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The object in a file; none when it is not whole, or another's.
fn parse(key: &str, mut file: Vec<u8>) -> Option<Object> {
    let mut lines = file.splitn(5, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(lines.next()?).ok();
    let (magic, name, content_type, digest) = (line()?, line()?, line()?.to_owned(), line()?);
    if magic != MAGIC || name != key {
        return None;
    }
    let bytes = lines.next()?;
    if hex(&Sha256::digest(bytes)) != digest {
        return None;
    }
    let head = file.len() - bytes.len();
    file.drain(..head);
    Some(Object { content_type, bytes: file })
}

#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn unavailable(error: std::io::Error) -> ObjectError {
    ObjectError::Unavailable(error.to_string())
}

const MAGIC: &str = "ecomauction object 1";
