//! Pictures: sent by a form, or one by one by a script; taken away by a button.
//!
//! Two that are sent at the same moment would find the same place free: a script sends one after
//! the other.

use kernel::limits::PICTURES_MAX;
use ports::Ports;
use serde_json::json;
use web::{Exchange, Problem, Request, Response};

use super::faults::Faults;
use super::manage::{self, Came};
use super::multipart;
use crate::api::{Answer, Api, Auction, Body, Change, Refusal};
use crate::form::{self, Form};
use crate::page;
use crate::room;
use crate::visit::Visit;

/// `POST /sell/{id}/pictures`.
pub(crate) async fn add<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    let request = exchange.request;
    let is_alone = is_picture(request);
    if visit.person.is_none() {
        return nobody(request, &visit, id);
    }
    let (token, picture) = sent(request)?;
    form::admit(ports, request, &visit, token)?;
    let api = visit.api(ports, request);
    let answer = if picture.is_empty() {
        Err(Refusal::of(422, "validation_failed", "Choose a picture first."))
    } else {
        put(&api, &visit, id, picture).await?
    };
    match answer {
        Ok((n, answer)) if answer.is_done() && is_alone => {
            Ok(visit.keep(Response::json(201, &json!({ "position": n }))?))
        }
        Ok((_, answer)) if answer.is_done() => {
            Ok(page::go(&visit, format!("/sell/{id}?done=picture#pictures")))
        }
        Ok((_, answer)) if form::is_from_script(request) => Ok(passed_on(&visit, answer)),
        Ok((_, answer)) => refused(ports, exchange, &visit, &answer.refusal()).await,
        Err(refusal) => refused(ports, exchange, &visit, &refusal).await,
    }
}

/// `POST /sell/{id}/pictures/{n}`.
pub(crate) async fn remove<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let n: u8 = exchange.parameter("n").parse().map_err(|_| Problem::not_found())?;
    let visit = Visit::of(ports, exchange).await?;
    if visit.person.is_none() {
        return nobody(exchange.request, &visit, id);
    }
    Form::of(ports, exchange, &visit).await?;
    let target = format!("/v1/auctions/{id}/pictures/{n}");
    let (method, body) = ("DELETE", Body::None);
    let change = Change { method, target: &target, key: None, matching: None, body };
    let answer = visit.api(ports, exchange.request).change(change).await?;
    if form::is_from_script(exchange.request) {
        return Ok(passed_on(&visit, answer));
    }
    if answer.is_done() {
        return Ok(page::go(&visit, format!("/sell/{id}?done=no-picture#pictures")));
    }
    refused(ports, exchange, &visit, &answer.refusal()).await
}

/// The first place where nothing stands.
fn free(taken: &[u8]) -> Option<u8> {
    (1..=PICTURES_MAX).find(|n| !taken.contains(n))
}

/// The token, and the picture; empty where none was chosen.
fn sent(request: &Request) -> Result<(&str, &[u8]), Problem> {
    if is_picture(request) {
        return Ok((request.header("x-form-token").unwrap_or_default(), &request.body));
    }
    let kind = request.header("content-type").unwrap_or_default();
    let unsupported = |detail| Problem::new(415, "unsupported_media_type", detail);
    if !multipart::is_kind(kind) {
        return Err(unsupported("Send the form of the page, or a picture alone."));
    }
    let parts = multipart::parts(kind, &request.body)
        .ok_or_else(|| unsupported("The form was cut on its way. Send it once more."))?;
    let of = |name: &str| parts.iter().find(|part| part.name == name).map(|part| part.bytes);
    let token = core::str::from_utf8(of("form_token").unwrap_or_default()).unwrap_or_default();
    Ok((token, of("picture").unwrap_or_default()))
}

/// Is the body a picture, as a script sends it?
fn is_picture(request: &Request) -> bool {
    let kind = request.header("content-type").unwrap_or_default();
    kind.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("image/"))
}

async fn put<P: Ports>(
    api: &Api<'_, P>,
    visit: &Visit,
    id: &str,
    picture: &[u8],
) -> Result<Result<(u8, Answer), Refusal>, Problem> {
    let auction: Auction = api.read(&format!("/v1/auctions/{id}")).await?;
    if !visit.is(&auction.seller.id) {
        return Err(manage::forbidden());
    }
    let taken: Vec<u8> = auction.pictures.iter().map(|picture| picture.n).collect();
    let Some(n) = free(&taken) else {
        let detail = format!("An auction has at most {PICTURES_MAX} pictures.");
        return Ok(Err(Refusal::of(422, "validation_failed", &detail)));
    };
    let target = format!("/v1/auctions/{id}/pictures/{n}");
    let (method, body) = ("PUT", Body::Bytes(picture));
    let change = Change { method, target: &target, key: None, matching: None, body };
    Ok(Ok((n, api.change(change).await?)))
}

fn nobody(request: &Request, visit: &Visit, id: &str) -> Result<Response, Problem> {
    if form::is_from_script(request) || is_picture(request) {
        return Err(Problem::new(401, "unauthenticated", "Sign in to send pictures."));
    }
    Ok(page::to_sign_in(visit, &format!("/sell/{id}")))
}

async fn refused<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    refusal: &Refusal,
) -> Result<Response, Problem> {
    if form::is_from_script(exchange.request) {
        let Refusal { status, code, detail, .. } = refusal;
        return Err(Problem::new(*status, code.clone(), detail.clone()));
    }
    if refusal.status == 401 {
        return nobody(exchange.request, visit, room::id(exchange)?);
    }
    let faults = Faults::refused(refusal, &[]).at(|_| "picture");
    let came = Came { status: refusal.status, faults, ..Came::default() };
    manage::render(ports, exchange, visit, came).await
}

/// What the API said, word for word.
fn passed_on(visit: &Visit, answer: Answer) -> Response {
    let status = answer.status();
    let again = answer.header("retry-after").map(str::to_owned);
    let response = Response { body: answer.into_body(), ..Response::empty(status) };
    let response = match status {
        204 => response,
        200..400 => response.with("content-type", "application/json"),
        _ => response.with("content-type", "application/problem+json"),
    };
    let response = visit.keep(response);
    match again {
        Some(seconds) => response.with("retry-after", seconds),
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_place_is_found() {
        for (taken, n) in
            [(&[][..], Some(1)), (&[1, 2], Some(3)), (&[2, 3], Some(1)), (&[1, 3], Some(2))]
        {
            assert_eq!(free(taken), n, "{taken:?}");
        }
        assert_eq!(free(&(1..=PICTURES_MAX).collect::<Vec<_>>()), None);
    }
}
