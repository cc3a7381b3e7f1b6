//! Signing up: an account, and the code that confirms its address.

use askama::Template;
use ports::Ports;
use serde_json::json;
use web::{Exchange, Problem, Response};

use super::{Refused, code, later, letters, provider};
use crate::form::Form;
use crate::page::{self, Frame};
use crate::show;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "sign-up.html")]
struct Up<'a> {
    frame: Frame<'a>,
    refused: Refused,
    email: &'a str,
    display_name: &'a str,
    providers: Vec<provider::Way>,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm<'a> {
    frame: Frame<'a>,
    refused: Refused,
    email: &'a str,
    /// Where letters are in development.
    letters: Option<String>,
}

/// `GET /sign-up`.
pub(crate) async fn up_form<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let email = page::parameter(exchange.request, "email");
    up_page(ports, &visit, (&email, ""), Refused::nothing())
}

/// `POST /sign-up`.
pub(crate) async fn sign_up<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let (email, display_name) = (form.get("email"), form.get("display_name"));
    let body = json!({
        "email": email, "password": form.raw("password"), "display_name": display_name,
    });
    let answer = visit.api(ports, exchange.request).post("/v1/accounts", &body).await?;
    if answer.is_done() {
        return Ok(page::go(&visit, format!("/confirm?email={}", show::encoded(email))));
    }
    up_page(ports, &visit, (email, display_name), Refused::by("up", &answer))
}

/// `GET /confirm`.
pub(crate) async fn confirm_form<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let email = page::parameter(exchange.request, "email");
    confirm_page(ports, exchange, &visit, &email, Refused::nothing())
}

/// `POST /confirm`: by the code of a letter, or for one more letter.
pub(crate) async fn confirm<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let email = form.get("email");
    let api = visit.api(ports, exchange.request);
    let (answer, onward) = if form.has("again") {
        let answer = api.post("/v1/accounts/resend", &json!({ "email": email })).await?;
        (answer, "/confirm?done=sent")
    } else {
        let body = json!({ "email": email, "code": code(&form, "code").unwrap_or_default() });
        (api.post("/v1/accounts/confirm", &body).await?, "/sign-in?done=confirmed")
    };
    if answer.is_done() {
        return Ok(page::go(&visit, format!("{onward}&email={}", show::encoded(email))));
    }
    confirm_page(ports, exchange, &visit, email, Refused::by("confirm", &answer))
}

fn up_page<P: Ports>(
    ports: &P,
    visit: &Visit,
    (email, display_name): (&str, &str),
    refused: Refused,
) -> Result<Response, Problem> {
    let (status, again) = (refused.status(), refused.again());
    let (frame, providers) = (Frame::of(visit, "Sign up"), provider::ways(ports, "/"));
    let shown = Up { frame, refused, email, display_name, providers };
    Ok(later(page::page(status, visit, &shown)?, again))
}

fn confirm_page<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    email: &str,
    refused: Refused,
) -> Result<Response, Problem> {
    let (status, again) = (refused.status(), refused.again());
    let frame = Frame::of(visit, "Confirm your address").after(exchange.request.query());
    let shown = Confirm { frame, refused, email, letters: letters(ports, email) };
    Ok(later(page::page(status, visit, &shown)?, again))
}
