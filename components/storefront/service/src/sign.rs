//! Coming and going.

mod forgotten;
mod provider;
mod refused;
mod up;

use askama::Template;
use ports::Ports;
use serde_json::json;
use web::{Exchange, Problem, Response};

use crate::api::{Body, Change};
use crate::form::Form;
use crate::page::{self, Frame};
use crate::show;
use crate::visit::Visit;

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
}

/// What stands in the form to sign in, apart from secrets.
#[derive(Clone, Copy, Default)]
struct Typed<'a> {
    email: &'a str,
    next: &'a str,
    wants_otp: bool,
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
    let typed = Typed { email: &email, next: within(&next), wants_otp: false };
    in_page(ports, exchange, &visit, typed, Refused::nothing())
}

/// `POST /sign-in`. Whether a one-time code is wanted the API says after it has seen the password,
/// which is then typed once more: no page ever shows one.
pub(crate) async fn sign_in<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let mut visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let (email, next) = (form.get("email"), within(form.get("next")));
    let otp = code(&form, "otp");
    let body = json!({ "email": email, "password": form.raw("password"), "otp": otp });
    let answer = visit.api(ports, exchange.request).post("/v1/sessions", &body).await?;
    if answer.is_done() {
        visit.sign_in(ports, &answer.json()?).await;
        return Ok(page::go(&visit, next));
    }
    let refused = Refused::by(IN, &answer);
    let wants_otp = otp.is_some() || refused.is("otp_required");
    in_page(ports, exchange, &visit, Typed { email, next, wants_otp }, refused)
}

/// `POST /sign-out`. The browser forgets its tokens even where the API cannot be told.
pub(crate) async fn sign_out<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let mut visit = Visit::of(ports, exchange).await?;
    Form::of(ports, exchange, &visit).await?;
    if visit.person.is_some() {
        let (method, target, body) = ("DELETE", "/v1/sessions/current", Body::None);
        let change = Change { method, target, key: None, matching: None, body };
        drop(visit.api(ports, exchange.request).change(change).await);
    }
    visit.sign_out(ports).await;
    Ok(page::go(&visit, "/?done=bye"))
}

fn in_page<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    typed: Typed<'_>,
    refused: Refused,
) -> Result<Response, Problem> {
    let Typed { email, next, wants_otp } = typed;
    let frame = Frame::of(visit, "Sign in").after(exchange.request.query());
    let providers = provider::ways(ports, next);
    let (status, again) = (refused.status(), refused.again());
    let shown = In { frame, refused, email, next, wants_otp, providers };
    Ok(later(page::page(status, visit, &shown)?, again))
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
