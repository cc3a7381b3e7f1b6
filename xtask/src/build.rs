//! The host and its components.

use crate::cloudflare;
use crate::command;
use crate::components;
use crate::repo::Repo;
use crate::setup;
use crate::steps::Steps;
use crate::tidy::Lints;

/// Sets up what is missing and builds everything that `up` needs.
pub(crate) fn run(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    components(repo, steps, Lints::Apart)?;
    steps.run("build the host", |progress| {
        let mut cargo = command::cargo(repo.root(), ["build", "--release", "--package", "host"]);
        command::run(&mut cargo, progress)?.or_fail("building the host")?;
        Ok(())
    })
}

/// Sets up what is missing and builds the guests; their host is built apart.
pub(crate) fn components(repo: &Repo, steps: &mut Steps, lints: Lints) -> anyhow::Result<()> {
    setup::ensure(repo, steps)?;
    components::build(repo, steps, lints)
}

/// Sets up what is missing and builds the Worker.
pub(crate) fn worker(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    setup::ensure(repo, steps)?;
    steps
        .run("build the machines", |progress| components::machines(repo, Lints::Apart, progress))?;
    cloudflare::build(repo, steps)
}
