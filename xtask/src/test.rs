//! Everything that must hold: manners, the build, every test.

use std::ffi::OsString;

use crate::build;
use crate::command;
use crate::deny;
use crate::repo::Repo;
use crate::steps::{Progress, Steps, Tally};
use crate::tidy;

/// Runs it all; a failed check does not hide the next one, a failed build ends the task.
pub(crate) fn run(repo: &Repo, mut steps: Steps) -> anyhow::Result<()> {
    tidy::run(repo, &mut steps, false)?;
    deny::check_if_installed(repo, &mut steps);
    let tested: Vec<OsString> = repo
        .tested_packages()
        .into_iter()
        .flat_map(|package| ["--package", package].map(OsString::from))
        .collect();
    if let Err(error) = build_all(repo, &mut steps, &tested) {
        eprintln!("{error:#}\n");
        steps.skip("tests", "what they test does not build");
        steps.check("build", |_| anyhow::bail!("see above"));
        return steps.finish();
    }
    let all = ["test", "--release", "--no-fail-fast"].map(OsString::from);
    let all = all.into_iter().chain(tested).collect();
    steps.count("tests", |progress| cargo_test(repo, all, progress));
    steps.count("tests of the journal that plant bugs", |progress| {
        let args = ["test", "--release", "--package", "journal", "--features", "sabotage"];
        cargo_test(repo, args.map(OsString::from).into(), progress)
    });
    steps.finish()
}

/// The guests, then host and tests in one go. Apart from its tests the host would be built with
/// other features of its dependencies, and the largest of them twice.
fn build_all(repo: &Repo, steps: &mut Steps, tested: &[OsString]) -> anyhow::Result<()> {
    build::components(repo, steps)?;
    steps.run("build the host and the tests", |progress| {
        let args = ["build", "--release", "--bins", "--tests", "--examples"];
        let mut cargo = command::cargo(repo.root(), args);
        command::run(cargo.args(tested), progress)?.or_fail("building the host and the tests")?;
        Ok(())
    })
}

fn cargo_test(repo: &Repo, args: Vec<OsString>, progress: &Progress) -> anyhow::Result<Tally> {
    let mut cargo = command::cargo(repo.root(), args);
    let outcome = command::run(&mut cargo, progress)?;
    let mut tally = read(&outcome.lines);
    if !outcome.success {
        // Neither a compiler's error nor a harness of its own shows up in the numbers.
        tally.failed = tally.failed.max(1);
        for line in outcome.lines.iter().filter(|line| matters(line)) {
            eprintln!("{line}");
        }
    }
    Ok(tally)
}

/// Counts what the test harnesses report.
fn read(lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    for line in lines {
        if let Some(result) = line.strip_prefix("test result: ") {
            tally.passed += number_before(result, " passed");
            tally.failed += number_before(result, " failed");
        } else if let Some((name, reason)) = ignored(line) {
            tally.skipped.push((name.to_owned(), reason.to_owned()));
        }
    }
    tally
}

/// `test NAME ... ignored, REASON`.
fn ignored(line: &str) -> Option<(&str, &str)> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let reason = verdict.strip_prefix("ignored")?;
    Some((name, reason.strip_prefix(", ").unwrap_or("no reason given")))
}

fn number_before(result: &str, word: &str) -> usize {
    let before = result.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What a reader of a failure wants: not the tests that passed.
fn matters(line: &str) -> bool {
    !(line.is_empty() || line.ends_with(" ... ok") || line.starts_with("running "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_harnesses_add_up() {
        let lines = [
            "test a ... ok",
            "test b ... ignored, needs a quiet machine",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ];
        let tally = read(&lines.map(str::to_owned));
        assert_eq!((tally.passed, tally.failed), (15, 2));
        assert_eq!(tally.skipped, [("b".to_owned(), "needs a quiet machine".to_owned())]);
    }

    #[test]
    fn a_failure_is_shown_without_what_passed() {
        assert!(!matters("test a ... ok"));
        assert!(matters("test b ... FAILED"));
    }
}
