//! One suite, every platform: what each target did on each of them.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use anyhow::ensure;

use super::harness;
use super::platform::{Platform, Platforms, Spin};
use super::skips::{self, Skip};
use crate::cloudflare::{self, Care};
use crate::command;
use crate::node;
use crate::repo::Repo;
use crate::steps::{Progress, Steps, Tally};
use crate::tidy;

/// Targets of `tests/conformance` that every platform runs. Where time is short the last are left
/// out, so those that nothing else stands for come first.
pub(super) const TARGETS: [&str; 4] = ["burst", "kill", "network", "document"];

/// Rows are targets, columns are platforms.
pub(super) struct Matrix {
    columns: Vec<Platform>,
    cells: Vec<(&'static str, Platform, Cell)>,
    spin: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Cell {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// What was told to the harness, and what came back.
struct Run<'a> {
    repo: &'a Repo,
    packages: &'a [OsString],
    environment: Vec<(&'static str, OsString)>,
}

/// Runs every target on every platform; what was counted goes into the account as well.
pub(super) fn run(
    repo: &Repo,
    steps: &mut Steps,
    platforms: Platforms,
    packages: &[OsString],
    within: Duration,
) -> anyhow::Result<Matrix> {
    let skips = skips::read(repo.root(), &TARGETS)?;
    let columns = platforms.each().to_vec();
    let spin = if columns.contains(&Platform::Spin) { Some(Spin::find()?) } else { None };
    let mut matrix = Matrix { columns: columns.clone(), cells: Vec::new(), spin: None };
    for platform in columns {
        let in_time = steps.elapsed() <= within;
        let can_run = in_time && (platform != Platform::Cloudflare || has_worker(repo, steps));
        let mut environment = vec![("CONFORMANCE_PLATFORM", platform.name().into())];
        if let Some(spin) = spin.as_ref().filter(|_| platform == Platform::Spin) {
            environment.push(("CONFORMANCE_SPIN", spin.program.clone().unwrap_or_default().into()));
        }
        let run = Run { repo, packages, environment };
        for target in TARGETS {
            let of_target = |skip: &&Skip| skip.platform == platform && skip.target == target;
            let skips: Vec<_> = skips.iter().filter(of_target).collect();
            let title = format!("{target} on {}", platform.name());
            if !can_run || steps.elapsed() > within {
                let minutes = format!("{} minutes were over", within.as_secs() / 60);
                steps.skip(&title, if in_time && !can_run { NO_WORKER } else { &minutes });
                matrix.cells.push((target, platform, Cell { skipped: 1, ..Cell::default() }));
                continue;
            }
            let mut cell = Cell { failed: 1, ..Cell::default() };
            steps.count(&title, |progress| {
                let tally = run.target(target, &skips, progress)?;
                cell = Cell::of(&tally);
                Ok(tally)
            });
            matrix.cells.push((target, platform, cell));
        }
    }
    matrix.spin = spin.map(|spin| spin.what);
    Ok(matrix)
}

/// Builds the Worker and tests what only it has; false where that cannot be.
fn has_worker(repo: &Repo, steps: &mut Steps) -> bool {
    if !node::has_npm() {
        return false;
    }
    if let Err(error) = cloudflare::bundle(repo, steps, Care::AsCompiled) {
        steps.check("the Worker", |_| Err(error));
        return false;
    }
    steps.count("objects of cloudflare", |progress| cloudflare::objects(repo, progress));
    // Its node is installed with the Worker's tools.
    steps.count("the client in JavaScript", |progress| cloudflare::client(repo, progress));
    true
}

/// Why the Worker is not asked; where it does not build that is a failure besides.
const NO_WORKER: &str = "npm, which installs workerd, is not here, or the Worker does not build";

impl Run<'_> {
    fn target(&self, target: &str, skips: &[&Skip], progress: &Progress) -> anyhow::Result<Tally> {
        if !skips.is_empty() {
            let known = self.harness(target, &["--list".to_owned()], progress)?;
            let known = known.or_fail("listing the tests")?;
            all_exist(&harness::listed(&known), skips)?;
        }
        let mut arguments = without(skips);
        arguments.push(format!("--test-threads={}", 2 * processors()));
        let outcome = self.harness(target, &arguments, progress)?;
        let tally = judged(&outcome, skips);
        if tally.as_ref().map_or(true, |tally| tally.failed > 0) {
            for line in outcome.lines.iter().filter(|line| harness::matters(line)) {
                eprintln!("{line}");
            }
        }
        tally
    }

    fn harness(
        &self,
        target: &str,
        arguments: &[String],
        progress: &Progress,
    ) -> anyhow::Result<command::Outcome> {
        let args = ["test", "--release", "--no-fail-fast", "--test", target];
        let mut cargo = tidy::linting_cargo(self.repo, args);
        cargo.args(self.packages).arg("--").args(arguments);
        cargo.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command::run(&mut cargo, progress)
    }
}

/// Most of these tests wait for an end or a restart: more of them run at once than there are
/// processors.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Arguments that leave out these tests and no other.
fn without(skips: &[&Skip]) -> Vec<String> {
    let mut arguments: Vec<String> =
        skips.iter().flat_map(|skip| ["--skip".to_owned(), skip.test.clone()]).collect();
    if !arguments.is_empty() {
        arguments.push("--exact".to_owned());
    }
    arguments
}

fn all_exist(known: &[&str], skips: &[&Skip]) -> anyhow::Result<()> {
    let missing = skips.iter().find(|skip| !known.contains(&skip.test.as_str()));
    let Some(Skip { target, test, .. }) = missing else { return Ok(()) };
    anyhow::bail!("tests/conformance/skips.toml lists {target}::{test}: there is no such test")
}

/// The numbers of a run, if it left out what is listed and nothing else.
fn judged(outcome: &command::Outcome, skips: &[&Skip]) -> anyhow::Result<Tally> {
    let mut tally = harness::tally(&outcome.lines);
    let filtered = harness::filtered_out(&outcome.lines);
    ensure!(
        filtered == skips.len(),
        "{filtered} tests were left out, {} are listed in tests/conformance/skips.toml",
        skips.len()
    );
    if let Some((name, _)) = tally.skipped.first() {
        anyhow::bail!("{name} is ignored: list it in tests/conformance/skips.toml");
    }
    if !outcome.success {
        // Neither a compiler's error nor a harness that died shows up in the numbers.
        tally.failed = tally.failed.max(1);
    }
    ensure!(tally.passed + tally.failed > 0, "no test ran");
    let told = |skip: &&Skip| {
        let name = format!("{}::{} on {}", skip.target, skip.test, skip.platform.name());
        (name, skip.reason.clone())
    };
    tally.skipped = skips.iter().map(told).collect();
    Ok(tally)
}

impl Cell {
    fn of(tally: &Tally) -> Self {
        Self { passed: tally.passed, failed: tally.failed, skipped: tally.skipped.len() }
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28}", "passed/failed/skipped")?;
        for platform in &self.columns {
            write!(f, "{:>12}", platform.name())?;
        }
        for target in TARGETS {
            write!(f, "\n{target:<28}")?;
            for platform in &self.columns {
                let cell =
                    self.cells.iter().find(|(row, column, _)| *row == target && column == platform);
                let text = cell.map_or_else(String::new, |(.., cell)| {
                    format!("{}/{}/{}", cell.passed, cell.failed, cell.skipped)
                });
                write!(f, "{text:>12}")?;
            }
        }
        if let Some(what) = &self.spin {
            write!(f, "\nspin is {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn skip(test: &str) -> Skip {
        let (target, reason) = ("network".to_owned(), "it cannot".to_owned());
        Skip { platform: Platform::Spin, target, test: test.to_owned(), reason }
    }

    fn outcome(line: &str, success: bool) -> command::Outcome {
        command::Outcome { success, lines: vec![line.to_owned()] }
    }

    #[test]
    fn a_skip_that_names_no_test_fails() {
        let (known, unknown) = (skip("a::b"), skip("a::c"));
        all_exist(&["a::b"], &[&known]).unwrap();
        let error = all_exist(&["a::b"], &[&known, &unknown]).unwrap_err();
        assert!(error.to_string().contains("network::a::c: there is no such test"), "{error}");
        assert_eq!(without(&[&known]), ["--skip", "a::b", "--exact"]);
        assert!(without(&[]).is_empty());
    }

    #[test]
    fn what_is_left_out_is_listed() {
        let line = "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out";
        let listed = skip("a::b");
        let tally = judged(&outcome(line, true), &[&listed]).unwrap();
        let told = ("network::a::b on spin".to_owned(), "it cannot".to_owned());
        assert_eq!((tally.passed, tally.skipped), (5, vec![told]));
        assert!(judged(&outcome(line, true), &[]).is_err(), "an extra filter");
        assert!(judged(&outcome(line, true), &[&listed, &listed]).is_err());
        assert!(judged(&outcome("test a ... ignored", true), &[]).is_err());
        assert!(judged(&outcome("nothing", true), &[]).is_err(), "no test ran");
        assert_eq!(judged(&outcome("error: it does not build", false), &[]).unwrap().failed, 1);
    }

    #[test]
    fn each_cell_stands_in_its_row_and_column() {
        let cell = Cell { passed: 70, failed: 1, skipped: 2 };
        let columns = vec![Platform::Host, Platform::Spin];
        let cells = vec![("network", Platform::Spin, cell)];
        let shown = Matrix { columns, cells, spin: Some("its shape".to_owned()) }.to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines.iter().any(|line| line.starts_with("network") && line.ends_with("70/1/2")));
        assert_eq!(lines.last(), Some(&"spin is its shape"));
        assert_eq!(lines.len(), TARGETS.len() + 2);
    }
}
