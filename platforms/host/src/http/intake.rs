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
    let takes_turns = bounds.writes_at_once_max.is_some() || is_large(parts, usual);
    let may = !is_read && takes_turns && is_known(service, parts);
    let Some(writes) = service.writes.as_ref().filter(|_| may) else {
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

/// May the body be larger than everyone may send?
fn is_large(parts: &Parts, usual: usize) -> bool {
    let declared = parts.headers.get(header::CONTENT_LENGTH).map(HeaderValue::to_str);
    let declared = declared.and_then(|length| length.ok()?.parse::<usize>().ok());
    declared.is_none_or(|length| length > usual)
}

/// Is the caller signed in? The component asks again, and more.
fn is_known(service: &Service, parts: &Parts) -> bool {
    let platform = service.platform();
    let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = value.and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let cookie = platform.bounds.token_cookie.as_ref().and_then(|name| cookie(parts, name));
    let token = bearer.map(|(_, token)| token.trim()).or(cookie);
    token.is_some_and(|token| platform.shared.vault.verify(token).is_some())
}

fn cookie<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    let headers = parts.headers.get_all(header::COOKIE).into_iter();
    let pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().split_once('='));
    let is_it = |known: &str| known.strip_prefix("__Host-").unwrap_or(known) == name;
    values.find(|(known, _)| is_it(known)).map(|(_, value)| value)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_name() {
        let request = http::Request::get("/").header("cookie", "a=1; __Host-token=x.y; b=2");
        let parts = request.body(()).unwrap().into_parts().0;
        assert_eq!(cookie(&parts, "token"), Some("x.y"));
        assert_eq!((cookie(&parts, "b"), cookie(&parts, "oken")), (Some("2"), None));
    }

    #[test]
    fn what_declares_no_length_may_be_large() {
        let of = |length: &str| {
            let request = http::Request::post("/").header("content-length", length);
            request.body(()).unwrap().into_parts().0
        };
        assert!(!is_large(&of("10"), 10) && is_large(&of("11"), 10) && is_large(&of("x"), 10));
    }
}
