//! Conditional requests: `ETag` with `If-None-Match` and `If-Match` (RFC 9110 §13.1).

use crate::{Exchange, Problem, Request, Response};

/// 304 when the caller already has the representation with this tag (quotes included).
pub fn not_modified(exchange: &Exchange<'_>, etag: &str) -> Option<Response> {
    let known = exchange.request.header("if-none-match")?;
    let holds = known.split(',').map(str::trim).any(|tag| {
        // If-None-Match compares weakly: a cache on the way may have weakened the tag.
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    });
    holds.then(|| exchange.revalidated(Response::empty(304).with("etag", etag.to_owned())))
}

/// Does `If-Match` name what is there? `names` says so of one tag, quotes included. 428
/// `precondition_required` without the header, 412 `precondition_failed` when no tag names it.
pub fn if_match(request: &Request, names: impl Fn(&str) -> bool) -> Result<(), Problem> {
    let Some(tags) = request.header("if-match") else {
        let detail = "Send If-Match with the ETag that you read, so that no change is lost.";
        return Err(Problem::new(428, "precondition_required", detail));
    };
    if tags.split(',').map(str::trim).any(|tag| tag == "*" || names(tag)) {
        return Ok(());
    }
    let detail = "It has changed since you read it; read it again.";
    Err(Problem::new(412, "precondition_failed", detail))
}
