//! Fuzzing: the targets of `tests/fuzz` under libFuzzer, with the pinned stable compiler.
//!
//! What libFuzzer needs of a compiler are counters in the code, which an LLVM pass adds.
//! Sanitizers, which stable lacks, are for unsafe code, and there is none in what is fuzzed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::command;
use crate::repo::Repo;
use crate::steps::{Progress, Steps};

/// Fuzzes one target or all of them, that many seconds each. What was found new joins the corpus;
/// an input that breaks a law is kept in `target/fuzz/broken`.
pub(crate) fn run(
    repo: &Repo,
    mut steps: Steps,
    target: Option<&str>,
    seconds: u32,
) -> anyhow::Result<()> {
    let all = targets(repo)?;
    if let Some(name) = target.filter(|name| !all.iter().any(|known| known == name)) {
        anyhow::bail!("no target {name}; there are {}", all.join(", "));
    }
    let program = steps.run("build the targets", |progress| build(repo, progress))?;
    for name in all.iter().filter(|name| target.is_none_or(|target| *name == target)) {
        steps.check(&format!("fuzz {name}, {seconds} s"), |progress| {
            let told = fuzz(repo, &program, name, seconds, progress)?;
            eprintln!("          {name}: {told}");
            keep(repo, &program, name, progress)
        });
    }
    steps.finish()
}

/// Targets are the folders of the corpus; a test of `tests/fuzz` sees to that.
fn targets(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let corpus = repo.root().join(CORPUS);
    let folders = std::fs::read_dir(&corpus).with_context(|| corpus.display().to_string())?;
    let mut names = Vec::new();
    for folder in folders {
        names.push(folder?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn build(repo: &Repo, progress: &Progress) -> anyhow::Result<PathBuf> {
    cpp_compiler()?;
    let folder = repo.target().join("fuzz");
    let mut cargo = command::cargo(repo.root(), BUILD);
    cargo.arg("--target-dir").arg(&folder);
    // The host as a target, so that build scripts and macros go without counters.
    cargo.args(["--target", "host-tuple"]).env("RUSTFLAGS", COUNTERS.join(" "));
    cargo.arg("--message-format=json-render-diagnostics");
    let lines = command::run(&mut cargo, progress)?.or_fail("building the fuzz targets")?;
    let program = lines.iter().find_map(|line| executable(line));
    program.context("cargo built the fuzz targets and did not say where")
}

/// The path in cargo's message about a program that it built.
fn executable(line: &str) -> Option<PathBuf> {
    let (_, path) = line.split_once("\"executable\":\"")?;
    Some(PathBuf::from(path.split('"').next()?))
}

/// libFuzzer is C++; cargo's own message about it names no remedy.
fn cpp_compiler() -> anyhow::Result<()> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let answered = Command::new(&compiler).arg("--version").output();
    anyhow::ensure!(
        answered.is_ok_and(|answer| answer.status.success()),
        "no C++ compiler: `{}` does not run. libFuzzer is built from C++. Install one (Debian: apt \
         install build-essential; macOS: xcode-select --install) or set CXX.",
        compiler.display()
    );
    Ok(())
}

/// Runs libFuzzer; says how much it did.
fn fuzz(
    repo: &Repo,
    program: &Path,
    name: &str,
    seconds: u32,
    progress: &Progress,
) -> anyhow::Result<String> {
    let found = found(repo, name);
    let broken = repo.target().join("fuzz/broken").join(name);
    for folder in [&found, &broken] {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let mut fuzzer = Command::new(program);
    fuzzer.env("FUZZ_TARGET", name).args(LIMITS).arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-artifact_prefix={}/", broken.display()));
    fuzzer.arg(&found).arg(repo.root().join(CORPUS).join(name));
    let lines = command::run(&mut fuzzer, progress)?.or_fail(&format!("target {name}"))?;
    let last = |mark: &str| lines.iter().rev().find(|line| line.contains(mark)).cloned();
    let done = last("Done ").unwrap_or_default();
    let coverage = last("\tDONE ").unwrap_or_default();
    Ok(format!("{done}; {}", coverage.trim().replace('\t', " ")))
}

/// The fewest inputs that reach what all of them reach join the corpus.
fn keep(repo: &Repo, program: &Path, name: &str, progress: &Progress) -> anyhow::Result<()> {
    let mut merge = Command::new(program);
    merge.env("FUZZ_TARGET", name).arg("-merge=1").args(LIMITS);
    let merged = repo.target().join("fuzz/merged").join(name);
    let _ = std::fs::remove_dir_all(&merged);
    std::fs::create_dir_all(&merged).with_context(|| merged.display().to_string())?;
    let corpus = repo.root().join(CORPUS).join(name);
    merge.arg(&merged).arg(&corpus).arg(found(repo, name));
    command::run(&mut merge, progress)?.or_fail(&format!("merging the corpus of {name}"))?;
    let mut room = BYTES_PER_TARGET_MAX;
    let mut files = FILES_PER_TARGET_MAX;
    for (len, path) in by_size(&corpus)?.into_iter().chain(by_size(&merged)?) {
        let Some(file) = path.file_name() else { continue };
        let kept = corpus.join(file);
        if path != kept && !kept.exists() {
            if len > room || files == 0 {
                break;
            }
            std::fs::copy(&path, &kept).with_context(|| kept.display().to_string())?;
        }
        (room, files) = (room.saturating_sub(len), files.saturating_sub(1));
    }
    Ok(())
}

/// Small inputs first: they say most for their size.
fn by_size(folder: &Path) -> anyhow::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        files.push((entry.metadata()?.len(), entry.path()));
    }
    files.sort();
    Ok(files)
}

fn found(repo: &Repo, name: &str) -> PathBuf {
    repo.target().join("fuzz/found").join(name)
}

const CORPUS: &str = "tests/fuzz/corpus";
/// Five targets share 300 files and a mebibyte (`tests/fuzz/tests/corpus.rs`).
const FILES_PER_TARGET_MAX: usize = 60;
const BYTES_PER_TARGET_MAX: u64 = 200 << 10;
const BUILD: &[&str] =
    &["build", "--release", "--package", "fuzz", "--features", "libfuzzer", "--bin", "libfuzzer"];
/// What `-fsanitize=fuzzer` means to clang.
const COUNTERS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
    "-Clink-dead-code",
];
/// An input that takes ten seconds or two gigabytes is a finding as well.
const LIMITS: &[&str] = &["-max_len=2048", "-timeout=10", "-rss_limit_mb=2048"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_what_cargo_says() {
        let said =
            r#"{"reason":"compiler-artifact","executable":"/t/fuzz/libfuzzer","fresh":true}"#;
        assert_eq!(executable(said), Some("/t/fuzz/libfuzzer".into()));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
    }
}
