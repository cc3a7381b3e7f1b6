//! The API document over HTTP: `GET /openapi.json` for machines, `GET /docs` for people.
//!
//! Both are the bytes of files below `docs`, which `cargo xtask openapi` makes of the route tables.
//! How, is in `components/api/document`; nothing here reads them.

#[cfg(feature = "document")]
mod document;

use std::cell::OnceCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ports::{Delivery, Message, Ports};
use sha2::{Digest, Sha256};
use web::{Auth, Exchange, Method, Problem, Request, Response, Route, not_modified};

#[cfg(feature = "document")]
pub use document::document;

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The document, for machines.
    ReadDocument,
    /// The same as a page, for people.
    ReadPage,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    web::serve(ports, ROUTES, &request, async |exchange: &Exchange<'_>, operation| {
        read(exchange, operation)
    })
    .await
}

/// There are no tables.
pub async fn migrate<P: Ports>(_ports: &P) -> Result<(), String> {
    Ok(())
}

/// No topic concerns this service: what comes by mistake is done with.
pub async fn consume<P: Ports>(_ports: &P, batch: Vec<Message>) -> Vec<Delivery> {
    batch.iter().map(|_| Delivery::Ack).collect()
}

fn read(exchange: &Exchange<'_>, operation: Operation) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let (bytes, etag) = match operation {
        Operation::ReadDocument => (DOCUMENT, DOCUMENT_TAG.with(|tag| once(tag, DOCUMENT))),
        Operation::ReadPage => (PAGE, PAGE_TAG.with(|tag| once(tag, PAGE))),
    };
    if let Some(response) = not_modified(exchange, &etag) {
        return Ok(response);
    }
    let response = Response { status: 200, headers: Vec::new(), body: bytes.to_vec() };
    let response = match operation {
        Operation::ReadDocument => response.with("content-type", "application/json"),
        Operation::ReadPage => response
            .with("content-type", "text/html; charset=utf-8")
            .with("content-security-policy", PAGE_POLICY),
    };
    Ok(exchange.revalidated(response.with("etag", etag)))
}

/// Strong tag of bytes that never change, hashed when they are first asked for.
fn once(tag: &OnceCell<String>, bytes: &[u8]) -> String {
    let tag = tag.get_or_init(|| format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))));
    tag.clone()
}

thread_local! {
    static DOCUMENT_TAG: OnceCell<String> = const { OnceCell::new() };
    static PAGE_TAG: OnceCell<String> = const { OnceCell::new() };
}

const DOCUMENT: &[u8] = include_bytes!("../../../../docs/openapi.json");
const PAGE: &[u8] = include_bytes!("../../../../docs/openapi.html");
/// The page has a style of its own and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const ROUTES: &[Route<Operation>] = &[
    Route {
        method: Method::Get,
        path: "/openapi.json",
        operation: "readDocument",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadDocument,
    },
    Route {
        method: Method::Get,
        path: "/docs",
        operation: "readPage",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadPage,
    },
];
