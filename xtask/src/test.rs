//! Everything that must hold: manners, the build, every test; what is true on every platform, on
//! each of them.

mod harness;
mod matrix;
mod platform;
mod skips;

use std::ffi::OsString;
use std::time::Duration;

use crate::browser;
use crate::build;
use crate::command;
use crate::deny;
use crate::repo::Repo;
use crate::steps::{Progress, Steps, Tally};
use crate::tidy::{self, Lints};

pub(crate) use platform::Platforms;

/// Runs it all; a failed check does not hide the next one, a failed build ends the task.
pub(crate) fn run(
    repo: &Repo,
    mut steps: Steps,
    platforms: Platforms,
    within_minutes: u64,
) -> anyhow::Result<()> {
    let within = Duration::from_secs(60 * within_minutes);
    tidy::manners(repo, &mut steps)?;
    deny::check_if_installed(repo, &mut steps);
    let tested = named(&repo.tested_packages());
    if let Err(error) = build_all(repo, &mut steps, &tested) {
        eprintln!("{error:#}\n");
        steps.skip("tests", "what they test does not build");
        steps.check("build", |_| anyhow::bail!("see above"));
        return steps.finish();
    }
    let once = once(repo)?;
    steps.count("tests", |progress| cargo_test(repo, &once, &tested, progress));
    steps.count("examples in the documentation", |progress| {
        cargo_test(repo, &["--doc"].map(OsString::from), &tested, progress)
    });
    steps.count("tests of the journal that plant bugs", |progress| {
        let args = ["--package", "journal", "--features", "sabotage"].map(OsString::from);
        cargo_test(repo, &args, &[], progress)
    });
    browser::test(repo, &mut steps)?;
    let matrix = matrix::run(repo, &mut steps, platforms, &tested, within)?;
    println!("\n{matrix}");
    steps.finish()
}

fn named(packages: &[&str]) -> Vec<OsString> {
    packages.iter().flat_map(|package| ["--package", package].map(OsString::from)).collect()
}

/// The guests, then host and tests in one go, all of them with their lints; fixtures are linted
/// when tests build them, the Worker when it is asked. Apart from its tests the host would be built
/// with other features of its dependencies, and the largest of them twice.
fn build_all(repo: &Repo, steps: &mut Steps, tested: &[OsString]) -> anyhow::Result<()> {
    build::components(repo, steps, Lints::Along)?;
    steps.run("build the host and the tests, with lints", |progress| {
        let args = ["build", "--release", "--keep-going", "--bins", "--tests", "--examples"];
        let mut cargo = tidy::linting_cargo(repo, args);
        command::run(cargo.args(tested), progress)?.or_fail("building the host and the tests")?;
        Ok(())
    })
}

/// Every target but those that each platform runs.
fn once(repo: &Repo) -> anyhow::Result<Vec<OsString>> {
    let mut args: Vec<OsString> = ["--lib", "--bins", "--examples"].map(OsString::from).into();
    for (package, target) in repo.test_targets() {
        if !matrix::TARGETS.contains(&target) {
            args.extend(["--test", target].map(OsString::from));
        } else if package != "conformance" {
            anyhow::bail!("{package} has tests named {target}, as the suite of every platform has");
        }
    }
    Ok(args)
}

fn cargo_test(
    repo: &Repo,
    targets: &[OsString],
    packages: &[OsString],
    progress: &Progress,
) -> anyhow::Result<Tally> {
    let mut cargo = tidy::linting_cargo(repo, ["test", "--release", "--no-fail-fast"]);
    let outcome = command::run(cargo.args(targets).args(packages), progress)?;
    let mut tally = harness::tally(&outcome.lines);
    if !outcome.success {
        // Neither a compiler's error nor a harness of its own shows up in the numbers.
        tally.failed = tally.failed.max(1);
        for line in outcome.lines.iter().filter(|line| harness::matters(line)) {
            eprintln!("{line}");
        }
    }
    Ok(tally)
}
