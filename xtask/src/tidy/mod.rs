//! The manners of the repository, checked: a rule that is not checked is a wish.
//!
//! Each rule looks at a [`Project`], which unit tests make of a few lines with a planted violation.

mod bans;
mod codes;
mod directions;
mod modules;
mod names;
mod project;
mod prose;
mod root;
mod sizes;
mod source;
mod words;

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Context as _;

use crate::command;
use crate::repo::Repo;
use crate::steps::{Steps, Tally};
use project::Project;

/// Formatting, lints, rules, licences.
pub(crate) fn run(repo: &Repo, steps: &mut Steps, fix: bool) -> anyhow::Result<()> {
    if fix {
        steps.run("format", |progress| {
            let mut cargo = command::cargo(repo.root(), ["fmt", "--all"]);
            command::run(&mut cargo, progress)?.or_fail("cargo fmt")
        })?;
    }
    manners(repo, steps)?;
    lints(repo, steps);
    Ok(())
}

/// The rules and formatting: what needs no compiler.
pub(crate) fn manners(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    rules(repo, steps)?;
    steps.check("formatting", |progress| {
        let mut cargo = command::cargo(repo.root(), ["fmt", "--all", "--check"]);
        command::run(&mut cargo, progress)?.or_fail("cargo fmt --check")?;
        Ok(())
    });
    Ok(())
}

/// Lints of all packages, without building them.
fn lints(repo: &Repo, steps: &mut Steps) {
    steps.check("lints", |progress| {
        let mut cargo = command::cargo(repo.root(), CLIPPY);
        command::run(&mut cargo, progress)?.or_fail("cargo clippy")?;
        Ok(())
    });
}

/// As [`command::cargo`], but our own crates are linted while they are compiled, and compiled
/// quickly: to lint them apart every dependency would be read a second time, and no test needs them
/// optimised (docs/adr/0033). What they are linked with, and all guests, are as they are shipped.
pub(crate) fn linting_cargo<S: AsRef<OsStr>>(
    repo: &Repo,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut cargo = command::cargo(repo.root(), args);
    Lints::Along.with(&mut cargo);
    // SQLite, too: no test notices.
    for package in repo.tested_packages().into_iter().chain(["libsqlite3-sys"]) {
        let is_a_test = UNOPTIMISED.contains(&package);
        let level = if is_a_test { 0 } else { 1 };
        cargo.arg("--config").arg(format!("profile.release.package.{package}.opt-level={level}"));
    }
    cargo
}

/// Whether a build lints our own crates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lints {
    /// While it compiles them, and a warning fails it.
    Along,
    /// No: `cargo xtask tidy` does.
    Apart,
}

impl Lints {
    /// Has them made by this command.
    pub(crate) fn with(self, cargo: &mut Command) {
        if self == Self::Along {
            cargo.envs(LINTING);
        }
    }
}

/// The rules alone.
pub(crate) fn rules(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    let project = Project::read(repo).context("cannot read the checkout")?;
    steps.count("rules of the house", |_| {
        let mut tally = Tally::default();
        for rule in RULES {
            let findings = (rule.check)(&project);
            if findings.is_empty() {
                tally.passed += 1;
            } else {
                tally.failed += 1;
                eprintln!("{}", report(rule, &findings));
            }
        }
        Ok(tally)
    });
    Ok(())
}

fn report(rule: &Rule, findings: &[Finding]) -> String {
    let mut lines = format!("{}: {}\n", rule.title, rule.why);
    for finding in findings {
        lines.push_str(&format!("{finding}\n"));
    }
    lines
}

/// One rule: what it says, why it is there, what breaks it.
struct Rule {
    title: &'static str,
    why: &'static str,
    check: fn(&Project) -> Vec<Finding>,
}

/// One violation, with its remedy where that is not obvious.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 for the file as a whole.
    line: usize,
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, line, text } = self;
        if *line == 0 {
            write!(f, "  {path}: {text}")
        } else {
            write!(f, "  {path}:{line}: {text}")
        }
    }
}

/// Tests whose own code does little, and is made of much of the engine's.
const UNOPTIMISED: [&str; 1] = ["shapes"];
const CLIPPY: &[&str] =
    &["clippy", "--release", "--all-targets", "--keep-going", "--workspace", "--", "-Dwarnings"];
/// Clippy in the place of the compiler, with the arguments that `cargo clippy` would hand over.
const LINTING: [(&str, &str); 2] = [
    ("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"),
    ("CLIPPY_ARGS", "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"),
];

const RULES: &[Rule] = &[
    directions::ROOMS,
    directions::LIBRARIES,
    directions::FEATURES,
    directions::VERSIONS,
    directions::LINTS,
    sizes::FILES,
    sizes::LINES,
    sizes::FUNCTIONS,
    sizes::GLUE,
    bans::MACHINES,
    bans::TESTS,
    words::WORDS,
    names::NAMES,
    root::CLOSED,
    modules::DEAD,
    codes::PAGES,
    prose::WALKTHROUGH,
    prose::HOUSE,
];
