//! The pages, tested in a real browser: node drives Chromium, against the host.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::command;
use crate::node::{self, counting, install, node};
use crate::repo::Repo;
use crate::steps::{Progress, Steps};

/// Runs the tests, where there is a browser or one can be had.
pub(crate) fn test(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    let chromium = if node::has_npm() { steps.run("find a browser", find)? } else { None };
    let Some(chromium) = chromium else {
        steps.skip("pages in a browser", NO_BROWSER);
        return Ok(());
    };
    let folder = repo.root().join("tests/browser");
    steps.count("pages in a browser", |progress| {
        install(&folder, progress)?;
        let mut tests = node(&folder);
        tests.args(["--test", "--test-reporter=tap", "--test-concurrency=1"]);
        let scripts = repo.root().join("components/storefront/service/assets");
        for folder in [&scripts, &folder] {
            tests.args(tests_of(&folder.join("tests"))?);
        }
        tests.current_dir(&folder).env("CHROMIUM", &chromium);
        tests.env("ECOMAUCTION", repo.target().join("release/ecomauction"));
        counting(&mut tests, progress)
    });
    Ok(())
}

fn tests_of(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let files = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = files.map(|file| Ok(file?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    Ok(files)
}

/// The browser that `CHROMIUM` names, or one on PATH, or the distribution's, which is installed
/// where that can be done without asking anybody.
fn find(progress: &Progress) -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        let named = PathBuf::from(named);
        anyhow::ensure!(runs(&named), "CHROMIUM is {}, which does not run", named.display());
        return Ok(Some(named));
    }
    if let Some(known) = on_path() {
        return Ok(Some(known));
    }
    let may_install = std::env::var_os("CI").is_some() || is_root();
    if !may_install || !runs(&PathBuf::from("apt-get")) {
        return Ok(None);
    }
    progress.say("installing Chromium");
    for args in [&["update"][..], &["install", "--yes", "--no-install-recommends", "chromium"]] {
        let mut apt = Command::new("apt-get");
        apt.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        if !command::run(&mut apt, progress)?.success {
            return Ok(None);
        }
    }
    Ok(on_path())
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut files =
        names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    files.find(|file| file.is_file() && runs(file))
}

fn runs(program: &PathBuf) -> bool {
    let answered = Command::new(program).arg("--version").output();
    answered.is_ok_and(|answer| answer.status.success())
}

fn is_root() -> bool {
    let answered = Command::new("id").arg("-u").output();
    answered.is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}

/// Why the pages are not tested.
const NO_BROWSER: &str = "no Chromium is on PATH and none can be installed, or npm is missing";
