//! The visitor's account: one page of forms, each of which changes one thing.

mod actions;
mod devices;
mod factor;

use std::collections::BTreeMap;

use askama::Template;
use ports::Ports;
use web::{Exchange, Problem, Response};

use crate::api::{Me, Refusal};
use crate::form::Form;
use crate::page::{self, Frame};
use crate::show;
use crate::sign::{Refused, later};
use crate::visit::Visit;
use actions::{Act, Came};
use devices::Device;

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'a> {
    frame: Frame<'a>,
    refused: Refused,
    me: &'a Me,
    /// The name as it was typed.
    display_name: &'a str,
    /// Which state of the account the page shows.
    tag: &'a str,
    /// Kinds of letters: code, words, whether they are sent. None where nobody can say now.
    letters: Option<Vec<(&'static str, &'static str, bool)>>,
    /// Where the visitor is signed in. None where nobody can say now.
    devices: Option<Vec<Device>>,
}

/// `GET /account`.
pub(crate) async fn show<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    if visit.person.is_none() {
        return Ok(page::to_sign_in(&visit, HERE));
    }
    shown(ports, exchange, &visit, Refused::nothing(), None).await
}

/// `POST /account`: the field `do` says what.
pub(crate) async fn change<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let mut visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    if visit.person.is_none() {
        return Ok(page::to_sign_in(&visit, HERE));
    }
    let act = Act { ports, exchange, form: &form };
    match act.run(&mut visit).await? {
        Came::Done(sentence) => Ok(page::go(&visit, format!("{HERE}?done={sentence}"))),
        Came::Out(sentence) => {
            visit.sign_out(ports).await;
            Ok(page::go(&visit, format!("/?done={sentence}")))
        }
        Came::Page(response) => Ok(response),
        // The session has ended elsewhere.
        Came::Refused(refused) if refused.is("unauthenticated") => {
            Ok(page::to_sign_in(&visit, HERE))
        }
        Came::Refused(refused) => {
            let name = form.has("display_name").then(|| form.get("display_name"));
            shown(ports, exchange, &visit, refused, name).await
        }
    }
}

/// `GET /account/export`: the file that the API makes.
pub(crate) async fn export<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let visit = Visit::of(ports, exchange).await?;
    if visit.person.is_none() {
        return Ok(page::to_sign_in(&visit, HERE));
    }
    let answer = visit.api(ports, exchange.request).get("/v1/me/export").await?;
    if !answer.is_done() {
        return gone(&visit, answer.refusal());
    }
    let response = Response { body: answer.into_body(), ..Response::empty(200) };
    let response = response
        .with("content-type", "application/json")
        .with("content-disposition", "attachment; filename=\"ecomauction-account.json\"");
    Ok(visit.keep(page::guarded(response)))
}

async fn shown<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    refused: Refused,
    name: Option<&str>,
) -> Result<Response, Problem> {
    let api = visit.api(ports, exchange.request);
    let answer = api.get("/v1/me").await?;
    if !answer.is_done() {
        return gone(visit, answer.refusal());
    }
    let me: Me = answer.json()?;
    let switched = api.get(LETTERS_TARGET).await.ok().filter(|answer| answer.is_done());
    let switched = switched.and_then(|answer| answer.json::<BTreeMap<String, bool>>().ok());
    let is_on = |on: &BTreeMap<String, bool>, kind| on.get(kind).copied().unwrap_or(true);
    let letters = switched
        .map(|on| LETTERS.iter().map(|(kind, words)| (*kind, *words, is_on(&on, *kind))).collect());
    let devices = devices::of(&api).await;
    let (status, again) = (refused.status(), refused.again());
    let account = Account {
        frame: Frame::of(visit, "Your account").after(exchange.request.query()),
        refused,
        display_name: name.unwrap_or(&me.display_name),
        tag: answer.header("etag").unwrap_or_default(),
        letters,
        devices,
        me: &me,
    };
    Ok(later(page::page(status, visit, &account)?, again))
}

/// Somebody whose token is good for nothing any longer signs in again.
fn gone(visit: &Visit, refusal: Refusal) -> Result<Response, Problem> {
    if refusal.status == 401 {
        Ok(page::to_sign_in(visit, HERE))
    } else {
        Err(refusal.into_problem())
    }
}

const HERE: &str = "/account";
const LETTERS_TARGET: &str = "/v1/me/notifications/preferences";
/// Kinds of letters, as they complete "letters about …".
const LETTERS: &[(&str, &str)] = &[
    ("outbid", "being outbid"),
    ("ending_soon", "auctions that end soon"),
    ("extended", "auctions whose end has moved"),
    ("won", "auctions that you have won"),
    ("lost", "auctions that somebody else has won"),
    ("cancelled", "auctions that were called off"),
    ("opened", "auctions that open"),
    ("sold", "what you have sold"),
    ("unsold", "what stayed unsold"),
];
