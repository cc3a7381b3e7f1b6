//! From a checkout to a platform that listens.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;

use crate::build;
use crate::repo::Repo;
use crate::steps::Steps;

/// Builds, then becomes the host: signals and the exit status are its own.
pub(crate) fn run(repo: &Repo, mut steps: Steps, args: &[OsString]) -> anyhow::Result<()> {
    build::run(repo, &mut steps)?;
    let program = repo.target().join("release/ecomauction");
    let mut host = Command::new(&program);
    host.args(["up", "--dev"]).args(args).current_dir(repo.root());
    Err(host.exec()).with_context(|| format!("cannot start {}", program.display()))
}
