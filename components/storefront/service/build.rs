//! Packs what browsers load: scripts and styles, and the modules of wasm that `cargo xtask` built.
//! Where none were built an empty file stands for a module: natively the pages are only checked and
//! tested.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut packed = BTreeMap::new();
    for (variable, module) in MODULES {
        println!("cargo::rerun-if-env-changed={variable}");
        // Packed when it was built.
        let bytes = match env::var_os(variable).map(PathBuf::from) {
            Some(built) => read(built)?,
            None => Vec::new(),
        };
        packed.insert(module.to_owned(), bytes);
    }
    for path in texts()? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&read(path)?)?;
        packed.insert(name, packer.finish()?);
    }
    let mut version = Sha256::new();
    for (name, bytes) in packed {
        version = version.chain_update(&name).chain_update([0]).chain_update(&bytes);
        fs::write(out.join(name + ".gz"), bytes)?;
    }
    let version = version.finalize();
    let version: String = version.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=ASSETS_VERSION={version}");
    Ok(())
}

/// The scripts and styles of the storefront, and those that it has from elsewhere.
fn texts() -> io::Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed=assets");
    let is_asset = |path: &PathBuf| {
        path.extension().is_some_and(|kind| kind == "js" || kind == "css" || kind == "svg")
    };
    let own = fs::read_dir("assets")?.map(|file| Ok(file?.path()));
    let own = own.collect::<io::Result<Vec<_>>>()?.into_iter().filter(is_asset);
    Ok(own.chain(ELSEWHERE.map(PathBuf::from)).collect())
}

fn read(path: PathBuf) -> io::Result<Vec<u8>> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read(path)
}

/// Which variable names the file, as `cargo xtask` tells it.
const MODULES: [(&str, &str); 2] = [
    ("AUCTION_VERIFIER_MODULE", "auction_verifier.core.wasm"),
    ("AUCTION_SANDBOX_MODULE", "auction_sandbox.core.wasm"),
];
const ELSEWHERE: [&str; 2] =
    ["../../../clients/js/ecomauction.js", "../../auctions/wasm/verifier/verifier.mjs"];
