//! The platform about itself: the API document (`GET /openapi.json` for machines, `GET /docs` for
//! people, `GET /asyncapi.json` of sockets), and whether it is up and ready. A host that knows that
//! better answers by itself.
//!
//! The documents are bytes of files below `docs`, which `cargo xtask openapi` makes of the route
//! tables. How, is in `components/api/document`; nothing here reads them.

#[cfg(feature = "document")]
mod document;

use std::cell::OnceCell;
use std::thread::LocalKey;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ports::{Delivery, Message, Ports, Sql, Statement};
use sha2::{Digest, Sha256};
use web::{Auth, Exchange, Method, Problem, Request, Response, Route, not_modified};

#[cfg(feature = "document")]
pub use document::document;

/// What the service can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The document, for machines.
    ReadDocument,
    /// What is said on sockets and in event streams, for machines.
    ReadLiveDocument,
    /// The first document as a page, for people.
    ReadPage,
    /// Whether the platform is up.
    ReadHealth,
    /// Whether it can answer: whether its store does.
    ReadReadiness,
}

/// Every route of the service.
pub fn routes() -> &'static [Route<Operation>] {
    ROUTES
}

/// Answers a request.
pub async fn handle<P: Ports>(ports: &P, request: Request) -> Response {
    web::serve(ports, ROUTES, &request, async |exchange: &Exchange<'_>, operation| {
        exchange.no_parameters()?;
        match operation {
            Operation::ReadDocument => read(exchange, &OPENAPI),
            Operation::ReadLiveDocument => read(exchange, &ASYNCAPI),
            Operation::ReadPage => read(exchange, &PAGE),
            Operation::ReadHealth => Ok(status(200, "up")),
            Operation::ReadReadiness => Ok(readiness(ports).await),
        }
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

/// A committed file.
struct File {
    bytes: &'static [u8],
    /// Strong tag of bytes that never change, hashed when they are first asked for.
    tag: &'static LocalKey<OnceCell<String>>,
    content_type: &'static str,
    policy: Option<&'static str>,
}

fn read(exchange: &Exchange<'_>, file: &File) -> Result<Response, Problem> {
    let etag = file.tag.with(|tag| {
        let hashed = || format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(file.bytes)));
        tag.get_or_init(hashed).clone()
    });
    if let Some(response) = not_modified(exchange, &etag) {
        return Ok(response);
    }
    let response = Response { body: file.bytes.to_vec(), ..Response::empty(200) };
    let mut response = response.with("content-type", file.content_type);
    if let Some(policy) = file.policy {
        response = response.with("content-security-policy", policy);
    }
    Ok(exchange.revalidated(response.with("etag", etag)))
}

async fn readiness<P: Ports>(ports: &P) -> Response {
    match Sql::query(ports, Statement::new("SELECT 1", [])).await {
        Ok(_) => status(200, "ready"),
        Err(_) => status(503, "not_ready"),
    }
}

fn status(status: u16, word: &str) -> Response {
    Response::json_bytes(status, format!("{{\"status\":\"{word}\"}}").into_bytes())
}

thread_local! {
    static OPENAPI_TAG: OnceCell<String> = const { OnceCell::new() };
    static ASYNCAPI_TAG: OnceCell<String> = const { OnceCell::new() };
    static PAGE_TAG: OnceCell<String> = const { OnceCell::new() };
}

const OPENAPI: File = File {
    bytes: include_bytes!("../../../../docs/openapi.json"),
    tag: &OPENAPI_TAG,
    content_type: "application/json",
    policy: None,
};
const ASYNCAPI: File = File {
    bytes: include_bytes!("../../../../docs/asyncapi.json"),
    tag: &ASYNCAPI_TAG,
    content_type: "application/json",
    policy: None,
};
const PAGE: File = File {
    bytes: include_bytes!("../../../../docs/openapi.html"),
    tag: &PAGE_TAG,
    content_type: "text/html; charset=utf-8",
    policy: Some(PAGE_POLICY),
};
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
        path: "/asyncapi.json",
        operation: "readLiveDocument",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadLiveDocument,
    },
    Route {
        method: Method::Get,
        path: "/docs",
        operation: "readPage",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadPage,
    },
    Route {
        method: Method::Get,
        path: "/healthz",
        operation: "readHealth",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadHealth,
    },
    Route {
        method: Method::Get,
        path: "/readyz",
        operation: "readReadiness",
        auth: Auth::Ignored,
        body_max_bytes: 0,
        handler: Operation::ReadReadiness,
    },
];
