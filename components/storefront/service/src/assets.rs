//! Styles and scripts. Their folder is named by what is in them, so browsers keep them for good.

use web::{Exchange, Problem, Response};

use crate::page;

/// A file and its kind.
struct Asset {
    name: &'static str,
    kind: &'static str,
    /// As it is; of a module there is the packed form alone.
    plain: &'static [u8],
    /// By gzip (build.rs).
    packed: &'static [u8],
}

macro_rules! packed {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz"))
    };
}

macro_rules! texts {
    ($($kind:ident $name:literal $path:literal),* $(,)?) => {
        &[$(Asset {
            name: $name,
            kind: $kind,
            plain: include_bytes!($path),
            packed: packed!($name),
        }),*]
    };
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const MODULE: &str = "application/wasm";

const TEXTS: &[Asset] = texts![
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
];

/// Empty where none was built.
const MODULES: &[Asset] = &[
    Asset {
        name: "auction_verifier.core.wasm",
        kind: MODULE,
        plain: &[],
        packed: packed!("auction_verifier.core.wasm"),
    },
    Asset {
        name: "auction_sandbox.core.wasm",
        kind: MODULE,
        plain: &[],
        packed: packed!("auction_sandbox.core.wasm"),
    },
];

/// The path of the folder.
pub(crate) const fn folder() -> &'static str {
    concat!("/assets/", env!("ASSETS_VERSION"))
}

/// Is the file there? Not every build has the modules.
pub(crate) fn has(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<&'static Asset> {
    let known = TEXTS.iter().chain(MODULES).find(|asset| asset.name == name);
    known.filter(|asset| !asset.packed.is_empty())
}

/// `GET /assets/{version}/{file}`. A page of an older version still finds its files by name.
pub(crate) fn serve(exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let asset = find(exchange.parameter("file")).ok_or_else(Problem::not_found)?;
    let is_current = folder().ends_with(exchange.parameter("version"));
    let keep = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let accepted = exchange.request.header("accept-encoding").unwrap_or_default();
    let takes_gzip = accepted.split(',').map(str::trim).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    });
    // A module has no other form: whatever runs one unpacks it.
    let is_packed = takes_gzip || asset.plain.is_empty();
    let body = if is_packed { asset.packed } else { asset.plain }.to_vec();
    let response = Response { body, ..Response::empty(200) }
        .with("content-type", asset.kind)
        .with("cache-control", keep)
        .with("vary", "accept-encoding");
    Ok(page::guarded(match is_packed {
        true => response.with("content-encoding", "gzip"),
        false => response,
    }))
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, TEXTS};

    #[test]
    fn whatever_a_script_imports_is_there() {
        for script in TEXTS.iter().filter(|asset| asset.kind == SCRIPT) {
            let text = String::from_utf8_lossy(script.plain);
            let code = text.lines().filter(|line| !line.trim_start().starts_with(['/', '*']));
            let imports = code.filter_map(|line| line.split_once("\"./")?.1.split_once('"'));
            for (import, _) in imports {
                let is_there = TEXTS.iter().any(|asset| asset.name == import);
                assert!(is_there, "{} imports {import}", script.name);
            }
        }
    }
}
