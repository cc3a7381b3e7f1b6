//! The Worker: the module, its glue, the files beside them, held to its size.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::command;
use crate::components;
use crate::node::{self, counting, install, node};
use crate::repo::Repo;
use crate::setup::MACHINES;
use crate::steps::{Progress, Steps, Tally};
use crate::tidy::Lints;

/// Builds the Worker into target/cloudflare, with what makes it of the module.
pub(crate) fn build(repo: &Repo, steps: &mut Steps) -> anyhow::Result<()> {
    anyhow::ensure!(node::has_npm(), "no npm: the Worker's tools come from its registry");
    steps.run("build what bundles", |progress| {
        let mut cargo = command::cargo(repo.root(), ["build", "--release", "--package", "bundle"]);
        command::run(&mut cargo, progress)?.or_fail("building what bundles")?;
        Ok(())
    })?;
    bundle(repo, steps, Care::AsShipped)
}

/// How small the module is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// As the compiler leaves it: what the suite runs.
    AsCompiled,
    /// By wasm-opt, which takes a minute and a half for a fourteenth of it.
    AsShipped,
}

/// As [`build`], where what bundles is built already.
pub(crate) fn bundle(repo: &Repo, steps: &mut Steps, care: Care) -> anyhow::Result<()> {
    let folder = repo.root().join("platforms/cloudflare");
    steps.run("install the Worker's tools", |progress| install(&folder, progress))?;
    let uploaded = steps.run("build the Worker", |progress| {
        let mut cargo = command::cargo(repo.root(), ["build", "--profile", "wasm", "--package"]);
        cargo.args(["cloudflare", "--target", MACHINES]).env("WASM_BINDGEN_USE_JS_SYS", "1");
        components::tell(repo, &mut cargo)?;
        let lints = if care == Care::AsShipped { Lints::Apart } else { Lints::Along };
        lints.with(&mut cargo);
        command::run(&mut cargo, progress)?.or_fail("building the Worker")?;
        let module = repo.target().join(MACHINES).join("wasm/cloudflare.wasm");
        let out = repo.target().join("cloudflare");
        let mut bundle = Command::new(repo.target().join("release/bundle"));
        command::run(bundle.arg(module).arg(&out), progress)?.or_fail("wasm-bindgen")?;
        if care == Care::AsShipped {
            let wasm = out.join("index_bg.wasm");
            let mut optimise = node(&folder);
            optimise.arg(folder.join("node_modules/binaryen/bin/wasm-opt"));
            optimise.args(["-Os", "--all-features", "-o"]).arg(&wasm).arg(&wasm);
            command::run(&mut optimise, progress)?.or_fail("wasm-opt")?;
        }
        fs::copy(folder.join("entry.js"), out.join("entry.js")).context("entry.js")?;
        let config =
            fs::read_to_string(repo.root().join("wrangler.toml")).context("wrangler.toml")?;
        fs::write(out.join("wrangler.toml"), beside_the_bundle(&config)?)?;
        let mut options = node(&folder);
        options.arg(folder.join("options.mjs")).arg(&out);
        command::run(&mut options, progress)?.or_fail("reading wrangler.toml")?;
        size(&folder, &out, progress)
    })?;
    eprintln!("                  target/cloudflare: {uploaded} of {KIB_MAX} KiB, compressed");
    anyhow::ensure!(uploaded <= KIB_MAX, "the Worker is over its budget");
    Ok(())
}

/// What only this platform has, tested over the bundle by node.
pub(crate) fn objects(repo: &Repo, progress: &Progress) -> anyhow::Result<Tally> {
    let folder = repo.root().join("platforms/cloudflare");
    let mut tests = node(&folder);
    tests.args(["--test", "--test-reporter=tap", "tests/objects.test.mjs"]).current_dir(&folder);
    // It needs no Worker, but node, which is here.
    tests.arg(repo.root().join("components/auctions/wasm/verifier/verifier.test.mjs"));
    tests.arg(repo.root().join("components/auctions/wasm/sandbox/sandbox.test.mjs"));
    tests.env("BUNDLE", repo.target().join("cloudflare"));
    tests.env("SANDBOX", repo.components().join("auction_sandbox.core.wasm"));
    tests.env("VERIFIER", repo.components().join("auction_verifier.core.wasm"));
    tests.env("ARCHIVE", repo.root().join("tests/conformance/archives/host.jsonl"));
    counting(&mut tests, progress)
}

/// The client in JavaScript, tested by the same node.
pub(crate) fn client(repo: &Repo, progress: &Progress) -> anyhow::Result<Tally> {
    let mut tests = node(&repo.root().join("platforms/cloudflare"));
    tests.args(["--test", "--test-reporter=tap", "tests/live.test.mjs"]);
    counting(tests.current_dir(repo.root().join("clients/js")), progress)
}

/// The configuration as it is beside what was built: nothing is left to build.
fn beside_the_bundle(config: &str) -> anyhow::Result<String> {
    let mut table: toml::Table = config.parse().context("wrangler.toml")?;
    table.remove("build");
    table.insert("main".to_owned(), "entry.js".into());
    Ok(table.to_string())
}

/// What would be uploaded, in KiB: wrangler checks the configuration and says so without a network.
fn size(folder: &Path, out: &Path, progress: &Progress) -> anyhow::Result<u32> {
    let mut wrangler = node(folder);
    wrangler.arg(folder.join("node_modules/wrangler/bin/wrangler.js"));
    wrangler.args(["deploy", "--dry-run", "--env", ""]).arg("--config");
    wrangler.arg(out.join("wrangler.toml")).current_dir(out);
    let lines = command::run(&mut wrangler, progress)?.or_fail("wrangler deploy --dry-run")?;
    let told = lines.iter().find_map(|line| compressed_kib(line));
    told.context("wrangler does not tell the size")
}

/// `Total Upload: 4301.12 KiB / gzip: 1250.77 KiB`.
fn compressed_kib(line: &str) -> Option<u32> {
    let (_, told) = line.split_once("gzip: ")?;
    let (number, rest) = told.split_once(' ')?;
    let whole = number.split('.').next()?.parse::<u32>().ok()?;
    rest.starts_with("KiB").then_some(whole + 1)
}

/// What the runtime takes of anybody who does not pay.
const KIB_MAX: u32 = 3 * 1024;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_what_is_sent() {
        let line = "Total Upload: 4301.12 KiB / gzip: 1250.77 KiB";
        assert_eq!(compressed_kib(line), Some(1_251));
        assert_eq!(compressed_kib("gzip: much"), None);
    }

    #[test]
    fn beside_the_bundle_nothing_is_built() {
        let config = "name = 'a'\nmain = 'target/x.js'\n[build]\ncommand = 'b'\n[vars]\nc = '1'";
        let made: toml::Table = beside_the_bundle(config).unwrap().parse().unwrap();
        assert!(!made.contains_key("build"));
        assert_eq!(made["main"].as_str(), Some("entry.js"));
        assert_eq!(made["vars"]["c"].as_str(), Some("1"));
    }
}
