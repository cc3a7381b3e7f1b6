//! Signing in with another provider: the way there begins at the API, the way back ends here, with
//! a ticket that is good in this browser alone (docs/guide/identity.md).

use askama::Template;
use ports::Ports;
use serde_json::json;
use web::{Exchange, Problem, Response};

use super::{IN, Refused, Typed, code, in_page, later, letters, within};
use crate::api::Refusal;
use crate::form::Form;
use crate::page::{self, Frame};
use crate::show;
use crate::visit::Visit;

/// A way to sign in.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) address: String,
}

#[derive(Template)]
#[template(path = "sign-return.html")]
struct Return<'a> {
    frame: Frame<'a>,
    refused: Refused,
    arrival: &'a Arrival,
    wants_otp: bool,
    /// Where letters are in development.
    letters: Option<String>,
}

/// Who came back, and with what.
struct Arrival {
    next: String,
    /// What signs in.
    ticket: String,
    /// What signs in together with a code by mail; empty where a ticket is enough.
    link: String,
    /// The code by mail, as it was typed.
    code: String,
    otp: Option<String>,
}

/// The ways that the deployer has set up; each leads back to where somebody wants to go.
pub(super) fn ways<P: Ports>(ports: &P, next: &str) -> Vec<Way> {
    let back = match within(next) {
        "/" => BACK.to_owned(),
        next => format!("{BACK}?next={}", show::encoded(next)),
    };
    let back = if back.len() > BACK_MAX_BYTES { BACK } else { &back };
    let is_set_up = |code: &str| {
        let client = ports.variable(&format!("{code}_client_id"));
        client.is_some_and(|client| !client.is_empty())
    };
    let known = PROVIDERS.iter().filter(|(code, _)| is_set_up(code));
    let way = |(code, name): &(&str, &'static str)| {
        let address = format!("/v1/oauth/{code}/start?return_to={}", show::encoded(back));
        Way { name, address }
    };
    known.map(way).collect()
}

/// `GET /sign-in/return`. A ticket signs in at once; it is the API that makes sure that it belongs
/// to this browser.
pub(crate) async fn back<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let mut visit = Visit::of(ports, exchange).await?;
    let word = |name| page::parameter(exchange.request, name);
    let (next, ticket, link) = (word("next"), word("ticket"), word("link"));
    let arrival = Arrival { next, ticket, link, code: String::new(), otp: None };
    if !arrival.link.is_empty() {
        return shown(ports, &visit, &arrival, Refused::nothing());
    }
    if !arrival.ticket.is_empty() {
        return arrive(ports, exchange, &mut visit, &arrival).await;
    }
    let error = word("error");
    let known = ERRORS.iter().find(|(code, ..)| *code == error);
    let (_, status, detail) = known.unwrap_or(&UNKNOWN);
    let refusal = Refusal::of(*status, "provider", detail);
    let typed = Typed { next: within(&arrival.next), ..Typed::default() };
    in_page(ports, exchange, &visit, typed, Refused::because(IN, refusal))
}

/// `POST /sign-in/return`: with the codes that were asked for.
pub(crate) async fn by_provider<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let mut visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let word = |name: &str| form.get(name).to_owned();
    let arrival = Arrival {
        next: word("next"),
        ticket: word("ticket"),
        link: word("link"),
        code: code(&form, "code").unwrap_or_default(),
        otp: code(&form, "otp"),
    };
    arrive(ports, exchange, &mut visit, &arrival).await
}

async fn arrive<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &mut Visit,
    arrival: &Arrival,
) -> Result<Response, Problem> {
    let Arrival { next, ticket, link, code, otp } = arrival;
    let (target, body) = if link.is_empty() {
        ("/v1/oauth/sessions", json!({ "ticket": ticket, "otp": otp }))
    } else {
        ("/v1/oauth/links", json!({ "ticket": link, "code": code, "otp": otp }))
    };
    let answer = visit.api(ports, exchange.request).post_from_browser(target, &body).await?;
    if answer.is_done() {
        visit.sign_in(ports, &answer.json()?).await;
        return Ok(page::go(visit, within(next)));
    }
    let refused = Refused::by(IN, &answer);
    if refused.is("invalid_ticket") {
        let typed = Typed { next: within(next), ..Typed::default() };
        return in_page(ports, exchange, visit, typed, refused);
    }
    shown(ports, visit, arrival, refused)
}

fn shown<P: Ports>(
    ports: &P,
    visit: &Visit,
    arrival: &Arrival,
    refused: Refused,
) -> Result<Response, Problem> {
    let (status, again) = (refused.status(), refused.again());
    let wants_otp = arrival.otp.is_some() || refused.is("otp_required");
    // The API does not say to whom it wrote.
    let (frame, letters) = (Frame::of(visit, "Sign in"), letters(ports, ""));
    let shown = Return { frame, refused, arrival, wants_otp, letters };
    Ok(later(page::page(status, visit, &shown)?, again))
}

const PROVIDERS: &[(&str, &str)] = &[("google", "Google"), ("facebook", "Facebook")];
/// What the API says of a way that led nowhere: the word, a status, a sentence.
const ERRORS: &[(&str, u16, &str)] = &[
    ("access_denied", 403, "You did not let the provider say who you are. Sign in as you like."),
    ("provider_unavailable", 503, "The provider does not answer. Try again in a moment."),
    ("mail_not_verified", 403, "The provider knows no address of yours that it has checked."),
    UNKNOWN,
];
const UNKNOWN: (&str, u16, &str) =
    ("provider_refused", 403, "The provider did not say who you are. Try again.");
/// The page to come back to.
const BACK: &str = "/sign-in/return";
/// The longest way back that the API takes.
const BACK_MAX_BYTES: usize = 1_024;
