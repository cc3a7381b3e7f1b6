//! `bundle-worker MODULE.wasm FOLDER OUT`: bundles a Worker module with the `entry.js`,
//! `wrangler.toml` and npm lockfile of FOLDER into OUT.

use std::path::Path;

use anyhow::{Context as _, bail};
use shapes::worker;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [module, folder, out] = arguments.as_slice() else {
        bail!("usage: bundle-worker MODULE.wasm FOLDER OUT");
    };
    let folder = Path::new(folder);
    let tools = worker::Tools::install(folder)?.context("npm is missing")?;
    worker::bundle(&tools, Path::new(module), folder, Path::new(out))
}
