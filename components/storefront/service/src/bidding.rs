//! What is done in the room. A script gets what the API said; a form gets the room again.

use ports::Ports;
use serde_json::{Value, json};
use web::{Exchange, Problem, Response};

use crate::api::{Answer, Body, Change, Refusal};
use crate::form::{self, Form};
use crate::page;
use crate::room::{self, Outcome};
use crate::show;
use crate::visit::Visit;

/// `POST /auctions/{id}/bids`.
pub(crate) async fn bid<P: Ports>(ports: &P, exchange: &Exchange<'_>) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let amount = form.get("amount").to_owned();
    let body = match wanted(&form) {
        Ok(body) => body,
        Err(why) => {
            let refusal = Refusal::of(422, "invalid_money", &why);
            return refused(ports, exchange, &visit, refusal, amount).await;
        }
    };
    if !form.has("confirm") && looks_like_a_slip(ports, exchange, &visit, id, &body).await? {
        let refusal = Refusal::of(409, "confirmation_required", SLIP);
        return refused(ports, exchange, &visit, refusal, amount).await;
    }
    let target = format!("/v1/auctions/{id}/bids");
    let answer = post(ports, exchange, &visit, &target, form.get("key"), &body).await?;
    if form::is_from_script(exchange.request) {
        return passed_on(&visit, answer);
    }
    if answer.is_done() {
        let placed = Some(answer.json()?);
        return room::render(ports, exchange, &visit, Outcome { placed, ..Outcome::default() })
            .await;
    }
    refused(ports, exchange, &visit, answer.refusal(), amount).await
}

/// `POST /auctions/{id}/buy-now`.
pub(crate) async fn buy_now<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let target = format!("/v1/auctions/{id}/buy-now");
    let answer = post(ports, exchange, &visit, &target, form.get("key"), &json!({})).await?;
    if answer.is_done() && !form::is_from_script(exchange.request) {
        // As after a bid: with the receipt. Loaded again, the same form buys nothing more.
        let placed = Some(answer.json()?);
        return room::render(ports, exchange, &visit, Outcome { placed, ..Outcome::default() })
            .await;
    }
    done(ports, exchange, &visit, answer, "bought").await
}

/// `POST /auctions/{id}/retraction`; before the close of sealed bids they are withdrawn.
pub(crate) async fn retract<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let bid = form.get("bid");
    bid.parse::<kernel::Id<kernel::kind::Bid>>().map_err(|_| Problem::not_found())?;
    let api = visit.api(ports, exchange.request);
    let answer = if form.has("sealed") {
        let target = format!("/v1/auctions/{id}/bids/{bid}");
        let (method, body) = ("DELETE", Body::None);
        api.change(Change { method, target: &target, key: None, matching: None, body }).await?
    } else {
        let target = format!("/v1/auctions/{id}/bids/{bid}/retraction");
        api.post(&target, &json!({ "reason": form.get("reason") })).await?
    };
    done(ports, exchange, &visit, answer, "retracted").await
}

/// `POST /auctions/{id}/watch`.
pub(crate) async fn watch<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let watching = form.get("watching") != "no";
    let (method, sentence) = if watching { ("PUT", "watching") } else { ("DELETE", "unwatched") };
    let target = format!("/v1/me/watches/{id}");
    let api = visit.api(ports, exchange.request);
    let change = Change { method, target: &target, key: None, matching: None, body: Body::None };
    let answer = api.change(change).await?;
    done(ports, exchange, &visit, answer, sentence).await
}

/// `POST /auctions/{id}/offers/{offer_id}`.
pub(crate) async fn answer_offer<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let offer = exchange.parameter("offer_id");
    offer.parse::<kernel::Id<kernel::kind::Offer>>().map_err(|_| Problem::not_found())?;
    let visit = Visit::of(ports, exchange).await?;
    let form = Form::of(ports, exchange, &visit).await?;
    let (answer, sentence) = match form.get("answer") {
        "acceptance" => ("acceptance", "accepted"),
        _ => ("decline", "declined"),
    };
    let target = format!("/v1/auctions/{id}/second-chance-offers/{offer}/{answer}");
    let answer = visit.api(ports, exchange.request).post(&target, &json!({})).await?;
    done(ports, exchange, &visit, answer, sentence).await
}

/// `POST /auctions/{id}/ticket`: what opens a socket once, for a script that cannot read the
/// visitor's token.
pub(crate) async fn ticket<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let visit = Visit::of(ports, exchange).await?;
    Form::of(ports, exchange, &visit).await?;
    let api = visit.api(ports, exchange.request);
    let answer = api.post("/v1/live-tickets", &json!({ "auction_id": id })).await?;
    passed_on(&visit, answer)
}

/// Would the API rather that a person is asked first? It takes such a bid from programs.
async fn looks_like_a_slip<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    id: &str,
    body: &Value,
) -> Result<bool, Problem> {
    #[derive(serde::Deserialize)]
    struct Preview {
        confirmation_advised: bool,
    }
    let target = format!("/v1/auctions/{id}/bids:preview");
    let answer = visit.api(ports, exchange.request).post(&target, body).await?;
    Ok(answer.is_done() && answer.json::<Preview>()?.confirmation_advised)
}

/// The body of a bid.
fn wanted(form: &Form) -> Result<Value, String> {
    let currency = form.get("currency").parse();
    let currency = currency.map_err(|_| "That is no currency.".to_owned())?;
    let amount = form.money("amount", currency)?.ok_or("Say an amount.")?;
    let mut body = json!({ "amount": amount });
    let mut set = |name: &str, value: Value| {
        if let Some(members) = body.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if form.has("confirm") {
        set("confirm", json!(true));
    }
    if form.has("quantity") {
        let quantity: u32 =
            form.get("quantity").parse().map_err(|_| "Say a number of units.".to_owned())?;
        set("quantity", json!(quantity));
        if form.has("all") {
            set("min_quantity", json!(quantity));
        }
    }
    Ok(body)
}

async fn post<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    target: &str,
    key: &str,
    body: &Value,
) -> Result<Answer, Problem> {
    let (method, key, body) = ("POST", Some(key), Body::Json(body));
    let change = Change { method, target, key, matching: None, body };
    visit.api(ports, exchange.request).change(change).await
}

/// To the room, or what was refused in it.
async fn done<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    answer: Answer,
    sentence: &str,
) -> Result<Response, Problem> {
    if form::is_from_script(exchange.request) {
        return passed_on(visit, answer);
    }
    if answer.is_done() {
        let id = room::id(exchange)?;
        return Ok(page::go(visit, format!("/auctions/{id}?done={sentence}")));
    }
    refused(ports, exchange, visit, answer.refusal(), String::new()).await
}

async fn refused<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
    visit: &Visit,
    refusal: Refusal,
    amount: String,
) -> Result<Response, Problem> {
    if form::is_from_script(exchange.request) {
        return Err(refusal.into_problem());
    }
    if refusal.status == 401 {
        let (id, amount) = (room::id(exchange)?, show::encoded(&amount));
        let amount = if amount.is_empty() { amount } else { format!("?amount={amount}") };
        return Ok(page::to_sign_in(visit, &format!("/auctions/{id}{amount}")));
    }
    let refusal = Some(refusal);
    room::render(ports, exchange, visit, Outcome { refusal, amount, ..Outcome::default() }).await
}

/// What the API said, word for word.
fn passed_on(visit: &Visit, answer: Answer) -> Result<Response, Problem> {
    let status = answer.status();
    let kind = if status < 400 { "application/json" } else { "application/problem+json" };
    let again = answer.header("retry-after").map(str::to_owned);
    let response = Response { body: answer.into_body(), ..Response::empty(status) };
    let response = visit.keep(response.with("content-type", kind));
    Ok(match again {
        Some(seconds) => response.with("retry-after", seconds),
        None => response,
    })
}

const SLIP: &str = "This is at least ten times as much as the next bid has to be. Did you mean it?";
