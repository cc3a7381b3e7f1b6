//! Answering requests of other components of the application, which never were on a wire
//! (docs/adr/0049).

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};

use super::intake::{self, Taken};
use super::server::{failed, inward_headers, outward, request_id};
use super::{Body, problem};
use crate::services::{Service, face};

/// What a client would be answered at the listener; none where that would go on as a stream.
pub(crate) async fn answer_within(
    service: &Service,
    request: Request<Bytes>,
) -> Option<Response<Body>> {
    let (mut parts, body) = request.into_parts();
    let client = stated_address(&parts.headers);
    let request_id = request_id(&parts.headers);
    drop_framing(&mut parts.headers);
    let path = parts.uri.path();
    let refuse = |status, code, detail: &str| problem(status, code, detail, path, &request_id);
    let Taken { body, turn: _turn } = match intake::take_whole(service, &parts, body).await {
        Ok(taken) => taken,
        Err(refused) => return Some(unframed(refused.answer(refuse))),
    };
    let Some((text, ends)) = inward_headers(&parts.headers, &request_id, client) else {
        let detail = "A header value is not UTF-8.";
        return Some(refuse(StatusCode::BAD_REQUEST, "invalid_header", detail));
    };
    let request = face::Request {
        method: parts.method.as_str(),
        target: parts.uri.path_and_query().map_or(path, |target| target.as_str()),
        headers: face::FieldsParam { text: &text, ends: &ends },
        body: &body,
    };
    match service.asked(request).await {
        Ok(response) if response.live.is_some() => None,
        Ok(mut response) => {
            if parts.method == Method::HEAD {
                response.body.clear();
            }
            Some(unframed(outward(response)))
        }
        Err(error) => {
            let (status, code, detail) = failed(service, &error, &request_id, path);
            Some(refuse(status, code, detail))
        }
    }
}

/// For whom the other component asks, as it says itself: nothing from outside gets here.
fn stated_address(headers: &HeaderMap) -> Option<IpAddr> {
    let stated = headers.get("x-client-address")?.to_str().ok()?;
    stated.parse().ok()
}

/// What is about a connection, of which there is none. Spin drops the host, too.
fn drop_framing(headers: &mut HeaderMap) {
    for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::UPGRADE] {
        headers.remove(name);
    }
}

fn unframed(mut response: Response<Body>) -> Response<Body> {
    drop_framing(response.headers_mut());
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (name.parse().unwrap(), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn a_component_says_for_whom_it_asks_or_nobody_does() {
        let stated = |address| stated_address(&headers(&[("x-client-address", address)]));
        assert_eq!(stated("192.0.2.7"), "192.0.2.7".parse().ok());
        assert_eq!(stated("2001:db8::7"), "2001:db8::7".parse().ok());
        for odd in ["", "somebody", "192.0.2.7:80", "192.0.2.7, 192.0.2.8"] {
            assert_eq!(stated(odd), None, "{odd}");
        }
        assert_eq!(stated_address(&HeaderMap::new()), None);
    }

    #[test]
    fn only_what_is_about_a_connection_stays_behind() {
        let mut asked = headers(&[
            ("host", "auctions.spin.internal"),
            ("content-length", "9"),
            ("connection", "close"),
            ("te", "trailers"),
            ("authorization", "Bearer t"),
            ("x-client-address", "192.0.2.7"),
            ("x-request-id", "of the component"),
        ]);
        let client = stated_address(&asked);
        drop_framing(&mut asked);
        let (text, _) = inward_headers(&asked, "id", client).unwrap();
        assert_eq!(text, "authorizationBearer tx-request-ididx-client-address192.0.2.7");
        let (text, ends) = inward_headers(&HeaderMap::new(), "id", None).unwrap();
        assert_eq!((text.as_str(), ends.len()), ("x-request-idid", 2));
    }
}
