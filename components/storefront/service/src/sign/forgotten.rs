//! A new password for who forgot the old one: first a letter, then the code in it.

use askama::Template;
use ports::Ports;
use serde_json::json;
use web::{Exchange, Problem, Response};

use super::{Refused, later, letters};
use crate::form::Form;
use crate::page::{self, Frame};
use crate::show;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "password.html")]
struct Forgotten<'a> {
    frame: Frame<'a>,
    refused: Refused,
    typed: Typed<'a>,
    /// Where letters are in development.
    letters: Option<String>,
}

/// What stands in the form, apart from secrets.
struct Typed<'a> {
    email: &'a str,
    code: &'a str,
    /// The letter was asked for.
    has_letter: bool,
}

/// `GET /password`.
pub(crate) async fn password_form<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let email = page::parameter(exchange.request, "email");
    let has_letter = page::parameter(exchange.request, "step") == "code";
    let typed = Typed { email: &email, code: "", has_letter };
    shown(ports, exchange, &visit, typed, Refused::nothing())
}

/// `POST /password`.
pub(crate) async fn password<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let (email, code) = (form.get("email"), form.get("code"));
    let has_letter = form.get("step") == "code";
    let api = visit.api(ports, exchange.request);
    let (answer, onward) = if has_letter {
        let body = json!({ "email": email, "code": code, "password": form.raw("password") });
        (api.post("/v1/passwords/reset", &body).await?, "/sign-in?done=password")
    } else {
        let answer = api.post("/v1/passwords/forgot", &json!({ "email": email })).await?;
        (answer, "/password?done=sent&step=code")
    };
    if answer.is_done() {
        return Ok(page::go(&visit, format!("{onward}&email={}", show::encoded(email))));
    }
    let typed = Typed { email, code, has_letter };
    shown(ports, exchange, &visit, typed, Refused::by("password", &answer))
}

fn shown<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    typed: Typed<'_>,
    refused: Refused,
) -> Result<Response, Problem> {
    let (status, again) = (refused.status(), refused.again());
    let frame = Frame::of(visit, "A new password").after(exchange.request.query());
    let letters = letters(ports, typed.email);
    let shown = Forgotten { frame, refused, typed, letters };
    Ok(later(page::page(status, visit, &shown)?, again))
}
