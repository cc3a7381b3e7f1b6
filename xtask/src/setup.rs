//! What must be there before anything is built; what can be installed is.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::command;
use crate::repo::Repo;
use crate::steps::{Progress, Steps};

/// Makes sure that the toolchain can build every part.
pub(crate) fn ensure(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("set up", |progress| {
        c_compiler()?;
        for target in [MACHINES, SERVICES] {
            wasm_target(repo.root(), target, progress)?;
        }
        Ok(())
    })
}

/// SQLite is C; cargo's own message about it names no remedy.
fn c_compiler() -> anyhow::Result<()> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let answered = Command::new(&compiler).arg("--version").output();
    anyhow::ensure!(
        answered.is_ok_and(|answer| answer.status.success()),
        "no C compiler: `{}` does not run. SQLite is built from C. Install one (Debian: apt \
         install build-essential; macOS: xcode-select --install) or set CC.",
        compiler.display()
    );
    Ok(())
}

/// rustup does not everywhere install what rust-toolchain.toml lists.
fn wasm_target(root: &Path, target: &str, progress: &Progress) -> anyhow::Result<()> {
    if installed(root, target)? {
        return Ok(());
    }
    progress.say(&format!("installing the target {target}"));
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", target]).current_dir(root);
    command::run(&mut rustup, progress)
        .with_context(|| {
            format!(
                "the Rust target {target} is missing, and there is no rustup to add it: install \
                 rustup, or the target in the way of your distribution"
            )
        })?
        .or_fail(&format!("rustup target add {target}"))?;
    Ok(())
}

fn installed(root: &Path, target: &str) -> anyhow::Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(root)
        .output()
        .context("cannot start rustc")?;
    let folder = String::from_utf8_lossy(&answer.stdout);
    Ok(answer.status.success() && Path::new(folder.trim()).is_dir())
}

/// The target of machines, whose components import nothing: no WASI.
pub(crate) const MACHINES: &str = "wasm32-unknown-unknown";
/// The target of services.
pub(crate) const SERVICES: &str = "wasm32-wasip2";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_nobody_has_is_missing() {
        assert!(!installed(Path::new("."), "wasm32-from-mars").unwrap());
    }
}
