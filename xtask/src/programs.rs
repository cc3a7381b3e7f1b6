//! The programs beside the platform: those that measure and torment it are built with it and run in
//! this one's place; the one that writes the API document needs only the services.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use anyhow::Context as _;

use crate::build;
use crate::command;
use crate::repo::Repo;
use crate::steps::Steps;

/// `cargo xtask soak`: kills under load, every answer checked.
pub(crate) fn soak(repo: &Repo, steps: Steps, args: &[OsString]) -> anyhow::Result<()> {
    let arguments: Vec<OsString> = args.to_vec();
    become_program(repo, steps, &["--package", "conformance", "--bin", "soak"], arguments)
}

/// `cargo xtask simulate`: seeds of trouble; it needs no component.
pub(crate) fn simulate(repo: &Repo, args: &[OsString]) -> anyhow::Result<()> {
    start(repo, &["--package", "simulation", "--bin", "simulate"], args.to_vec())
}

/// `cargo xtask bench`: ratios to a raw server in one run.
pub(crate) fn bench(repo: &Repo, steps: Steps, args: &[OsString]) -> anyhow::Result<()> {
    let arguments = std::iter::once("bench".into()).chain(args.iter().cloned()).collect();
    let is_the_worker = args.iter().any(|argument| argument == "cloudflare");
    if is_the_worker {
        // What it is, `build --cloudflare` has made; no host takes part.
        return start(repo, &["--package", "load"], arguments);
    }
    become_program(repo, steps, &["--package", "load"], arguments)
}

/// `cargo xtask openapi`: the API document from the route tables.
pub(crate) fn openapi(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("make the API document", |progress| {
        let mut cargo = command::cargo(repo.root(), ["run", "--release", "--package"]);
        command::run(cargo.arg("api-document"), progress)?.or_fail("making the API document")?;
        Ok(())
    })
}

fn become_program(
    repo: &Repo,
    mut steps: Steps,
    which: &[&str],
    arguments: Vec<OsString>,
) -> anyhow::Result<()> {
    build::run(repo, &mut steps)?;
    start(repo, which, arguments)
}

fn start(repo: &Repo, which: &[&str], arguments: Vec<OsString>) -> anyhow::Result<()> {
    let mut cargo = command::cargo(repo.root(), ["run", "--quiet", "--release"]);
    cargo.args(which).arg("--").args(arguments).current_dir(repo.root());
    Err(cargo.exec()).context("cannot start the program")
}
