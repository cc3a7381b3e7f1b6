//! Builds guest crates with the cargo that runs the tests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// For machines and Workers: no system interface at all.
pub const UNKNOWN: &str = "wasm32-unknown-unknown";
/// For services and edges: a component that imports WASI.
pub const WASIP2: &str = "wasm32-wasip2";

/// Builds a guest crate in the release profile and returns its `.wasm` file.
pub fn build(package: &str, target: &str) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--package", package, "--target", target])
        .args(["--message-format", "json-render-diagnostics"])
        .env("WASM_BINDGEN_USE_JS_SYS", "1")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo cannot build {package} for {target}");
    }
    let messages = String::from_utf8(output.stdout)?;
    wasm_artefact(&messages, package)
        .with_context(|| format!("cargo built {package} for {target} but named no wasm file"))
}

fn wasm_artefact(messages: &str, package: &str) -> Option<PathBuf> {
    let artefacts = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let id = message.get("package_id")?.as_str()?;
        let of_package = id.contains(&format!("/{package}#")) || id.contains(&format!("#{package}@"));
        let files = message.get("filenames")?.as_array()?.iter().filter_map(|file| file.as_str());
        let mut wasm = files.filter(|file| file.ends_with(".wasm"));
        of_package.then(|| wasm.next().map(PathBuf::from)).flatten()
    });
    artefacts.last()
}
