//! Puts the modules that browsers run where the assets find them, or nothing in their place where
//! none were built: natively the pages are only checked and tested.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for (variable, module) in MODULES {
        println!("cargo::rerun-if-env-changed={variable}");
        let bytes = match env::var_os(variable).map(PathBuf::from) {
            Some(built) => {
                println!("cargo::rerun-if-changed={}", built.display());
                fs::read(built)?
            }
            None => Vec::new(),
        };
        fs::write(out.join(module), bytes)?;
    }
    Ok(())
}

/// Which variable names the file, as `cargo xtask` tells it.
const MODULES: [(&str, &str); 2] = [
    ("AUCTION_VERIFIER_MODULE", "auction_verifier.core.wasm.gz"),
    ("AUCTION_SANDBOX_MODULE", "auction_sandbox.core.wasm.gz"),
];
