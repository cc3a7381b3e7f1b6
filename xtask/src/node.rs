//! Node, as lockfiles pin it: the machine's may be too old.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::command;
use crate::steps::{Progress, Tally};

/// Is there an npm?
pub(crate) fn has_npm() -> bool {
    let answered = Command::new("npm").arg("--version").output();
    answered.is_ok_and(|answer| answer.status.success())
}

/// Installs what the lockfile pins, unless that was done before.
pub(crate) fn install(folder: &Path, progress: &Progress) -> anyhow::Result<()> {
    let lockfile = fs::read(folder.join("package-lock.json")).context("package-lock.json")?;
    let installed = folder.join("node_modules/.installed");
    if fs::read(&installed).is_ok_and(|known| known == lockfile) {
        return Ok(());
    }
    // Not `npm ci`: it insists on entries for platforms whose packages a registry may lack.
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]);
    command::run(npm.current_dir(folder), progress)?.or_fail("npm install")?;
    fs::write(installed, lockfile).context("node_modules")
}

/// The node of a folder's lockfile.
pub(crate) fn node(folder: &Path) -> Command {
    let bin = folder.join(format!("node_modules/node-linux-{}/bin", architecture()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(bin.clone()).chain(std::env::split_paths(&path));
    let mut node = Command::new(bin.join("node"));
    node.env("PATH", std::env::join_paths(path).unwrap_or_else(|_| OsString::from(bin)));
    node.env("CI", "1").env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
    node.env("WRANGLER_SEND_METRICS", "false").env("WRANGLER_SEND_ERROR_REPORTS", "false");
    node
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
}

/// Runs tests that count themselves.
pub(crate) fn counting(tests: &mut Command, progress: &Progress) -> anyhow::Result<Tally> {
    let outcome = command::run(tests, progress)?;
    let mut tally = counted(&outcome.lines);
    if !outcome.success || tally.passed == 0 {
        tally.failed = tally.failed.max(1);
        outcome.lines.iter().for_each(|line| eprintln!("{line}"));
    }
    Ok(tally)
}

/// `# pass 6`, `# fail 0`.
fn counted(lines: &[String]) -> Tally {
    let number = |what: &str| {
        let told = lines.iter().find_map(|line| line.strip_prefix(what)?.trim().parse().ok());
        told.unwrap_or(0)
    };
    Tally { passed: number("# pass "), failed: number("# fail "), ..Tally::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_node_counted_is_told() {
        let lines = ["ok 1 - a", "# tests 3", "# pass 2", "# fail 1"].map(str::to_owned);
        let tally = counted(&lines);
        assert_eq!((tally.passed, tally.failed), (2, 1));
        assert_eq!(counted(&[]).passed, 0);
    }
}
