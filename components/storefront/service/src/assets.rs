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
    ($($kind:ident $name:literal $path:literal),* $(,)?) => {
        &[$(Asset { name: $name, kind: $kind, bytes: include_bytes!($path) }),*]
    };
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

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
    SCRIPT "ecomauction.js" "../../../../clients/js/ecomauction.js",
    SCRIPT "verifier.mjs" "../../../auctions/wasm/verifier/verifier.mjs",
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

/// `GET /assets/{version}/{file}`. A page of an older version still finds its files by name.
pub(crate) fn serve(exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let name = exchange.parameter("file");
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(Problem::not_found)?;
    let is_current = folder().ends_with(exchange.parameter("version"));
    let keep = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let response = Response { body: asset.bytes.to_vec(), ..Response::empty(200) };
    Ok(page::guarded(response.with("content-type", asset.kind).with("cache-control", keep)))
}
