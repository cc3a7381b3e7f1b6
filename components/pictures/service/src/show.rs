//! Pictures for everyone. An id is given once and its bytes never change, so that caches may keep
//! them for as long as they like; no cookie is asked for or set.

use kernel::{Id, kind};
use ports::{Object, Objects, Ports};
use web::{Exchange, Problem, Response};

use crate::image::SIZES;
use crate::keep;

/// `GET /pictures/{picture_id}`.
pub(crate) async fn largest<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    shown(ports, exchange, LARGEST).await
}

/// `GET /pictures/{picture_id}/{size}`. A picture that is no larger anyway is shown as it is.
pub(crate) async fn in_size<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let asked = exchange.parameter("size");
    let size = SIZES.iter().map(|(name, _)| *name).find(|name| *name == asked);
    shown(ports, exchange, size.ok_or_else(Problem::not_found)?).await
}

async fn shown<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    size: &'static str,
) -> Result<Response, Problem> {
    exchange.no_parameters()?;
    let id = exchange.parameter("picture_id").parse::<Id<kind::Picture>>();
    let id = id.map_err(|_| Problem::not_found())?;
    let found = Objects::get(ports, &keep::name(id, size)).await?;
    let object = match found {
        None if size != LARGEST => Objects::get(ports, &keep::name(id, LARGEST)).await?,
        found => found,
    };
    let Object { content_type, bytes } = object.ok_or_else(Problem::not_found)?;
    let etag = format!("\"{id}-{size}\"");
    let is_known = exchange.request.header("if-none-match").is_some_and(|known| {
        known.split(',').map(str::trim).any(|tag| tag.trim_start_matches("W/") == etag)
    });
    let response = if is_known {
        Response::empty(304)
    } else {
        Response { body: bytes, ..Response::empty(200) }.with("content-type", content_type)
    };
    Ok(response
        .with("etag", etag)
        .with("cache-control", "public, max-age=31536000, immutable")
        .with("content-security-policy", "default-src 'none'; sandbox")
        .with("content-disposition", "inline")
        .with("cross-origin-resource-policy", "cross-origin"))
}

const LARGEST: &str = match SIZES.first() {
    Some((name, _)) => name,
    None => "",
};
