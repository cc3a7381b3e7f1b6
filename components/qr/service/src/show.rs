//! Codes for everyone, once they are made.

use kernel::{Digest, Id, kind};
use ports::{Objects, Ports};
use web::{Exchange, Problem, Response, not_modified};

use crate::make::{self, Form};

/// `GET /v1/auctions/{id}/qr.png` and `/qr.svg`.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    form: Form,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let id = exchange.parameter("id").parse::<Id<kind::Auction>>();
    let id = id.map_err(|_| Problem::not_found())?;
    let found = Objects::get(ports, &make::name(id, form)).await?;
    let bytes = found.ok_or_else(Problem::not_found)?.bytes;
    let hash = Digest::of(&[&bytes]).to_hex();
    let etag = format!("\"{}\"", hash.get(..32).unwrap_or(&hash));
    let response = not_modified(exchange, &etag).unwrap_or_else(|| {
        Response { body: bytes, ..Response::empty(200) }
            .with("content-type", form.content_type)
            .with("etag", etag)
    });
    // Another address of the platform makes other codes, some day.
    let mut response = response;
    response.headers.retain(|(name, _)| !matches!(*name, "cache-control" | "vary"));
    Ok(response
        .with("cache-control", "public, max-age=3600")
        .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
}
