//! `bundle MODULE OUT`: the glue `index.js` and the module `index_bg.wasm` for a runtime that
//! imports compiled modules. A program of its own, because what it links takes long to compile and
//! only a Worker needs it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(out), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("bundle MODULE OUT");
    };
    bindings(&module, &out)
}

fn bindings(module: &Path, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
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
