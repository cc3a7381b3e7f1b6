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

/// Fuzzes one target or all of them, that many seconds each. What says most of what was found joins
/// the corpus, the rest stays in `target/fuzz/found`; an input that breaks a law is kept in
/// `target/fuzz/broken`.
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
    let wanted = |name: &&String| target.is_none_or(|target| *name == target);
    let (scripts, texts): (Vec<_>, Vec<_>) =
        all.iter().filter(wanted).partition(|name| SCRIPTS.contains(&name.as_str()));
    for (names, what, options) in [(texts, "texts", COMPARES), (scripts, "scripts", &[][..])] {
        if names.is_empty() {
            continue;
        }
        let title = format!("build the targets of {what}");
        let program = steps.run(&title, |progress| build(repo, what, options, progress))?;
        for name in names {
            steps.check(&format!("fuzz {name}, {seconds} s"), |progress| {
                let told = fuzz(repo, &program, name, seconds, progress)?;
                eprintln!("          {name}: {told}");
                keep(repo, &program, name, progress)
            });
        }
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

fn build(
    repo: &Repo,
    what: &str,
    options: &[&str],
    progress: &Progress,
) -> anyhow::Result<PathBuf> {
    cpp_compiler()?;
    let folder = repo.target().join("fuzz").join(what);
    let mut cargo = command::cargo(repo.root(), BUILD);
    cargo.arg("--target-dir").arg(&folder);
    // The host as a target, so that build scripts and macros go without counters.
    cargo.args(["--target", "host-tuple"]).env("RUSTFLAGS", [COUNTERS, options].concat().join(" "));
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
    let outcome = command::run(&mut fuzzer, progress)?;
    if !outcome.success {
        let said = outcome.lines.iter().filter(|line| !line.starts_with(['#', '\t']));
        let said: Vec<&str> = said.map(String::as_str).collect();
        anyhow::bail!(
            "target {name} broke\n{}\nagain: FUZZ_TARGET={name} {} FILE. When it is mended, keep \
             FILE under a name of its own in {CORPUS}/{name}.",
            said.join("\n"),
            program.display()
        );
    }
    let last = |mark: &str| outcome.lines.iter().rev().find(|line| line.contains(mark)).cloned();
    let done = last("Done ").unwrap_or_default();
    let coverage = last("\tDONE ").unwrap_or_default();
    Ok(format!("{done}; {}", coverage.trim().replace('\t', " ")))
}

/// Makes the corpus anew: the inputs with a name, the fewest that reach every place that is known
/// to be reached, and, as far as there is room, those that reach a place oftener.
fn keep(repo: &Repo, program: &Path, name: &str, progress: &Progress) -> anyhow::Result<()> {
    let places = merged(repo, program, name, "places", &["-use_counters=0"], progress)?;
    let counts = merged(repo, program, name, "counts", &[], progress)?;
    let corpus = repo.root().join(CORPUS).join(name);
    let before = by_size(&corpus)?;
    let (hashed, named): (Vec<_>, Vec<_>) = before.into_iter().partition(|(_, path)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    let wanted = named.into_iter().chain(by_size(&places)?).chain(by_size(&counts)?);
    let kept = within(wanted, FILES_PER_TARGET_MAX, BYTES_PER_TARGET_MAX);
    for path in &kept {
        let Some(file) = path.file_name() else { continue };
        let own = corpus.join(file);
        if *path != own {
            std::fs::copy(path, &own).with_context(|| own.display().to_string())?;
        }
    }
    for (_, path) in hashed {
        if !kept.iter().any(|kept| kept.file_name() == path.file_name()) {
            std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// A folder with the fewest inputs that reach what the corpus and all that was found reach.
fn merged(
    repo: &Repo,
    program: &Path,
    name: &str,
    by: &str,
    options: &[&str],
    progress: &Progress,
) -> anyhow::Result<PathBuf> {
    let merged = repo.target().join("fuzz").join(by).join(name);
    let _ = std::fs::remove_dir_all(&merged);
    std::fs::create_dir_all(&merged).with_context(|| merged.display().to_string())?;
    let mut merge = Command::new(program);
    merge.env("FUZZ_TARGET", name).arg("-set_cover_merge=1").args(LIMITS).args(options);
    merge.arg(&merged).arg(repo.root().join(CORPUS).join(name)).arg(found(repo, name));
    command::run(&mut merge, progress)?.or_fail(&format!("merging the corpus of {name}"))?;
    Ok(merged)
}

/// Those that come first and fit, each once.
fn within(
    wanted: impl Iterator<Item = (u64, PathBuf)>,
    mut files: usize,
    mut room: u64,
) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for (len, path) in wanted {
        let is_new = kept.iter().all(|kept| kept.file_name() != path.file_name());
        if is_new && len <= room && files > 0 {
            (room, files) = (room - len, files - 1);
            kept.push(path);
        }
    }
    kept
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
/// What `tests/fuzz/tests/corpus.rs` allows.
const FILES_PER_TARGET_MAX: usize = 300;
const BYTES_PER_TARGET_MAX: u64 = 500_000;
const BUILD: &[&str] =
    &["build", "--release", "--package", "fuzz", "--features", "libfuzzer", "--bin", "libfuzzer"];
/// What `-fsanitize=fuzzer` means to clang.
const COUNTERS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
];
/// Shows libFuzzer what a text is compared with, so that it need not be guessed.
const COMPARES: &[&str] = &["-Cllvm-args=-sanitizer-coverage-trace-compares"];
/// Targets whose bytes are choices and no text: compares would tell nothing and take half the time.
const SCRIPTS: &[&str] = &["commands", "snapshots"];
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

    #[test]
    fn the_corpus_takes_what_comes_first_and_fits() {
        let files = [(3, "c/named"), (4, "p/a"), (9, "p/b"), (1, "q/a"), (2, "q/c"), (1, "q/d")];
        let wanted = || files.into_iter().map(|(len, path)| (len, PathBuf::from(path)));
        let kept = |files, room| within(wanted(), files, room);
        assert_eq!(kept(9, 10), ["c/named", "p/a", "q/c", "q/d"].map(PathBuf::from));
        assert_eq!(kept(2, 99), ["c/named", "p/a"].map(PathBuf::from));
    }
}
