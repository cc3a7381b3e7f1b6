//! Conditional reads: `ETag` and `If-None-Match` (RFC 9110 §13.1.2).

use crate::{Exchange, Response};

/// 304 when the caller already has the representation with this tag (quotes included).
pub fn not_modified(exchange: &Exchange<'_>, etag: &str) -> Option<Response> {
    let known = exchange.request.header("if-none-match")?;
    let holds = known.split(',').map(str::trim).any(|tag| {
        // If-None-Match compares weakly: a cache on the way may have weakened the tag.
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    });
    holds.then(|| exchange.revalidated(Response::empty(304).with("etag", etag.to_owned())))
}
