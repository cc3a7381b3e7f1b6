//! Answering requests of the public address.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use super::body::BodyError;
use super::forwarded::client_address;
use super::intake::{self, Taken};
use super::{Answer, Body, HttpLimits, Router, problem};
use crate::live::{self, Live};
use crate::services::{Service, ServiceError, face};
use crate::telemetry::Meters;

/// The public listener's answer: the manifest's components.
pub(crate) struct Connections {
    /// Routes.
    pub(crate) router: Router,
    /// Bounds.
    pub(crate) limits: HttpLimits,
    /// Counters.
    pub(crate) meters: Arc<Meters>,
    /// Health for the public address.
    pub(crate) health: Arc<crate::operator::Health>,
    /// Sockets and streams.
    pub(crate) live: Arc<Live>,
}

impl Answer for Connections {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let started = std::time::Instant::now();
        let response = self.dispatch(request, peer).await;
        self.meters.request(response.status(), started.elapsed());
        response
    }
}

impl Connections {
    async fn dispatch(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let (mut parts, incoming) = request.into_parts();
        let wants_socket = live::is_upgrade(&parts.method, &parts.headers);
        let request_id = request_id(&parts.headers);
        let uri = parts.uri.clone();
        let path = uri.path();
        let refuse = |status, code, detail: &str| problem(status, code, detail, path, &request_id);
        if let Some(response) = self.probed(&parts, &request_id) {
            return response;
        }
        let Some(service) = self.router.find(path) else {
            return refuse(StatusCode::NOT_FOUND, "not_found", "Nothing is served at this path.");
        };
        let limits = &self.limits;
        let target = uri.path_and_query().map_or(path, |target| target.as_str());
        if target.len() > limits.target_max_bytes {
            return target_too_long();
        }
        let Taken { body, turn: _turn } =
            match intake::take(service, &parts, incoming, limits).await {
                Ok(taken) => taken,
                Err(refused) => return refused.answer(refuse),
            };
        let client = client_address(peer, &limits.proxies, &parts.headers);
        let inward = inward_headers(&parts.headers, &request_id, Some(client));
        let Some((text, ends)) = inward else {
            let detail = "A header value is not UTF-8.";
            return refuse(StatusCode::BAD_REQUEST, "invalid_header", detail);
        };
        let request = face::Request {
            method: parts.method.as_str(),
            target,
            headers: face::FieldsParam { text: &text, ends: &ends },
            body: &body,
        };
        let answered = if wants_socket {
            service.open(request).await
        } else {
            service.http(request).await.map(Err)
        };
        match answered {
            Ok(Ok(opened)) => {
                let asked = live::Asked { head: &mut parts, client, request_id: &request_id };
                live::upgrade(&self.live, service, asked, opened).await
            }
            Ok(Err(response)) => self.said(service, client, response, &parts.method, refuse),
            Err(error) => {
                let (status, code, detail) = failed(service, &error, &request_id, path);
                refuse(status, code, detail)
            }
        }
    }

    /// The component's response, which may go on as a stream.
    fn said(
        &self,
        service: &Arc<Service>,
        client: IpAddr,
        mut response: face::Response,
        method: &Method,
        refuse: impl Fn(StatusCode, &'static str, &str) -> Response<Body>,
    ) -> Response<Body> {
        let Some(following) = response.live.take().filter(|_| method == Method::GET) else {
            return outward(response);
        };
        let begins = Bytes::from(std::mem::take(&mut response.body));
        let mut outward = outward(response);
        match live::stream(&self.live, service, client, begins, following) {
            Some(body) => *outward.body_mut() = body,
            None => {
                let detail = "This address has as many open streams and sockets as it may.";
                return refuse(StatusCode::TOO_MANY_REQUESTS, "too_many_sockets", detail);
            }
        }
        outward
    }
}

impl Connections {
    /// The answer to a probe, which waits for no component. What is no plain probe is for the
    /// component that has its path: it knows the manners.
    fn probed(&self, request: &Parts, request_id: &str) -> Option<Response<Body>> {
        let Parts { method, uri, headers, .. } = request;
        let has_body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
            .iter()
            .any(|name| headers.contains_key(name));
        let is_text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).is_ok();
        let is_plain = matches!(*method, Method::GET | Method::HEAD)
            && uri.query().is_none()
            && !has_body
            && headers.values().all(is_text);
        let mut response = is_plain.then(|| self.health.answer(method, uri.path()))??;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-request-id", id);
        }
        Some(response)
    }
}

/// Without a body, as every head is refused that is too large.
fn target_too_long() -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::URI_TOO_LONG;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// What a caller is told whose body was not read.
pub(crate) fn body_refusal(error: BodyError) -> (StatusCode, &'static str, &'static str) {
    match error {
        BodyError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "The request body is larger than this platform takes.",
        ),
        BodyError::TimedOut => (
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The request body did not arrive in time.",
        ),
        BodyError::Broken => {
            (StatusCode::BAD_REQUEST, "invalid_request", "The request body broke off.")
        }
    }
}

/// What a caller is told whose request failed, of which the operator hears why.
pub(super) fn failed(
    service: &Service,
    error: &ServiceError,
    request_id: &str,
    path: &str,
) -> (StatusCode, &'static str, &'static str) {
    let component = &service.platform().component;
    tracing::error!(%error, component, request_id, path, "request failed");
    match error {
        ServiceError::Trap(_) | ServiceError::Missing(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "The request failed inside the platform; nothing else is affected.",
        ),
        ServiceError::Deadline => (
            StatusCode::GATEWAY_TIMEOUT,
            "deadline_exceeded",
            "The request took too long. Repeat it with the same Idempotency-Key.",
        ),
        ServiceError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Try again in a moment, with the same idempotency key.",
        ),
        ServiceError::Overloaded => (
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "Too many requests at once. Try again in a moment.",
        ),
    }
}

/// Headers for the component, in one piece: connection headers stay here; the request id and the
/// client's address, where it is known, are set.
pub(super) fn inward_headers(
    headers: &HeaderMap,
    request_id: &str,
    client: Option<IpAddr>,
) -> Option<(String, Vec<u32>)> {
    let mut text = String::with_capacity(TYPICAL_FIELDS_BYTES);
    let mut ends = Vec::with_capacity(2 * headers.len() + 4);
    let mut push = |part: &str| {
        text.push_str(part);
        u32::try_from(text.len()).map(|end| ends.push(end)).ok()
    };
    // HTTP/2 may send each cookie as a field of its own; whoever reads them expects one (RFC 9113,
    // 8.2.3).
    let cookies: Vec<&[u8]> =
        headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if !cookies.is_empty() {
        push("cookie")?;
        push(std::str::from_utf8(&cookies.join(&b"; "[..])).ok()?)?;
    }
    let ours = ["cookie", "x-request-id", "x-client-address"];
    for (name, value) in headers {
        if is_hop_by_hop(name) || ours.contains(&name.as_str()) {
            continue;
        }
        let value = std::str::from_utf8(value.as_bytes()).ok()?;
        push(name.as_str())?;
        push(value)?;
    }
    push("x-request-id")?;
    push(request_id)?;
    if let Some(client) = client {
        push("x-client-address")?;
        push(&client.to_string())?;
    }
    Some((text, ends))
}

/// What the header fields of an ordinary request take.
const TYPICAL_FIELDS_BYTES: usize = 1_024;

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::TRANSFER_ENCODING
            | header::TE
            | header::TRAILER
            | header::UPGRADE
            | header::PROXY_AUTHORIZATION
    ) || name == "keep-alive"
}

pub(super) fn outward(response: face::Response) -> Response<Body> {
    let mut outward = Response::new(Body::new(Bytes::from(response.body)));
    *outward.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = outward.headers_mut();
    let face::FieldsResult { text, ends } = response.headers;
    let mut start = 0;
    let mut part = |end: u32| {
        let part = text.as_bytes().get(start..end as usize).unwrap_or_default();
        start = end as usize;
        part
    };
    for [name_end, value_end] in ends.as_chunks::<2>().0 {
        let name = HeaderName::from_bytes(part(*name_end));
        let value = HeaderValue::from_bytes(part(*value_end));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    outward
}

/// The caller's `X-Request-Id` when it is a UUID or ULID, else a new one (api.md §1).
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    if let Some(given) = given {
        let is_uuid = given.len() == 36
            && given.char_indices().all(|(at, c)| match at {
                8 | 13 | 18 | 23 => c == '-',
                _ => c.is_ascii_hexdigit(),
            });
        // 26 characters of Crockford's base 32, of which the first carries three bits.
        let is_ulid = given.len() == 26
            && given.starts_with(|first: char| ('0'..='7').contains(&first))
            && given.bytes().all(|byte| {
                byte.is_ascii_alphanumeric()
                    && !matches!(byte.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U')
            });
        if is_uuid || is_ulid {
            return given.to_owned();
        }
    }
    thread_local! {
        static SEEDS: std::cell::RefCell<crate::clock::Seeds> =
            const { std::cell::RefCell::new(crate::clock::Seeds::new()) };
    }
    let seed = SEEDS.with_borrow_mut(|seeds| seeds.next(&crate::clock::System)).unwrap_or_default();
    let mut random = [0_u8; 10];
    random.iter_mut().zip(seed).for_each(|(slot, byte)| *slot = byte);
    let ms = u64::try_from(crate::clock::now_ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_name_its_own_address() {
        let mut headers = HeaderMap::new();
        headers.append("x-client-address", "9.9.9.9".parse().unwrap());
        let (text, _) = inward_headers(&headers, "id", "127.0.0.1".parse().ok()).unwrap();
        assert_eq!(text, "x-request-ididx-client-address127.0.0.1");
    }

    #[test]
    fn cookies_that_come_apart_are_one_field() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "a=1".parse().unwrap());
        headers.append("accept", "*/*".parse().unwrap());
        headers.append("cookie", "b=2".parse().unwrap());
        let (text, ends) = inward_headers(&headers, "id", "127.0.0.1".parse().ok()).unwrap();
        assert_eq!(text, "cookiea=1; b=2accept*/*x-request-ididx-client-address127.0.0.1");
        assert_eq!(ends.len(), 8, "names and values of four fields");
    }
}
