//! One click below a letter: no more of that kind, without signing in (RFC 8058).
//!
//! The token names user and kind under a mac of the platform's, so nothing is stored for letters
//! that nobody answers, and it is good for ever.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Id, kind};
use ports::Ports;
use web::{Exchange, Problem, Response};

use crate::kind::Kind;
use crate::{page, preferences};

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Page {
    style: &'static str,
    about: &'static str,
    is_done: bool,
}

/// The token of a user and a kind of letters.
pub(crate) async fn token<P: Ports>(ports: &P, user: &str, kind: Kind) -> String {
    let mut bytes = named(user, kind);
    let mac = ports.mac(PURPOSE, &bytes).await;
    bytes.extend_from_slice(&mac);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `GET /v1/unsubscribe/{token}`: a page that asks. Programs that follow links change nothing.
pub(crate) async fn ask<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let (_, kind) = opened(ports, exchange).await?;
    page::page(200, &Page { style: page::STYLE, about: kind.about(), is_done: false }, &[])
}

/// `POST /v1/unsubscribe/{token}`: by the button of that page, or by a mail program.
pub(crate) async fn act<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let (user, kind) = opened(ports, exchange).await?;
    if !is_one_click(&exchange.request.body) {
        let detail = "Send the form List-Unsubscribe=One-Click (RFC 8058).";
        return Err(Problem::new(400, "invalid_request", detail));
    }
    preferences::switch(ports, &user, &[(kind, false)]).await?;
    page::page(200, &Page { style: page::STYLE, about: kind.about(), is_done: true }, &[])
}

/// Whose letters of which kind; 404 for a token that was not made here.
async fn opened<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<(String, Kind), Problem> {
    exchange.no_parameters()?;
    let token = exchange.parameter("token");
    let known = parse(ports, token).await;
    known.ok_or_else(Problem::not_found)
}

async fn parse<P: Ports>(ports: &P, token: &str) -> Option<(String, Kind)> {
    if token.len() > TOKEN_MAX_CHARS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (named, mac) = bytes.split_last_chunk::<MAC_BYTES>()?;
    let expected = ports.mac(PURPOSE, named).await;
    // All of it is compared, so that time tells nothing about where it differs.
    let differs = expected.iter().zip(mac).fold(0, |differs, (one, other)| differs | (one ^ other));
    if differs != 0 {
        return None;
    }
    let (user, kind) = core::str::from_utf8(named).ok()?.split_once('|')?;
    user.parse::<Id<kind::User>>().ok()?;
    Some((user.to_owned(), Kind::parse(kind)?))
}

fn named(user: &str, kind: Kind) -> Vec<u8> {
    format!("{user}|{}", kind.as_str()).into_bytes()
}

/// As either kind of form: who sends it holds the token already, the field only keeps scanners of
/// links apart from readers.
fn is_one_click(body: &[u8]) -> bool {
    let is_field = |name: &str, value: &str| name == FIELD && value == "One-Click";
    let mut pairs = form_urlencoded::parse(body);
    if pairs.any(|(name, value)| is_field(&name, &value)) {
        return true;
    }
    let text = core::str::from_utf8(body).unwrap_or_default();
    let mut parts = text.split("\r\n\r\n");
    let has_name = parts.next().is_some_and(|head| head.contains("name=\"List-Unsubscribe\""));
    has_name && parts.next().is_some_and(|rest| rest.lines().next() == Some("One-Click"))
}

const PURPOSE: &str = "notifications.unsubscribe";
const FIELD: &str = "List-Unsubscribe";
const MAC_BYTES: usize = 32;
const TOKEN_MAX_CHARS: usize = 256;
