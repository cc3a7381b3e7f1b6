//! What is linked: licences, bans and sources, as deny.toml wants them.

use std::process::Command;

use crate::command;
use crate::repo::Repo;
use crate::steps::{Progress, Steps};

/// Installs cargo-deny and runs it. Where it cannot be had, the check is skipped and says so.
pub(crate) fn install_and_check(repo: &Repo, steps: &mut Steps) {
    let ready = steps.run("set up cargo-deny", |progress| install(repo, progress));
    if let Err(error) = ready {
        let reason = format!("{error:#}");
        steps.skip("licences and bans", reason.lines().next().unwrap_or("not installable"));
        return;
    }
    check(repo, steps);
}

/// Runs cargo-deny if it is there: building it takes longer than every test together.
pub(crate) fn check_if_installed(repo: &Repo, steps: &mut Steps) {
    if is_installed(repo) {
        check(repo, steps);
    } else {
        steps.skip("licences and bans", "cargo-deny is not installed; `cargo xtask tidy` does it");
    }
}

fn check(repo: &Repo, steps: &mut Steps) {
    steps.check("licences and bans", |progress| {
        let mut deny = tool(repo);
        deny.args(["--log-level", "warn", "--all-features", "check", "--hide-inclusion-graph"]);
        deny.args(CHECKS).current_dir(repo.root());
        command::run(&mut deny, progress)?.or_fail("cargo deny")?;
        Ok(())
    });
    steps
        .skip("advisories", "the database is not in a crate registry: cargo deny check advisories");
}

fn install(repo: &Repo, progress: &Progress) -> anyhow::Result<()> {
    if is_installed(repo) {
        return Ok(());
    }
    let tools = repo.target().join("tools");
    let mut cargo = command::cargo(repo.root(), ["install", "--locked", "cargo-deny"]);
    cargo.args(["--version", VERSION, "--root"]).arg(&tools);
    cargo.arg("--target-dir").arg(tools.join("build"));
    command::run(&mut cargo, progress)?.or_fail("installing cargo-deny")?;
    Ok(())
}

fn is_installed(repo: &Repo) -> bool {
    let known = tool(repo).arg("--version").output();
    known.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).contains(VERSION))
}

/// The pinned one of this repository, so that everybody gets the same answer.
fn tool(repo: &Repo) -> Command {
    Command::new(repo.target().join("tools/bin/cargo-deny"))
}

const VERSION: &str = "0.20.2";
/// Advisories are left out: their database is a git repository, which a machine that has the
/// registries alone cannot reach.
const CHECKS: &[&str] = &["bans", "licenses", "sources"];
