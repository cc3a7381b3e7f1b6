//! Where things are: the root, the target directory, the packages of the workspace.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cargo_metadata::{Metadata, MetadataCommand, TargetKind};

/// The checkout that this program was started for.
pub(crate) struct Repo {
    metadata: Metadata,
}

impl Repo {
    /// Asks cargo, so that it works from any folder of the checkout.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(manifest)
            .no_deps()
            .exec()
            .context("cargo cannot read the workspace")?;
        Ok(Self { metadata })
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Where components land; `spin.toml` names them there, whatever cargo's target directory is.
    pub(crate) fn components(&self) -> PathBuf {
        self.root().join("target/components")
    }

    /// What cargo knows about the workspace.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// File name of the core module that a glue package builds.
    pub(crate) fn module_of(&self, package: &str) -> anyhow::Result<String> {
        let targets = self.metadata.packages.iter().filter(|known| known.name == package);
        let mut targets = targets.flat_map(|package| &package.targets);
        let glue = targets.find(|target| target.kind.contains(&TargetKind::CDyLib));
        let glue = glue.with_context(|| format!("no package {package} with a cdylib"))?;
        Ok(format!("{}.wasm", glue.name.replace('-', "_")))
    }

    /// Tests over a crate's public face in those packages: package and name. Those that want a
    /// feature are run apart.
    pub(crate) fn test_targets(&self) -> Vec<(&str, &str)> {
        let tested = self.tested_packages();
        let packages = self.metadata.packages.iter();
        let packages = packages.filter(|package| tested.contains(&package.name.as_str()));
        let targets = packages.flat_map(|package| {
            let tests = package.targets.iter();
            let tests = tests.filter(|target| target.kind.contains(&TargetKind::Test));
            let tests = tests.filter(|target| target.required_features.is_empty());
            tests.map(|target| (package.name.as_str(), target.name.as_str()))
        });
        targets.collect()
    }

    /// Packages whose tests run natively: all but the glue.
    pub(crate) fn tested_packages(&self) -> Vec<&str> {
        let packages = self.metadata.packages.iter().filter(|package| {
            let mut kinds = package.targets.iter().flat_map(|target| &target.kind);
            !kinds.any(|kind| *kind == TargetKind::CDyLib)
        });
        packages.map(|package| package.name.as_str()).collect()
    }
}
