//! The buttons of the page: forms that return dead letters or delete them.
//!
//! Nobody signs in at the operator address, so a page from elsewhere must not be able to press
//! them: a form has to come from here by the browser's word, and to carry what this page alone
//! shows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use subtle::ConstantTimeEq as _;

use super::page::{self, Outcome};
use super::queues::{self, Refusal};
use crate::clock::{Seed, World};
use crate::http::Body;
use crate::queues::{Queues, Which};

/// The path of all forms; `/<component>/<topic>/redrive` or `/purge` follows.
pub(super) const PATH: &str = "/queues";

/// Tells forms of this page from forged ones.
pub(crate) struct Guard {
    token: String,
}

impl Guard {
    /// A guard with a token of its own.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new(world: &dyn World) -> std::io::Result<Self> {
        let mut seed = Seed::default();
        world.fill(&mut seed)?;
        Ok(Self { token: URL_SAFE_NO_PAD.encode(seed) })
    }

    /// What every form of the page carries.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    fn knows(&self, shown: &str) -> bool {
        self.token.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// What a form says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Form {
    token: String,
    ids: Vec<String>,
    is_sure: bool,
}

/// Answers a request whose path begins with [`PATH`].
pub(super) async fn answer(
    queues: &Queues,
    guard: &Guard,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    match act(queues, guard, parts, body).await {
        Ok(outcome) => see_other(outcome),
        Err((status, code, detail)) => {
            let mut response = page::refused(status, code, &detail);
            if status == StatusCode::METHOD_NOT_ALLOWED {
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            response
        }
    }
}

async fn act(
    queues: &Queues,
    guard: &Guard,
    parts: &Parts,
    body: &[u8],
) -> Result<Outcome, Refusal> {
    let rest = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    let [component, topic, action @ ("redrive" | "purge")] = segments.as_slice() else {
        return Err(queues::not_found());
    };
    if parts.method != Method::POST {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Err((status, "method_not_allowed", "A form is sent with POST.".to_owned()));
    }
    let form = checked(guard, parts, body)?;
    let name = format!("{component}/{topic}");
    let which = if form.ids.is_empty() { Which::All } else { Which::Ids(form.ids) };
    match *action {
        "redrive" => queues::redriven(queues, &name, which).await.map(Outcome::Redriven),
        _ if !form.is_sure => {
            let detail = "Dead letters are deleted for good: tick the box beside the button.";
            Err((StatusCode::BAD_REQUEST, "invalid_request", detail.to_owned()))
        }
        _ => queues::purged(queues, &name, which).await.map(Outcome::Purged),
    }
}

/// The form, if it is one and comes from the page.
fn checked(guard: &Guard, parts: &Parts, body: &[u8]) -> Result<Form, Refusal> {
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type.is_none_or(|content_type| !content_type.starts_with(FORM)) {
        let (status, code) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
        return Err((status, code, "Use the buttons of the page.".to_owned()));
    }
    let is_from_here = is_from_here(&parts.uri, &parts.headers);
    let form = read(body).filter(|form| is_from_here && guard.knows(&form.token));
    form.ok_or_else(|| {
        tracing::warn!(path = parts.uri.path(), is_from_here, "a form was refused");
        let detail = "This form does not come from the page as it is now, so nothing was changed. \
                      Load the page again and use its buttons.";
        (StatusCode::FORBIDDEN, "forged_form", detail.to_owned())
    })
}

/// None for what the page does not send.
fn read(body: &[u8]) -> Option<Form> {
    let mut form = Form::default();
    for (name, value) in form_urlencoded::parse(body) {
        match (&*name, &*value) {
            ("token", value) if form.token.is_empty() => value.clone_into(&mut form.token),
            ("id", value) => form.ids.push(value.to_owned()),
            ("sure", "yes") => form.is_sure = true,
            _ => return None,
        }
    }
    Some(form)
}

/// By the browser's word: it says of every request from which site it comes, or, where the address
/// is neither local nor HTTPS, only from which origin a form is sent.
fn is_from_here(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").into_iter();
    match (sites.next(), sites.next()) {
        (None, _) => is_own_origin(uri, headers),
        (Some(site), None) => site == "same-origin",
        (Some(_), Some(_)) => false,
    }
}

fn is_own_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let origin = origin.to_str().unwrap_or_default();
    let plain = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let said = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let called = said.or_else(|| uri.authority().map(|authority| authority.as_str()));
    plain.zip(called).is_some_and(|(origin, called)| origin.eq_ignore_ascii_case(called))
}

/// Back to the page, which says what was done. Loading it again does not do it again.
fn see_other(outcome: Outcome) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let place = HeaderValue::try_from(outcome.place());
    let place = place.unwrap_or_else(|_| HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, place);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
