//! What the rules look at: text files and packages.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::DependencyKind;
use ignore::WalkBuilder;

use super::source::File;
use crate::repo::Repo;

/// The checkout.
#[derive(Default)]
pub(super) struct Project {
    /// Text files, by path; nothing that git ignores.
    pub(super) files: Vec<File>,
    /// Files that are no text, by path.
    pub(super) binaries: Vec<String>,
    /// Packages of the workspace.
    pub(super) packages: Vec<Package>,
}

/// One package.
pub(super) struct Package {
    /// As cargo knows it.
    pub(super) name: String,
    /// Its folder from the root, with `/`.
    pub(super) folder: String,
    /// The files that cargo compiles; modules hang below them.
    pub(super) roots: Vec<String>,
    /// Direct dependencies.
    pub(super) dependencies: Vec<Dependency>,
}

/// One edge.
#[derive(Clone)]
pub(super) struct Dependency {
    /// The other package.
    pub(super) name: String,
    /// Folder of the other package, if it is one of ours.
    pub(super) folder: Option<String>,
    /// Of tests only.
    pub(super) dev: bool,
    /// Features that it switches on.
    pub(super) features: Vec<String>,
}

impl Project {
    /// Reads the checkout.
    pub(super) fn read(repo: &Repo) -> anyhow::Result<Self> {
        let root = repo.root();
        let mut project = Self { packages: packages(repo), ..Self::default() };
        let walk = WalkBuilder::new(root)
            .hidden(false)
            .require_git(false)
            .git_global(false)
            .git_exclude(false)
            .parents(false)
            .filter_entry(|entry| entry.file_name() != ".git")
            .sort_by_file_path(Path::cmp)
            .build();
        for entry in walk {
            let entry = entry?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                let bytes = std::fs::read(entry.path())
                    .with_context(|| format!("cannot read {}", entry.path().display()))?;
                let path = relative(root, entry.path());
                match String::from_utf8(bytes) {
                    Ok(text) => project.files.push(File::new(path, text)),
                    Err(_) => project.binaries.push(path),
                }
            }
        }
        Ok(project)
    }

    /// A project of a few files, for planting violations.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File::new(*path, *text)).collect();
        Self { files, ..Self::default() }
    }

    /// Every path, text or not.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().map(|file| file.path.as_str());
        files.chain(self.binaries.iter().map(String::as_str))
    }

    /// A text file by its path.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust sources.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }
}

fn packages(repo: &Repo) -> Vec<Package> {
    let root = repo.root();
    let packages = repo.metadata().packages.iter().map(|package| {
        let folder = package.manifest_path.parent().map(AsRef::as_ref).unwrap_or(root);
        let roots = package.targets.iter().map(|target| relative(root, target.src_path.as_ref()));
        // The same package may stand in several tables: one edge, of tests only if all are.
        let mut edges: BTreeMap<&str, Dependency> = BTreeMap::new();
        for known in &package.dependencies {
            let folder = known.path.as_ref().map(|path| relative(root, path.as_ref()));
            let dev = known.kind == DependencyKind::Development;
            let edge = edges.entry(&known.name).or_insert_with(|| Dependency {
                name: known.name.clone(),
                folder,
                dev,
                features: Vec::new(),
            });
            edge.dev &= dev;
            if !dev {
                edge.features.extend(known.features.iter().cloned());
            }
        }
        Package {
            name: package.name.to_string(),
            folder: relative(root, folder),
            roots: roots.collect(),
            dependencies: edges.into_values().collect(),
        }
    });
    packages.collect()
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}
