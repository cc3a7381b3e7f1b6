//! The API document, made of the route tables of all services, the page that shows it, and the
//! document of what is said live.
//!
//! Native only: what it makes is committed below `docs` and served from there by `api-service`.
//!
//! ```
//! let document = api_document::document().unwrap();
//! assert_eq!(document["openapi"], "3.1.0");
//! assert!(document["paths"]["/v1/auctions"]["post"]["responses"]["422"].is_object());
//! ```

mod html;
mod markdown;

use std::path::{Path, PathBuf};

use serde_json::Value;
use web::document::{Clash, Section};

/// What there is to make.
pub struct Made {
    /// `docs/openapi.json`.
    pub json: String,
    /// `docs/openapi.html`.
    pub html: String,
    /// `docs/asyncapi.json`.
    pub live: String,
}

/// Why it was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The services do not fit together.
    #[error(transparent)]
    Clash(#[from] Clash),
    /// A file is not there, or cannot be written.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: std::io::Error,
    },
}

impl Error {
    /// For a path, from what the system says.
    pub fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        |why| Self::File { path: path.to_owned(), why }
    }
}

/// Every service with routes that callers see.
pub fn sections() -> [Section; 6] {
    [
        auctions_service::document(),
        identity_service::document(),
        notifications_service::document(),
        pictures_service::document(),
        qr_service::document(),
        api_service::document(),
    ]
}

/// The document.
pub fn document() -> Result<Value, Clash> {
    web::document::render(&sections())
}

/// The document of sockets and event streams.
pub fn live() -> Result<Value, Clash> {
    web::document::render_live(&auctions_service::conversation())
}

/// The document as it is committed, and its page; `docs` has a page for every error code.
pub fn make(docs: &Path) -> Result<Made, Error> {
    let document = document()?;
    let json = format!("{document:#}\n");
    let html = html::page(&document, &docs.join("errors"))?;
    let live = format!("{:#}\n", live()?);
    Ok(Made { json, html, live })
}

/// The folder `docs` of this checkout.
pub fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs")
}
