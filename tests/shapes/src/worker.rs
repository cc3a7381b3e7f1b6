//! A Worker from a crate: wasm-bindgen's glue around the module, wasm-opt, and wrangler to run it.
//! The tools come from npm by the lockfile in `worker/`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::Server;

/// Node and the packages of the lockfile.
#[derive(Debug)]
pub struct Tools {
    modules: PathBuf,
    path: std::ffi::OsString,
}

impl Tools {
    /// Installs what the lockfile in `folder` pins, unless that was done before. None when there is
    /// no npm.
    pub fn install(folder: &Path) -> anyhow::Result<Option<Self>> {
        let lockfile = std::fs::read(folder.join("package-lock.json"))?;
        let modules = folder.join("node_modules");
        let installed = modules.join(".installed");
        if std::fs::read(&installed).ok().as_ref() != Some(&lockfile) {
            // Not `npm ci`: it insists on entries for platforms whose packages a registry may lack.
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]);
            npm.current_dir(folder);
            match npm.status() {
                Ok(status) if status.success() => std::fs::write(&installed, &lockfile)?,
                Ok(status) => bail!("npm install ended with {status}"),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error).context("npm does not start"),
            }
        }
        let node = modules.join(format!("node-linux-{}", node_architecture())).join("bin");
        let system = std::env::var_os("PATH").unwrap_or_default();
        let directories = [node, modules.join(".bin")];
        let path =
            std::env::join_paths(directories.into_iter().chain(std::env::split_paths(&system)))?;
        Ok(Some(Self { modules, path }))
    }

    /// A JavaScript tool of an installed package, run by the installed node.
    pub fn command(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.modules.join(script)).env("PATH", &self.path);
        command.env("CI", "1").env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
        command.env("WRANGLER_SEND_METRICS", "false");
        command.env("WRANGLER_SEND_ERROR_REPORTS", "false");
        command
    }
}

/// Writes a Worker into `out`: the glue `index.js`, the optimised `index_bg.wasm`, and the files
/// beside them (`entry.js`, `wrangler.toml`) from the crate's folder.
pub fn bundle(tools: &Tools, module: &Path, folder: &Path, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
    bindings(module, out)?;
    let wasm = out.join("index_bg.wasm");
    let mut optimise = tools.command("binaryen/bin/wasm-opt");
    optimise.args(["-Os", "--all-features", "-o"]).arg(&wasm).arg(&wasm);
    let optimised = optimise.status().context("wasm-opt does not start")?;
    if !optimised.success() {
        bail!("wasm-opt ended with {optimised}");
    }
    for file in ["entry.js", "wrangler.toml"] {
        std::fs::copy(folder.join(file), out.join(file))
            .with_context(|| format!("{file} is missing in {}", folder.display()))?;
    }
    Ok(())
}

/// wasm-bindgen's glue for a runtime that imports a compiled module.
fn bindings(module: &Path, out: &Path) -> anyhow::Result<()> {
    Bindgen::new()
        .input_path(module)
        .out_name("index")
        .module(true)?
        .typescript(false)
        .generate(out)
        .with_context(|| format!("wasm-bindgen cannot read {}", module.display()))?;
    // The glue uses a source phase import, for which workerd has the older spelling.
    let glue = out.join("index.js");
    let text = std::fs::read_to_string(&glue)?;
    std::fs::write(&glue, text.replacen("import source ", "import ", 1))?;
    Ok(())
}

/// Runs a bundled Worker on workerd until it is killed. Its objects live in `state`.
pub async fn serve(
    tools: &Tools,
    bundled: &Path,
    state: &Path,
) -> anyhow::Result<(Server, SocketAddr)> {
    let mut wrangler = tools.command("wrangler/bin/wrangler.js");
    wrangler.args(["dev", "--local", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0"]);
    wrangler.arg("--show-interactive-dev-session=false");
    wrangler.arg("--config").arg(bundled.join("wrangler.toml"));
    wrangler.arg("--persist-to").arg(state).current_dir(bundled);
    Server::start(wrangler.into(), listening).await
}

/// The address in wrangler's line `Ready on http://127.0.0.1:…`.
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once("Ready on http://")?;
    address.split_whitespace().next()?.parse().ok()
}

fn node_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        "x86_64" => "x64",
        other => other,
    }
}
