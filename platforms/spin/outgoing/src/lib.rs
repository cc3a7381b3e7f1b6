//! Requests to other servers and components by `wasi:http` 0.2: its functions can be waited for in
//! a synchronous port (docs/adr/0001).

use ports::{HttpRequest, HttpResponse, OutboundError};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler::{ErrorCode, handle};
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::StreamError;

/// Sends a request and waits for the whole response.
pub fn send(request: &HttpRequest) -> Result<HttpResponse, OutboundError> {
    let (scheme, authority, target) = parts(&request.url)?;
    let fields: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_bytes().to_vec()))
        .chain([("content-length".to_owned(), request.body.len().to_string().into_bytes())])
        .collect();
    let fields = Fields::from_list(&fields).map_err(|error| invalid(&error))?;
    let outgoing = OutgoingRequest::new(fields);
    let set = outgoing
        .set_method(&method(&request.method))
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(target)));
    set.map_err(|()| OutboundError::Unavailable("not a request that can be sent".to_owned()))?;
    let body = outgoing.body().map_err(|()| unavailable("no body"))?;
    let patience = patience(authority);
    let options = RequestOptions::new();
    // A time-out that cannot be set is Spin's own.
    let _ = options.set_connect_timeout(Some(patience));
    let _ = options.set_first_byte_timeout(Some(patience));
    let _ = options.set_between_bytes_timeout(Some(patience));
    let answer = handle(outgoing, Some(options)).map_err(refused)?;
    write(&body, &request.body)?;
    OutgoingBody::finish(body, None).map_err(refused)?;
    let late = subscribe_duration(patience);
    wait(&answer.subscribe(), &late)?;
    match answer.get() {
        Some(Ok(Ok(response))) => read(&response, &late),
        Some(Ok(Err(error))) => Err(refused(error)),
        Some(Err(())) | None => Err(unavailable("the response was taken before")),
    }
}

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), OutboundError> {
    let stream = body.write().map_err(|()| unavailable("the body was taken before"))?;
    for chunk in bytes.chunks(CHUNK_BYTES) {
        stream.blocking_write_and_flush(chunk).map_err(|error| unavailable(&error.to_string()))?;
    }
    Ok(())
}

/// Waits for one thing, or until it is too late for all of the exchange: the whole instance waits.
fn wait(ready: &Pollable, late: &Pollable) -> Result<(), OutboundError> {
    let first = poll(&[ready, late]);
    if first.contains(&0) { Ok(()) } else { Err(unavailable("no whole answer in time")) }
}

fn read(response: &IncomingResponse, late: &Pollable) -> Result<HttpResponse, OutboundError> {
    let headers = response.headers().entries().into_iter();
    let headers = headers.map(|(name, value)| {
        (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned())
    });
    let (status, headers): (_, Vec<_>) = (response.status(), headers.collect());
    if headers.iter().any(|(name, value)| name == "content-type" && value.starts_with(STREAM)) {
        return Err(unavailable("the answer is a stream"));
    }
    let incoming = response.consume().map_err(|()| unavailable("the body was taken before"))?;
    Ok(HttpResponse { status, headers, body: drain(&incoming, late)? })
}

fn drain(incoming: &IncomingBody, late: &Pollable) -> Result<Vec<u8>, OutboundError> {
    let stream = incoming.stream().map_err(|()| unavailable("the body was taken before"))?;
    let mut body = Vec::new();
    loop {
        wait(&stream.subscribe(), late)?;
        match stream.read(CHUNK_BYTES as u64) {
            Ok(chunk) => body.extend(chunk),
            Err(StreamError::Closed) => return Ok(body),
            Err(error) => return Err(unavailable(&error.to_string())),
        }
        if body.len() > RESPONSE_MAX_BYTES {
            return Err(unavailable("the response is too large"));
        }
    }
}

/// Scheme, authority and target of an absolute URL.
fn parts(url: &str) -> Result<(Scheme, &str, &str), OutboundError> {
    let split = url.split_once("://").and_then(|(scheme, rest)| {
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        Some((scheme, authority, if target.is_empty() { "/" } else { target }))
    });
    split.ok_or_else(|| unavailable("not an absolute URL of http or https"))
}

/// How long a whole answer may take, in nanoseconds.
fn patience(authority: &str) -> u64 {
    let host = authority.split(':').next().unwrap_or_default();
    if ports::neighbour(host).is_some() { NEIGHBOUR_MAX_NS } else { ANSWER_MAX_NS }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn refused(error: ErrorCode) -> OutboundError {
    match error {
        ErrorCode::HttpRequestDenied => {
            OutboundError::Forbidden("allowed_outbound_hosts does not name it".to_owned())
        }
        error => OutboundError::Unavailable(error.to_string()),
    }
}

fn invalid(error: &dyn std::fmt::Display) -> OutboundError {
    OutboundError::Unavailable(error.to_string())
}

fn unavailable(why: &str) -> OutboundError {
    OutboundError::Unavailable(why.to_owned())
}

/// As the project's own host.
const ANSWER_MAX_NS: u64 = 5_000_000_000;
/// As long as a picture may take on the project's own host (docs/adr/0049).
const NEIGHBOUR_MAX_NS: u64 = 30_000_000_000;
/// What one write may take (wasi:io).
const CHUNK_BYTES: usize = 4_096;
/// What would go on as long as it is waited for.
const STREAM: &str = "text/event-stream";
/// As the project's own host.
const RESPONSE_MAX_BYTES: usize = 10 << 20;
