//! How much of a request is taken in: what everyone may send, and where the manifest says so more,
//! of who is signed in and when it is its turn.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Incoming;

use super::body::{self, BodyError};
use super::server::body_refusal;
use super::{Body, HttpLimits};
use crate::services::{Service, Turn};

/// A request's body, and the turn at which the request may run.
pub(super) struct Taken {
    pub(super) body: Bytes,
    pub(super) turn: Option<Turn>,
}

/// Why a request is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Its body was not read.
    Body(BodyError),
    /// So large a body is taken of who is signed in.
    Unauthenticated,
    /// Too many write at once.
    Overloaded,
}

/// Reads the body within the bounds of the component.
pub(super) async fn take(
    service: &Service,
    parts: &Parts,
    mut incoming: Incoming,
    limits: &HttpLimits,
) -> Result<Taken, Refused> {
    let read = async |most, patience| body::read_from(&mut incoming, most, patience).await;
    let taken = take_by(service, parts, limits, read).await;
    let takes_much = service.platform().bounds.body_max_bytes.is_some();
    if takes_much
        && matches!(taken, Err(Refused::Body(BodyError::TooLarge) | Refused::Unauthenticated))
    {
        body::let_go_by(&mut incoming).await;
    }
    taken
}

/// The same for a body that another component sends: it is here already.
pub(super) async fn take_whole(
    service: &Service,
    parts: &Parts,
    whole: Bytes,
) -> Result<Taken, Refused> {
    let read = async |most, _| body::within(whole, most);
    take_by(service, parts, &HttpLimits::default(), read).await
}

async fn take_by(
    service: &Service,
    parts: &Parts,
    limits: &HttpLimits,
    read: impl AsyncFnOnce(usize, (Duration, Duration)) -> Result<Bytes, BodyError>,
) -> Result<Taken, Refused> {
    let bounds = &service.platform().bounds;
    let is_read = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let usual = limits.body_max_bytes;
    let Some(writes) = service.writes.as_ref().filter(|_| !is_read && is_known(service, parts))
    else {
        return match read(usual, (limits.body_timeout, limits.body_timeout)).await {
            Ok(body) => Ok(Taken { body, turn: None }),
            Err(BodyError::TooLarge) if !is_read && bounds.body_max_bytes.is_some() => {
                Err(Refused::Unauthenticated)
            }
            Err(error) => Err(Refused::Body(error)),
        };
    };
    let reading = writes.read().await.ok_or(Refused::Overloaded)?;
    let most = bounds.body_max_bytes.unwrap_or(usual);
    let patience = (limits.body_timeout, LARGE_BODY_TIMEOUT);
    let body = read(most, patience).await.map_err(Refused::Body)?;
    let turn = writes.run().await.ok_or(Refused::Overloaded)?;
    drop(reading);
    Ok(Taken { body, turn: Some(turn) })
}

/// Is the caller signed in? The component asks again, and more.
fn is_known(service: &Service, parts: &Parts) -> bool {
    let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = value.and_then(|value| value.split_once(' '));
    let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let vault = &service.platform().shared.vault;
    token.is_some_and(|(_, token)| vault.verify(token.trim()).is_some())
}

impl Refused {
    /// The answer, of whose body `refuse` makes a problem.
    pub(super) fn answer(
        self,
        refuse: impl FnOnce(StatusCode, &'static str, &str) -> Response<Body>,
    ) -> Response<Body> {
        let (status, code, detail) = match self {
            Self::Body(error) => body_refusal(error),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Send a valid access token: Authorization: Bearer …",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "Too many requests at once. Try again in a moment.",
            ),
        };
        let mut response = refuse(status, code, detail);
        let headers = response.headers_mut();
        if self == Self::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // The rest of the body is not read: the connection cannot be used again.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// Ten megabytes over a phone's connection.
const LARGE_BODY_TIMEOUT: Duration = Duration::from_secs(60);
