//! Pages: one style of their own, allowed by its hash, and no scripts.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use web::{Problem, Response};

/// The style of all pages.
pub(crate) const STYLE: &str = include_str!("../templates/page.css");

/// A page; `styles` are those of the documents that it shows in frames.
pub(crate) fn page(
    status: u16,
    page: &impl Template,
    styles: &[&str],
) -> Result<Response, Problem> {
    let body = page.render().map_err(|_| Problem::internal())?.into_bytes();
    let mut hashes: Vec<String> = [STYLE].iter().chain(styles).map(|style| hash(style)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    // A document in `srcdoc` inherits the policy of the page around it.
    let policy = format!(
        "default-src 'none'; style-src {}; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
        hashes.join(" ")
    );
    Ok(Response { body, ..Response::empty(status) }
        .with("content-type", "text/html; charset=utf-8")
        .with("content-security-policy", policy)
        .with("referrer-policy", "no-referrer"))
}

/// The contents of the style elements of a document.
pub(crate) fn styles_of(html: &str) -> Vec<&str> {
    let parts = html.split("<style>").skip(1);
    parts.filter_map(|part| part.split_once("</style>")).map(|(style, _)| style).collect()
}

fn hash(style: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(style)))
}
