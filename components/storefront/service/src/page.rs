//! What all pages have in common: frame, policy, problems.

use std::any::Any;

use askama::Template;
use ports::Ports;
use serde::Deserialize;
use web::{Problem, Request, Response};

use crate::assets;
use crate::visit::Visit;

/// What the frame of every page shows.
pub(crate) struct Frame<'a> {
    pub(crate) title: String,
    pub(crate) visit: &'a Visit,
    /// Below it lie style and scripts.
    pub(crate) assets: &'static str,
    /// A sentence about what was done just now.
    pub(crate) notice: &'static str,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame<'a>,
    status: u16,
    title: &'a str,
    detail: &'a str,
    request_id: &'a str,
}

#[derive(Deserialize)]
struct ProblemDocument<'a> {
    status: u16,
    title: &'a str,
    detail: std::borrow::Cow<'a, str>,
    #[serde(default)]
    request_id: &'a str,
}

impl<'a> Frame<'a> {
    /// The frame of a page with that title.
    pub(crate) fn of(visit: &'a Visit, title: impl Into<String>) -> Self {
        Self { title: title.into(), visit, assets: assets::folder(), notice: "" }
    }

    /// With the sentence of what a redirect says was done.
    #[must_use]
    pub(crate) fn after(mut self, query: &str) -> Self {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let done = pairs.find(|(name, _)| name == "done").map(|(_, value)| value);
        let known = done.and_then(|done| NOTICES.iter().find(|(code, _)| *code == done));
        self.notice = known.map_or("", |(_, sentence)| sentence);
        self
    }
}

/// A page. One that says what went wrong says so in its title, the first thing that is read out.
pub(crate) fn page(status: u16, visit: &Visit, page: &impl Template) -> Result<Response, Problem> {
    let is_refusal: &dyn Any = &(status >= 400);
    let body = page.render_with_values(&("is_refusal", is_refusal));
    let body = body.map_err(|_| Problem::internal())?.into_bytes();
    let response = Response { body, ..Response::empty(status) };
    Ok(visit.keep(guarded(response.with("content-type", "text/html; charset=utf-8"))))
}

/// After a form: to a page that can be loaded again without sending it again.
pub(crate) fn go(visit: &Visit, target: impl Into<String>) -> Response {
    visit.keep(Response::empty(303).with("location", target.into()))
}

/// To the form to sign in, and back from it. Who seems to be signed in has a token that the API
/// takes no longer; with it the form would lead straight back.
pub(crate) fn to_sign_in(visit: &Visit, back: &str) -> Response {
    let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
    visit.keep_but_token(Response::empty(303).with("location", format!("/sign-in?next={back}")))
}

/// Where a page may send whoever has signed in: within this site.
pub(crate) fn within(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = !next.contains(['\\', '\r', '\n', '\t']) && next.len() <= NEXT_MAX_BYTES;
    if is_path && is_plain { next } else { "/" }
}

/// A query parameter; empty when there is none.
pub(crate) fn parameter(request: &Request, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(request.query().as_bytes());
    pairs.find(|(known, _)| known == name).map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Is it a problem document?
pub(crate) fn is_problem(response: &Response) -> bool {
    response.header("content-type") == Some("application/problem+json")
}

/// A problem for a script, with the cookies of a session that was renewed on the way: whoever loses
/// them is signed out the next time. Within seconds the API renews it to the same tokens again.
pub(crate) async fn keeping<P: Ports>(
    ports: &P,
    request: &Request,
    response: Response,
) -> Response {
    if response.header("set-cookie").is_some() {
        return response;
    }
    match Visit::begun(ports, request).await {
        Ok(visit) => visit.keep(response),
        Err(_) => response,
    }
}

/// The page that says what a problem document says.
pub(crate) async fn of_problem<P: Ports>(
    ports: &P,
    request: &Request,
    response: Response,
) -> Response {
    let Ok(document) = serde_json::from_slice::<ProblemDocument<'_>>(&response.body) else {
        return response;
    };
    // Who cannot be known now is nobody.
    let Ok(visit) = Visit::begun(ports, request).await else { return response };
    let ProblemDocument { status, title, detail, request_id } = document;
    let frame = Frame::of(&visit, title);
    let shown = ProblemPage { frame, status, title, detail: &detail, request_id };
    let Ok(made) = page(status, &visit, &shown) else { return response };
    let kept = ["retry-after", "allow", "x-request-id", "cache-control", "x-content-type-options"];
    response
        .headers
        .iter()
        .filter(|(name, _)| kept.contains(name))
        .fold(made, |made, (name, value)| made.with(name, value.clone()))
}

/// Robots may read what is public; the rest is of no use to them.
pub(crate) fn robots() -> Response {
    let text = "User-agent: *\nDisallow: /account\nDisallow: /my/\nDisallow: /sell$\n\
        Disallow: /sell?\nDisallow: /sell/\n\
        Disallow: /sign-in\nDisallow: /sign-up\nDisallow: /confirm\nDisallow: /password\n";
    Response { body: text.into(), ..Response::empty(200) }
        .with("content-type", "text/plain; charset=utf-8")
        .with("cache-control", "public, max-age=3600")
}

/// What a page may load and do: what comes from here, no more. The module that checks auctions is
/// compiled from bytes, which is what `wasm-unsafe-eval` means.
pub(crate) fn guarded(response: Response) -> Response {
    response
        .with("content-security-policy", POLICY)
        .with("referrer-policy", "same-origin")
        .with("cross-origin-opener-policy", "same-origin")
        .with("permissions-policy", "camera=(), geolocation=(), microphone=()")
}

const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";
const NEXT_MAX_BYTES: usize = 512;

/// What a page says after a redirect, by the code in its address.
const NOTICES: &[(&str, &str)] = &[
    ("bid", "Your bid stands."),
    ("bought", "It is yours."),
    ("retracted", "Your bid is taken back."),
    ("watching", "You watch this auction."),
    ("unwatched", "You no longer watch this auction."),
    ("accepted", "You accepted the offer: it is yours."),
    ("declined", "You declined the offer."),
    ("listed", "Your auction is listed."),
    ("changed", "The change is made."),
    ("picture", "The picture is there."),
    ("no-picture", "The picture is gone."),
    ("cancelled", "The auction is cancelled."),
    ("added", "It stands below the description now."),
    ("reserve", "The reserve is lower now."),
    ("deleted", "The listing is gone."),
    ("blocked", "That bidder cannot bid here any more."),
    ("unblocked", "That bidder can bid here again."),
    ("bids-cancelled", "The bids of that bidder no longer count."),
    ("offered", "The offer is made."),
    ("confirmed", "Your address is confirmed. Sign in."),
    ("password", "The new password is set. Sign in with it."),
    ("sent", "If we know that address, a letter with a code is on its way."),
    ("new-password", "Your password is changed. Other devices are signed out."),
    ("name", "Your name is changed."),
    ("letters", "Your letters are set."),
    ("second-factor", "The second factor is on."),
    ("no-second-factor", "The second factor is off."),
    ("device", "That device is signed out. What is open there ends within ten minutes."),
    ("everywhere", "You are signed out everywhere."),
    ("erased", "Your account is erased."),
    ("welcome", "You are signed in."),
    ("elsewhere", "You are signed in. What you typed waits in the other tab."),
    ("bye", "You are signed out."),
    (
        "bye-here",
        "You are signed out in this browser. The session itself could not be ended: unless it is \
         used elsewhere it ends by itself within 30 days. To end it at once, sign in a little \
         later and choose \u{201c}Sign out everywhere\u{201d} in your account.",
    ),
];
