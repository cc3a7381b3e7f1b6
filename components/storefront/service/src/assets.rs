//! Styles and scripts. Their folder is named by what is in them, so browsers keep them for good.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use web::{Exchange, Problem, Response};

use crate::page;

/// A file and its kind.
struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($kind:ident $name:literal $path:expr),* $(,)?) => {
        &[$(Asset { name: $name, kind: $kind, bytes: include_bytes!($path) }),*]
    };
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
/// Compressed, and empty where none was built (build.rs).
const MODULE: &str = "application/wasm";

const ASSETS: &[Asset] = assets![
    STYLE "storefront.css" "../assets/storefront.css",
    PICTURE "icon.svg" "../assets/icon.svg",
    SCRIPT "page.js" "../assets/page.js",
    SCRIPT "clock.js" "../assets/clock.js",
    SCRIPT "money.js" "../assets/money.js",
    SCRIPT "room.js" "../assets/room.js",
    SCRIPT "chart.js" "../assets/chart.js",
    SCRIPT "sell.js" "../assets/sell.js",
    SCRIPT "proof.js" "../assets/proof.js",
    SCRIPT "sandbox.js" "../assets/sandbox.js",
    SCRIPT "presets.js" "../assets/presets.js",
    SCRIPT "bid.js" "../assets/bid.js",
    SCRIPT "dom.js" "../assets/dom.js",
    SCRIPT "receipt.js" "../assets/receipt.js",
    SCRIPT "standing.js" "../assets/standing.js",
    SCRIPT "state.js" "../assets/state.js",
    SCRIPT "story.js" "../assets/story.js",
    SCRIPT "ecomauction.js" "../../../../clients/js/ecomauction.js",
    SCRIPT "verifier.mjs" "../../../auctions/wasm/verifier/verifier.mjs",
    MODULE "auction_verifier.core.wasm" concat!(env!("OUT_DIR"), "/auction_verifier.core.wasm.gz"),
    MODULE "auction_sandbox.core.wasm" concat!(env!("OUT_DIR"), "/auction_sandbox.core.wasm.gz"),
];

/// The path of the folder.
pub(crate) fn folder() -> &'static str {
    static FOLDER: OnceLock<String> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let all = ASSETS.iter().fold(Sha256::new(), |all, asset| {
            all.chain_update(asset.name).chain_update([0]).chain_update(asset.bytes)
        });
        let version: String =
            all.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("/assets/{version}")
    })
}

/// Is the file there? Not every build has the modules.
pub(crate) fn has(name: &str) -> bool {
    ASSETS.iter().any(|asset| asset.is(name))
}

/// `GET /assets/{version}/{file}`. A page of an older version still finds its files by name.
pub(crate) fn serve(exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let name = exchange.parameter("file");
    let asset = ASSETS.iter().find(|asset| asset.is(name)).ok_or_else(Problem::not_found)?;
    let is_current = folder().ends_with(exchange.parameter("version"));
    let keep = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let response = Response { body: asset.bytes.to_vec(), ..Response::empty(200) };
    let response = response.with("content-type", asset.kind).with("cache-control", keep);
    Ok(page::guarded(match asset.kind {
        // A module has no other form: whatever runs one unpacks it.
        MODULE => response.with("content-encoding", "gzip").with("vary", "accept-encoding"),
        _ => response,
    }))
}

impl Asset {
    fn is(&self, name: &str) -> bool {
        self.name == name && (self.kind != MODULE || !self.bytes.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, SCRIPT};

    #[test]
    fn whatever_a_script_imports_is_there() {
        for script in ASSETS.iter().filter(|asset| asset.kind == SCRIPT) {
            let text = String::from_utf8_lossy(script.bytes);
            let code = text.lines().filter(|line| !line.trim_start().starts_with(['/', '*']));
            let imports = code.filter_map(|line| line.split_once("\"./")?.1.split_once('"'));
            for (import, _) in imports {
                let is_there = ASSETS.iter().any(|asset| asset.name == import);
                assert!(is_there, "{} imports {import}", script.name);
            }
        }
    }
}
