//! Where things are, and copies of them.

use std::path::{Path, PathBuf};

/// The binary, which cargo puts beside what it builds of this crate; `CONFORMANCE_BINARY` names
/// another one.
pub(crate) fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("CONFORMANCE_BINARY") {
        return named.into();
    }
    let own = std::env::current_exe().unwrap();
    let folders = own.ancestors().skip(1).take(2).map(|folder| folder.join("ecomauction"));
    let found = folders.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| target().join("release/ecomauction"))
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where scratch directories go.
pub(crate) fn scratch() -> PathBuf {
    target().join("tmp")
}

/// Compiled components, kept between tests: their names pin the bytes they were made of.
pub(crate) fn compiled_store() -> PathBuf {
    scratch().join("compiled")
}

fn target() -> PathBuf {
    root().join("target")
}

/// Copies a folder and everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// Copies what is missing; a copy is whole or absent.
pub(crate) fn lend_compiled(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else { return };
    std::fs::create_dir_all(to).unwrap();
    for entry in entries.flatten() {
        let (source, wanted) = (entry.path(), to.join(entry.file_name()));
        if source.extension().is_some_and(|extension| extension == "cwasm") && !wanted.exists() {
            let copy = tempfile::NamedTempFile::new_in(to).unwrap();
            std::fs::copy(&source, copy.path()).unwrap();
            // Somebody else may have been faster.
            drop(copy.persist_noclobber(&wanted));
        }
    }
}
