//! What sellers do with their auctions, by the forms of the page. The hidden field `do` says which
//! of them was sent; whether it may be done the API decides.

use ports::Ports;
use serde_json::{Value, json};
use web::{Exchange, Problem, Response};

use super::faults::{Faults, Field};
use super::manage::{self, Came};
use crate::api::{Answer, Api, Auction, Body, Change};
use crate::form::Form;
use crate::page;
use crate::room;
use crate::sign;
use crate::visit::Visit;

/// What is asked of the API for a form.
struct Wish {
    method: &'static str,
    /// Behind the auction's own path.
    path: String,
    body: Option<Value>,
    /// `If-Match`.
    tag: Option<String>,
    key: Option<String>,
    /// Names the sentence that follows.
    done: &'static str,
}

/// `POST /sell/{id}`.
pub(crate) async fn change<P: Ports>(
    ports: &P,
    exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    let id = room::id(exchange)?;
    let mut visit = Visit::of(ports, exchange).await?;
    let home = format!("/sell/{id}");
    let form = Form::typed(ports, exchange)?;
    if visit.person.is_none() {
        return sign::over(ports, exchange, &visit, &home, &form);
    }
    if form.admit(&visit).is_err() {
        let came = Came { status: 403, typed: form, faults: Faults::one("", super::STALE) };
        return manage::render(ports, exchange, &visit, came).await;
    }
    let api = visit.api(ports, exchange.request);
    let (status, faults) = match wish(&api, id, &form).await? {
        Err(faults) => (422, faults),
        Ok(wish) => {
            let answer = ask(&api, id, &wish).await?;
            if answer.is_done() {
                let to = if wish.done == "deleted" { "/my/auctions" } else { &home };
                return Ok(page::go(&visit, format!("{to}?done={}", wish.done)));
            }
            let refusal = answer.refusal();
            if refusal.status == 401 {
                visit.lapse(ports, exchange.request).await?;
            }
            match (refusal.status, &visit.person) {
                (401, None) => return sign::over(ports, exchange, &visit, &home, &form),
                (401, Some(_)) => (403, Faults::one("", super::STALE)),
                (status, _) => (status, Faults::refused(&refusal, FIELDS)),
            }
        }
    };
    manage::render(ports, exchange, &visit, Came { status, typed: form, faults }).await
}

/// What a form asks for, or what is wrong with it.
async fn wish<P: Ports>(
    api: &Api<'_, P>,
    id: &str,
    form: &Form,
) -> Result<Result<Wish, Faults>, Problem> {
    let text = |name: &str| form.raw(name).replace("\r\n", "\n").trim().to_owned();
    let tag = || Some(form.get("tag").to_owned());
    let wish = match form.get("do") {
        "edit" => {
            let body = json!({
                "title": form.get("title"),
                "description": text("description"),
                "category": form.get("category"),
            });
            Wish { tag: tag(), ..Wish::of("PATCH", "", Some(body), "changed") }
        }
        "add" => {
            let body = json!({ "description_addition": text("addition") });
            // It takes nothing from anybody: the auction may have changed meanwhile.
            let now = api.get(&format!("/v1/auctions/{id}")).await?;
            let tag = now.header("etag").map(str::to_owned);
            Wish { tag, ..Wish::of("PATCH", "", Some(body), "added") }
        }
        "reserve" => match lower(api, id, form).await? {
            Ok(body) => Wish::of("PATCH", "/reserve", Some(body), "reserve"),
            Err(faults) => return Ok(Err(faults)),
        },
        "cancel" => {
            let body = json!({ "reason": form.get("reason") });
            Wish::of("POST", "/cancellation", Some(body), "cancelled")
        }
        "delete" => Wish { tag: tag(), ..Wish::of("DELETE", "", None, "deleted") },
        "block" => bidder("PUT", form, "blocked")?,
        "unblock" => bidder("DELETE", form, "unblocked")?,
        "cancel_bids" => {
            let bid = form.get("bid");
            bid.parse::<kernel::Id<kernel::kind::Bid>>().map_err(|_| Problem::not_found())?;
            let body = json!({ "reason": "cancelled_by_seller" });
            let path = format!("/bids/{bid}/retraction");
            Wish::of("POST", &path, Some(body), "bids-cancelled")
        }
        "offer" => {
            let days: u8 = form.get("days").parse().unwrap_or_default();
            let body = json!({ "bidder": form.get("bidder"), "days": days });
            let key = Some(form.get("key").to_owned());
            Wish { key, ..Wish::of("POST", "/second-chance-offers", Some(body), "offered") }
        }
        _ => return Err(Problem::not_found()),
    };
    Ok(Ok(wish))
}

impl Wish {
    fn of(method: &'static str, path: &str, body: Option<Value>, done: &'static str) -> Self {
        Self { method, path: path.to_owned(), body, tag: None, key: None, done }
    }
}

async fn ask<P: Ports>(api: &Api<'_, P>, id: &str, wish: &Wish) -> Result<Answer, Problem> {
    let target = format!("/v1/auctions/{id}{}", wish.path);
    let change = Change {
        method: wish.method,
        target: &target,
        key: wish.key.as_deref(),
        matching: wish.tag.as_deref(),
        body: wish.body.as_ref().map_or(Body::None, Body::Json),
    };
    api.change(change).await
}

/// Keeps a bidder from bidding, or lets it.
fn bidder(method: &'static str, form: &Form, done: &'static str) -> Result<Wish, Problem> {
    let alias = form.get("bidder");
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // Nothing but a name becomes part of a path.
    if alias.is_empty() || !alias.bytes().all(is_known) {
        return Err(Problem::not_found());
    }
    Ok(Wish::of(method, &format!("/blocked-bidders/{alias}"), None, done))
}

/// The body of a lower reserve, in the currency of the auction.
async fn lower<P: Ports>(
    api: &Api<'_, P>,
    id: &str,
    form: &Form,
) -> Result<Result<Value, Faults>, Problem> {
    let auction: Auction = api.read(&format!("/v1/auctions/{id}")).await?;
    let fault = |why: String| Faults::one("reserve_price", why);
    Ok(match form.money("reserve_price", auction.start_price.currency) {
        Ok(Some(amount)) => Ok(json!({ "amount": amount })),
        Ok(None) => Err(fault("Say an amount.".to_owned())),
        Err(why) => Err(fault(why)),
    })
}

/// Pointers of the API, fields of the page, and what people call them.
pub(super) const FIELDS: &[Field] = &[
    ("/title", "title", "Title"),
    ("/description", "description", "Description"),
    ("/category", "category", "Category"),
    ("/description_addition", "addition", "Addition"),
    ("/amount", "reserve_price", "Reserve"),
    ("/reason", "reason", "Reason"),
    ("/bidder", "offer-to", "Bidder"),
    ("/days", "days", "Days"),
    ("-", "picture", "Picture"),
];
