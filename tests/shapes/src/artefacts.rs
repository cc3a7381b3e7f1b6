//! Builds guest crates with the cargo that runs the tests, and finds our binary.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// For machines and Workers: no system interface at all.
pub const UNKNOWN: &str = "wasm32-unknown-unknown";
/// For services and edges: a component that imports WASI.
pub const WASIP2: &str = "wasm32-wasip2";

/// Builds a guest crate and returns its `.wasm` file.
pub fn guest(package: &str, target: &str) -> anyhow::Result<PathBuf> {
    let wasm = |artefact: &Value| {
        let mut files = artefact.get("filenames")?.as_array()?.iter().filter_map(Value::as_str);
        files.find(|file| file.ends_with(".wasm")).map(PathBuf::from)
    };
    build(package, &["--target", target], wasm)
}

/// The platform's binary, which cargo puts beside what it builds of this crate. Built from here it
/// would have other features of its dependencies, and the largest of them would be built twice.
pub fn platform() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("where this program is")?;
    let folders = own.ancestors().skip(1).take(2).map(|folder| folder.join("ecomauction"));
    let found = folders.into_iter().find(|path| path.is_file());
    found.context("there is no ecomauction here; build it first: cargo xtask build")
}

fn build(
    package: &str,
    arguments: &[&str],
    file: impl Fn(&Value) -> Option<PathBuf>,
) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        // The profile of the real components: what they share is built already.
        .args(["build", "--profile", "wasm", "--package", package])
        .args(["--message-format", "json-render-diagnostics"])
        .args(arguments)
        .env("WASM_BINDGEN_USE_JS_SYS", "1")
        // The suite lints while it compiles; a guest is built as it is shipped.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo cannot build {package}");
    }
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    let mut artefacts = messages.filter(|message: &Value| is_of(message, package));
    artefacts.find_map(|message| file(&message)).with_context(|| format!("{package} has no file"))
}

fn is_of(message: &Value, package: &str) -> bool {
    let id = message.get("package_id").and_then(Value::as_str).unwrap_or_default();
    id.contains(&format!("/{package}#")) || id.contains(&format!("#{package}@"))
}
