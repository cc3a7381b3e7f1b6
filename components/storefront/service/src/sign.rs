//! Coming and going.

mod forgotten;
mod provider;
mod refused;
mod up;

use askama::Template;
use ports::Ports;
use serde_json::json;
use web::{Exchange, Problem, Response};

use crate::api::{Body, Change, Refusal};
use crate::form::Form;
use crate::page::{self, Frame};
use crate::visit::Visit;
use crate::{sell, show};

pub(crate) use forgotten::{password, password_form};
pub(crate) use provider::{back, by_provider};
pub(crate) use refused::Refused;
pub(crate) use up::{confirm, confirm_form, sign_up, up_form};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct In<'a> {
    frame: Frame<'a>,
    refused: Refused,
    email: &'a str,
    next: &'a str,
    /// A one-time code is asked for.
    wants_otp: bool,
    providers: Vec<provider::Way>,
    /// The form of the session that is over.
    kept: Option<&'a Form>,
}

/// What stands in the form to sign in, apart from secrets.
#[derive(Clone, Copy, Default)]
struct Typed<'a> {
    email: &'a str,
    next: &'a str,
    wants_otp: bool,
    kept: Option<&'a Form>,
}

/// `GET /sign-in`.
pub(crate) async fn in_form<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let email = page::parameter(exchange.request, "email");
    let next = page::parameter(exchange.request, "next");
    if visit.person.is_some() {
        return Ok(page::go(&visit, within(&next)));
    }
    let typed = Typed { email: &email, next: within(&next), ..Typed::default() };
    in_page(ports, exchange, &visit, typed, Refused::nothing())
}

/// `POST /sign-in`. Whether a one-time code is wanted the API says after it has seen the password,
/// which is then typed once more: no page ever shows one.
pub(crate) async fn sign_in<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let mut visit = Visit::of(ports, exchange).await?;
    let form = Form::typed(ports, exchange)?;
    let (email, next) = (form.get("email"), within(form.get("next")));
    let kept = form.carries();
    // Signed in elsewhere meanwhile, or this answer loaded again: what was typed is only shown.
    if visit.person.is_some() && kept.is_some() {
        return onward(ports, exchange, &visit, next, kept).await;
    }
    form.admit(&visit)?;
    let otp = code(&form, "otp");
    let body = json!({ "email": email, "password": form.raw("password"), "otp": otp });
    let answer = visit.api(ports, exchange.request).post("/v1/sessions", &body).await?;
    if answer.is_done() {
        visit.sign_in(ports, &answer.json()?).await;
        return onward(ports, exchange, &visit, next, kept).await;
    }
    let refused = Refused::by(IN, &answer);
    let wants_otp = otp.is_some() || refused.is("otp_required");
    let typed = Typed { email, next, wants_otp, kept: kept.as_ref() };
    in_page(ports, exchange, &visit, typed, refused)
}

/// The form to sign in, in place of a form whose session is over: it carries on what was typed.
pub(crate) fn over<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    next: &str,
    form: &Form,
) -> Result<Response, Problem> {
    let typed = Typed { next, kept: Some(form), ..Typed::default() };
    let refused = Refused::because(IN, Refusal::of(401, "unauthenticated", OVER));
    in_page(ports, exchange, visit, typed, refused)
}

/// To where somebody was going, or to the form that was typed into there.
async fn onward<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    next: &str,
    kept: Option<Form>,
) -> Result<Response, Problem> {
    let Some(typed) = kept else { return Ok(page::go(visit, next)) };
    // A problem would be told to who visited before, and without the new cookies.
    let shown = sell::resume(ports, exchange, visit, next, typed).await;
    Ok(shown.unwrap_or_else(|_| page::go(visit, next)))
}

/// `POST /sign-out`. The browser forgets its tokens even where the API cannot be told.
pub(crate) async fn sign_out<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let mut visit = Visit::of(ports, exchange).await?;
    Form::of(ports, exchange, &visit).await?;
    let is_over = is_ended(ports, exchange, &visit).await;
    visit.sign_out(ports).await;
    Ok(page::go(&visit, if is_over { "/?done=bye" } else { "/?done=bye-here" }))
}

/// Ends the session at the API. Did it hear of that, or is there none?
async fn is_ended<P: Ports>(ports: &P, exchange: &Exchange<'_>, visit: &Visit) -> bool {
    if visit.person.is_none() {
        return !visit.has_session();
    }
    let (method, target, body) = ("DELETE", "/v1/sessions/current", Body::None);
    let change = Change { method, target, key: None, matching: None, body };
    let answer = visit.api(ports, exchange.request).change(change).await;
    answer.is_ok_and(|answer| answer.is_done())
}

fn in_page<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    typed: Typed<'_>,
    refused: Refused,
) -> Result<Response, Problem> {
    let Typed { email, next, wants_otp, kept } = typed;
    let frame = Frame::of(visit, "Sign in").after(exchange.request.query());
    let providers = provider::ways(ports, if kept.is_some() { ELSEWHERE } else { next });
    let (status, again) = (refused.status(), refused.again());
    let shown = In { frame, refused, email, next, wants_otp, providers, kept };
    Ok(later(page::page(status, visit, &shown)?, again))
}

impl In<'_> {
    /// What was typed waits in this tab, so links that lead away open another.
    fn tab(&self) -> &'static str {
        if self.kept.is_some() { " target=\"_blank\"" } else { "" }
    }
}

/// A response, with when to try again.
pub(crate) fn later(response: Response, seconds: Option<String>) -> Response {
    match seconds {
        Some(seconds) => response.with("retry-after", seconds),
        None => response,
    }
}

/// A code as people type it; none where the field is empty.
pub(crate) fn code(form: &Form, name: &str) -> Option<String> {
    let code: String = form.get(name).chars().filter(|char| !char.is_whitespace()).collect();
    (!code.is_empty()).then_some(code)
}

/// Where to go after signing in, as it can stand in a header.
fn within(next: &str) -> &str {
    if next.bytes().all(|byte| byte.is_ascii_graphic()) { page::within(next) } else { "/" }
}

/// Where letters can be read that were not sent; none outside development.
fn letters<P: Ports>(ports: &P, email: &str) -> Option<String> {
    let is_on = ports.variable("development").as_deref() == Some("true");
    is_on.then(|| format!("/_dev/mail?to={}", show::encoded(email)))
}

/// The name of the form to sign in.
const IN: &str = "in";
/// Where a provider leads who signs in in another tab.
const ELSEWHERE: &str = "/?done=elsewhere";
const OVER: &str = "You were signed out meanwhile, so nothing was done yet. Nothing that you typed \
    is lost: sign in, and it is there.";
