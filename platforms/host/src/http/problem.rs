//! Problems that the host itself answers with (RFC 9457), in the shape of api.md §1.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Serialize;

use super::Body;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'a str,
    request_id: &'a str,
}

/// A problem response. `detail` is for the caller: no internals.
pub(crate) fn problem(
    status: StatusCode,
    code: &str,
    detail: &str,
    instance: &str,
    request_id: &str,
) -> Response<Body> {
    let problem = Problem {
        r#type: format!("https://ecomauction.dev/errors/{code}"),
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail,
        instance,
        code,
        request_id,
    };
    let json = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Body::new(Bytes::from(json)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = header::HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Ok(id) = header::HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}
